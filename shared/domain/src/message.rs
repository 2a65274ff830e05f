//! What stands on the onboarding queue.
//!
//! Messages name things and never describe them: the table is the truth, and a message that comes
//! late, twice or out of order finds there that its work is done.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::id::{ConnectionId, VerificationId};

/// One message of the onboarding queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum OnboardingMessage {
    /// Take the next step of a verification.
    Verify(VerifyStep),
}

/// One step of a verification.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VerifyStep {
    /// Whose verification.
    pub connection_id: ConnectionId,
    /// Which of its verifications.
    pub verification_id: VerificationId,
    /// Which step, from 0. Only the step that the table expects is taken.
    pub step: u32,
    /// When waiting ends, so that no message can go round for ever.
    pub deadline: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_read_back_and_nothing_else_is_read() {
        let message = OnboardingMessage::Verify(VerifyStep {
            connection_id: ConnectionId::new(Timestamp::UNIX_EPOCH, [1; 10]),
            verification_id: VerificationId::new(Timestamp::UNIX_EPOCH, [2; 10]),
            step: 3,
            deadline: Timestamp::UNIX_EPOCH,
        });
        let text = serde_json::to_string(&message).unwrap();
        assert_eq!(serde_json::from_str::<OnboardingMessage>(&text).unwrap(), message);
        for broken in [
            "",
            "{}",
            r#"{"kind":"verify"}"#,
            &text.replace("verify\"", "other\""),
            &text.replace("\"step\":3", "\"step\":-1"),
            &text.replace("\"step\":3", "\"step\":3,\"external_id\":\"x\""),
        ] {
            assert!(serde_json::from_str::<OnboardingMessage>(broken).is_err(), "{broken}");
        }
    }
}
