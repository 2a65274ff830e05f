//! Does every grant name what is needed, and does IAM have it so?

use access::Compared as InIam;
use domain::connection::Release;
use domain::grant::{self, Shard};
use domain::reconciliation::{Finding, FindingCode, Phase, Reconciliation};
use domain::{ConnectionId, Error, ErrorKind, RoleArn};
use futures::StreamExt as _;
use futures::stream;
use runtime::now;
use store::GrantShard;

use super::connections::{is_unmoved, mended};
use super::{Compared, SETTLED_AFTER};
use crate::app::App;
use crate::publish::{Force, publish};

/// Grants of one step.
const PAGE: usize = 5;
/// Roles of a grant that are looked at at once.
const AT_ONCE: usize = 8;

pub(super) async fn compare(
    app: &App,
    reconciliation: &Reconciliation,
    place: usize,
) -> Result<Compared, Error> {
    let shards: Vec<Shard> = app.capacity.every_shard().skip(place).take(PAGE).collect();
    let mut findings = Vec::new();
    let mut attached: Option<(u16, Vec<String>)> = None;
    for shard in &shards {
        let broker = shard.broker();
        let names = match attached.take() {
            Some((of, names)) if of == broker => names,
            _ => app.grants.attached(broker).await?,
        };
        if (shard.number() - 1).is_multiple_of(grant::MAX_GRANTS_PER_BROKER) {
            findings.extend(foreign(app, reconciliation, broker, &names).await?);
        }
        findings.extend(look_at(app, reconciliation, *shard, &names).await?);
        attached = Some((broker, names));
    }
    Ok(Compared {
        connections: 0,
        grants: shards.len() as u64,
        findings,
        next: match shards.len() {
            PAGE => Phase::Grants { place: place + PAGE },
            _ => Phase::Finished,
        },
    })
}

/// What is attached to a broker besides its own grants.
async fn foreign(
    app: &App,
    reconciliation: &Reconciliation,
    broker: u16,
    attached: &[String],
) -> Result<Vec<Finding>, Error> {
    let mut findings = Vec::new();
    for name in attached {
        match Shard::of_policy(name) {
            Some(shard) if shard.broker() == broker => {}
            Some(shard) => {
                let detail =
                    format!("it is attached to broker-{broker}, and belongs to broker-{}", shard.broker());
                let mut finding = Finding::new(FindingCode::AttachmentUnneeded, name, detail);
                if !reconciliation.dry_run {
                    app.grants.detach(shard, broker).await?;
                    finding.mended = true;
                }
                findings.push(finding);
            }
            None => {
                let detail = format!("it is attached to broker-{broker}");
                findings.push(Finding::new(FindingCode::AttachmentForeign, name, detail));
            }
        }
    }
    Ok(findings)
}

async fn look_at(
    app: &App,
    reconciliation: &Reconciliation,
    shard: Shard,
    attached: &[String],
) -> Result<Vec<Finding>, Error> {
    let mut seen = app.store.grant_shard(shard).await?;
    let roles: Vec<Result<Vec<Finding>, Error>> = stream::iter(&seen.roles)
        .map(async |role| holders_of(app, reconciliation, shard, role).await)
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    let mut findings = Vec::new();
    for found in roles {
        findings.extend(found?);
    }
    if findings.iter().any(|finding| finding.mended) {
        seen = app.store.grant_shard(shard).await?;
    }
    findings.extend(count(app, reconciliation, shard, &seen).await?);
    findings.extend(in_iam(app, reconciliation, shard, &seen, attached).await?);
    Ok(findings)
}

