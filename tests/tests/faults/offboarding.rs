//! From an active connection to none, with a receipt.

use serde_json::Value;

use crate::connected::Connected;
use crate::observe;
use crate::row::Row;
use crate::workflow::{GRANTS, Scene, Workflow};

/// The operator ends an active connection.
pub(crate) struct Offboarding;

impl Workflow for Offboarding {
    const NAME: &'static str = "offboarding";
    const STACK: &'static str = GRANTS;
    type Cast = Connected;

    async fn prepare(&self, scene: &Scene, row: &Row) -> Connected {
        Connected::active(scene, &row.token).await
    }

    async fn act(&self, scene: &Scene, row: &Row, cast: &mut Connected) {
        row.own(&[&cast.id]).await;
        cast.offboard(scene).await;
    }

    async fn is_over(&self, scene: &Scene, cast: &Connected) -> bool {
        cast.is_offboarded(scene).await
    }

    async fn observe(&self, scene: &Scene, _row: &str, cast: &Connected) -> Value {
        observe::connection(scene, cast).await
    }

    fn connected(&self, cast: Connected) -> Connected {
        cast
    }
}
