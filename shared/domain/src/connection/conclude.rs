//! The end of a verification: what follows from its outcome.

use serde_json::json;

use super::{Change, Connection, Occasion, object};
use crate::arn::RoleArn;
use crate::audit::EventType;
use crate::cadence::Cadence;
use crate::denial::Side;
use crate::error::Error;
use crate::proof::{Probe, Trust, refused_by};
use crate::reason::{Reason, ReasonCode};
use crate::state::{ConnectionEvent, ConnectionState};
use crate::verification::{Depth, Evidence, Outcome, Verification};

impl Connection {
    /// The running verification ends; an accepted connection is looked at again by `cadence`.
    ///
    /// # Errors
    /// `state_conflict` when no verification can end in this state, or none is running.
    pub fn conclude(
        &self,
        outcome: &Outcome,
        last_round: &[Probe],
        cadence: Cadence,
        occasion: Occasion,
    ) -> Result<Change, Error> {
        let (Some(role), Some(verification)) = (&self.role_arn, &self.verification) else {
            return Err(Error::conflict("state_conflict", "no verification is running"));
        };
        let now = occasion.now;
        let (event, reasons) = consequence(outcome, role, last_round);
        let mut codes: Vec<ReasonCode> = reasons.iter().map(|reason| reason.code).collect();
        let unanswered = matches!(outcome, Outcome::Proven(assessment) if assessment.unanswered);
        if unanswered && !codes.contains(&ReasonCode::ProbeInconclusive) {
            // What was known before still holds and gives no reason; the record says what is open.
            codes.push(ReasonCode::ProbeInconclusive);
        }
        let state = self.state.after(event)?;
        let inconclusive = matches!(outcome, Outcome::Inconclusive | Outcome::NoRoom);
        let open = inconclusive || codes.contains(&ReasonCode::ProbeInconclusive);
        let proven = matches!(outcome, Outcome::Proven(_) | Outcome::OwnedElsewhere);
        let trust = Trust {
            proven,
            proven_at: proven.then_some(now),
            probes: verification.probes.iter().chain(last_round).cloned().collect(),
        };
        let evidence = Evidence {
            verification_id: verification.id,
            role_arn: role.clone(),
            depth: verification.depth,
            started_at: verification.steps.started_at,
            finished_at: now,
            state,
            trust: trust.clone(),
            reasons: codes.clone(),
            checks: match outcome {
                Outcome::Proven(assessment) => Some(assessment.tally),
                _ => None,
            },
        };

        let mut next = self.clone();
        next.state = state;
        next.verification = Some(Verification {
            steps: verification.steps.ended(),
            probes: Vec::new(),
            ..verification.clone()
        });
        // An accepted connection keeps what was last known of it when nothing new was found out.
        if !inconclusive || state == ConnectionState::Failed {
            next.trust = trust;
            next.reasons = reasons;
        }
        if !inconclusive {
            next.last_verified_at = Some(now);
            // A look that left something open is tried again, and as fully.
            if verification.depth == Depth::Full && !open {
                next.last_full_at = Some(now);
            }
        }
        if matches!(outcome, Outcome::Proven(_)) {
            next.account_id = Some(role.account().clone());
            next.first_proven_at = next.first_proven_at.or(Some(now));
        }
        next.due_at = match state.owns_its_role() {
            true if open => Some(cadence.again(now)),
            true => Some(cadence.next(self.id, now)),
            false => None,
        };
        if !state.needs_grant() {
            next = next.without_grant();
        }
        let claims = (state.owns_its_role() && !self.state.owns_its_role()).then(|| role.clone());

        let kind = match (open, self.state == state) {
            (_, false) => EventType::StateChanged,
            (true, true) => EventType::VerificationInconclusive,
            (false, true) => EventType::Verified,
        };
        let data = object(json!({
            "from": self.state,
            "to": state,
            "verification_id": verification.id,
            "role_arn": role,
            "reasons": codes,
        }));
        let change = next.touched(kind, data, occasion);
        Ok(Change { claims, evidence: Some(evidence), ..change })
    }
}

/// What an outcome is to the state machine, and why the connection is not active with it, if it is
/// not.
fn consequence(outcome: &Outcome, role: &RoleArn, last_round: &[Probe]) -> (ConnectionEvent, Vec<Reason>) {
    let about_role = |code| vec![Reason::new(code, role)];
    match outcome {
        Outcome::Proven(assessment) if assessment.reasons.is_empty() => (ConnectionEvent::Accepted, vec![]),
        Outcome::Proven(assessment) => (ConnectionEvent::AcceptedInPart, assessment.reasons.clone()),
        Outcome::OwnedElsewhere => (ConnectionEvent::Rejected, about_role(ReasonCode::RoleAlreadyConnected)),
        Outcome::Rejected(codes) => {
            let reason = |code: &ReasonCode| match code {
                ReasonCode::RoleNotAssumable => {
                    Reason::role_not_assumable(role, refused_by(last_round).unwrap_or(Side::Unknown))
                }
                code => Reason::new(*code, role),
            };
            (ConnectionEvent::Rejected, codes.iter().map(reason).collect())
        }
        Outcome::Inconclusive => (ConnectionEvent::Inconclusive, about_role(ReasonCode::ProbeInconclusive)),
        Outcome::NoRoom => (ConnectionEvent::Inconclusive, about_role(ReasonCode::GrantCapacityExhausted)),
    }
}
