//! A connection and its role, and how the user comes to it.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::types::AttributeValue;
use blackbox::CustomerAccount;
use reqwest::Method;
use serde_json::{Value, json};

use crate::workflow::Scene;

/// How long preparing and clearing up may take, which no fault disturbs.
const PATIENCE: Duration = Duration::from_mins(4);

/// Most connections that wait for another row. With the rows that run they fit the stack's grants.
const MOST_SPARE: usize = 25;

/// Active connections that rows have left as they should be: for a row that begins with one, that is
/// as good as a new one, and takes no time. By the URL of their stack's API.
static SPARE: Mutex<BTreeMap<&str, Vec<Connected>>> = Mutex::new(BTreeMap::new());

/// What most connections are for: few questions about what the role may do, for all of them go the
/// same way.
const OBSERVE: &[&str] = &["dynamodb-observe"];

/// A connection that is, or was, to have a role.
#[derive(Default)]
pub(crate) struct Connected {
    pub id: String,
    /// The customer's account, if it was made here.
    pub account: Option<CustomerAccount>,
    capabilities: &'static [&'static str],
    pub role_arn: String,
    /// What a workflow has made for it once, and needs in every row: the id of a schedule or a backup.
    pub kept: Option<String>,
    /// What the connection had when the row began, which is not the row's.
    pub before: Before,
}

/// What grows with every row of a connection.
#[derive(Default, Clone, Copy)]
pub(crate) struct Before {
    pub events: usize,
    pub evidence: usize,
    pub version: u64,
}

impl Connected {
    /// Makes a customer, a connection and the customer's role, all of this name. The name is long
    /// enough that two of the roles fill more than one grant, so that each has one of its own.
    pub async fn begin(scene: &Scene, name: &str) -> Self {
        Self::begin_for(scene, name, OBSERVE).await
    }

