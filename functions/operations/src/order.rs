//! What is asked for, as operations and plans read it.

use domain::operation::{LONGEST_REASON, Order};
use domain::{Action, Error, FieldError, Region};
use web::body::{noted, required};

/// Reads what is asked for, and names every field that is wrong.
///
/// # Errors
/// 400 `missing_field`, `unknown_action`, `invalid_region`, `invalid_reason`.
pub(crate) fn read_order(
    action: Option<String>,
    region: Option<String>,
    dry_run: bool,
    reason: Option<String>,
) -> Result<Order, Error> {
    let mut errors = Vec::new();
    let action = required(action, "action", &mut errors);
    let action = action.and_then(|text| noted(text.parse::<Action>(), "/action", &mut errors));
    let region = required(region, "region", &mut errors);
    let region = region.and_then(|text| noted(text.parse::<Region>(), "/region", &mut errors));
    if reason.as_ref().is_some_and(|reason| reason.chars().count() > LONGEST_REASON) {
        let detail = format!("a reason has {LONGEST_REASON} characters at most");
        errors.push(FieldError::new("/reason", "invalid_reason", detail));
    }
    match (action, region, errors.is_empty()) {
        (Some(action), Some(region), true) => Ok(Order { action, region, dry_run, reason }),
        _ => Err(Error::invalid_fields(errors)),
    }
}
