//! A connection's state machine, as one total function.

use crate::error::Error;

/// Where a connection stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ConnectionState {
    /// Waiting for the customer's role.
    PendingRole,
    /// A first or replaced role is being granted, waited for and proven.
    Verifying,
    /// Trust proven, and nothing requested is denied or inconclusive.
    Active,
    /// Trust proven, but some requested action is denied or inconclusive somewhere.
    Degraded,
    /// This role cannot be accepted.
    Failed,
    /// Was accepted, but trust no longer holds.
    Suspended,
    /// Access is being taken away and shown to be gone.
    Offboarding,
    /// Final.
    Offboarded,
}

/// What happens to a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectionEvent {
    /// A first role, or another than the present one, was submitted.
    RoleSubmitted,
    /// The present role was submitted again, or somebody asked for another look.
    VerificationRequested,
    /// A verification proved trust, and every requested action is possible.
    Accepted,
    /// A verification proved trust, but some requested action is denied or inconclusive.
    AcceptedInPart,
    /// A verification showed that the role cannot be trusted or assumed.
    Rejected,
    /// A verification ended without an answer.
    Inconclusive,
    /// Capabilities or Regions were changed.
    ScopeChanged,
    /// The role is to be looked for.
    LookRequested,
    /// The connection is to end.
    OffboardingRequested,
    /// Offboarding showed that the role can no longer be assumed.
    AccessGone,
}

impl ConnectionState {
    /// Whether anything but verification is done in the customer's account.
    #[must_use]
    pub const fn admits_operations(self) -> bool {
        matches!(self, Self::Active | Self::Degraded)
    }

    /// Every state.
    pub const ALL: [Self; 8] = [
        Self::PendingRole,
        Self::Verifying,
        Self::Active,
        Self::Degraded,
        Self::Failed,
        Self::Suspended,
        Self::Offboarding,
        Self::Offboarded,
    ];

    /// As the API and the table write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PendingRole => "pending_role",
            Self::Verifying => "verifying",
            Self::Active => "active",
            Self::Degraded => "degraded",
            Self::Failed => "failed",
            Self::Suspended => "suspended",
            Self::Offboarding => "offboarding",
            Self::Offboarded => "offboarded",
        }
    }

    /// Whether this connection's trust has been proven for its present role, so that it owns it.
    #[must_use]
    pub const fn owns_its_role(self) -> bool {
        matches!(self, Self::Active | Self::Degraded | Self::Suspended)
    }

    /// Whether our grant for its role is held for it.
    #[must_use]
    pub const fn needs_grant(self) -> bool {
        matches!(self, Self::Verifying) || self.owns_its_role()
    }

    /// The state after `event`; refused with `state_conflict` where the event may not happen.
    ///
    /// # Errors
    /// `state_conflict`, which leaves everything as it was.
    pub fn after(self, event: ConnectionEvent) -> Result<Self, Error> {
        use ConnectionEvent as E;
        Ok(match (self, event) {
            (
                Self::PendingRole
                | Self::Verifying
                | Self::Active
                | Self::Degraded
                | Self::Failed
                | Self::Suspended,
                E::RoleSubmitted,
            )
            | (Self::Failed | Self::Verifying, E::VerificationRequested)
            | (Self::Verifying, E::ScopeChanged) => Self::Verifying,

            (
                Self::Active | Self::Degraded | Self::Suspended,
                E::VerificationRequested | E::ScopeChanged | E::Inconclusive,
            )
            | (Self::PendingRole | Self::Failed, E::ScopeChanged)
            | (Self::PendingRole, E::LookRequested)
            | (Self::Offboarding | Self::Offboarded, E::OffboardingRequested) => self,

            (Self::Verifying | Self::Active | Self::Degraded | Self::Suspended, E::Accepted) => Self::Active,
            (Self::Verifying | Self::Active | Self::Degraded | Self::Suspended, E::AcceptedInPart) => {
                Self::Degraded
            }
            (Self::Active | Self::Degraded | Self::Suspended, E::Rejected) => Self::Suspended,
            (Self::Verifying, E::Rejected | E::Inconclusive) => Self::Failed,

            (
                Self::PendingRole
                | Self::Verifying
                | Self::Active
                | Self::Degraded
                | Self::Failed
                | Self::Suspended,
                E::OffboardingRequested,
            ) => Self::Offboarding,
            (Self::Offboarding, E::AccessGone) => Self::Offboarded,

            (
                Self::Verifying | Self::Active | Self::Degraded | Self::Failed | Self::Suspended,
                E::LookRequested,
            ) => {
                return Err(conflict(
                    self,
                    "it has a role already; submit another, or ask for a check of this one",
                ));
            }
            (Self::PendingRole, E::VerificationRequested) => {
                return Err(conflict(self, "there is no role to verify yet; submit its ARN first"));
            }
            (Self::Offboarding | Self::Offboarded, _) => {
                return Err(conflict(self, "it is being taken down or has been; make a new connection"));
            }
            (
                Self::PendingRole | Self::Failed,
                E::Accepted | E::AcceptedInPart | E::Rejected | E::Inconclusive | E::AccessGone,
            )
            | (Self::Verifying | Self::Active | Self::Degraded | Self::Suspended, E::AccessGone) => {
                return Err(conflict(self, "the work that this ends is not going on"));
            }
        })
    }
}

