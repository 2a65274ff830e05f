//! Following an operation that takes AWS longer than an answer may wait.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::Value;

use crate::client::Client;
use crate::failure::{Failure, Result};
use crate::progress::Progress;
use crate::text::{NOTHING, field, items};

/// How often an operation that goes on is looked at. Scripted answers need not be waited for.
const INTERVAL: Duration = Duration::from_millis(if cfg!(test) { 1 } else { 2000 });

/// How long one is followed. It goes on by itself.
const PATIENCE: Duration = Duration::from_mins(15);

/// What became of an operation: at once where it has ended, else when it has.
pub(super) async fn to_its_end(client: &Client, begun: Value) -> Result<Value> {
    to_its_end_within(client, begun, PATIENCE).await
}

/// The same, with another patience.
pub(super) async fn to_its_end_within(client: &Client, begun: Value, patience: Duration) -> Result<Value> {
    if !is_running(&begun) {
        return Ok(begun);
    }
    follow(client, begun, &Progress::start(), patience).await
}

/// Follows an operation, and tells each target as it ends.
async fn follow(client: &Client, begun: Value, progress: &Progress, patience: Duration) -> Result<Value> {
    let id = field(&begun, "operation_id");
    progress.waiting_for(&format!("{id} is running"));
    let mut told = HashMap::new();
    let mut now = begun;
    loop {
        for target in items(&now, "targets") {
            let (name, outcome) = (field(target, "id"), field(target, "outcome"));
            if matches!(outcome.as_str(), "queued" | "running") || told.get(&name) == Some(&outcome) {
                continue;
            }
            let code = field(target, "code");
            let why = if code == NOTHING { String::new() } else { format!(" ({code})") };
            progress.tell(&format!("{name}: {outcome}{why}"));
            told.insert(name, outcome);
        }
        if !is_running(&now) {
            return Ok(now);
        }
        if progress.elapsed() >= patience {
            return Err(Failure::unexpected(format!(
                "{id} has not ended within {} seconds",
                patience.as_secs()
            ))
            .because("it goes on; only watching has ended")
            .next(format!("`drawbridge operations show {id}` tells what became of it")));
        }
        tokio::time::sleep(INTERVAL).await;
        now = client.get(&["v1", "operations", &id], &[]).await?;
    }
}

pub(super) fn is_running(operation: &Value) -> bool {
    field(operation, "state") == "running"
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::test_server::{Answer, TestServer};

    fn told(state: &str, targets: &[(&str, &str, Option<&str>)]) -> Value {
        let target = |(id, outcome, code): &(&str, &str, Option<&str>)| json!({"id": id, "outcome": outcome, "code": code});
        let targets: Vec<_> = targets.iter().map(target).collect();
        json!({"operation_id": "op_1", "state": state, "output": null, "targets": targets})
    }

    #[tokio::test]
    async fn each_target_is_told_once_when_it_has_ended() {
        let (one, two) = (("i-1", "succeeded", None), ("i-2", "failed", Some("not_found")));
        let server = TestServer::start([
            Answer::ok(told("running", &[one, ("i-2", "running", None)])),
            Answer::ok(told("partial", &[one, two])),
        ])
        .await;
        let progress = Progress::kept();
        let begun = told("running", &[("i-1", "queued", None), ("i-2", "queued", None)]);
        let ended = follow(&server.client(), begun, &progress, PATIENCE).await.unwrap();
        assert_eq!(field(&ended, "state"), "partial");
        assert_eq!(progress.lines(), ["i-1: succeeded", "i-2: failed (not_found)"]);
        assert_eq!(server.targets(), ["GET /v1/operations/op_1"; 2]);
    }

    #[tokio::test]
    async fn what_has_ended_is_not_asked_about() {
        let server = TestServer::start([]).await;
        let ended = told("failed", &[]);
        assert_eq!(to_its_end(&server.client(), ended.clone()).await.unwrap(), ended);
        assert!(server.targets().is_empty());
    }

    #[tokio::test]
    async fn who_gives_up_is_told_how_to_look_again() {
        let server = TestServer::start([]).await;
        let progress = Progress::kept();
        let given_up = follow(&server.client(), told("running", &[]), &progress, Duration::ZERO).await;
        let given_up = given_up.unwrap_err().to_string();
        assert!(given_up.contains("operations show op_1"), "{given_up}");
    }
}
