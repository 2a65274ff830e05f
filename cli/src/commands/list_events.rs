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
    let told: Vec<_> = [states, reasons].into_iter().filter(|text| text != NOTHING).collect();
    if told.is_empty() { scope(data) } else { told.join(": ") }
}

/// What the connection is for now, as far as that was changed.
fn scope(data: &Value) -> String {
    let given = ["label", "capabilities", "regions"]
        .into_iter()
        .filter(|name| data.get(name).is_some())
        .map(|name| format!("{name}: {}", field(data, name)));
    let given = given.collect::<Vec<_>>().join("; ");
    if given.is_empty() { NOTHING.to_owned() } else { given }
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
        assert_eq!(of(json!({"reasons": ["role_still_assumable"]})), "role_still_assumable");
        assert_eq!(of(json!({"label": null, "regions": ["a", "b"]})), "label: -; regions: a, b");
        assert_eq!(of(json!({"verification_id": "ver_1"})), "-");
        assert_eq!(change(&json!({})), "-");
    }
}
