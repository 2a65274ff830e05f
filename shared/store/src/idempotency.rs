//! Idempotency keys: a request that is sent again has its first answer, and is not carried out
//! again.
//!
//! A key is claimed before the request is carried out. The answer is written in the same
//! transaction as what the request changes, so that a crash in between leaves neither or both. A
//! claim is a lease: after a crash the next one to send the request takes over.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{ReturnValuesOnConditionCheckFailure, TransactWriteItem};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::Error;
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest as _, Sha256};

use crate::Store;
use crate::failure::unexpected;
use crate::invites::expiry;
use crate::item::{Item, Key, number, text};

/// How long an answer is kept.
const KEPT: SignedDuration = SignedDuration::from_hours(24);
/// How long a request may take before another may take over: longer than a function runs.
const LEASE: SignedDuration = SignedDuration::from_secs(60);

/// Which request it is.
#[derive(Debug, Clone)]
pub struct RequestKey {
    hash: String,
    body_hash: String,
}

impl RequestKey {
    /// The key of a request: who sent it, what it asks for, the key they chose, and its body as it
    /// came.
    #[must_use]
    pub fn new(caller: &str, method: &str, path: &str, key: &str, body: &[u8]) -> Self {
        let mut digest = Sha256::new();
        for part in [caller, method, path, key] {
            // With its length, so that no two requests are written alike.
            digest.update(part.len().to_be_bytes());
            digest.update(part);
        }
        Self {
            hash: URL_SAFE_NO_PAD.encode(digest.finalize()),
            body_hash: URL_SAFE_NO_PAD.encode(Sha256::digest(body)),
        }
    }
}

/// A request's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body, without what is not kept.
    pub body: String,
}

/// What a claim has found.
#[derive(Debug)]
pub enum Claim {
    /// The request is the caller's to carry out.
    Mine(Claimed),
    /// It has been answered.
    Answered(Answer),
    /// The key belongs to a request with another body.
    Reused,
    /// It is being carried out.
    InProgress,
}

/// A claimed request.
#[derive(Debug, Clone)]
pub struct Claimed {
    hash: String,
    body_hash: String,
    token: String,
    expires_at: Timestamp,
    written: Arc<AtomicBool>,
}

impl Claimed {
    /// Its answer, to be written with what it changes.
    #[must_use]
    pub fn with(&self, answer: Answer) -> Completion {
        Completion { claimed: self.clone(), answer }
    }

    /// Whether its answer has been written.
    #[must_use]
    pub fn is_answered(&self) -> bool {
        self.written.load(Ordering::Relaxed)
    }
}

/// A claimed request and its answer.
#[derive(Debug, Clone)]
pub struct Completion {
    claimed: Claimed,
    answer: Answer,
}

/// The refusal of a request that is being carried out.
pub(crate) fn in_progress() -> Error {
    Error::conflict(
        "request_in_progress",
        "a request with this Idempotency-Key is being carried out; send it again in a moment",
    )
}

