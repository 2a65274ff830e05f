//! Credentials of a role in somebody's account: where they come from, and what carries them on.
//!
//! They are held in memory, printed or given to a child process if that was asked for, and never
//! written to a file.

mod assume;
mod environment;
mod issue;
mod refused;
mod source;

use std::fmt;

use jiff::Timestamp;
use serde_json::{Value, json};

pub use environment::{FORGOTTEN, variables};
pub use source::{SessionSource, Settings};

/// Credentials, and what is known of them.
#[derive(Clone, PartialEq, Eq)]
#[expect(clippy::struct_field_names, reason = "the names are AWS's")]
pub struct Session {
    /// The access key's id.
    pub access_key_id: String,
    /// The secret of it.
    pub secret_access_key: String,
    /// The session's token.
    pub session_token: String,
    /// When they end.
    pub expires_at: Timestamp,
    /// The role whose session they are.
    pub role_arn: String,
    /// What the session is called in the account's CloudTrail.
    pub name: String,
    /// The one Region that they are for, if it is one.
    pub region: Option<String>,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("name", &self.name)
            .field("keys", &"[redacted]")
            .finish_non_exhaustive()
    }
}

impl Session {
    /// The account that they are good in.
    pub fn account(&self) -> &str {
        self.role_arn.split(':').nth(4).unwrap_or_default()
    }

    /// The partition that the account is in.
    pub fn partition(&self) -> &str {
        self.role_arn.split(':').nth(1).unwrap_or_default()
    }

    /// As a program answers that AWS's tools ask for credentials.
    ///
    /// Source: AWS SDKs and Tools Reference Guide, "Process credential provider".
    pub fn to_process(&self) -> Value {
        json!({
            "Version": 1,
            "AccessKeyId": self.access_key_id,
            "SecretAccessKey": self.secret_access_key,
            "SessionToken": self.session_token,
            "Expiration": self.expires_at,
            "AccountId": self.account(),
        })
    }

    /// For programs that want to know more.
    pub fn to_json(&self) -> Value {
        json!({
            "access_key_id": self.access_key_id,
            "secret_access_key": self.secret_access_key,
            "session_token": self.session_token,
            "expires_at": self.expires_at,
            "account_id": self.account(),
            "role_arn": self.role_arn,
            "session_name": self.name,
            "region": self.region,
        })
    }

    /// One that tests use.
    #[cfg(test)]
    pub fn sample() -> Self {
        Self {
            access_key_id: "ASIAEXAMPLE".to_owned(),
            secret_access_key: "the-secret".to_owned(),
            session_token: "the-token".to_owned(),
            expires_at: Timestamp::constant(1_900_000_000, 0),
            role_arn: "arn:aws:iam::222222222222:role/path/customer".to_owned(),
            name: "drawbridge-crd_1".to_owned(),
            region: Some("eu-central-1".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_shows_no_secret() {
        let shown = format!("{:?}", Session::sample());
        assert!(shown.contains("drawbridge-crd_1"), "{shown}");
        for secret in ["ASIAEXAMPLE", "the-secret", "the-token"] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }

    #[test]
    fn programs_are_answered_in_the_form_that_they_ask_for() {
        let session = Session::sample();
        assert_eq!(
            session.to_process(),
            json!({
                "Version": 1, "AccessKeyId": "ASIAEXAMPLE", "SecretAccessKey": "the-secret",
                "SessionToken": "the-token", "Expiration": "2030-03-17T17:46:40Z", "AccountId": "222222222222",
            })
        );
        assert_eq!(session.to_json()["account_id"], "222222222222");
        assert_eq!(session.account(), "222222222222");
    }
}
