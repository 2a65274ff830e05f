//! `drawbridge connections events`.

use clap::Args;
use comfy_table::Cell;
use serde_json::Value;

use crate::arguments::Extent;
use crate::client::Client;
use crate::exit::Exit;
use crate::failure::Result;
use crate::list;
use crate::screen::Screen;
use crate::table::listing;
use crate::text::{NOTHING, field, items, time};

/// Lists what has happened to a connection.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  drawbridge connections events con_…
  drawbridge connections events con_… --all --output json > audit.json")]
pub struct ListEvents {
    /// The connection's id
    #[arg(value_name = "ID", value_parser = super::id)]
    connection_id: String,
    #[command(flatten)]
    extent: Extent,
}

impl ListEvents {
    pub(super) async fn run(self, client: &Client, screen: &Screen) -> Result<Exit> {
        let path = ["v1", "connections", &self.connection_id, "events"];
        let page = list::fetch(client, &path, &[], &self.extent).await?;
        screen.show(&page, view)?;
        list::note_more(&page, screen);
        Ok(Exit::Done)
    }
}

fn view(page: &Value) -> String {
    let rows = items(page, "items").iter().map(|event| {
        vec![
            Cell::new(time(event, "at")),
            Cell::new(field(event, "type")),
            Cell::new(change(event)),
            Cell::new(field(event, "actor")),
        ]
    });
    listing(&["at", "event", "change", "actor"], 4, rows.collect())
}

/// From which state to which, and why, as far as the event tells.
fn change(event: &Value) -> String {
    let Some(data) = event.get("data") else { return NOTHING.to_owned() };
    let (from, to, reasons) = (field(data, "from"), field(data, "to"), field(data, "reasons"));
    let states = match (from == NOTHING, from == to) {
        (true, _) | (_, true) => to,
        _ => format!("{from} → {to}"),
    };
    if reasons == NOTHING { states } else { format!("{states}: {reasons}") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn events_tell_what_changed() {
        let of = |data: Value| change(&json!({"data": data}));
        assert_eq!(of(json!({"to": "pending_role", "customer_id": "cus_1"})), "pending_role");
        assert_eq!(of(json!({"from": "active", "to": "active", "reasons": []})), "active");
        assert_eq!(
            of(json!({"from": "verifying", "to": "failed", "reasons": ["role_not_assumable"]})),
            "verifying → failed: role_not_assumable"
        );
        assert_eq!(change(&json!({})), "-");
    }
}
