//! Connections for tests, made as the product makes them.

use domain::connection::{Change, Release};
use domain::grant::Shard;
use domain::proof::{Probe, ProbeId, ProbeOutcome};
pub(crate) use domain::sample::{NOW, created, submitted};
use domain::sample::{cadence, occasion};
use domain::verification::Outcome;
use domain::{Capability, CapabilitySet, Connection, ConnectionId, CustomerId, RoleArn};

const ROLE: &str = "arn:aws:iam::222222222222:role/one";
pub(crate) const ANOTHER_ROLE: &str = "arn:aws:iam::222222222222:role/path/another";

pub(crate) fn role() -> RoleArn {
    ROLE.parse().unwrap()
}

pub(crate) fn another_role() -> RoleArn {
    ANOTHER_ROLE.parse().unwrap()
}

pub(crate) fn shard(number: usize) -> Shard {
    Shard::new(u16::try_from(number).unwrap()).unwrap()
}

pub(crate) fn connection_id(number: u8) -> ConnectionId {
    ConnectionId::new(NOW, [number; 10])
}

pub(crate) fn customer_id() -> CustomerId {
    created().connection.customer_id
}

/// A connection whose first role is being verified, and granted.
pub(crate) fn verifying() -> Connection {
    Connection { shard: Some(shard(3)), ..submitted(&created().connection, ROLE).connection }
}

/// The end of `before`'s verification.
pub(crate) fn concluded(before: &Connection, outcome: &Outcome) -> Change {
    let probe = Probe {
        round: 2,
        external_id: ProbeId::Correct,
        outcome: ProbeOutcome::Allowed,
        at: NOW,
        request_id: Some("of-the-probe".to_owned()),
    };
    before.conclude(outcome, &[probe], cadence(), occasion()).unwrap()
}

/// A connection with everything that one can have.
pub(crate) fn full() -> Connection {
    let rejected = Outcome::Rejected(vec![domain::reason::ReasonCode::TrustMissingExternalId]);
    let active = concluded(&verifying(), &Outcome::Proven).connection;
    let mut full = concluded(&active, &rejected).connection;
    full.label = Some("Zürich \"prod\"".to_owned());
    full.announced_role_name = Some("announced".parse().unwrap());
    full.capabilities =
        CapabilitySet::new([Capability::Ec2Power, Capability::DynamodbDrill, Capability::Ec2Kms]).unwrap();
    full.regions.insert("us-east-1".parse().unwrap());
    full.releases.push(Release { role_arn: another_role(), shard: shard(42) });
    // More than a floating-point number holds exactly.
    full.version = (1 << 53) + 1;
    full
}
