//! An installation and a connection for tests, made as the product makes them.
#![allow(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "only tests use it, and what it reads is sound"
)]

use jiff::{SignedDuration, Timestamp};

use crate::arn::RoleName;
use crate::backup::{Backup, BackupState, VolumeSnapshot};
use crate::cadence::Cadence;
use crate::connection::{Change, End, InviteHold, LookStart, NewConnection, Occasion, Start};
use crate::instance_manifest::{InstanceManifest, VolumeManifest};
use crate::invite::Invite;
use crate::kind::Kind;
use crate::manifest::{KeyPart, Known, TableManifest};
use crate::verification::Depth;
use crate::{
    Actor, BackupId, Capability, CapabilitySet, Connection, ConnectionId, CustomerId, Deployment, EventId,
    ExternalId, JobId, LookId, OffboardingId, Region, RunId, VerificationId,
};

/// When everything of this module happens.
pub const NOW: Timestamp = Timestamp::constant(1_800_000_000, 123_000_000);

/// The provider's installation, in account 111111111111.
#[must_use]
pub fn deployment() -> Deployment {
    Deployment {
        partition: crate::Partition::Aws,
        provider: "111111111111".parse().unwrap(),
        region: "eu-central-1".parse().unwrap(),
        customer_template_url: None,
    }
}

/// Something that Drawbridge itself does.
#[must_use]
pub fn occasion() -> Occasion {
    Occasion { now: NOW, actor: Actor::Drawbridge, event_id: EventId::new(NOW, [7; 10]) }
}

/// A verification that begins, with five minutes.
#[must_use]
pub fn start() -> Start {
    Start {
        id: VerificationId::new(NOW, [8; 10]),
        deadline: NOW + SignedDuration::from_mins(5),
        depth: Depth::Full,
    }
}

/// A look that begins, with an hour.
#[must_use]
pub fn look_start() -> LookStart {
    LookStart { id: LookId::new(NOW, [6; 10]), until: NOW + SignedDuration::from_hours(1) }
}

/// `before`, whose role a customer has looked for in 222222222222.
#[must_use]
pub fn looking(before: &Connection) -> Change {
    let occasion = Occasion { actor: Actor::Customer, ..occasion() };
    let account = Some("222222222222".parse().unwrap());
    before.look_for_role(account, &deployment(), look_start(), occasion).unwrap().unwrap()
}

/// An offboarding that begins, with five minutes.
#[must_use]
pub fn end() -> End {
    End { id: OffboardingId::new(NOW, [9; 10]), deadline: NOW + SignedDuration::from_mins(5) }
}

/// Every day, every week, and after an hour.
#[must_use]
pub fn cadence() -> Cadence {
    Cadence {
        interval: SignedDuration::from_hours(24),
        full_interval: SignedDuration::from_hours(7 * 24),
        retry: SignedDuration::from_hours(1),
    }
}

/// An invite with a week, as a connection holds it.
#[must_use]
pub fn invite(random: u8) -> InviteHold {
    InviteHold {
        hash: Invite::new([random; 32]).hash(),
        expires_at: NOW + SignedDuration::from_hours(7 * 24),
    }
}

/// A new connection, with nothing that may be left out.
#[must_use]
pub fn created() -> Change {
    let new = NewConnection {
        id: ConnectionId::new(NOW, [1; 10]),
        customer_id: CustomerId::new(NOW, [2; 10]),
        label: None,
        account_id: None,
        announced_role_name: None,
        ready_made_role_name: RoleName::ready_made([3; 8]),
        external_id: ExternalId::new([4; 24]),
        capabilities: CapabilitySet::new([Capability::Ec2Observe]).unwrap(),
        regions: ["eu-central-1".parse().unwrap()].into(),
        invite: invite(5),
    };
    Connection::create(new, &deployment(), occasion()).unwrap()
}

/// `before`, with this role submitted.
#[must_use]
pub fn submitted(before: &Connection, role: &str) -> Change {
    before.submit_role(role.parse().unwrap(), &deployment(), start(), occasion()).unwrap().unwrap()
}