/// Is the role held by those alone that need it?
pub(super) async fn holders_of(
    app: &App,
    reconciliation: &Reconciliation,
    shard: Shard,
    role: &RoleArn,
) -> Result<Vec<Finding>, Error> {
    let held = app.store.role_grant(role).await?.filter(|held| held.shard == shard);
    let Some(held) = held else {
        // It may have left in between.
        if !app.store.grant_shard(shard).await?.roles.contains(role) {
            return Ok(vec![]);
        }
        let detail = format!("it names {role}, which no connection holds there");
        let mut finding = Finding::new(FindingCode::RoleUnheld, &shard.policy_name(), detail);
        if !reconciliation.dry_run {
            finding.mended = mended(app.store.remove_unheld(role, shard).await)?;
        }
        return Ok(vec![finding]);
    };
    let mut findings = Vec::new();
    for id in held.holders {
        findings.extend(holder(app, reconciliation, shard, role, id).await?);
    }
    Ok(findings)
}

async fn holder(
    app: &App,
    reconciliation: &Reconciliation,
    shard: Shard,
    role: &RoleArn,
    id: ConnectionId,
) -> Result<Option<Finding>, Error> {
    let detail = format!("it holds {role} in {} without need", shard.policy_name());
    let connection = match app.store.connection(id).await {
        // Connections are never deleted, so that this is nothing to be mended by rule.
        Err(error) if error.kind == ErrorKind::NotFound => {
            return Ok(Some(Finding::new(FindingCode::HoldUnneeded, &id, detail)));
        }
        connection => connection?,
    };
    let settled = connection.updated_at + SETTLED_AFTER <= now();
    if connection.needs_grant_of(role) || !settled || !is_unmoved(app, &connection).await? {
        return Ok(None);
    }
    let mut finding = Finding::new(FindingCode::HoldUnneeded, &id, detail);
    if !reconciliation.dry_run {
        let release = Release { role_arn: role.clone(), shard };
        finding.mended = mended(app.store.release_grant(&connection, &release).await)?;
    }
    Ok(Some(finding))
}

/// Is the room that the grant takes counted right?
pub(super) async fn count(
    app: &App,
    reconciliation: &Reconciliation,
    shard: Shard,
    seen: &GrantShard,
) -> Result<Option<Finding>, Error> {
    let counted = app.store.grant_use().await?.of(shard);
    let taken: usize = seen.roles.iter().map(grant::characters).sum();
    if counted == taken as u64 || app.store.grant_shard(shard).await?.version != seen.version {
        return Ok(None);
    }
    let detail = format!("{counted} characters are counted, its roles take {taken}");
    let mut finding = Finding::new(FindingCode::CountWrong, &shard.policy_name(), detail);
    if !reconciliation.dry_run {
        finding.mended = mended(app.store.recount_shard(shard, seen).await)?;
    }
    Ok(Some(finding))
}

/// Does IAM have what the table says?
async fn in_iam(
    app: &App,
    reconciliation: &Reconciliation,
    shard: Shard,
    seen: &GrantShard,
    attached: &[String],
) -> Result<Option<Finding>, Error> {
    let name = shard.policy_name();
    let is_attached = attached.contains(&name);
    let (code, detail) = match (app.grants.compare(shard, &seen.roles).await?, seen.roles.is_empty()) {
        (InIam::Missing, true) => return Ok(None),
        (InIam::Same, false) if is_attached => return Ok(None),
        (InIam::Same, _) => {
            (FindingCode::AttachmentMissing, format!("it is not attached to broker-{}", shard.broker()))
        }
        (InIam::Missing, false) => {
            (FindingCode::PolicyMissing, format!("{} roles are to be in it", seen.roles.len()))
        }
        (InIam::Differs, false) => {
            (FindingCode::PolicyDiffers, format!("{} roles are to be in it", seen.roles.len()))
        }
        (InIam::Differs, true) => (FindingCode::PolicyUnneeded, "no role is to be in it".to_owned()),
    };
    // What somebody is publishing, or is about to, is no drift.
    let now = app.store.grant_shard(shard).await?;
    let changing = now.publishing || now.version != seen.version || !now.is_published();
    if changing && reconciliation.dry_run {
        return Ok(None);
    }
    let mut finding = Finding::new(code, &name, detail);
    if !reconciliation.dry_run {
        finding.mended = publish(app, shard, Force::Yes).await?;
    }
    Ok((!changing).then_some(finding))
}
