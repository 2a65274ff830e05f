//! A run over many accounts, while the functions that carry it out are killed at random.
//!
//! It has a stack of its own, for it kills what others would wait for.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use blackbox::{Api, CustomerAccount, Estate, Provider, Stack, eventually_within, path_of};
use futures::stream::{self, StreamExt as _};
use serde_json::{Value, json};

const HOME: &str = "us-east-1";
const ACCOUNTS: usize = 50;
const TABLES: usize = 40;
/// Those that are killed.
const FUNCTIONS: [&str; 2] = ["PlannerFunction", "WorkerFunction"];
const AT_ONCE: usize = 8;
const PATIENCE: Duration = Duration::from_mins(15);

/// A customer with tables, whose connection is active.
async fn customer(api: &Api, stack: &'static Stack) -> (Value, CustomerAccount) {
    let account = CustomerAccount::on(stack);
    let estate = Estate::on(stack, &account, HOME);
    for number in 0..TABLES {
        estate.make_bare_table(&format!("table-{number:02}")).await;
    }
    let wanted = json!({"capabilities": ["dynamodb-backup"], "regions": [HOME]});
    let connection = api.new_connection_for(wanted).await;
    let setup = api.setup(&connection).await;
    let role = account.make_bare_role("r", &setup["trust_policy"]).await;
    account.permit("r", "drawbridge", &setup["permissions_policy"]).await;
    api.submit(&connection, &role).await.expect(202);
    (connection, account)
}

async fn chaos(stack: &Stack, method: reqwest::Method, body: &Value) -> Value {
    let url = format!("{}/_drawbridge/chaos", stack.endpoint_url);
    let request = reqwest::Client::new().request(method, url).body(body.to_string());
    let Ok(answer) = request.send().await else { panic!("local AWS does not answer") };
    assert!(answer.status().is_success(), "{}", answer.status());
    answer.json().await.unwrap_or(Value::Null)
}

/// The names of all backups, by account.
async fn backups(stack: &Stack, customers: &[(Value, CustomerAccount)]) -> BTreeMap<String, Vec<String>> {
    let mut found = BTreeMap::new();
    for (_, account) in customers {
        found.insert(account.id.clone(), Estate::on(stack, account, HOME).backup_names().await);
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "kills functions on a stack of its own for minutes; `make scale` runs it"]
async fn each_table_of_many_accounts_is_backed_up_once_while_functions_are_killed() {
    let stack = Stack::named("scale");
    let api = Api::operator_of(stack);
    let customers: Vec<_> =
        stream::iter(0..ACCOUNTS).map(|_| customer(&api, stack)).buffer_unordered(AT_ONCE).collect().await;
    for (connection, _) in &customers {
        eventually_within(PATIENCE, "the connection is active", async || {
            Some(api.look(connection).await).filter(|now| now["state"] == "active")
        })
        .await;
    }

    let killing = json!({"functions": FUNCTIONS, "probability": 0.003, "seed": 7, "redelivered_after": 0.5});
    chaos(stack, reqwest::Method::PUT, &killing).await;
    let order = json!({"connection_ids": "all", "kind": "dynamodb-backup", "select": {"names": ["*"]}});
    let begun = api.post("/v1/runs", order).await.expect(202);
    let run = format!("/v1/runs/{}", begun["run_id"].as_str().unwrap());
    let ended = eventually_within(PATIENCE, "the run ends", async || {
        Some(api.get(&run).await.expect(200)).filter(|now| !now["finished_at"].is_null())
    })
    .await;
    let killed = chaos(stack, reqwest::Method::DELETE, &Value::Null).await;
    println!("killed: {killed}; {ended}");
    let killed: u64 =
        FUNCTIONS.iter().map(|name| killed["functions"][name]["killed"].as_u64().unwrap_or(0)).sum();
    assert!(killed > 0, "functions were killed");

    // Each table once: in the accounts, in the ledger, and in the run's count.
    let all = ACCOUNTS * TABLES;
    assert_eq!(ended["state"], "succeeded", "{ended:#}");
    assert_eq!(ended["jobs"], json!({"total": all, "succeeded": all, "failed": 0, "skipped": 0}));
    let made = backups(stack, &customers).await;
    for (account, names) in &made {
        let distinct: BTreeSet<_> = names.iter().collect();
        assert_eq!((names.len(), distinct.len()), (TABLES, TABLES), "{account}");
    }
    for (connection, _) in &customers {
        let list = api.get(&format!("{}/backups?limit=100", path_of(connection))).await.expect(200);
        let tables: BTreeSet<_> =
            list["items"].as_array().unwrap().iter().map(|backup| backup["resource"].to_string()).collect();
        assert_eq!((tables.len(), list["items"].as_array().unwrap().len()), (TABLES, TABLES));
        let types = api.event_types_of_all(connection).await;
        assert_eq!(types.iter().filter(|kind| *kind == "backup.created").count(), TABLES);
    }

    // Whatever was on the queue comes once more, and nothing comes of it.
    let provider = Provider::of(stack);
    let deadline = "2099-01-01T00:00:00Z";
    for (connection, _) in &customers {
        for (chunk, step) in [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0)] {
            let message = json!({
                "kind": "chunk", "run_id": begun["run_id"], "connection_id": connection["connection_id"],
                "chunk": chunk, "step": step, "deadline": deadline,
            });
            provider.send_job(&message.to_string()).await;
        }
    }
    // A run behind them ends after they are taken.
    let behind = json!({"connection_ids": "all", "kind": "dynamodb-backup", "select": {"names": ["none"]}});
    let behind = api.post("/v1/runs", behind).await.expect(202);
    let behind = format!("/v1/runs/{}", behind["run_id"].as_str().unwrap());
    eventually_within(PATIENCE, "the run behind ends", async || {
        Some(api.get(&behind).await.expect(200)).filter(|now| !now["finished_at"].is_null())
    })
    .await;
    assert_eq!(backups(stack, &customers).await, made);
    assert!(provider.dead_letters().await.is_empty());
}
