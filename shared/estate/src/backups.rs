//! Backups of tables: what runs ask of `DynamoDB` in a customer's account, each with the session policy
//! that lets it do that on those tables and backups, and nothing else.
//!
//! Sources: `DynamoDB` API Reference; Service Authorization Reference, "Actions, resources, and condition
//! keys for Amazon `DynamoDB`".

mod list;
mod look;
mod make;
mod manifest;
mod remove;

use access::CustomerSession;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use domain::credentials::LONGEST_SESSION_POLICY;
use domain::policy::PolicyDocument;

use crate::operations::{deadline, failed_by, passing};

pub use list::{TablePage, list_tables, planning_policy, tags};
pub use look::{Seen, describe, looking_policy};
pub use make::{Looked, Made, Taken, create, find, look, making_policy};
pub use remove::{delete, deleting_policy};

/// What AWS answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer<T> {
    /// What was asked for.
    Done(T),
    /// It throttled, failed or did not answer: the same may be asked again.
    Later {
        /// Why, in one word.
        code: String,
    },
    /// It refused.
    Refused {
        /// Why, in one word that programs may decide by.
        code: String,
        /// The same for people, with what mends it.
        detail: String,
    },
}

impl<T> Answer<T> {
    /// The same answer, with this made of what was asked for.
    pub fn map<U>(self, made: impl FnOnce(T) -> U) -> Answer<U> {
        match self {
            Self::Done(value) => Answer::Done(made(value)),
            Self::Later { code } => Answer::Later { code },
            Self::Refused { code, detail } => Answer::Refused { code, detail },
        }
    }
}

/// Whether a session can be limited to this, as far as its length tells; how large it is once it is packed,
/// AWS alone knows.
#[must_use]
pub fn fits(policy: &PolicyDocument) -> bool {
    policy.to_json().len() <= LONGEST_SESSION_POLICY
}

/// Waits for an answer, for as long as the session's work may take.
async fn heard<T, E, R>(
    session: &CustomerSession,
    asked: impl Future<Output = Result<T, SdkError<E, R>>>,
) -> Result<T, Unheard<E, R>> {
    match deadline::in_time(session, asked).await {
        Some(Ok(answer)) => Ok(answer),
        Some(Err(error)) => Err(Unheard::Error(Box::new(error))),
        None => Err(Unheard::TimeIsOver),
    }
}

/// Why there was no answer to go by.
enum Unheard<E, R> {
    Error(Box<SdkError<E, R>>),
    TimeIsOver,
}

impl<E: ProvideErrorMetadata, R> Unheard<E, R> {
    /// AWS's own code for it.
    fn code(&self) -> Option<&str> {
        match self {
            Self::Error(error) => match error.as_ref() {
                SdkError::ServiceError(service) => service.err().code(),
                _ => None,
            },
            Self::TimeIsOver => None,
        }
    }

    /// What it means to whoever asked about this resource.
    fn answer<T>(&self, resource: &str) -> Answer<T> {
        let Self::Error(error) = self else { return Answer::Later { code: "no_answer".to_owned() } };
        let target = failed_by(resource.to_owned(), error.as_ref());
        let later = passing(&target);
        let code = target.code.unwrap_or_default();
        if later {
            Answer::Later { code }
        } else {
            Answer::Refused { code, detail: target.detail.unwrap_or_default() }
        }
    }
}

#[cfg(test)]
mod tests;
