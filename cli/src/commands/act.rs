//! What the commands for one service share: one operation or one page after the other, each followed to
//! its end.

use clap::Args;
use serde_json::{Map, Value, json};

use super::confirmation::Confirmation;
use super::follow::to_its_end;
use super::plan::{Wanted, plan_and_apply};
use super::show_operation::{exit, view};
use crate::client::Client;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::screen::Screen;
use crate::text::{field, items};

/// Where something is done.
#[derive(Debug, Args)]
pub struct Place {
    /// The connection's id
    #[arg(value_name = "CONNECTION", value_parser = super::id)]
    connection_id: String,
    /// Where: one of the connection's Regions
    #[arg(long = "region", id = "in_region", value_name = "REGION")]
    region: String,
}

/// How something is changed.
#[derive(Debug, Args)]
pub struct Manner {
    /// Only ask if it could be done; nothing is changed
    #[arg(long)]
    pub dry_run: bool,
    /// Why, for the record
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
}

/// How something is destroyed.
#[derive(Debug, Args)]
pub struct Destruction {
    #[command(flatten)]
    manner: Manner,
    #[command(flatten)]
    confirmation: Confirmation,
}

/// Most pages of a list, so that none goes on for ever.
const MOST_PAGES: usize = 1000;

impl Place {
    /// Changes something, and shows what became of it.
    pub async fn change(
        &self,
        client: &Client,
        screen: &Screen,
        action: &str,
        input: Value,
        manner: &Manner,
    ) -> Result<Exit> {
        let done = self.carry_out(client, action, input, manner).await?;
        screen.show(&done, view)?;
        Ok(exit(&done))
    }

    /// Destroys something: shows what will be gone, asks, and carries it out to its end. A dry run plans
    /// nothing, and has nothing to ask.
    pub async fn destroy(
        &self,
        client: &Client,
        screen: &Screen,
        action: &str,
        input: Value,
        how: &Destruction,
    ) -> Result<Exit> {
        if how.manner.dry_run {
            return self.change(client, screen, action, input, &how.manner).await;
        }
        let wanted = Wanted {
            connection_id: &self.connection_id,
            action,
            region: &self.region,
            input,
            reason: how.manner.reason.as_deref(),
        };
        plan_and_apply(client, screen, &wanted, &how.confirmation).await
    }

    /// Reads something, and shows what there is: the answer as AWS wrote it, or `table` of it.
    pub async fn read(
        &self,
        client: &Client,
        screen: &Screen,
        action: &str,
        input: Value,
        table: impl FnOnce(&Value) -> String,
    ) -> Result<Exit> {
        let done = self.asked(client, action, input).await?;
        show(screen, &done, table)
    }

    /// Reads a list to its end, and shows it: all pages as one, the list under its own name.
    pub async fn list(
        &self,
        client: &Client,
        screen: &Screen,
        list: &List,
        input: Map<String, Value>,
        most: Option<usize>,
        table: impl FnOnce(&Value) -> String,
    ) -> Result<Exit> {
        let mut found = Vec::new();
        let mut input = input;
        for _ in 0..MOST_PAGES {
            let done = self.asked(client, list.action, Value::Object(input.clone())).await?;
            if field(&done, "state") != "succeeded" {
                return show(screen, &done, table);
            }
            let output = done.get("output").cloned().unwrap_or_default();
            found.extend(items(&output, list.items).iter().cloned());
            let next = output.get(list.next).filter(|next| !next.is_null()).cloned();
            let enough = most.is_some_and(|most| found.len() >= most);
            let Some(next) = next.filter(|_| !enough) else {
                found.truncate(most.unwrap_or(usize::MAX));
                let whole = json!({ list.items: found });
                screen.show(&whole, table)?;
                return Ok(Exit::Done);
            };
            if input.get(list.start) == Some(&next) {
                return Err(Failure::unexpected("AWS's list does not come to an end"));
            }
            input.insert(list.start.to_owned(), next);
        }
        Err(Failure::unexpected(format!("the list has more than {MOST_PAGES} pages"))
            .next("narrow it, or read it page by page with `drawbridge operations run`"))
    }

    async fn asked(&self, client: &Client, action: &str, input: Value) -> Result<Value> {
        self.carry_out(client, action, input, &Manner { dry_run: false, reason: None }).await
    }

    /// Carries something out, to its end.
    pub async fn carry_out(
        &self,
        client: &Client,
        action: &str,
        input: Value,
        manner: &Manner,
    ) -> Result<Value> {
        let mut body = json!({"action": action, "region": self.region, "input": input});
        if manner.dry_run {
            body["dry_run"] = json!(true);
        }
        if let Some(reason) = &manner.reason {
            body["reason"] = json!(reason);
        }
        let begun =
            client.post(&["v1", "connections", &self.connection_id, "operations"], Some(&body)).await?;
        to_its_end(client, begun).await
    }
}

/// How a list of AWS's comes in pages: under which names.
#[derive(Debug)]
pub struct List {
    /// The IAM action.
    pub action: &'static str,
    /// What is listed.
    pub items: &'static str,
    /// Where a page says how it goes on.
    pub next: &'static str,
    /// Where the next request says that again.
    pub start: &'static str,
}

/// What AWS answered; what became of it, if it answered nothing.
fn show(screen: &Screen, done: &Value, table: impl FnOnce(&Value) -> String) -> Result<Exit> {
    match done.get("output").filter(|output| !output.is_null()) {
        Some(output) if field(done, "state") == "succeeded" => screen.show(output, table)?,
        _ => screen.show(done, view)?,
    }
    Ok(exit(done))
}

