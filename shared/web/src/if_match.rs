//! `If-Match`: changes only what the caller has seen.

use axum::extract::FromRequestParts;
use axum::http::header::IF_MATCH;
use axum::http::request::Parts;
use domain::{Error, ErrorKind, FieldError};

use crate::problem::Refused;

/// The version that the caller has seen, if the request says one.
#[derive(Debug, Clone, Copy)]
pub struct IfMatch(Option<u64>);

impl<S: Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Refused> {
        let Some(value) = parts.headers.get(IF_MATCH) else { return Ok(Self(None)) };
        let text = value.to_str().unwrap_or_default().trim();
        let version = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        match version.and_then(|version| version.parse().ok()) {
            Some(version) => Ok(Self(Some(version))),
            None if text == "*" => Ok(Self(None)),
            None => {
                let detail = "If-Match is a version in quotes, such as \"3\"";
                Err(Error::invalid(FieldError::new("", "invalid_if_match", detail)).into())
            }
        }
    }
}

impl IfMatch {
    /// Refuses another version than the caller has seen.
    ///
    /// # Errors
    /// 412 `version_mismatch`.
    pub fn check(self, version: u64) -> Result<(), Error> {
        match self.0 {
            Some(seen) if seen != version => Err(Error::new(
                ErrorKind::Stale,
                "version_mismatch",
                format!("this is version {version} by now, not {seen}; read it again and decide anew"),
            )),
            _ => Ok(()),
        }
    }
}
