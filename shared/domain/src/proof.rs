//! The proof that a role's external ID is enforced: what is asked, and what the answers mean.
//!
//! One round asks AWS to assume the role with the right external ID, and only once that is
//! allowed, with none and with a random one. A refusal seen before the right ID was allowed says
//! nothing, for our own grant may not have propagated. Trust is proven by a number of rounds that
//! agree, some seconds apart, because IAM's changes reach its servers one by one.

use jiff::{SignedDuration, Timestamp};

use crate::denial::Side;
use crate::reason::ReasonCode;

/// Which external ID a probe sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ProbeId {
    /// The connection's own.
    Correct,
    /// None at all.
    Absent,
    /// One made up for this probe.
    Random,
}

/// What AWS answered to a probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ProbeOutcome {
    /// A session was given.
    Allowed,
    /// `AccessDenied`, and nothing else.
    Denied,
    /// Anything else: throttling, a fault, a time-out.
    Inconclusive,
}

/// One probe, as evidence.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Probe {
    /// Which round it belongs to, from 1.
    pub round: u32,
    /// Which external ID was sent.
    pub external_id: ProbeId,
    /// What AWS answered.
    pub outcome: ProbeOutcome,
    /// When AWS answered.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub at: Timestamp,
    /// AWS's id of the request, by which CloudTrail finds it.
    pub request_id: Option<String>,
    /// Which side refused, as far as AWS said: only where the connection's own external ID was
    /// denied. For explanations; what is decided goes by `outcome`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused_by: Option<Side>,
}

/// Which side refused the connection's own external ID last in these probes, as far as AWS said.
#[must_use]
pub fn refused_by(probes: &[Probe]) -> Option<Side> {
    let own = probes.iter().rfind(|probe| probe.external_id == ProbeId::Correct)?;
    own.refused_by.filter(|_| own.outcome == ProbeOutcome::Denied)
}

/// What a verification found out about the trust policy.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Trust {
    /// Whether it is proven that the external ID is enforced.
    pub proven: bool,
    /// When it was, if it is.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub proven_at: Option<Timestamp>,
    /// The probes of the rounds that were completed, and of the last one.
    pub probes: Vec<Probe>,
}

/// The answers of one round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Round {
    /// The right external ID was refused, or not answered for: nothing else was asked.
    Shut(ProbeOutcome),
    /// The right external ID was allowed, and then the others were tried.
    Open {
        /// Without an external ID.
        absent: ProbeOutcome,
        /// With a random one.
        random: ProbeOutcome,
        /// Whether the session belongs to the account that the ARN names; `None` when AWS did not
        /// answer.
        account_matches: Option<bool>,
    },
}

/// What follows from the rounds so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Enough rounds agree.
    Proven,
    /// This round agrees; ask again after the agreement interval.
    AnotherRound,
    /// This round does not tell; ask again after a short delay.
    TryAgain,
    /// The role cannot be accepted.
    Rejected(Vec<ReasonCode>),
    /// Nothing could be found out until the deadline.
    Inconclusive,
}

/// How many rounds must agree, and when waiting ends.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// Rounds that must agree, at least 1.
    pub rounds: u32,
    /// When waiting for an answer ends. A round already agreed is still followed by the next.
    pub deadline: Timestamp,
}

impl Rule {
    /// Judges `round`, after `agreed` earlier rounds that agree.
    #[must_use]
    pub fn judge(self, agreed: u32, round: Round, now: Timestamp) -> Verdict {
        use ProbeOutcome::{Allowed, Denied, Inconclusive};
        let late = now >= self.deadline;
        match round {
            Round::Shut(Denied) if late => Verdict::Rejected(vec![ReasonCode::RoleNotAssumable]),
            Round::Open { absent, random, account_matches }
                if absent == Allowed || random == Allowed || account_matches == Some(false) =>
            {
                let found = [
                    (absent == Allowed, ReasonCode::TrustMissingExternalId),
                    (random == Allowed, ReasonCode::TrustAcceptsAnyExternalId),
                    (account_matches == Some(false), ReasonCode::AccountMismatch),
                ];
                Verdict::Rejected(found.into_iter().filter(|(is, _)| *is).map(|(_, code)| code).collect())
            }
            Round::Open { absent: Denied, random: Denied, account_matches: Some(true) } => {
                if agreed + 1 >= self.rounds { Verdict::Proven } else { Verdict::AnotherRound }
            }
            Round::Shut(Denied | Allowed | Inconclusive) | Round::Open { .. } => {
                if late {
                    Verdict::Inconclusive
                } else {
                    Verdict::TryAgain
                }
            }
        }
    }
}

