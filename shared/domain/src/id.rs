//! The ids that Drawbridge gives out: a prefix that says what it names, and a `UUIDv7`.
//!
//! Callers treat them as opaque. Inside, the time part keeps lists in order of creation without a
//! further sort key.

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::error::{Error, FieldError};
use crate::place::Region;

/// Bytes for the id of what follows from these parts and from nothing else: who finds it again makes the
/// same id again.
fn derived(parts: &[&str]) -> [u8; 10] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
        hash.update([0]);
    }
    let digest = hash.finalize();
    std::array::from_fn(|place| digest[place])
}

impl RunId {
    /// The run of a schedule for one of its times, however often AWS tells of that.
    #[must_use]
    pub fn of_firing(schedule: ScheduleId, scheduled_for: Timestamp) -> Self {
        Self::new(scheduled_for, derived(&[&schedule.to_string(), &scheduled_for.to_string()]))
    }
}

impl JobId {
    /// The job of a run for one resource.
    #[must_use]
    pub fn of(run: RunId, connection: ConnectionId, region: &Region, resource: &str) -> Self {
        let parts = [&run.to_string(), &connection.to_string(), region.as_str(), resource];
        Self::new(run.created_at(), derived(&parts))
    }
}

impl BackupId {
    /// The backup that a job makes.
    #[must_use]
    pub fn of(job: JobId) -> Self {
        Self::new(job.created_at(), derived(&[&job.to_string()]))
    }
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// Makes the id for something created at `now`, from random bytes of the caller's.
            #[must_use]
            pub fn new(now: Timestamp, random: [u8; 10]) -> Self {
                let millis = u64::try_from(now.as_millisecond()).unwrap_or(0);
                Self(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
            }

            /// When the id was made, to the millisecond.
            #[must_use]
            pub fn created_at(self) -> Timestamp {
                let bytes = self.0.as_bytes();
                let millis = bytes[..6].iter().fold(0_i64, |sum, byte| (sum << 8) | i64::from(*byte));
                Timestamp::from_millisecond(millis).unwrap_or(Timestamp::UNIX_EPOCH)
            }

            /// A number that ids have evenly, made of random bits of the id: for spreading work.
            #[must_use]
            pub fn spread(self) -> u32 {
                let bytes = self.0.as_bytes();
                u32::from_be_bytes([bytes[12], bytes[13], bytes[14], bytes[15]])
            }
        }

        impl std::str::FromStr for $name {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self, Error> {
                text.strip_prefix($prefix)
                    .filter(|rest| rest.len() == 32 && rest.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')))
                    .and_then(|rest| Uuid::try_parse(rest).ok())
                    .map(Self)
                    .ok_or_else(|| {
                        Error::invalid(FieldError::new("", "invalid_id", concat!("not the id of ", $what)))
                    })
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!($prefix, "{}"), self.0.simple())
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(self, f)
            }
        }

        crate::text::serde_as_text!($name);
    };
}

id!(
    /// A customer of the provider's.
    CustomerId, "cus_", "a customer"
);
id!(
    /// One customer's AWS account, reached through one role.
    ConnectionId, "con_", "a connection"
);
id!(
    /// One entry of the audit list, and one event on the bus.
    EventId, "evt_", "an event"
);
id!(
    /// One verification of a connection: from its start to its outcome. Later ones compare greater.
    VerificationId, "ver_", "a verification"
);
id!(
    /// One look for a customer's role. Later ones compare greater.
    LookId, "look_", "a look"
);
id!(
    /// One offboarding of a connection, or a later attempt at it. Later ones compare greater.
    OffboardingId, "off_", "an offboarding"
);
id!(
    /// One operation in a customer's account.
    OperationId, "op_", "an operation"
);
id!(
    /// One plan of what cannot be undone.
    PlanId, "pln_", "a plan"
);
id!(
    /// Credentials that were asked for, of one session of a customer's role.
    CredentialsId, "crd_", "credentials"
);
id!(
    /// One schedule of what is done in a customer's account.
    ScheduleId, "sch_", "a schedule"
);
id!(
    /// One run: what a schedule or somebody asked for, once, of one connection or many.
    RunId, "run_", "a run"
);
id!(
    /// One job of a run: what is done to one resource.
    JobId, "job_", "a job"
);
id!(
    /// One backup that Drawbridge made.
    BackupId, "bkp_", "a backup"
);
id!(
    /// One comparison of the grants in the table with those in IAM.
    ReconciliationId, "rec_", "a reconciliation"
);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_id_reads_back(millis in 0_i64..4_102_444_800_000, random: [u8; 10]) {
            let now = Timestamp::from_millisecond(millis)?;
            let id = ConnectionId::new(now, random);
            prop_assert_eq!(id.to_string().parse::<ConnectionId>()?, id);
            prop_assert_eq!(id.created_at(), now);
            prop_assert!(id.to_string().parse::<CustomerId>().is_err());
        }

        #[test]
        fn ids_sort_by_creation(first in 0_i64..1_000_000, gap in 1_i64..1000, a: [u8; 10], b: [u8; 10]) {
            let early = EventId::new(Timestamp::from_millisecond(first)?, a);
            let late = EventId::new(Timestamp::from_millisecond(first + gap)?, b);
            prop_assert!(early < late);
            prop_assert!(early.to_string() < late.to_string());
        }

        #[test]
        fn what_is_not_an_id_is_refused(text in "\\PC{0,40}") {
            prop_assume!(!text.starts_with("con_"));
            prop_assert!(text.parse::<ConnectionId>().is_err());
        }
    }

    #[test]
    fn an_id_has_one_spelling() {
        let id = ConnectionId::new(Timestamp::UNIX_EPOCH, [171; 10]).to_string();
        assert!(id.to_uppercase().parse::<ConnectionId>().is_err());
        assert!(id.replace("con_", "con_{").parse::<ConnectionId>().is_err());
        assert!(format!("{id} ").parse::<ConnectionId>().is_err());
    }
}
