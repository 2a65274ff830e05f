//! Runs: what is selected is backed up, once, and told.

use std::collections::BTreeSet;
use std::time::Duration;

use blackbox::{Api, CustomerAccount, Estate, Provider, eventually, eventually_within, path_of};
use serde_json::{Value, json};

use crate::operations::connected;

const HOME: &str = "us-east-1";

pub(crate) const BACKUP: [&str; 1] = ["dynamodb-backup"];

/// What a run of this connection is asked to do.
fn order(connection: &Value, select: Value) -> Value {
    let mut order = json!({"connection_ids": [connection["connection_id"]], "kind": "dynamodb-backup"});
    order["select"] = select;
    order
}

fn all_tables() -> Value {
    json!({"names": ["*"]})
}

/// How long a run may take that is about what all the tests beside this one have.
const OVER_ALL: Duration = Duration::from_mins(5);

/// A run as it is in the end.
pub(crate) async fn ended(api: &Api, run: &Value) -> Value {
    ended_within(Duration::from_mins(1), api, run).await
}

async fn ended_within(patience: Duration, api: &Api, run: &Value) -> Value {
    let path = format!("/v1/runs/{}", run["run_id"].as_str().unwrap());
    eventually_within(patience, "the run ends", async || {
        let now = api.get(&path).await.expect(200);
        Some(now).filter(|now| !now["finished_at"].is_null())
    })
    .await
}

async fn carried_out(api: &Api, order: Value) -> Value {
    let begun = api.post("/v1/runs", order).await.expect(202);
    ended(api, &begun).await
}

/// Every job of a run, page by page.
pub(crate) async fn jobs(api: &Api, run: &Value) -> Vec<Value> {
    let run = run["run_id"].as_str().unwrap();
    let (mut jobs, mut path) = (Vec::new(), format!("/v1/runs/{run}/jobs?limit=3"));
    loop {
        let page = api.get(&path).await.expect(200);
        jobs.extend(page["items"].as_array().unwrap().iter().cloned());
        match page["next_cursor"].as_str() {
            Some(cursor) => path = format!("/v1/runs/{run}/jobs?limit=3&cursor={cursor}"),
            None => return jobs,
        }
    }
}

/// What became of each resource.
pub(crate) fn told(jobs: &[Value]) -> Vec<(String, String, Option<String>)> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let mut told: Vec<_> = jobs
        .iter()
        .map(|job| (text(&job["resource"]).unwrap(), text(&job["state"]).unwrap(), text(&job["code"])))
        .collect();
    told.sort();
    told
}

/// The connection's backups, as its ledger tells.
pub(crate) async fn ledger(api: &Api, connection: &Value) -> Vec<Value> {
    let list = api.get(&format!("{}/backups?limit=100", path_of(connection))).await.expect(200);
    assert_eq!(list["next_cursor"], Value::Null);
    list["items"].as_array().cloned().unwrap()
}

async fn events_of(api: &Api, connection: &Value, kind: &str) -> usize {
    api.event_types(connection).await.iter().filter(|one| *one == kind).count()
}

#[tokio::test]
async fn what_is_selected_is_backed_up_with_what_a_restore_would_lose() {
    let api = Api::operator();
    let (connection, account) = connected(&api, &BACKUP).await;
    let estate = Estate::of(&account, HOME);
    for table in ["orders", "orders-old", "customers", "scratch"] {
        estate.make_bare_table(table).await;
    }
    estate.tag_table("orders", "team", "shop").await;
    estate.expire_by("orders", "gone_at").await;
    let select = json!({"names": ["orders*", "customers"], "exclude_names": ["*-old"]});
    let run = carried_out(&api, order(&connection, select)).await;
    assert_eq!(run["state"], "succeeded", "{run:#}");
    assert_eq!(run["jobs"], json!({"total": 2, "succeeded": 2, "failed": 0, "skipped": 0}));
    let jobs = jobs(&api, &run).await;
    assert_eq!(
        told(&jobs),
        [("customers", "succeeded"), ("orders", "succeeded")]
            .map(|(name, state)| { (name.to_owned(), state.to_owned(), None) })
    );

    // What the ledger says is what there is in the account, under the names of the jobs.
    let ledger = ledger(&api, &connection).await;
    let names: BTreeSet<_> =
        ledger.iter().map(|backup| backup["name"].as_str().unwrap().to_owned()).collect();
    let expected: BTreeSet<_> =
        jobs.iter().map(|job| format!("drawbridge-{}", job["job_id"].as_str().unwrap())).collect();
    assert_eq!(names, expected);
    assert_eq!(estate.backup_names().await, expected.into_iter().collect::<Vec<_>>());
    for backup in &ledger {
        assert_eq!(
            (&backup["state"], &backup["run_id"]),
            (&json!("available"), &run["run_id"]),
            "{backup:#}"
        );
        assert!(
            estate
                .backups_of(backup["resource"].as_str().unwrap())
                .await
                .contains(&backup["aws_id"].as_str().unwrap().to_owned())
        );
    }
    let of_orders = ledger.iter().find(|backup| backup["resource"] == "orders").unwrap();
    let whole =
        api.get(&format!("/v1/backups/{}", of_orders["backup_id"].as_str().unwrap())).await.expect(200);
    let manifest = &whole["manifest"];
    assert_eq!(manifest["tags"], json!({"known": {"team": "shop"}}), "{manifest:#}");
    assert_eq!(manifest["time_to_live"], json!({"known": "gone_at"}));
    assert_eq!(manifest["keys"], json!([{"name": "pk", "role": "HASH", "type": "S"}]));
    assert_eq!(events_of(&api, &connection, "backup.created").await, 2);
    assert_eq!(events_of(&api, &connection, "run.finished").await, 1);
    let listed = format!("/v1/runs?connection_id={}", connection["connection_id"].as_str().unwrap());
    assert_eq!(api.get(&listed).await.expect(200)["items"][0]["run_id"], run["run_id"]);
}

