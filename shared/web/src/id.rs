//! Ids in paths. What is no id names nothing, so it is answered like an id that nobody has.

use std::str::FromStr;

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use domain::{
    BackupId, ConnectionId, CustomerId, Error, OperationId, PlanId, ReconciliationId, RunId, ScheduleId,
};

use crate::problem::Refused;

/// The one id in a path.
#[derive(Debug)]
pub struct Id<T>(pub T);

/// What an id names, for people.
pub trait Names {
    /// As in "there is no such …".
    const WHAT: &'static str;
}

impl Names for CustomerId {
    const WHAT: &'static str = "customer";
}

impl Names for ConnectionId {
    const WHAT: &'static str = "connection";
}

impl Names for OperationId {
    const WHAT: &'static str = "operation";
}

impl Names for PlanId {
    const WHAT: &'static str = "plan";
}

impl Names for BackupId {
    const WHAT: &'static str = "backup";
}

impl Names for ReconciliationId {
    const WHAT: &'static str = "reconciliation";
}

impl Names for ScheduleId {
    const WHAT: &'static str = "schedule";
}

impl Names for RunId {
    const WHAT: &'static str = "run";
}

impl<S: Send + Sync, T: FromStr + Names> FromRequestParts<S> for Id<T> {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refused> {
        let unknown = || Refused::from(Error::not_found(T::WHAT));
        let Path(text) = Path::<String>::from_request_parts(parts, state).await.map_err(|_| unknown())?;
        text.parse().map(Self).map_err(|_| unknown())
    }
}
