//! From a role that is looked for to one that is submitted.

use reqwest::Method;
use serde_json::{Value, json};

use crate::connected::Connected;
use crate::observe;
use crate::row::{Call, Fault, Row};
use crate::workflow::{GRANTS, Scene, Workflow};

/// What Drawbridge sends when the role was found.
const FOUND: &str = "OnboarderFunction SQS SendMessage verify";

/// A customer has a role looked for that is there already.
pub(crate) struct Looking;

#[derive(Default)]
pub(crate) struct Cast {
    connected: Connected,
    link: String,
}

impl Workflow for Looking {
    const NAME: &'static str = "looking";
    const STACK: &'static str = GRANTS;
    const FAULTS: &'static [Fault] = &Fault::SORTS;
    type Cast = Cast;

    async fn prepare(&self, scene: &Scene, row: &Row) -> Cast {
        let (connected, link) = Connected::begin_to_look(scene, &row.token).await;
        Cast { connected, link }
    }

    async fn act(&self, scene: &Scene, row: &Row, cast: &mut Cast) {
        row.own(&[&cast.connected.id, &cast.link]).await;
        let account = cast.connected.account.as_ref().map(|account| account.id.clone());
        let (path, place) = (format!("{}/look", cast.link), json!({"account_id": account}));
        scene.user.ask(Method::POST, &path, Some(&place)).await.0.expect(202);
    }

    /// The message, and the write that it is about. What comes then is the verification, whose calls have
    /// rows of their own.
    fn last(calls: &[Call]) -> usize {
        let found = calls.iter().position(|call| call.signature == FOUND);
        found.map_or(calls.len(), |place| (place + 2).min(calls.len()))
    }

    async fn is_over(&self, scene: &Scene, cast: &Cast) -> bool {
        cast.connected.is_verified(scene).await
    }

    async fn observe(&self, scene: &Scene, _row: &str, cast: &Cast) -> Value {
        observe::connection(scene, &cast.connected).await
    }

    fn connected(&self, cast: Cast) -> Connected {
        cast.connected
    }
}