/// A text, `@FILE` or `@-`, as JSON.
pub fn json_of(option: &'static str) -> impl Fn(&str) -> std::result::Result<Value, String> + Clone {
    move |typed| super::run_operation::read(typed).map_err(|failure| format!("{option}: {}", failure.what))
}

/// `KEY=VALUE`.
pub fn tag(typed: &str) -> std::result::Result<(String, String), String> {
    typed.split_once('=').filter(|(key, _)| !key.is_empty()).map_or_else(
        || Err("a tag is written KEY=VALUE".to_owned()),
        |(key, value)| Ok((key.to_owned(), value.to_owned())),
    )
}

/// Tags under AWS's names.
pub fn tags(tags: &[(String, String)]) -> Value {
    tags.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect()
}

/// Tags of these kinds of things, if there are any.
pub fn tag_specifications(kinds: &[&str], given: &[(String, String)]) -> Option<Value> {
    let one = |kind: &&str| json!({"ResourceType": kind, "Tags": tags(given)});
    (!given.is_empty()).then(|| kinds.iter().map(one).collect())
}

/// What was given, under its name.
pub fn put(input: &mut Map<String, Value>, name: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        input.insert(name.to_owned(), value.into());
    }
}

#[cfg(test)]
mod typed;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arguments::Format;
    use crate::test_server::{Answer, TestServer};

    fn place() -> Place {
        Place { connection_id: "con_1".to_owned(), region: "eu-west-1".to_owned() }
    }

    const INSTANCES: List = List { action: "ec2:X", items: "Things", next: "NextToken", start: "NextToken" };

    /// The list as these answers give it, and what is shown.
    async fn listed(
        answers: Vec<Answer>,
        format: Format,
        most: Option<usize>,
    ) -> (Result<Exit>, String, Vec<String>) {
        let (server, screen) = (TestServer::start(answers).await, Screen::kept(format));
        let (client, place) = (server.client(), place());
        let done = place.list(&client, &screen, &INSTANCES, Map::new(), most, ToString::to_string).await;
        (done, screen.into_kept().output, server.targets())
    }

    fn page(things: &[i32], next: Option<&str>) -> Answer {
        Answer::ok(
            json!({"state": "succeeded", "output": {"Things": things, "NextToken": next}, "targets": []}),
        )
    }

    #[tokio::test]
    async fn all_pages_of_a_list_are_one() {
        let answers = vec![page(&[1, 2], Some("a")), page(&[3], None)];
        let (done, shown, targets) = listed(answers, Format::Json, None).await;
        assert_eq!(done.unwrap(), Exit::Done);
        let shown: Value = serde_json::from_str(&shown).unwrap();
        assert_eq!(shown, json!({"Things": [1, 2, 3]}));
        assert_eq!(targets, ["POST /v1/connections/con_1/operations"; 2]);
    }

    #[tokio::test]
    async fn a_list_ends_when_there_is_enough_or_when_it_goes_nowhere() {
        let (done, shown, _) = listed(vec![page(&[1, 2], Some("a"))], Format::Json, Some(1)).await;
        assert_eq!(done.unwrap(), Exit::Done);
        let shown: Value = serde_json::from_str(&shown).unwrap();
        assert_eq!(shown, json!({"Things": [1]}));
        let answers = vec![page(&[1], Some("a")), page(&[1], Some("a"))];
        let (done, ..) = listed(answers, Format::Json, None).await;
        assert!(done.unwrap_err().what.contains("does not come to an end"));
    }

    #[tokio::test]
    async fn what_aws_refuses_is_shown_with_its_code() {
        let failed = json!({
            "state": "failed", "output": null, "targets": [{"id": "ec2:X", "outcome": "failed", "code": "access_denied"}],
        });
        let (done, shown, _) = listed(vec![Answer::ok(failed)], Format::Table, None).await;
        assert_eq!(done.unwrap(), Exit::NotAccepted);
        assert!(shown.contains("access_denied"), "{shown}");
    }

    #[tokio::test]
    async fn a_change_says_why_and_whether_it_is_meant() {
        let done = json!({"operation_id": "op_1", "state": "succeeded", "dry_run": true, "output": null, "targets": []});
        let server = TestServer::start([
            Answer::new(202, json!({"operation_id": "op_1", "state": "running"})),
            Answer::ok(done),
        ])
        .await;
        let manner = Manner { dry_run: true, reason: Some("ticket 7".to_owned()) };
        let screen = Screen::kept(Format::Table);
        let exit =
            place().change(&server.client(), &screen, "ec2:X", json!({"A": 1}), &manner).await.unwrap();
        assert_eq!(exit, Exit::Done);
        let sent: Value = serde_json::from_str(&server.seen()[0].body).unwrap();
        assert_eq!(
            sent,
            json!({"action": "ec2:X", "region": "eu-west-1", "input": {"A": 1}, "dry_run": true, "reason": "ticket 7"})
        );
    }

    #[test]
    fn tags_are_keys_and_values() {
        assert_eq!(tag("Name=a=b"), Ok(("Name".to_owned(), "a=b".to_owned())));
        assert!(tag("Name").is_err() && tag("=x").is_err());
        assert_eq!(tag_specifications(&["image"], &[]), None);
        let one = [("a".to_owned(), String::new())];
        assert_eq!(
            tag_specifications(&["image"], &one),
            Some(json!([{"ResourceType": "image", "Tags": [{"Key": "a", "Value": ""}]}]))
        );
    }
}
