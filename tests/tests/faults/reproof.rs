//! The proof of an active connection once more.
//!
//! It is asked for through the API. What the schedule's sweep begins is the same from the first
//! step on, but one sweep looks after every connection that is due, so that its calls are no one
//! row's.

use reqwest::Method;
use serde_json::Value;

use crate::connected::Connected;
use crate::observe;
use crate::row::Row;
use crate::workflow::{Scene, Workflow};

/// The operator has an active connection verified again.
pub(crate) struct Reproof;

impl Workflow for Reproof {
    const NAME: &'static str = "re-proof";
    type Cast = Connected;

    async fn prepare(&self, scene: &Scene, row: &Row) -> Connected {
        Connected::active(scene, &row.token).await
    }

    async fn act(&self, scene: &Scene, row: &Row, cast: &mut Connected) {
        row.own(&[&cast.id]).await;
        let path = format!("/v1/connections/{}/verify", cast.id);
        scene.user.ask(Method::POST, &path, None).await.0.expect(202);
    }

    async fn is_over(&self, scene: &Scene, cast: &Connected) -> bool {
        cast.is_verified(scene).await
    }

    async fn observe(&self, scene: &Scene, _row: &str, cast: &Connected) -> Value {
        observe::connection(scene, cast).await
    }

    fn connected(&self, cast: Connected) -> Connected {
        cast
    }
}
