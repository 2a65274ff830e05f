//! The one error of Drawbridge's: what a caller may know, apart from what only the logs may.
//!
//! Everything refuses with an [`Error`]; the HTTP API turns it into an answer in one place, the
//! queue functions into a retry or a drop. `detail` and `fields` are for the caller. The source,
//! if there is one, is for the logs alone.

use std::borrow::Cow;

/// Which sort of refusal it is. The HTTP API gives each its status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The request cannot be read (400).
    Malformed,
    /// The caller may not do this (403).
    Forbidden,
    /// There is no such thing, or it is somebody else's (404).
    NotFound,
    /// The state of the thing, or its owner, forbids it (409).
    Conflict,
    /// There was such a thing, and it has ended (410).
    Gone,
    /// The thing is not in the version that the caller has seen (412).
    Stale,
    /// Well-formed, but refused by a rule (422).
    Refused,
    /// Too many requests in too short a time (429).
    Throttled,
    /// Something Drawbridge depends on did not answer; the same call may go through later (503).
    Unavailable,
    /// Drawbridge is wrong, not the caller (500).
    Internal,
}

/// What is wrong with one field of a request.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FieldError {
    /// The field as a JSON pointer (RFC 6901); empty for the whole body.
    pub pointer: String,
    /// A stable code.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub code: Cow<'static, str>,
    /// What is wrong, for people.
    pub detail: String,
}

impl FieldError {
    /// A field error; `pointer` is a JSON pointer.
    pub fn new(pointer: impl Into<String>, code: &'static str, detail: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), code: Cow::Borrowed(code), detail: detail.into() }
    }

    /// The same error, found below `prefix`.
    #[must_use]
    pub fn below(mut self, prefix: &str) -> Self {
        self.pointer.insert_str(0, prefix);
        self
    }
}

type Source = Box<dyn std::error::Error + Send + Sync>;

/// A refusal or a failure.
#[derive(Debug, thiserror::Error)]
#[error("{code}: {detail}")]
pub struct Error {
    /// Which sort of refusal it is.
    pub kind: ErrorKind,
    /// A stable code that programs may decide by.
    pub code: &'static str,
    /// What is wrong and how to mend it, for the caller. Never holds a secret.
    pub detail: String,
    /// The fields at fault, if it is about fields.
    pub fields: Vec<FieldError>,
    /// After how many seconds the same request may go through, where that is known.
    pub retry_after: Option<u32>,
    /// What failed underneath, for the logs.
    #[source]
    pub source: Option<Source>,
}

impl Error {
    /// An error with a code and a text for the caller.
    pub fn new(kind: ErrorKind, code: &'static str, detail: impl Into<String>) -> Self {
        Self { kind, code, detail: detail.into(), fields: Vec::new(), retry_after: None, source: None }
    }

    /// A request with one field at fault: 400 under the field's own code.
    #[must_use]
    pub fn invalid(field: FieldError) -> Self {
        let code = match field.code {
            Cow::Borrowed(code) => code,
            Cow::Owned(_) => "invalid_request",
        };
        let detail = field.detail.clone();
        Self { fields: vec![field], ..Self::new(ErrorKind::Malformed, code, detail) }
    }

    /// A request with several fields at fault, under the code they share or `invalid_request`.
    #[must_use]
    pub fn invalid_fields(mut fields: Vec<FieldError>) -> Self {
        if fields.len() == 1 {
            return Self::invalid(fields.remove(0));
        }
        let code = match fields.split_first() {
            Some((FieldError { code: Cow::Borrowed(code), .. }, rest))
                if rest.iter().all(|field| field.code == *code) =>
            {
                code
            }
            _ => "invalid_request",
        };
        let detail = format!("{} fields cannot be accepted; `errors` says which and why", fields.len());
        Self { fields, ..Self::new(ErrorKind::Malformed, code, detail) }
    }

    /// There is no such thing.
    #[must_use]
    pub fn not_found(what: &str) -> Self {
        Self::new(ErrorKind::NotFound, "not_found", format!("there is no such {what}"))
    }

    /// The state of a connection forbids it.
    pub fn conflict(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(ErrorKind::Conflict, code, detail)
    }

    /// Well-formed, but refused by a rule.
    pub fn refused(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(ErrorKind::Refused, code, detail)
    }

    /// Too many requests; the same one may go through after so many seconds.
    pub fn throttled(code: &'static str, detail: impl Into<String>, retry_after: u32) -> Self {
        Self { retry_after: Some(retry_after), ..Self::new(ErrorKind::Throttled, code, detail) }
    }

    /// Something Drawbridge depends on did not answer.
    pub fn unavailable(source: impl Into<Source>) -> Self {
        let detail = "a service that Drawbridge depends on did not answer; try again";
        Self {
            source: Some(source.into()),
            ..Self::new(ErrorKind::Unavailable, "dependency_unavailable", detail)
        }
    }

    /// Drawbridge is wrong.
    pub fn internal(source: impl Into<Source>) -> Self {
        let detail = "Drawbridge failed; the request id leads its operator to the cause";
        Self { source: Some(source.into()), ..Self::new(ErrorKind::Internal, "internal_error", detail) }
    }

    /// The same refusal, said of the field at `pointer`.
    #[must_use]
    pub fn at(mut self, pointer: &str) -> Self {
        if self.fields.is_empty() {
            let field = FieldError::new(pointer, self.code, self.detail.clone());
            self.fields.push(field);
        } else {
            self.fields = self.fields.into_iter().map(|field| field.below(pointer)).collect();
        }
        self
    }

    /// The error and its causes on one line, for the logs.
    #[must_use]
    pub fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            text.push_str(": ");
            text.push_str(&error.to_string());
            cause = error.source();
        }
        text
    }
}