/// SQS may deliver whatever it has delivered once more, at any time.
#[tokio::test]
async fn messages_that_come_again_make_no_further_backup() {
    let api = Api::operator();
    let (connection, account) = connected(&api, &BACKUP).await;
    let estate = Estate::of(&account, HOME);
    for table in ["aaa", "bbb", "ccc"] {
        estate.make_bare_table(table).await;
    }
    let run = carried_out(&api, order(&connection, all_tables())).await;
    let backups = estate.backup_names().await;
    assert_eq!(backups.len(), 3);
    let (provider, id) = (Provider::new(), connection["connection_id"].clone());
    let deadline = "2099-01-01T00:00:00Z";
    for step in 0..6 {
        let whose = json!({"run_id": run["run_id"], "step": step, "deadline": deadline});
        let with = |kind: &str, more: Value| {
            let mut message = whose.clone();
            message["kind"] = json!(kind);
            message.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            message
        };
        provider.send_run(&with("run", json!({}))).await;
        provider.send_run(&with("part", json!({"connection_id": id}))).await;
        provider.send_job(&with("chunk", json!({"connection_id": id, "chunk": 0})).to_string()).await;
    }
    // Another run takes its turn behind them.
    carried_out(&api, order(&connection, json!({"names": ["none"]}))).await;
    assert_eq!(estate.backup_names().await, backups);
    assert_eq!(ledger(&api, &connection).await.len(), 3);
    assert_eq!(ended(&api, &run).await, run);
    let told = api.events(&connection).await;
    let of_it = |event: &&Value| event["type"] == "run.finished" && event["data"]["run_id"] == run["run_id"];
    assert_eq!(told.iter().filter(of_it).count(), 1);
}

#[tokio::test]
async fn tables_are_selected_by_tag_where_tags_may_be_read() {
    let api = Api::operator();
    let (connection, account) = connected(&api, &BACKUP).await;
    let estate = Estate::of(&account, HOME);
    for table in ["aaa", "bbb", "ccc"] {
        estate.make_bare_table(table).await;
    }
    estate.tag_table("bbb", "backup", "daily").await;
    estate.tag_table("ccc", "backup", "never").await;
    let select = json!({"tags": {"backup": "daily"}});
    let run = carried_out(&api, order(&connection, select.clone())).await;
    assert_eq!(told(&jobs(&api, &run).await), [("bbb".to_owned(), "succeeded".to_owned(), None)]);

    let wanted = json!({"capabilities": ["classic"], "regions": [HOME]});
    let classic = api.new_connection_for(wanted).await;
    let role = CustomerAccount::new().make_role("r", &api.setup(&classic).await["trust_policy"]).await;
    assert_eq!(api.onboard(&classic, &role).await["state"], "active");
    api.post("/v1/runs", order(&classic, select)).await.refused(403, "capability_missing");
}