/// A table with one of everything that a restore loses.
#[must_use]
pub fn table_manifest() -> TableManifest {
    let tags = [("team", "blue"), ("aws:cloudformation:stack-name", "s")];
    TableManifest {
        keys: vec![KeyPart { name: "pk".to_owned(), role: "HASH".to_owned(), kind: "S".to_owned() }],
        billing_mode: "PAY_PER_REQUEST".to_owned(),
        item_count: 3,
        stream: Some("NEW_IMAGE".to_owned()),
        time_to_live: Known::Known(Some("expires".to_owned())),
        point_in_time_recovery: Known::Known(true),
        tags: Known::Known(tags.map(|(key, value)| (key.to_owned(), value.to_owned())).into()),
        ..TableManifest::unseen(NOW)
    }
}

/// An instance with two volumes.
#[must_use]
pub fn instance_manifest() -> InstanceManifest {
    let volume = |device: &str, volume_id: &str| VolumeManifest {
        device: device.to_owned(),
        volume_id: volume_id.to_owned(),
        kind: "gp3".to_owned(),
        size_gib: 8,
        iops: Some(3000),
        throughput: Some(125),
        encrypted: false,
        kms_key: None,
        delete_on_termination: true,
    };
    InstanceManifest {
        instance_type: "m7g.large".to_owned(),
        architecture: Some("arm64".to_owned()),
        root_device: Some("/dev/xvda".to_owned()),
        subnet_id: Some("subnet-0123456789abcdef0".to_owned()),
        security_group_ids: vec!["sg-0123456789abcdef0".to_owned()],
        key_name: Some("ours".to_owned()),
        instance_profile: Some("arn:aws:iam::222222222222:instance-profile/web".to_owned()),
        tags: [("Name".to_owned(), "web".to_owned())].into(),
        volumes: vec![
            volume("/dev/xvda", "vol-0000000000000000a"),
            volume("/dev/sdf", "vol-0000000000000000b"),
        ],
        ..InstanceManifest::unseen(NOW)
    }
}

/// A backup of an instance in the account 222222222222 that is there: an image if `aws_id` is one.
#[must_use]
pub fn instance_backup(connection: &Connection, aws_id: &str) -> Backup {
    let snapshot = |letter: &str, device: &str| VolumeSnapshot {
        snapshot_id: format!("snap-0000000000000000{letter}"),
        volume_id: Some(format!("vol-0000000000000000{letter}")),
        device: Some(device.to_owned()),
        size_gib: Some(8),
    };
    Backup {
        kind: Kind::Ec2Backup,
        resource: "i-0123456789abcdef0".to_owned(),
        aws_id: aws_id.to_owned(),
        manifest: None,
        instance: Some(instance_manifest()),
        snapshots: vec![snapshot("a", "/dev/xvda"), snapshot("b", "/dev/sdf")],
        ..backup(connection)
    }
}

/// A backup of the table `Music` in the account 222222222222 that is there, with its manifest.
#[must_use]
pub fn backup(connection: &Connection) -> Backup {
    let region: Region = "eu-central-1".parse().unwrap();
    let run = RunId::new(NOW, [1; 10]);
    let job = JobId::of(run, connection.id, &region, "Music");
    Backup {
        id: BackupId::of(job),
        connection_id: connection.id,
        kind: Kind::DynamodbBackup,
        resource: "Music".to_owned(),
        name: format!("drawbridge-{job}"),
        aws_id: format!("arn:aws:dynamodb:{region}:222222222222:table/Music/backup/01489602797149-73d8d5bc"),
        region,
        state: BackupState::Available,
        size_bytes: Some(42),
        created_at: NOW,
        run_id: run,
        job_id: job,
        schedule_id: None,
        delete_after: None,
        deleted_at: None,
        gone: None,
        drilled: None,
        manifest: Some(table_manifest()),
        instance: None,
        snapshots: Vec::new(),
        version: 2,
    }
}
