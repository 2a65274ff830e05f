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
    noted(check_reason(reason.as_deref()), "", &mut errors);
    match (action, region, errors.is_empty()) {
        (Some(action), Some(region), true) => Ok(Order { action, region, dry_run, reason }),
        _ => Err(Error::invalid_fields(errors)),
    }
}

/// Refuses a reason that is too long.
///
/// # Errors
/// 400 `invalid_reason`.
pub(crate) fn check_reason(reason: Option<&str>) -> Result<(), Error> {
    if reason.is_none_or(|reason| reason.chars().count() <= LONGEST_REASON) {
        return Ok(());
    }
    let detail = format!("a reason has {LONGEST_REASON} characters at most");
    Err(Error::invalid(FieldError::new("/reason", "invalid_reason", detail)))
}
