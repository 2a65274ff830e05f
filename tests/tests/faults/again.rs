//! What happens to a connection that is active: it is verified again, and offboarded.

use blackbox::CustomerAccount;
use reqwest::Method;
use serde_json::{Value, json};

use crate::observe;
use crate::row::Row;
use crate::workflow::{Scene, Workflow};

/// The active connection of a row.
pub(crate) struct Cast {
    connection: String,
    role_arn: String,
    /// How many pieces of evidence there were before.
    evidence: usize,
}

/// Makes an active connection, none of whose calls is the row's.
async fn active(scene: &Scene, row: &Row) -> Cast {
    let (connection, role_arn) = scene.user.api.active_connection(&CustomerAccount::on(scene.stack)).await;
    let connection = connection["connection_id"].as_str().unwrap().to_owned();
    let evidence = evidence(scene, &connection).await;
    row.own(&[&connection]).await;
    Cast { connection, role_arn, evidence }
}

async fn evidence(scene: &Scene, connection: &str) -> usize {
    let items = scene.provider.items(&format!("CONNECTION#{connection}")).await;
    items.keys().filter(|sk| sk.starts_with("EVIDENCE#")).count()
}

/// An active connection is verified again.
pub(crate) struct ReProof;

impl Workflow for ReProof {
    const NAME: &'static str = "re-proof";
    type Cast = Cast;

    async fn prepare(&self, scene: &Scene, row: &Row) -> Cast {
        active(scene, row).await
    }

    async fn act(&self, scene: &Scene, _row: &Row, cast: &mut Cast) {
        let path = format!("/v1/connections/{}/verify", cast.connection);
        scene.user.ask(Method::POST, &path, Some(&json!({}))).await.0.expect(202);
    }

    async fn is_over(&self, scene: &Scene, cast: &Cast) -> bool {
        let items = scene.provider.items(&format!("CONNECTION#{}", cast.connection)).await;
        let ended = observe::steps(&items, "verification") == Some(false);
        ended && evidence(scene, &cast.connection).await > cast.evidence
    }

    async fn observe(&self, scene: &Scene, _row: &str, cast: &Cast) -> Value {
        observe::connection(scene, &cast.connection, &cast.role_arn).await
    }

    fn connection<'a>(&self, cast: &'a Cast) -> &'a str {
        &cast.connection
    }
}

/// An active connection is offboarded.
pub(crate) struct Offboarding;

impl Workflow for Offboarding {
    const NAME: &'static str = "offboarding";
    type Cast = Cast;

    async fn prepare(&self, scene: &Scene, row: &Row) -> Cast {
        active(scene, row).await
    }

    async fn act(&self, scene: &Scene, _row: &Row, cast: &mut Cast) {
        let path = format!("/v1/connections/{}", cast.connection);
        scene.user.ask(Method::DELETE, &path, None).await.0.expect(202);
    }

    async fn is_over(&self, scene: &Scene, cast: &Cast) -> bool {
        let items = scene.provider.items(&format!("CONNECTION#{}", cast.connection)).await;
        items["META"]["state"].as_s().is_ok_and(|state| state == "offboarded")
    }

    async fn observe(&self, scene: &Scene, _row: &str, cast: &Cast) -> Value {
        observe::connection(scene, &cast.connection, &cast.role_arn).await
    }

    fn connection<'a>(&self, cast: &'a Cast) -> &'a str {
        &cast.connection
    }
}
