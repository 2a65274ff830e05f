//! Backups of tables: what runs ask of `DynamoDB` in a customer's account, each with the session policy
//! that lets it do that on those tables and backups, and nothing else.
//!
//! Sources: `DynamoDB` API Reference; Service Authorization Reference, "Actions, resources, and condition
//! keys for Amazon `DynamoDB`".

mod list;
mod look;
mod make;
pub(crate) mod manifest;
mod remove;

use access::CustomerSession;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use domain::credentials::LONGEST_SESSION_POLICY;
use domain::operation::Target;
use domain::policy::PolicyDocument;

use crate::operations::{deadline, failed_by, passing, unanswered};

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
pub(crate) fn heard<T, E>(
    session: &CustomerSession,
    asked: impl Future<Output = Result<T, SdkError<E>>>,
) -> impl Future<Output = Result<T, Unheard<E>>> {
    // A request of the SDK's is large, and whoever waits for several would hold all of them.
    let asked = Box::pin(asked);
    async move {
        match deadline::in_time(session, asked).await {
            Some(Ok(answer)) => Ok(answer),
            Some(Err(error)) => Err(Unheard::Error(Box::new(error))),
            None => Err(Unheard::TimeIsOver),
        }
    }
}

/// Why there was no answer to go by.
pub(crate) enum Unheard<E> {
    Error(Box<SdkError<E>>),
    TimeIsOver,
}

impl<E: ProvideErrorMetadata> Unheard<E> {
    /// AWS's own code for it.
    pub(crate) fn code(&self) -> Option<&str> {
        match self {
            Self::Error(error) => match error.as_ref() {
                SdkError::ServiceError(service) => service.err().code(),
                _ => None,
            },
            Self::TimeIsOver => None,
        }
    }

    /// Whether AWS has certainly not done what it was asked for: it said so, and did not fail itself. Source:
    /// `DynamoDB` Developer Guide, "Error handling with `DynamoDB`": what it answers with 5xx may have been
    /// done.
    pub(crate) fn is_refusal(&self) -> bool {
        let Self::Error(error) = self else { return false };
        match error.as_ref() {
            SdkError::ServiceError(service) => service.raw().status().is_client_error(),
            SdkError::ConstructionFailure(_) => true,
            _ => false,
        }
    }

    /// What it means to whoever asked about this resource.
    pub(crate) fn answer<T>(&self, resource: &str) -> Answer<T> {
        let target = self.target(resource);
        let later = passing(&target);
        let (code, detail) = (target.code.unwrap_or_default(), target.detail.unwrap_or_default());
        if later { Answer::Later { code } } else { Answer::Refused { code, detail } }
    }

    /// The same of a refusal that is known to pass.
    pub(crate) fn later<T>(&self) -> Answer<T> {
        Answer::Later { code: self.target("").code.unwrap_or_default() }
    }

    pub(crate) fn target(&self, resource: &str) -> Target {
        match self {
            Self::Error(error) => failed_by(resource.to_owned(), error.as_ref()),
            Self::TimeIsOver => unanswered(resource.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests;
