//! Offboarding: access is taken away, and shown to be gone.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::grant::Shard;
use crate::id::{ConnectionId, OffboardingId};
use crate::message::OffboardStep;
use crate::proof::ProbeOutcome;
use crate::reason::ReasonCode;
use crate::steps::Steps;

/// How long a session of a customer's role can last: brokers' sessions are chained, and AWS ends
/// those after an hour. Source: IAM User Guide, "Roles terms and concepts", "Role chaining".
pub const LONGEST_SESSION: SignedDuration = SignedDuration::from_hours(1);

/// An offboarding that goes on, or the latest attempt at it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offboarding {
    /// Which one.
    pub id: OffboardingId,
    /// How far it has come.
    pub steps: Steps,
    /// The grant that named the role, by whose broker the role is tried; none where there was none.
    pub shard: Option<Shard>,
    /// Whether the connection owns its role, until it has ended.
    pub owns_role: bool,
    /// When the grant was seen removed, as [`Receipt::grant_removed_at`] means it.
    pub grant_removed_at: Option<Timestamp>,
    /// When AWS refused the role, in a row and up to now.
    pub refusals: Vec<Timestamp>,
}

/// What follows from one attempt to assume the role after its grant was removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccessVerdict {
    /// Refused often enough: access is gone.
    Gone,
    /// Refused; ask again after the agreement interval, for IAM's servers learn one by one.
    AskAgain,
    /// Allowed, or not answered; ask again after a short delay.
    TryAgain,
    /// It still answers, or nothing could be found out, at the deadline.
    Stalled(ReasonCode),
}

impl Offboarding {
    /// The message that takes its next step.
    #[must_use]
    pub fn next_message(&self, connection_id: ConnectionId) -> OffboardStep {
        OffboardStep {
            connection_id,
            offboarding_id: self.id,
            step: self.steps.step,
            deadline: self.steps.deadline,
        }
    }

    /// Judges one more answer; `rounds` refusals in a row are wanted.
    #[must_use]
    pub fn judge(&self, outcome: ProbeOutcome, rounds: u32, now: Timestamp) -> AccessVerdict {
        let late = self.steps.is_late(now);
        match outcome {
            ProbeOutcome::Denied if self.refusals.len() + 1 >= rounds.try_into().unwrap_or(usize::MAX) => {
                AccessVerdict::Gone
            }
            ProbeOutcome::Denied => AccessVerdict::AskAgain,
            ProbeOutcome::Allowed if late => AccessVerdict::Stalled(ReasonCode::RoleStillAssumable),
            ProbeOutcome::Inconclusive if late => AccessVerdict::Stalled(ReasonCode::ProbeInconclusive),
            ProbeOutcome::Allowed | ProbeOutcome::Inconclusive => AccessVerdict::TryAgain,
        }
    }

    /// The same a step further, after a refusal or after something else.
    #[must_use]
    pub fn advanced(&self, now: Timestamp, outcome: Option<ProbeOutcome>) -> Self {
        let mut next = Self { steps: self.steps.advanced(now), ..self.clone() };
        match outcome {
            Some(ProbeOutcome::Denied) => next.refusals.push(now),
            // One server that still allows it undoes what the others said.
            Some(ProbeOutcome::Allowed) => next.refusals.clear(),
            Some(ProbeOutcome::Inconclusive) | None => {}
        }
        next
    }
}

/// The proof that access has ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Receipt {
    /// When the broker's policy was seen not to name the role any more; null where there was no
    /// grant. Where another connection owns the role, whose grant stays, it is when this
    /// connection's hold on it had ended.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub grant_removed_at: Option<Timestamp>,
    /// When AWS was last seen to refuse the role to Drawbridge's broker; null where there was no grant.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub assume_role_refused_at: Option<Timestamp>,
    /// When the last session that can have been given out has ended at the latest; null where there
    /// was no grant.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub last_session_expires_at: Option<Timestamp>,
    /// What stays in the customer's account.
    pub leftovers: Vec<Leftover>,
}

/// Something that stays in the customer's account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Leftover {
    /// What it is.
    pub kind: LeftoverKind,
    /// Which one: an ARN.
    pub id: String,
    /// What to do with it.
    pub advice: String,
}

/// What can stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum LeftoverKind {
    /// The customer's role.
    IamRole,
}

#[cfg(test)]
mod tests {
    use super::*;
    use ProbeOutcome::{Allowed, Denied, Inconclusive};
    use proptest::prelude::*;
    use proptest::sample::select;

    const NOW: Timestamp = Timestamp::constant(1_000_000, 0);
    const DEADLINE: Timestamp = Timestamp::constant(1_000_300, 0);

    fn begun() -> Offboarding {
        Offboarding {
            id: OffboardingId::new(NOW, [1; 10]),
            steps: Steps::start(NOW, DEADLINE),
            shard: Shard::new(1),
            owns_role: true,
            grant_removed_at: Some(NOW),
            refusals: vec![],
        }
    }

    proptest! {
        #[test]
        fn only_refusals_in_a_row_show_that_access_is_gone(
            answers in prop::collection::vec(select(&[Allowed, Denied, Inconclusive][..]), 1..12),
            rounds in 1_u32..4,
        ) {
            let mut offboarding = begun();
            for (place, answer) in answers.iter().enumerate() {
                let verdict = offboarding.judge(*answer, rounds, NOW);
                let since_allowed = answers[..=place].rsplit(|one| *one == Allowed).next().unwrap_or_default();
                let refused = since_allowed.iter().filter(|one| **one == Denied).count();
                let gone = *answer == Denied && refused >= rounds as usize;
                prop_assert_eq!(verdict == AccessVerdict::Gone, gone);
                if gone {
                    break;
                }
                offboarding = offboarding.advanced(NOW, Some(*answer));
            }
        }
    }

    #[test]
    fn at_the_deadline_it_says_what_is_the_matter() {
        assert_eq!(begun().judge(Allowed, 2, NOW), AccessVerdict::TryAgain);
        assert_eq!(begun().judge(Inconclusive, 2, NOW), AccessVerdict::TryAgain);
        let stalled = |outcome| begun().judge(outcome, 2, DEADLINE);
        assert_eq!(stalled(Allowed), AccessVerdict::Stalled(ReasonCode::RoleStillAssumable));
        assert_eq!(stalled(Inconclusive), AccessVerdict::Stalled(ReasonCode::ProbeInconclusive));
        // A refusal that comes late is still waited for to be repeated.
        assert_eq!(stalled(Denied), AccessVerdict::AskAgain);
    }
}
