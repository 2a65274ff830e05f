//! What a connection is for, as requests say it.

use std::collections::BTreeSet;

use domain::customer::{is_one_line, one_line_rule};
use domain::{Capability, CapabilitySet, Deployment, Error, FieldError, Region};

use web::body::noted;

/// Longest label, in characters.
const MAX_LABEL: usize = 200;
/// Most Regions of one connection: more than AWS has.
const MAX_REGIONS: usize = 64;
/// Most capabilities in one request: each could stand there once.
const MAX_CAPABILITIES: usize = Capability::ALL.len();

/// Notes what is wrong with a label.
pub(crate) fn check_label(label: Option<&str>, errors: &mut Vec<FieldError>) {
    if label.is_some_and(|label| !is_one_line(label, MAX_LABEL)) {
        errors.push(FieldError::new("/label", "invalid_label", one_line_rule("a label", MAX_LABEL)));
    }
}

/// Reads names of capabilities, and notes what is wrong with them.
pub(crate) fn read_capabilities(names: &[String], errors: &mut Vec<FieldError>) -> Option<Vec<Capability>> {
    read_list(names, "/capabilities", MAX_CAPABILITIES, errors)
}

/// The capabilities as a set that may be asked for.
pub(crate) fn capability_set(capabilities: Vec<Capability>) -> Result<CapabilitySet, Error> {
    CapabilitySet::new(capabilities).map_err(|error| error.at("/capabilities"))
}

/// Reads names of Regions, and notes what is wrong with them.
pub(crate) fn read_regions(
    names: &[String],
    deployment: &Deployment,
    errors: &mut Vec<FieldError>,
) -> Option<BTreeSet<Region>> {
    let regions: Vec<Region> = read_list(names, "/regions", MAX_REGIONS, errors)?;
    if regions.is_empty() {
        let detail = "name at least one Region";
        errors.push(FieldError::new("/regions", "regions_empty", detail));
    }
    for (place, region) in regions.iter().enumerate() {
        if region.partition() != deployment.partition {
            let detail = format!("this installation reaches Regions of {} alone", deployment.partition);
            let pointer = format!("/regions/{place}");
            errors.push(FieldError::new(pointer, "region_partition_unsupported", detail));
        }
    }
    Some(regions.into_iter().collect())
}

fn read_list<T: std::str::FromStr<Err = Error>>(
    names: &[String],
    at: &str,
    most: usize,
    errors: &mut Vec<FieldError>,
) -> Option<Vec<T>> {
    if names.len() > most {
        errors.push(FieldError::new(at, "too_many_items", format!("at most {most} items")));
        return None;
    }
    let read: Vec<Option<T>> = names
        .iter()
        .enumerate()
        .map(|(place, name)| noted(name.parse(), &format!("{at}/{place}"), errors))
        .collect();
    read.into_iter().collect()
}