impl Store {
    /// Claims a request at `now`, unless it has been answered or is being carried out. `token` is
    /// made up for this attempt.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn claim_request(
        &self,
        request: &RequestKey,
        token: [u8; 16],
        now: Timestamp,
    ) -> Result<Claim, Error> {
        let claimed = Claimed {
            hash: request.hash.clone(),
            body_hash: request.body_hash.clone(),
            token: URL_SAFE_NO_PAD.encode(token),
            expires_at: now + KEPT,
            written: Arc::default(),
        };
        let mut item = claimed.item();
        item.insert("lease_until".to_owned(), expiry(now + LEASE));
        // DynamoDB removes what has expired within days, so the time is compared as well. A claim
        // that the SDK sent twice finds itself, but never undoes an answer when it comes late.
        let free = "attribute_not_exists(pk) OR expires_at <= :now OR \
                    (attribute_not_exists(answer_status) AND \
                    (#token = :token OR (lease_until <= :now AND body_hash = :body)))";
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item))
            .condition_expression(free)
            .expression_attribute_names("#token", "token")
            .expression_attribute_values(":now", expiry(now))
            .expression_attribute_values(":token", text(&claimed.token))
            .expression_attribute_values(":body", text(&request.body_hash))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        let Err(error) = put else { return Ok(Claim::Mine(claimed)) };
        let found = match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(failed)) => {
                failed.item().cloned().unwrap_or_default()
            }
            _ => return Err(unexpected(error)),
        };
        if found.get("body_hash") != Some(&text(&request.body_hash)) {
            return Ok(Claim::Reused);
        }
        let status = found.get("answer_status").and_then(|status| status.as_n().ok()?.parse().ok());
        let body = found.get("answer_body").and_then(|body| body.as_s().ok().cloned());
        Ok(match (status, body) {
            (Some(status), Some(body)) => Claim::Answered(Answer { status, body }),
            _ => Claim::InProgress,
        })
    }

    /// Writes the answer of a request that changed nothing.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn complete_request(&self, completion: &Completion) -> Result<(), Error> {
        let written = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(completion.item()))
            .condition_expression(OURS)
            .expression_attribute_names("#token", "token")
            .expression_attribute_values(":token", text(&completion.claimed.token))
            .send()
            .await;
        if settled(written)? {
            completion.written();
        }
        Ok(())
    }

    /// Gives a request back that could not be carried out, so that it can be sent again at once.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn release_request(&self, claimed: &Claimed) -> Result<(), Error> {
        let deleted = self
            .client
            .delete_item()
            .table_name(&self.table)
            .set_key(Some(Key::idempotency(&claimed.hash).into_item()))
            .condition_expression(OURS)
            .expression_attribute_names("#token", "token")
            .expression_attribute_values(":token", text(&claimed.token))
            .send()
            .await;
        settled(deleted).map(|_| ())
    }

    /// The write of an answer, for a transaction with what the request changes.
    pub(crate) fn completing(&self, completion: &Completion) -> Result<TransactWriteItem, Error> {
        let mut put = self.put(
            completion.item(),
            Some(OURS),
            HashMap::from([(":token".to_owned(), text(&completion.claimed.token))]),
        )?;
        if let Some(put) = &mut put.put {
            put.expression_attribute_names = Some(HashMap::from([("#token".to_owned(), "token".to_owned())]));
        }
        Ok(put)
    }
}

/// The condition of whoever has claimed a request: nobody has taken over, and nobody has answered.
const OURS: &str = "#token = :token AND attribute_not_exists(answer_status)";

impl Claimed {
    fn item(&self) -> Item {
        let mut item = Key::idempotency(&self.hash).into_item();
        item.insert("body_hash".to_owned(), text(&self.body_hash));
        item.insert("token".to_owned(), text(&self.token));
        item.insert("expires_at".to_owned(), expiry(self.expires_at));
        item
    }
}

/// Whether a write was carried out. One that found that somebody else has taken over, or that it
/// was done before, changes nothing, as it should.
fn settled<T, E, R>(written: Result<T, aws_sdk_dynamodb::error::SdkError<E, R>>) -> Result<bool, Error>
where
    E: aws_sdk_dynamodb::error::ProvideErrorMetadata + std::error::Error + 'static,
    R: std::fmt::Debug + 'static,
{
    match written {
        Ok(_) => Ok(true),
        Err(error) if runtime::service_code(&error) == Some("ConditionalCheckFailedException") => Ok(false),
        Err(error) => Err(unexpected(error)),
    }
}

impl Completion {
    /// Notes that the transaction with the answer was carried out.
    pub(crate) fn written(&self) {
        self.claimed.written.store(true, Ordering::Relaxed);
    }

    fn item(&self) -> Item {
        let mut item = self.claimed.item();
        item.insert("answer_status".to_owned(), number(self.answer.status.into()));
        item.insert("answer_body".to_owned(), text(&self.answer.body));
        item
    }
}

#[cfg(test)]
mod tests;
