//! From nothing to an active connection.

use serde_json::{Value, json};

use crate::connected::Connected;
use crate::observe;
use crate::row::Row;
use crate::workflow::{GRANTS, Scene, Workflow};

/// A customer and a connection are made, the customer makes the role, the operator submits it.
pub(crate) struct Onboarding;

#[derive(Default)]
pub(crate) struct Cast {
    connected: Connected,
    /// How often the role was submitted until an answer came.
    submitted: u32,
}

impl Workflow for Onboarding {
    const NAME: &'static str = "onboarding";
    const STACK: &'static str = GRANTS;
    type Cast = Cast;

    async fn prepare(&self, _scene: &Scene, row: &Row) -> Cast {
        row.own(&[&row.token]).await;
        Cast::default()
    }

    async fn act(&self, scene: &Scene, row: &Row, cast: &mut Cast) {
        cast.connected = Connected::begin(scene, &row.token).await;
        row.own(&[&cast.connected.id]).await;
        cast.submitted = cast.connected.submit(scene).await;
    }

    async fn is_over(&self, scene: &Scene, cast: &Cast) -> bool {
        cast.connected.is_verified(scene).await
    }

    async fn observe(&self, scene: &Scene, row: &str, cast: &Cast) -> Value {
        let mut seen = observe::connection(scene, &cast.connected).await;
        seen["customers"] = json!(scene.provider.count_items("name", row).await);
        seen["connections"] = json!(scene.provider.count_items("label", row).await);
        if cast.submitted > 1 { without_second_verification(seen) } else { seen }
    }

    fn connected(&self, cast: Cast) -> Connected {
        cast.connected
    }
}

/// Leaves out a verification of the active connection. Where a submission is carried out and not
/// answered, its repetition comes after the connection is active, and submitting an active
/// connection's role again asks for it to be verified again.
fn without_second_verification(mut seen: Value) -> Value {
    let second = ["connection.verification_started", "connection.verified"];
    let Some(events) = seen["events"].as_array_mut() else { return seen };
    let kept = events.len().saturating_sub(second.len());
    if !events[kept..].iter().map(|event| &event["type"]).eq(second) {
        return seen;
    }
    events.truncate(kept);
    if let Some(evidence) = seen["evidence"].as_array_mut() {
        evidence.pop();
    }
    seen["version"] = json!(seen["version"].as_u64().unwrap_or_default() - 2);
    seen
}
