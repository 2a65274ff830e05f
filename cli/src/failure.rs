//! Why a command failed, in the parts that a person needs: what, where, and what to do next.

use std::fmt;

use crate::exit::Exit;
use crate::text::visible;

/// What every step of a command answers with.
pub type Result<T> = std::result::Result<T, Box<Failure>>;

/// A failed command. It never holds a credential or an external ID.
#[derive(Debug, PartialEq, Eq)]
pub struct Failure {
    /// How the process ends.
    pub exit: Exit,
    /// What failed.
    pub what: String,
    /// More about it.
    pub detail: Option<String>,
    /// What is wrong with each field of the request.
    pub fields: Vec<FieldFailure>,
    /// The status of the answer that refused, if there was one.
    pub status: Option<u16>,
    /// The API's stable code.
    pub code: Option<String>,
    /// What leads the API's operator to the cause.
    pub request_id: Option<String>,
    /// What to do now.
    pub next: Option<String>,
}

/// What is wrong with one field of a request.
#[derive(Debug, PartialEq, Eq)]
pub struct FieldFailure {
    /// The field as a JSON pointer.
    pub pointer: String,
    /// What is wrong with it.
    pub detail: String,
}

impl Failure {
    /// A failure that ends the process with `exit`.
    pub fn new(exit: Exit, what: impl Into<String>) -> Box<Self> {
        Box::new(Self {
            exit,
            what: what.into(),
            detail: None,
            fields: Vec::new(),
            status: None,
            code: None,
            request_id: None,
            next: None,
        })
    }

    /// The command line or the configuration is wrong.
    pub fn usage(what: impl Into<String>) -> Box<Self> {
        Self::new(Exit::Usage, what)
    }

    /// Something that should not happen.
    pub fn unexpected(what: impl Into<String>) -> Box<Self> {
        Self::new(Exit::Refused, what)
    }

    /// The same failure with more about it.
    pub fn because(mut self: Box<Self>, detail: impl Into<String>) -> Box<Self> {
        self.detail = Some(detail.into());
        self
    }

    /// The same failure with what to do now.
    pub fn next(mut self: Box<Self>, step: impl Into<String>) -> Box<Self> {
        self.next = Some(step.into());
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", visible(&self.what))?;
        if let Some(detail) = &self.detail {
            write!(f, "\n  {}", visible(detail))?;
        }
        for field in &self.fields {
            let pointer = if field.pointer.is_empty() { "(whole body)" } else { &field.pointer };
            write!(f, "\n  {}: {}", visible(pointer), visible(&field.detail))?;
        }
        if let Some(code) = &self.code {
            write!(f, "\n  code: {}", visible(code))?;
        }
        if let Some(request_id) = &self.request_id {
            write!(f, "\n  request id: {}", visible(request_id))?;
        }
        if let Some(next) = &self.next {
            write!(f, "\nnext: {}", visible(next))?;
        }
        Ok(())
    }
}

/// An error and its causes on one line.
pub fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let said = error.to_string();
        // Many errors repeat what caused them.
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        cause = error.source();
    }
    text
}
