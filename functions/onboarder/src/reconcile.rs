//! Reconciliation: compares what connections need, what the table grants, and what IAM has, and
//! mends either way.
//!
//! One message compares one page of connections, or a few grants, and sends the next. What is
//! changing at the moment is left alone: it is not drift. A dry run only tells.

mod connections;
mod grants;

use domain::message::{OnboardingMessage, Reconcile};
use domain::reconciliation::{Finding, Phase, Reconciliation};
use domain::{Actor, Error, ErrorKind, ReconciliationId};
use jiff::SignedDuration;
use runtime::{now, random};

use crate::app::App;
use work::{UNWRITTEN_DELAY, UNWRITTEN_FOR};

/// So recently changed, something may be on its way.
const SETTLED_AFTER: SignedDuration = SignedDuration::from_mins(2);

/// What one step has compared.
#[derive(Debug)]
struct Compared {
    connections: u64,
    grants: u64,
    findings: Vec<Finding>,
    next: Phase,
}

/// Takes one step of a reconciliation; the daily one begins here.
///
/// # Errors
/// When the table, the queue or IAM failed: the message is to be delivered again.
pub(crate) async fn take_step(app: &App, step: &Reconcile, delivered_before: bool) -> Result<(), Error> {
    let Some(id) = step.reconciliation_id else { return begin(app).await };
    let reconciliation = match app.store.reconciliation(id).await {
        Err(error) if error.kind == ErrorKind::NotFound && now() < id.created_at() + UNWRITTEN_FOR => {
            return app.queue.send(&OnboardingMessage::Reconcile(step.clone()), UNWRITTEN_DELAY).await;
        }
        Err(error) if error.kind == ErrorKind::NotFound => {
            tracing::warn!(reconciliation_id = %id, "a message about no reconciliation was dropped");
            return Ok(());
        }
        found => found?,
    };
    if step.step + 1 == reconciliation.step && delivered_before {
        return send_next(app, &reconciliation).await;
    }
    if step.step != reconciliation.step {
        return Ok(());
    }
    let compared = match &reconciliation.phase {
        Phase::Connections { cursor } => connections::compare(app, &reconciliation, cursor.clone()).await?,
        Phase::Grants { place } => grants::compare(app, &reconciliation, *place).await?,
        Phase::Finished => return Ok(()),
    };
    for finding in &compared.findings {
        tracing::warn!(
            reconciliation_id = %id,
            code = ?finding.code,
            subject = finding.subject,
            mended = finding.mended,
            "what is granted does not agree"
        );
    }
    let Compared { connections, grants, findings, next } = compared;
    let advanced = reconciliation.advanced(next, connections, grants, findings, now());
    if app.store.advance_reconciliation(&advanced).await? {
        send_next(app, &advanced).await?;
    }
    Ok(())
}

async fn begin(app: &App) -> Result<(), Error> {
    let now = now();
    let id = ReconciliationId::new(now, random());
    let begun = Reconciliation::start(id, false, Actor::Drawbridge, now);
    app.store.create_reconciliation(&begun, None).await?;
    send_next(app, &begun).await
}

async fn send_next(app: &App, reconciliation: &Reconciliation) -> Result<(), Error> {
    if reconciliation.phase == Phase::Finished {
        let (findings, id) = (reconciliation.findings.len(), reconciliation.id);
        if findings > 0 && reconciliation.actor == Actor::Drawbridge {
            tracing::error!(reconciliation_id = %id, findings, alarm = "grants_drifted", "grants had drifted");
        } else {
            tracing::info!(reconciliation_id = %id, findings, "a reconciliation has ended");
        }
        return Ok(());
    }
    let next = OnboardingMessage::Reconcile(reconciliation.next_message());
    app.queue.send(&next, SignedDuration::ZERO).await
}

#[cfg(test)]
mod tests;