/// How long to wait before trying for the `step`th time, in seconds: IAM mostly applies a change
/// within seconds, at times in a minute.
#[must_use]
pub fn retry_delay(step: u32) -> SignedDuration {
    const LONGEST: u32 = 15;
    SignedDuration::from_secs((1 + step / 2).min(LONGEST).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ProbeOutcome::{Allowed, Denied, Inconclusive};
    use proptest::prelude::*;
    use proptest::sample::select;
    use rstest::rstest;

    const DEADLINE: Timestamp = Timestamp::constant(1000, 0);
    const RULE: Rule = Rule { rounds: 2, deadline: DEADLINE };

    fn before() -> Timestamp {
        DEADLINE - SignedDuration::from_secs(1)
    }

    fn open(absent: ProbeOutcome, random: ProbeOutcome) -> Round {
        Round::Open { absent, random, account_matches: Some(true) }
    }

    #[rstest]
    #[case(Round::Shut(Denied), Verdict::TryAgain, Verdict::Rejected(vec![ReasonCode::RoleNotAssumable]))]
    #[case(Round::Shut(Inconclusive), Verdict::TryAgain, Verdict::Inconclusive)]
    #[case(open(Denied, Denied), Verdict::AnotherRound, Verdict::AnotherRound)]
    #[case(open(Denied, Inconclusive), Verdict::TryAgain, Verdict::Inconclusive)]
    #[case(open(Inconclusive, Denied), Verdict::TryAgain, Verdict::Inconclusive)]
    #[case(
        Round::Open { absent: Denied, random: Denied, account_matches: None },
        Verdict::TryAgain,
        Verdict::Inconclusive
    )]
    fn waiting_ends_at_the_deadline(#[case] round: Round, #[case] early: Verdict, #[case] late: Verdict) {
        assert_eq!(RULE.judge(0, round, before()), early);
        assert_eq!(RULE.judge(0, round, DEADLINE), late);
    }

    #[rstest]
    #[case(open(Allowed, Denied), &[ReasonCode::TrustMissingExternalId])]
    #[case(open(Denied, Allowed), &[ReasonCode::TrustAcceptsAnyExternalId])]
    #[case(open(Inconclusive, Allowed), &[ReasonCode::TrustAcceptsAnyExternalId])]
    #[case(open(Allowed, Allowed), &[ReasonCode::TrustMissingExternalId, ReasonCode::TrustAcceptsAnyExternalId])]
    #[case(
        Round::Open { absent: Denied, random: Denied, account_matches: Some(false) },
        &[ReasonCode::AccountMismatch]
    )]
    fn what_is_known_to_be_wrong_ends_it_at_once(#[case] round: Round, #[case] codes: &[ReasonCode]) {
        for (agreed, now) in [(0, before()), (1, before()), (0, DEADLINE)] {
            assert_eq!(RULE.judge(agreed, round, now), Verdict::Rejected(codes.to_vec()));
        }
    }

    #[test]
    fn probes_from_before_sides_were_told_are_read() {
        let stored = serde_json::json!({
            "round": 1, "external_id": "correct", "outcome": "denied", "at": "2026-11-25T00:00:00Z",
            "request_id": "id",
        });
        let probe: Probe = serde_json::from_value(stored.clone()).unwrap();
        assert_eq!(probe.refused_by, None);
        assert_eq!(serde_json::to_value(&probe).unwrap(), stored, "and written as they were");
    }

    #[test]
    fn who_refused_is_who_refused_the_right_id_last() {
        let probe = |external_id, outcome, refused_by| Probe {
            round: 1,
            external_id,
            outcome,
            at: DEADLINE,
            request_id: None,
            refused_by,
        };
        let first = probe(ProbeId::Correct, Denied, Some(Side::OurGrant));
        let last = probe(ProbeId::Correct, Denied, Some(Side::RoleTrust));
        let other = probe(ProbeId::Absent, Denied, Some(Side::RoleDeny));
        assert_eq!(refused_by(&[]), None);
        assert_eq!(refused_by(std::slice::from_ref(&other)), None);
        assert_eq!(refused_by(&[first.clone(), last, other]), Some(Side::RoleTrust));
        let allowed = probe(ProbeId::Correct, Allowed, None);
        assert_eq!(refused_by(&[first, allowed]), None, "it was allowed since");
    }

    #[test]
    fn one_round_is_not_a_proof() {
        assert_eq!(RULE.judge(0, open(Denied, Denied), before()), Verdict::AnotherRound);
        assert_eq!(RULE.judge(1, open(Denied, Denied), before()), Verdict::Proven);
    }

    proptest! {
        #[test]
        fn nothing_but_agreement_proves(
            agreed in 0_u32..4,
            absent in select(&[Allowed, Denied, Inconclusive][..]),
            random in select(&[Allowed, Denied, Inconclusive][..]),
            account_matches in select(&[Some(true), Some(false), None][..]),
            shut in any::<bool>(),
            at in 0_i64..2000,
        ) {
            let round = if shut { Round::Shut(absent) } else { Round::Open { absent, random, account_matches } };
            let verdict = RULE.judge(agreed, round, Timestamp::from_second(at)?);
            let agrees = round == open(Denied, Denied);
            prop_assert_eq!(verdict == Verdict::Proven, agrees && agreed >= 1);
            prop_assert_eq!(verdict == Verdict::AnotherRound, agrees && agreed == 0);
            if let Verdict::Rejected(codes) = verdict {
                prop_assert!(!codes.is_empty());
                prop_assert!(codes.len() == 1 || !codes.contains(&ReasonCode::RoleNotAssumable));
            }
        }

        #[test]
        fn delays_grow_and_end(step in 0_u32..10_000) {
            prop_assert!(retry_delay(step) <= retry_delay(step + 1));
            prop_assert!((1..=15).contains(&retry_delay(step).as_secs()));
        }
    }
}
