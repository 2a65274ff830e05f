//! What schedules and runs are asked to do, as requests say it.

use std::collections::BTreeSet;

use domain::ec2_backup::Ec2Backup;
use domain::expression::Timezone;
use domain::kind::Kind;
use domain::retention::{Retention, RetentionParts};
use domain::selection::{Selection, SelectionParts};
use domain::{Deployment, Error, FieldError, Region};
use web::body::required;

use crate::scope::read_regions;

/// What is wrong with a request so far, so that one answer names all of it.
#[derive(Default)]
pub(crate) struct Faults {
    /// What cannot be read.
    malformed: Vec<FieldError>,
    /// What can be, and is refused by a rule.
    refused: Option<Error>,
}

impl Faults {
    /// Keeps what is sound, and notes what is wrong with what is not, under its pointer.
    pub fn read<T>(&mut self, read: Result<T, Error>, at: &str) -> Option<T> {
        match read.map_err(|error| error.at(at)) {
            Ok(value) => return Some(value),
            Err(error) if error.kind == domain::ErrorKind::Malformed => self.malformed.extend(error.fields),
            Err(error) => match &mut self.refused {
                Some(refused) => refused.fields.extend(error.fields),
                None => self.refused = Some(error),
            },
        }
        None
    }

    /// A field that must be there.
    pub fn required<T>(&mut self, value: Option<T>, name: &str) -> Option<T> {
        required(value, name, &mut self.malformed)
    }

    /// Notes a field that is wrong.
    pub fn note(&mut self, field: FieldError) {
        self.malformed.push(field);
    }

    pub fn kind(&mut self, name: Option<String>) -> Option<Kind> {
        let name = self.required(name, "kind")?;
        self.read(name.parse(), "/kind")
    }

    /// A zone that is not named is UTC.
    pub fn timezone(&mut self, name: Option<String>) -> Option<Timezone> {
        name.map_or_else(|| Some(Timezone::default()), |name| self.read(name.parse(), "/timezone"))
    }

    pub fn regions(&mut self, names: Option<Vec<String>>, here: &Deployment) -> Option<BTreeSet<Region>> {
        read_regions(&names?, here, &mut self.malformed)
    }

    pub fn selection(&mut self, parts: SelectionParts) -> Option<Selection> {
        self.read(Selection::new(parts), "/select")
    }

    pub fn retention(&mut self, parts: Option<RetentionParts>) -> Option<Retention> {
        self.read(Retention::new(parts?), "/retention")
    }

    pub fn ec2_backup(&mut self, given: Option<Ec2Backup>) -> Option<Ec2Backup> {
        self.read(given?.read(), "/ec2_backup")
    }

    /// Everything that was noted. Where anything is malformed, all is.
    pub fn into_result(self) -> Result<(), Error> {
        let Self { mut malformed, refused } = self;
        match refused {
            Some(refused) if malformed.is_empty() => Err(refused),
            None if malformed.is_empty() => Ok(()),
            refused => {
                malformed.extend(refused.into_iter().flat_map(|error| error.fields));
                Err(Error::invalid_fields(malformed))
            }
        }
    }
}
