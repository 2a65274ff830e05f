//! Does every connection have what it needs?

use domain::message::{OnboardingMessage, PublishGrant};
use domain::reconciliation::{Finding, FindingCode, Phase, Reconciliation};
use domain::{Connection, ConnectionId, Error};
use futures::StreamExt as _;
use futures::stream;
use jiff::SignedDuration;
use runtime::now;
use store::{ConnectionFilter, PageRequest};

use super::{Compared, SETTLED_AFTER};
use crate::app::App;

/// Connections of one step.
const PAGE: u8 = 50;
/// Of which so many are looked at at once.
const AT_ONCE: usize = 8;

pub(super) async fn compare(
    app: &App,
    reconciliation: &Reconciliation,
    cursor: Option<String>,
) -> Result<Compared, Error> {
    let page = PageRequest { limit: PAGE, cursor };
    let page = app.store.connections(ConnectionFilter::default(), &page).await?;
    let results: Vec<Result<Vec<Finding>, Error>> = stream::iter(&page.items)
        .map(async |connection| look_at(app, reconciliation, connection).await)
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    let mut findings = Vec::new();
    for found in results {
        findings.extend(found?);
    }
    Ok(Compared {
        connections: page.items.len() as u64,
        grants: 0,
        findings,
        next: match page.next_cursor {
            Some(cursor) => Phase::Connections { cursor: Some(cursor) },
            None => Phase::Grants { place: 0 },
        },
    })
}

async fn look_at(
    app: &App,
    reconciliation: &Reconciliation,
    connection: &Connection,
) -> Result<Vec<Finding>, Error> {
    let mut findings = Vec::new();
    if connection.updated_at + SETTLED_AFTER > now() {
        return Ok(findings);
    }
    if connection.state.owns_its_role() && connection.due_at.is_none() {
        let detail = "it is accepted, but has no time for its next verification";
        let mut finding = Finding::new(FindingCode::ProofNotDue, &connection.id, detail);
        if !reconciliation.dry_run {
            finding.mended = mended(app.store.set_due(connection, now()).await)?;
        }
        findings.push(finding);
    }
    if let (Some(role), Some(shard)) = (connection.role_to_grant(), connection.shard) {
        let held = app.store.role_grant(role).await?;
        let holds = held.is_some_and(|held| held.shard == shard && held.holders.contains(&connection.id));
        if !holds && is_unmoved(app, connection).await? {
            let detail = format!("it needs {role} in {}", shard.policy_name());
            let mut finding = Finding::new(FindingCode::HoldMissing, &connection.id, detail);
            if !reconciliation.dry_run {
                finding.mended = hold(app, connection.id).await?;
            }
            findings.push(finding);
        }
    }
    Ok(findings)
}

async fn hold(app: &App, id: ConnectionId) -> Result<bool, Error> {
    // Read again, for what was mended before has written it.
    let connection = app.store.connection(id).await?;
    let Some(role) = connection.role_to_grant().cloned() else { return Ok(false) };
    let held = app.store.hold_grant(&connection, &role, app.capacity).await;
    let Some(shard) = settled(held)? else { return Ok(false) };
    let message = PublishGrant { shard, connection_id: id };
    app.queue.send(&OnboardingMessage::Publish(message), SignedDuration::ZERO).await?;
    Ok(true)
}

/// Whether the connection is still what was read.
pub(super) async fn is_unmoved(app: &App, connection: &Connection) -> Result<bool, Error> {
    Ok(app.store.connection(connection.id).await?.revision == connection.revision)
}

/// Whether it was mended; what changed meanwhile is no drift, and is left alone.
pub(super) fn mended(result: Result<(), Error>) -> Result<bool, Error> {
    settled(result).map(|done| done.is_some())
}

fn settled<T>(result: Result<T, Error>) -> Result<Option<T>, Error> {
    match result {
        Ok(done) => Ok(Some(done)),
        Err(error) if error.code == "concurrent_change" => Ok(None),
        Err(error) => Err(error),
    }
}
