//! Connections for tests, made as the product makes them.

use domain::connection::{Change, Release};
use domain::grant::Shard;
use domain::proof::{Probe, ProbeId, ProbeOutcome};
pub(crate) use domain::sample::{NOW, created, submitted};
use domain::sample::{cadence, end, occasion};
use domain::verification::Outcome;
use domain::{Capability, CapabilitySet, Connection, ConnectionId, CustomerId, RoleArn};

use crate::scripted::Scripted;
use crate::{Claim, Claimed, RequestKey};

const ROLE: &str = "arn:aws:iam::222222222222:role/one";
pub(crate) const ANOTHER_ROLE: &str = "arn:aws:iam::222222222222:role/path/another";

pub(crate) fn role() -> RoleArn {
    ROLE.parse().unwrap()
}

pub(crate) fn another_role() -> RoleArn {
    ANOTHER_ROLE.parse().unwrap()
}

pub(crate) fn shard(number: u16) -> Shard {
    Shard::new(number).unwrap()
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
        refused_by: None,
    };
    before.conclude(outcome, &[probe], cadence(), occasion()).unwrap()
}

/// A connection that is being taken down, with everything that its role left behind.
pub(crate) fn offboarding() -> Connection {
    let mut begun = full().offboard(end(), occasion()).unwrap().unwrap().connection;
    let offboarding = begun.offboarding.as_mut().unwrap();
    offboarding.grant_removed_at = Some(NOW);
    offboarding.refusals = vec![NOW];
    begun
}

/// A connection that has ended, with its receipt.
pub(crate) fn offboarded() -> Connection {
    offboarding().conclude_offboarding(occasion()).unwrap().connection
}

/// A connection whose role is looked for, and granted.
pub(crate) fn looking() -> Connection {
    Connection { shard: Some(shard(3)), ..domain::sample::looking(&created().connection).connection }
}

/// A connection with everything that one can have while it is accepted.
pub(crate) fn full() -> Connection {
    let rejected = Outcome::Rejected(vec![domain::reason::ReasonCode::TrustMissingExternalId]);
    let active = concluded(&verifying(), &Outcome::proven()).connection;
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

/// A request that was claimed, to be answered with what it changes.
pub(crate) async fn claimed() -> Claimed {
    let request = RequestKey::new("operator", "POST", "/v1/connections", "key", b"{}");
    match Scripted::new().store.claim_request(&request, [1; 16], NOW).await.unwrap() {
        Claim::Mine(claimed) => claimed,
        other => panic!("a free request is claimed: {other:?}"),
    }
}