fn conflict(state: ConnectionState, why: &str) -> Error {
    Error::conflict("state_conflict", format!("the connection is {}: {why}", state.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ConnectionEvent as E;
    use ConnectionState as S;
    use proptest::prelude::*;
    use proptest::sample::select;

    const EVENTS: [E; 10] = [
        E::RoleSubmitted,
        E::VerificationRequested,
        E::Accepted,
        E::AcceptedInPart,
        E::Rejected,
        E::Inconclusive,
        E::ScopeChanged,
        E::OffboardingRequested,
        E::AccessGone,
        E::LookRequested,
    ];

    /// The whole table, written out by hand from the contract: a row a state, a column an event
    /// in the order of `EVENTS`.
    #[test]
    fn every_state_answers_every_event_as_the_contract_says() {
        use S::{Active, Degraded, Failed, Offboarded, Offboarding, PendingRole, Suspended, Verifying};
        const NO: Option<S> = None;
        let table = [
            (
                PendingRole,
                [
                    Some(Verifying),
                    NO,
                    NO,
                    NO,
                    NO,
                    NO,
                    Some(PendingRole),
                    Some(Offboarding),
                    NO,
                    Some(PendingRole),
                ],
            ),
            (
                Verifying,
                [
                    Some(Verifying),
                    Some(Verifying),
                    Some(Active),
                    Some(Degraded),
                    Some(Failed),
                    Some(Failed),
                    Some(Verifying),
                    Some(Offboarding),
                    NO,
                    NO,
                ],
            ),
            (
                Active,
                [
                    Some(Verifying),
                    Some(Active),
                    Some(Active),
                    Some(Degraded),
                    Some(Suspended),
                    Some(Active),
                    Some(Active),
                    Some(Offboarding),
                    NO,
                    NO,
                ],
            ),
            (
                Degraded,
                [
                    Some(Verifying),
                    Some(Degraded),
                    Some(Active),
                    Some(Degraded),
                    Some(Suspended),
                    Some(Degraded),
                    Some(Degraded),
                    Some(Offboarding),
                    NO,
                    NO,
                ],
            ),
            (
                Failed,
                [Some(Verifying), Some(Verifying), NO, NO, NO, NO, Some(Failed), Some(Offboarding), NO, NO],
            ),
            (
                Suspended,
                [
                    Some(Verifying),
                    Some(Suspended),
                    Some(Active),
                    Some(Degraded),
                    Some(Suspended),
                    Some(Suspended),
                    Some(Suspended),
                    Some(Offboarding),
                    NO,
                    NO,
                ],
            ),
            (Offboarding, [NO, NO, NO, NO, NO, NO, NO, Some(Offboarding), Some(Offboarded), NO]),
            (Offboarded, [NO, NO, NO, NO, NO, NO, NO, Some(Offboarded), NO, NO]),
        ];
        for (state, row) in table {
            for (event, expected) in EVENTS.into_iter().zip(row) {
                let next = state.after(event);
                assert_eq!(next.as_ref().ok().copied(), expected, "{state:?} after {event:?}");
                if let Err(error) = next {
                    assert_eq!(error.code, "state_conflict");
                }
            }
        }
    }

    proptest! {
        #[test]
        fn no_history_leaves_the_rules(events in prop::collection::vec(select(&EVENTS), 0..40)) {
            let mut state = S::PendingRole;
            let mut was_offboarding = false;
            for event in events {
                let next = state.after(event).unwrap_or(state);
                if state == S::Offboarded {
                    prop_assert_eq!(next, S::Offboarded);
                }
                if was_offboarding {
                    prop_assert!(matches!(next, S::Offboarding | S::Offboarded));
                }
                // Only a proof makes a connection usable.
                if next != state && matches!(next, S::Active | S::Degraded) {
                    prop_assert!(matches!(event, E::Accepted | E::AcceptedInPart));
                }
                was_offboarding |= next == S::Offboarding;
                state = next;
            }
        }
    }

    #[test]
    fn states_are_written_as_they_are_named() {
        for state in S::ALL {
            assert_eq!(serde_json::to_value(state).unwrap(), state.as_str());
        }
    }
}
