//! Connections for tests, made as the product makes them.

use std::collections::BTreeSet;

use domain::arn::RoleName;
use domain::connection::{Change, NewConnection, Occasion, Release, Start};
use domain::grant::Shard;
use domain::proof::{Probe, ProbeId, ProbeOutcome};
use domain::verification::Outcome;
use domain::{
    Actor, Capability, CapabilitySet, Connection, ConnectionId, CustomerId, Deployment, EventId, ExternalId,
    RoleArn, VerificationId,
};
use jiff::{SignedDuration, Timestamp};

pub(crate) const NOW: Timestamp = Timestamp::constant(1_800_000_000, 123_000_000);

pub(crate) fn role() -> RoleArn {
    "arn:aws:iam::222222222222:role/one".parse().unwrap()
}

pub(crate) fn another_role() -> RoleArn {
    "arn:aws:iam::222222222222:role/path/another".parse().unwrap()
}

pub(crate) fn shard(number: usize) -> Shard {
    Shard::all(10).nth(number - 1).unwrap()
}

pub(crate) fn connection_id(number: u8) -> ConnectionId {
    ConnectionId::new(NOW, [number; 10])
}

pub(crate) fn customer_id() -> CustomerId {
    CustomerId::new(NOW, [2; 10])
}

fn deployment() -> Deployment {
    Deployment {
        partition: domain::Partition::Aws,
        provider: "111111111111".parse().unwrap(),
        region: "eu-central-1".parse().unwrap(),
        customer_template_url: None,
    }
}

fn occasion(actor: Actor) -> Occasion {
    Occasion { now: NOW, actor, event_id: EventId::new(NOW, [7; 10]) }
}

fn start() -> Start {
    Start { id: VerificationId::new(NOW, [8; 10]), deadline: NOW + SignedDuration::from_mins(5) }
}

/// A new connection, with nothing that may be left out.
pub(crate) fn created() -> Change {
    let new = NewConnection {
        id: connection_id(1),
        customer_id: customer_id(),
        label: None,
        account_id: None,
        announced_role_name: None,
        ready_made_role_name: RoleName::ready_made([3; 8]),
        external_id: ExternalId::new([4; 24]),
        capabilities: CapabilitySet::new([Capability::Ec2Observe]).unwrap(),
        regions: BTreeSet::from(["eu-central-1".parse().unwrap()]),
    };
    Connection::create(new, &deployment(), occasion(Actor::Operator("arn:of:an:operator".to_owned())))
        .unwrap()
}

/// `before`, with another role submitted.
pub(crate) fn submitted(before: &Connection, role: RoleArn) -> Change {
    before
        .submit_role(role, &deployment(), start(), occasion(Actor::Operator("arn:of:an:operator".to_owned())))
        .unwrap()
        .unwrap()
}

/// A connection whose first role is being verified, and granted.
pub(crate) fn verifying() -> Connection {
    Connection { shard: Some(shard(3)), ..submitted(&created().connection, role()).connection }
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
    before.conclude(outcome, &[probe], occasion(Actor::Drawbridge)).unwrap()
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
