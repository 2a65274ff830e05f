//! Query strings: known parameters, once each.

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use domain::{Error, FieldError};
use store::PageRequest;

use crate::problem::Refused;

/// Items of a page when the caller does not say.
const DEFAULT_LIMIT: u8 = 25;
/// Most items of a page.
const MAX_LIMIT: u8 = 100;

/// The parameters of a request, in their order.
#[derive(Debug)]
pub struct QueryString(Vec<(String, String)>);

impl<S: Send + Sync> FromRequestParts<S> for QueryString {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refused> {
        let query = Query::<Vec<(String, String)>>::from_request_parts(parts, state).await;
        query.map(|Query(pairs)| Self(pairs)).map_err(|_| {
            Error::invalid(FieldError::new("", "invalid_query", "the query string cannot be read")).into()
        })
    }
}

impl QueryString {
    /// Refuses parameters other than `known`, and any that stands twice.
    ///
    /// # Errors
    /// 400 `unknown_parameter`, `duplicate_parameter`.
    pub fn only(self, known: &[&str]) -> Result<Self, Error> {
        for (place, (name, _)) in self.0.iter().enumerate() {
            let pointer = format!("/{name}");
            if !known.contains(&name.as_str()) {
                let detail = format!("there is no parameter {name} here; there are {}", known.join(", "));
                return Err(Error::invalid(FieldError::new(pointer, "unknown_parameter", detail)));
            }
            if self.0[..place].iter().any(|(earlier, _)| earlier == name) {
                let detail = format!("{name} stands twice");
                return Err(Error::invalid(FieldError::new(pointer, "duplicate_parameter", detail)));
            }
        }
        Ok(self)
    }

    /// The value of a parameter; an empty one counts as absent.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// `limit` and `cursor`.
    ///
    /// # Errors
    /// 400 `invalid_limit`.
    pub fn page(&self) -> Result<PageRequest, Error> {
        let limit = match self.value("limit") {
            None => DEFAULT_LIMIT,
            Some(text) => {
                text.parse().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit)).ok_or_else(|| {
                    let detail = format!("limit is a number from 1 to {MAX_LIMIT}");
                    Error::invalid(FieldError::new("/limit", "invalid_limit", detail))
                })?
            }
        };
        Ok(PageRequest { limit, cursor: self.value("cursor").map(str::to_owned) })
    }
}