#[tokio::test]
async fn what_cannot_be_backed_up_now_is_left_out_with_the_reason() {
    let api = Api::operator();
    let (connection, account) = connected(&api, &BACKUP).await;
    let estate = Estate::of(&account, HOME);
    for table in ["good", "archived", "going"] {
        estate.make_bare_table(table).await;
    }
    let provider = Provider::new();
    provider.table_is(&account, HOME, "archived", "ARCHIVED").await;
    provider.table_is(&account, HOME, "going", "DELETING").await;
    let run = carried_out(&api, order(&connection, all_tables())).await;
    assert_eq!(run["state"], "succeeded", "{run:#}");
    assert_eq!(run["jobs"], json!({"total": 3, "succeeded": 1, "failed": 0, "skipped": 2}));
    let told = told(&jobs(&api, &run).await);
    let codes: Vec<_> = told.iter().map(|(name, _, code)| (name.as_str(), code.as_deref())).collect();
    assert_eq!(
        codes,
        [("archived", Some("table_archived")), ("going", Some("table_deleting")), ("good", None)]
    );
    assert_eq!(ledger(&api, &connection).await.len(), 1);
}

/// What retention deletes is what runs of the same kind have made, and nothing else.
#[tokio::test]
async fn retention_deletes_what_it_does_not_keep_and_nothing_else() {
    let api = Api::operator();
    let (connection, account) = connected(&api, &BACKUP).await;
    let estate = Estate::of(&account, HOME);
    // With a backup that somebody else has made.
    estate.make_table("orders").await;
    let mut keeping = order(&connection, all_tables());
    keeping["retention"] = json!({"keep_last": 2});
    for _ in 0..3 {
        assert_eq!(carried_out(&api, keeping.clone()).await["state"], "succeeded");
    }
    let ledger_now = ledger(&api, &connection).await;
    let states: Vec<_> = ledger_now.iter().map(|backup| backup["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["deleted", "available", "available"], "the oldest goes");
    assert_eq!(ledger_now[0]["gone"], "retention");
    assert_eq!(events_of(&api, &connection, "backup.deleted").await, 1);
    let names = estate.backup_names().await;
    assert_eq!(names.len(), 3);
    assert!(names.contains(&"kept".to_owned()), "what Drawbridge did not make stays: {names:?}");

    // A dry run tells, and changes nothing.
    keeping["retention"] = json!({"keep_last": 1});
    keeping["dry_run"] = json!(true);
    let dry = carried_out(&api, keeping).await;
    let verdicts = jobs(&api, &dry).await[0]["retention"].clone();
    let told: Vec<_> = verdicts
        .as_array()
        .unwrap()
        .iter()
        .map(|verdict| (verdict["keep"].as_bool().unwrap(), verdict["backup_id"].is_string()))
        .collect();
    assert_eq!(told.iter().filter(|(keep, _)| !keep).count(), 2, "{verdicts:#}");
    assert!(told.contains(&(true, false)), "the one that would be made stays: {verdicts:#}");
    assert_eq!(estate.backup_names().await, names);
    assert_eq!(ledger(&api, &connection).await, ledger_now);
}

/// One customer's trouble is one row of the run, and nobody else's.
#[tokio::test]
async fn one_broken_customer_keeps_no_other_from_being_backed_up() {
    let api = Api::operator();
    let (good, account) = connected(&api, &BACKUP).await;
    let (broken, other) = connected(&api, &BACKUP).await;
    let (gone, third) = connected(&api, &BACKUP).await;
    for account in [&account, &other, &third] {
        Estate::of(account, HOME).make_bare_table("ttt").await;
    }
    // One may do nothing any more, another one does not let anybody in.
    let nothing =
        json!({"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]});
    other.permit("r", "drawbridge", &nothing).await;
    third
        .change_trust(
            "r",
            &json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]}),
        )
        .await;
    let ids = [&good, &broken, &gone].map(|connection| connection["connection_id"].clone());
    let mut all = order(&good, all_tables());
    all["connection_ids"] = json!(ids);
    let run = carried_out(&api, all).await;
    assert_eq!(run["state"], "partial", "{run:#}");
    let jobs = jobs(&api, &run).await;
    let of = |id: &Value| jobs.iter().find(|job| job["connection_id"] == *id).unwrap();
    assert_eq!(of(&ids[0])["state"], "succeeded");
    assert_eq!((&of(&ids[1])["resource"], &of(&ids[1])["code"]), (&json!("*"), &json!("access_denied")));
    assert_eq!(of(&ids[2])["code"], "role_not_assumable");
    assert_eq!(Estate::of(&account, HOME).backup_names().await.len(), 1);
}

#[tokio::test]
async fn a_run_is_for_connections_that_are_there_and_active() {
    let api = Api::operator();
    let waiting = api.new_connection_for(json!({"capabilities": BACKUP, "regions": [HOME]})).await;
    api.post("/v1/runs", order(&waiting, all_tables())).await.refused(409, "connection_not_active");
    let (connection, account) = connected(&api, &BACKUP).await;
    Estate::of(&account, HOME).make_bare_table("ttt").await;
    let mut nobody = order(&connection, all_tables());
    nobody["connection_ids"] = json!(["con_00000000000000000000000000000000"]);
    api.post("/v1/runs", nobody).await.refused(404, "not_found");
    let mut nothing = order(&connection, json!({}));
    nothing["select"] = json!({"exclude_names": ["x"]});
    api.post("/v1/runs", nothing).await.refused(422, "selection_empty");
    let mut elsewhere = order(&connection, all_tables());
    elsewhere["regions"] = json!(["eu-west-3"]);
    api.post("/v1/runs", elsewhere).await.refused(422, "region_not_connected");
    let mut other = order(&connection, all_tables());
    other["kind"] = json!("ec2-stop");
    api.post("/v1/runs", other).await.refused(403, "capability_missing");
    assert!(Estate::of(&account, HOME).backup_names().await.is_empty(), "nothing was done");
}

/// A backup that somebody else deletes is told as what it is, and its deletion fails no run.
#[tokio::test]
async fn what_was_deleted_behind_our_back_is_told() {
    let api = Api::operator();
    let (connection, account) = connected(&api, &BACKUP).await;
    let estate = Estate::of(&account, HOME);
    estate.make_bare_table("ttt").await;
    let mut keeping = order(&connection, all_tables());
    keeping["retention"] = json!({"keep_last": 1});
    carried_out(&api, keeping.clone()).await;
    let first = ledger(&api, &connection).await[0].clone();
    estate.delete_backup(first["aws_id"].as_str().unwrap()).await;
    assert_eq!(carried_out(&api, keeping).await["state"], "succeeded");
    let told = ledger(&api, &connection).await;
    assert_eq!((&told[0]["state"], &told[0]["gone"]), (&json!("deleted"), &json!("elsewhere")));
    assert_eq!(told[1]["state"], "available");
}

/// A run over all takes those that are active and for it, and tells of those that are not.
#[tokio::test]
async fn a_run_over_all_finds_every_connection() {
    let api = Api::operator();
    let table = format!("all-{}", uuid::Uuid::new_v4().simple());
    let (first, account) = connected(&api, &BACKUP).await;
    let (second, other) = connected(&api, &BACKUP).await;
    let (without, third) = connected(&api, &["dynamodb-data"]).await;
    for account in [&account, &other, &third] {
        Estate::of(account, HOME).make_bare_table(&table).await;
    }
    let mut all = order(&first, json!({"names": [table]}));
    all["connection_ids"] = json!("all");
    let begun = api.post("/v1/runs", all).await.expect(202);
    let run = ended_within(OVER_ALL, &api, &begun).await;
    let jobs = jobs(&api, &run).await;
    let of = |connection: &Value| {
        let its: Vec<_> =
            jobs.iter().filter(|job| job["connection_id"] == connection["connection_id"]).collect();
        assert_eq!(its.len(), 1, "{its:#?}");
        its[0].clone()
    };
    for connection in [&first, &second] {
        let job = of(connection);
        assert_eq!((&job["resource"], &job["state"]), (&json!(table), &json!("succeeded")), "{job:#}");
    }
    assert_eq!(of(&without)["code"], "capability_missing");
    assert!(Estate::of(&third, HOME).backup_names().await.is_empty());
    let done = jobs.iter().filter(|job| job["state"] == "succeeded").count();
    assert_eq!(done, 2, "nobody else has a table of that name");
}

#[tokio::test]
async fn a_message_that_means_nothing_harms_no_run() {
    let (api, provider) = (Api::operator(), Provider::new());
    let (connection, account) = connected(&api, &BACKUP).await;
    let estate = Estate::of(&account, HOME);
    estate.make_bare_table("orders").await;
    let broken = json!({"kind": uuid::Uuid::new_v4().to_string()});
    provider.send_run(&broken).await;
    let unknown = json!({
        "kind": "run", "run_id": "run_0193b2c0000070008000000000000001", "step": 0,
        "deadline": "2999-01-01T00:00:00Z",
    });
    provider.send_run(&unknown).await;
    let run = carried_out(&api, order(&connection, all_tables())).await;
    assert_eq!(run["state"], "succeeded", "{run:#}");
    assert_eq!(estate.backup_names().await.len(), 1);
    let broken = broken.to_string();
    eventually("it is a dead letter", async || provider.dead_letters().await.contains(&broken).then_some(()))
        .await;
}
