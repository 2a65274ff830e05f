//! `drawbridge operations run`.

use std::io::Read as _;

use clap::Args;
use serde_json::{Map, Value, json};

use super::follow::to_its_end;
use super::show_operation::{exit, view};
use crate::client::Client;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::screen::Screen;

/// Longest input that is read: the API takes less.
const LONGEST: u64 = 1 << 20;

/// Carries out one IAM action in a customer's account, with a session that may do that and nothing else.
#[derive(Debug, Args)]
#[command(after_help = "\
The input is the action's own, under AWS's parameter names. Instead of the JSON itself, @FILE reads it
from a file, and @- from standard input. Items are DynamoDB JSON.

What takes AWS longer than an answer may wait, such as stopping instances, is followed to its end;
with --no-wait it is printed as it is, running, and `drawbridge operations show` tells of it later.

Exit codes:
  0  it succeeded; with --no-wait also: it is running
  1  the API refused or failed, or it has not ended within 15 minutes
  4  AWS refused it, wholly or in part

Examples:
  drawbridge operations run con_… ec2:DescribeInstances --region eu-central-1
  drawbridge operations run con_… ec2:RebootInstances --region eu-central-1 \\
    --input '{\"InstanceIds\": [\"i-0123456789abcdef0\"]}' --dry-run --reason 'ticket 1234'
  drawbridge operations run con_… dynamodb:GetItem --region eu-central-1 \\
    --input '{\"TableName\": \"orders\", \"Key\": {\"pk\": {\"S\": \"1\"}}}' --output json | jq .output.Item")]
pub struct RunOperation {
    /// The connection's id
    #[arg(value_name = "ID", value_parser = super::id)]
    connection_id: String,
    /// The IAM action, such as ec2:DescribeInstances
    #[arg(value_name = "ACTION")]
    action: String,
    /// Where: one of the connection's Regions
    #[arg(long = "region", id = "in_region", value_name = "REGION")]
    region: String,
    /// The action's parameters as JSON, @FILE or @-
    #[arg(long, value_name = "JSON")]
    input: Option<String>,
    /// Only ask AWS if it would; nothing is changed
    #[arg(long)]
    dry_run: bool,
    /// Why, for the record
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Do not wait for the end of what takes AWS longer
    #[arg(long)]
    no_wait: bool,
}

impl RunOperation {
    pub(super) async fn run(self, client: &Client, screen: &Screen) -> Result<Exit> {
        let path = ["v1", "connections", &self.connection_id, "operations"];
        let begun = client.post(&path, Some(&self.body()?)).await?;
        let done = if self.no_wait { begun } else { to_its_end(client, begun).await? };
        screen.show(&done, view)?;
        Ok(exit(&done))
    }

    fn body(&self) -> Result<Value> {
        let mut body = Map::from_iter([
            ("action".to_owned(), json!(self.action)),
            ("region".to_owned(), json!(self.region)),
        ]);
        if let Some(input) = &self.input {
            body.insert("input".to_owned(), read(input)?);
        }
        if self.dry_run {
            body.insert("dry_run".to_owned(), json!(true));
        }
        if let Some(reason) = &self.reason {
            body.insert("reason".to_owned(), json!(reason));
        }
        Ok(Value::Object(body))
    }
}

/// The JSON that was typed, or that stands in a file.
pub(super) fn read(typed: &str) -> Result<Value> {
    let mut text = String::new();
    let source: Box<dyn std::io::Read> = match typed.strip_prefix('@') {
        None => Box::new(typed.as_bytes()),
        Some("-") => Box::new(std::io::stdin()),
        Some(path) => {
            let file = std::fs::File::open(path);
            Box::new(
                file.map_err(|error| Failure::usage(format!("--input: {path} cannot be read: {error}")))?,
            )
        }
    };
    let read = source.take(LONGEST).read_to_string(&mut text);
    read.map_err(|error| Failure::usage(format!("--input cannot be read: {error}")))?;
    serde_json::from_str(&text).map_err(|error| Failure::usage(format!("--input is not JSON: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arguments::Format;
    use crate::test_server::{Answer, TestServer};

    fn command(input: Option<&str>) -> RunOperation {
        RunOperation {
            connection_id: "con_1".to_owned(),
            action: "ec2:RebootInstances".to_owned(),
            region: "eu-central-1".to_owned(),
            input: input.map(str::to_owned),
            dry_run: true,
            reason: Some("why".to_owned()),
            no_wait: false,
        }
    }

    fn answer(state: &str, outcome: &str) -> Value {
        json!({
            "operation_id": "op_1", "action": "ec2:RebootInstances", "region": "eu-central-1", "dry_run": true,
            "state": state, "output": {"Some": "thing"}, "targets": [{"id": "i-1", "outcome": outcome}],
            "actor": "arn", "reason": "why", "started_at": "2026-01-01T00:00:00Z", "session_name": "drawbridge-op_1",
            "cloudtrail": "aws cloudtrail lookup-events",
        })
    }

    #[tokio::test]
    async fn what_was_typed_is_sent_and_what_became_of_it_is_shown() {
        let answers = [Answer::ok(answer("succeeded", "succeeded")), Answer::ok(answer("partial", "failed"))];
        let server = TestServer::start(answers).await;
        let screen = Screen::kept(Format::Table);
        let input = Some(r#"{"InstanceIds":["i-1"]}"#);
        assert_eq!(command(input).run(&server.client(), &screen).await.unwrap(), Exit::Done);
        assert_eq!(server.targets(), ["POST /v1/connections/con_1/operations"]);
        let shown = screen.into_kept().output;
        for part in ["succeeded (dry run)", "i-1", "\"Some\": \"thing\"", "drawbridge-op_1", "lookup-events"]
        {
            assert!(shown.contains(part), "{part}: {shown}");
        }
        let screen = Screen::kept(Format::Table);
        assert_eq!(command(None).run(&server.client(), &screen).await.unwrap(), Exit::NotAccepted);
    }

    #[tokio::test]
    async fn what_takes_longer_is_followed_unless_that_is_not_wanted() {
        let running = || Answer::new(202, answer("running", "queued"));
        let server = TestServer::start([running(), Answer::ok(answer("partial", "failed"))]).await;
        let screen = Screen::kept(Format::Json);
        assert_eq!(command(None).run(&server.client(), &screen).await.unwrap(), Exit::NotAccepted);
        assert_eq!(server.targets(), ["POST /v1/connections/con_1/operations", "GET /v1/operations/op_1"]);
        let server = TestServer::start([running()]).await;
        let screen = Screen::kept(Format::Json);
        let at_once = RunOperation { no_wait: true, ..command(None) };
        assert_eq!(at_once.run(&server.client(), &screen).await.unwrap(), Exit::Done);
        assert!(screen.into_kept().output.contains("\"running\""));
    }

    #[test]
    fn inputs_are_json_from_wherever_they_come() {
        let body = command(Some(r#"{"InstanceIds":["i-1"]}"#)).body().unwrap();
        assert_eq!(
            body,
            json!({
                "action": "ec2:RebootInstances", "region": "eu-central-1", "dry_run": true, "reason": "why",
                "input": {"InstanceIds": ["i-1"]},
            })
        );
        let path = std::env::temp_dir().join(format!("drawbridge-{}.json", std::process::id()));
        std::fs::write(&path, "{\"TableName\": \"t\"}").unwrap();
        let read = read(&format!("@{}", path.display())).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert_eq!(read, json!({"TableName": "t"}));
        for wrong in ["{", "@/nonexistent/file"] {
            assert!(super::read(wrong).is_err(), "{wrong}");
        }
    }
}
