//! `drawbridge grants show`.

use clap::Args;
use comfy_table::Cell;
use serde_json::Value;

use crate::client::Client;
use crate::exit::Exit;
use crate::failure::Result;
use crate::screen::Screen;
use crate::table::{card, listing};
use crate::text::{field, items};

/// Shows the grants and how full they are.
#[derive(Debug, Args)]
#[command(after_help = "\
A grant is an IAM policy that names the roles that a broker may assume. Each holds so many
characters, and a broker so many grants; when all are full, the stack's parameter BrokerCount adds
brokers.

Examples:
  drawbridge grants show
  drawbridge grants show --output json | jq .used_percent")]
pub struct ShowGrants {}

impl ShowGrants {
    pub(super) async fn run(self, client: &Client, screen: &Screen) -> Result<Exit> {
        let grants = client.get(&["v1", "grants"], &[]).await?;
        screen.show(&grants, view)?;
        if items(&grants, "items").iter().any(|grant| !is_published(grant)) {
            screen.note(
                "\nnext: a grant that stays unpublished is mended by `drawbridge grants reconcile`; while roles come \
                 and go, it is published a moment later",
            );
        }
        Ok(Exit::Done)
    }
}

fn is_published(grant: &Value) -> bool {
    grant.get("published").and_then(Value::as_bool) != Some(false)
}

fn view(grants: &Value) -> String {
    let text = |name| Cell::new(field(grants, name));
    let summary = card(vec![
        ("brokers", text("brokers")),
        ("grants per broker", text("grants_per_broker")),
        ("characters per grant", text("characters_per_grant")),
        ("used", Cell::new(format!("{} %", field(grants, "used_percent")))),
    ]);
    let items = items(grants, "items");
    let rows = items.iter().map(|grant| {
        vec![
            Cell::new(field(grant, "policy_name")),
            Cell::new(field(grant, "broker")),
            Cell::new(field(grant, "roles")),
            Cell::new(field(grant, "used_characters")),
            Cell::new(if is_published(grant) { "yes" } else { "no" }),
        ]
    });
    let table = match items {
        [] => "no role is granted".to_owned(),
        _ => listing(&["grant", "broker", "roles", "characters", "published"], 3, rows.collect()),
    };
    format!("{summary}\n\n{table}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::arguments::Format;
    use crate::test_server::{Answer, TestServer};

    fn grants(published: bool) -> Value {
        json!({
            "brokers": 2, "grants_per_broker": 10, "characters_per_grant": 6144, "used_percent": 12.5,
            "items": [{"shard": 11, "broker": 2, "policy_name": "grant-11", "roles": 3,
                       "used_characters": 410, "published": published}],
        })
    }

    #[tokio::test]
    async fn grants_are_shown_with_how_full_they_are() {
        let server = TestServer::start([Answer::ok(grants(true)), Answer::ok(grants(false))]).await;
        let screen = Screen::kept(Format::Table);
        assert_eq!(ShowGrants {}.run(&server.client(), &screen).await.unwrap(), Exit::Done);
        assert_eq!(server.targets(), ["GET /v1/grants"]);
        let kept = screen.into_kept();
        assert_eq!(
            kept.output,
            "brokers               2\n\
             grants per broker     10\n\
             characters per grant  6144\n\
             used                  12.5 %\n\n\
             GRANT     BROKER  ROLES  CHARACTERS  PUBLISHED\n\
             grant-11  2       3      410         yes\n"
        );
        assert_eq!(kept.errors, "");

        let screen = Screen::kept(Format::Table);
        ShowGrants {}.run(&server.client(), &screen).await.unwrap();
        assert!(screen.into_kept().errors.contains("grants reconcile"));
    }
}