    async fn begin_for(scene: &Scene, name: &str, capabilities: &'static [&'static str]) -> Self {
        Self::begin_as(scene, name, capabilities, &json!({})).await.0
    }

    /// The same, and the path of the customer's link; the role's name is announced, so that it can be
    /// looked for.
    pub async fn begin_to_look(scene: &Scene, name: &str) -> (Self, String) {
        let announced = json!({"role_name": name});
        let (connected, connection) = Self::begin_as(scene, name, OBSERVE, &announced).await;
        (connected, scene.user.api.path_of_link(&connection))
    }

    async fn begin_as(
        scene: &Scene,
        name: &str,
        capabilities: &'static [&'static str],
        further: &Value,
    ) -> (Self, Value) {
        let user = &scene.user;
        let (customer, _) = user.ask(Method::POST, "/v1/customers", Some(&json!({"name": name}))).await;
        let customer = customer.expect(201)["customer_id"].as_str().unwrap().to_owned();
        let mut wanted = json!({"capabilities": capabilities, "regions": ["us-east-1"], "label": name});
        wanted.as_object_mut().unwrap().extend(further.as_object().cloned().unwrap_or_default());
        let path = format!("/v1/customers/{customer}/connections");
        let connection = user.ask(Method::POST, &path, Some(&wanted)).await.0.expect(201);
        let id = connection["connection_id"].as_str().unwrap().to_owned();

        // What the operator reads for the customer changes nothing, and is not the row's.
        let setup = user.read(&format!("/v1/connections/{id}/setup?format=json")).await;
        let account = CustomerAccount::on(scene.stack);
        let role_arn = account.make_role(name, &setup["trust_policy"]).await;
        (Self { id, account: Some(account), capabilities, role_arn, ..Self::default() }, connection)
    }

    /// Submits the role, and returns how often it took until an answer came.
    pub async fn submit(&self, scene: &Scene) -> u32 {
        let path = format!("/v1/connections/{}/role", self.id);
        let role = json!({"role_arn": self.role_arn});
        let (answer, submitted) = scene.user.ask(Method::PUT, &path, Some(&role)).await;
        answer.expect(202);
        submitted
    }

    /// One that is active: a spare one, or a new one of this name.
    pub async fn active(scene: &Scene, name: &str) -> Self {
        Self::active_for(scene, name, OBSERVE).await
    }

    /// The same, for these capabilities; none for which a workflow has made something that stays.
    pub async fn active_for(scene: &Scene, name: &str, capabilities: &'static [&'static str]) -> Self {
        Self::active_as(scene, name, capabilities, false).await
    }

    /// The same for a workflow that makes something once and needs it in every row: one for which it has, or a
    /// new one. Of workflows that keep things, each has capabilities of its own.
    pub async fn keeping_for(scene: &Scene, name: &str, capabilities: &'static [&'static str]) -> Self {
        Self::active_as(scene, name, capabilities, true).await
    }

    async fn active_as(
        scene: &Scene,
        name: &str,
        capabilities: &'static [&'static str],
        keeping: bool,
    ) -> Self {
        let spare = {
            let mut spares = SPARE.lock().unwrap();
            let spares = spares.entry(&scene.stack.api_url).or_default();
            let such = spares
                .iter()
                .position(|spare| spare.capabilities == capabilities && spare.kept.is_some() == keeping);
            such.map(|place| spares.swap_remove(place))
        };
        let mut connected = match spare {
            Some(spare) => spare,
            None => Self::made_active(scene, name, capabilities).await,
        };
        let items = scene.provider.items(&format!("CONNECTION#{}", connected.id)).await;
        let count = |prefix: &str| items.keys().filter(|sk| sk.starts_with(prefix)).count();
        let version = items["META"]["version"].as_n().unwrap().parse().unwrap();
        connected.before = Before { events: count("EVENT#"), evidence: count("EVIDENCE#"), version };
        connected
    }

    async fn made_active(scene: &Scene, name: &str, capabilities: &'static [&'static str]) -> Self {
        let connected = Self::begin_for(scene, name, capabilities).await;
        connected.submit(scene).await;
        let begun = Instant::now();
        while !connected.is_verified(scene).await {
            assert!(begun.elapsed() < PATIENCE, "{} does not become active", connected.id);
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        connected
    }

    /// Whether a verification has ended since the row began, and none is running.
    pub async fn is_verified(&self, scene: &Scene) -> bool {
        let items = scene.provider.items(&format!("CONNECTION#{}", self.id)).await;
        let running = items.get("META").and_then(|meta| {
            let verification = meta.get("verification")?.as_m().ok()?;
            verification.get("steps")?.as_m().ok()?.get("running")?.as_bool().ok()
        });
        let evidence = items.keys().filter(|sk| sk.starts_with("EVIDENCE#")).count();
        running == Some(&false) && evidence > self.before.evidence
    }

    /// Whether the connection has ended.
    pub async fn is_offboarded(&self, scene: &Scene) -> bool {
        let items = scene.provider.items(&format!("CONNECTION#{}", self.id)).await;
        items.get("META").is_some_and(|meta| meta["state"] == AttributeValue::S("offboarded".to_owned()))
    }

    /// Asks for the connection to end. Asked twice, it ends once.
    pub async fn offboard(&self, scene: &Scene) {
        let path = format!("/v1/connections/{}", self.id);
        scene.user.ask(Method::DELETE, &path, None).await.0.expect(202);
    }

    /// Keeps the connection for another row, if it is `as_new`, and else ends it, so that its grant
    /// is free. Returns what went wrong if it does not end.
    pub async fn clear_up(self, scene: &Scene, as_new: bool) -> Option<String> {
        let ends = if as_new { self.spare(scene)? } else { self };
        ends.offboard(scene).await;
        let begun = Instant::now();
        while !ends.is_offboarded(scene).await {
            if begun.elapsed() > PATIENCE {
                return Some(format!("{} does not end", ends.id));
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        None
    }

    /// Keeps the connection for another row, and returns the one that there is no room for then: one that is
    /// for something else, if there is such.
    fn spare(self, scene: &Scene) -> Option<Self> {
        let mut spares = SPARE.lock().unwrap();
        let spare = spares.entry(&scene.stack.api_url).or_default();
        if spare.len() < MOST_SPARE {
            spare.push(self);
            return None;
        }
        match spare.iter().position(|other| other.capabilities != self.capabilities) {
            Some(place) => Some(std::mem::replace(&mut spare[place], self)),
            None => Some(self),
        }
    }
}
