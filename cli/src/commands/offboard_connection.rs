//! `drawbridge connections offboard`.

use clap::Args;
use comfy_table::Cell;
use serde_json::Value;

use super::confirmation::Confirmation;
use super::seen_version;
use super::watch_connection::{Errand, Following, follow};
use crate::client::{Client, Conditional};
use crate::connection_view::{is_ending, outcome, without_external_id};
use crate::exit::Exit;
use crate::failure::Result;
use crate::screen::Screen;
use crate::table::{card, state};
use crate::text::{NOTHING, field};

/// Ends a connection: takes Drawbridge's access away and shows that it is gone.
#[derive(Debug, Args)]
#[command(after_help = "\
What ends is shown first and has to be confirmed. Drawbridge removes its own grant for the role and
asks AWS until the role is refused; the role itself is the customer's to delete. There is no way
back: who returns gets a new connection. An offboarding that has stalled is tried again by the same
command.

Exit codes:
  0  offboarding has begun; with --watch: it has ended in offboarded
  1  it was not confirmed, or the API refused or failed
  2  there is no terminal to ask at, and no --yes
  4  with --watch: the role can still be assumed, or AWS did not answer; it is tried again later

Examples:
  drawbridge connections offboard con_… --watch
  drawbridge connections offboard con_… --yes --watch --output json | jq .receipt")]
pub struct OffboardConnection {
    /// The connection's id
    #[arg(value_name = "ID", value_parser = super::id)]
    connection_id: String,
    #[command(flatten)]
    confirmation: Confirmation,
    #[command(flatten)]
    following: Following,
}

impl OffboardConnection {
    pub(super) async fn run(self, client: &Client, screen: &Screen) -> Result<Exit> {
        self.confirmation.is_possible(screen)?;
        let id = &self.connection_id;
        let path = ["v1", "connections", id];
        let before = client.get(&path, &[]).await?;
        if field(&before, "state") == "offboarded" {
            screen.note("it is offboarded already\n");
            return shown(before, screen);
        }
        // What is ending already cannot end once more, but AWS can be asked again.
        if !is_ending(&before) {
            self.confirm(&before, screen)?;
        }
        let begun = match client.delete_version(&path, seen_version(&before)?).await? {
            Conditional::Made(begun) => begun,
            Conditional::Unknown(failure) => {
                // The version may be another because of this very request.
                let now = client.get(&path, &[]).await?;
                if !is_ending(&now) {
                    return Err(failure);
                }
                screen.note("the answer was lost, but the connection is being offboarded\n");
                now
            }
        };
        if self.following.watch {
            let errand = Some(Errand::Offboarding);
            return follow(client, screen, id, errand, Some(&begun), &self.following.patience).await;
        }
        let is_over = field(&begun, "state") == "offboarded";
        let exit = shown(begun, screen)?;
        if !is_over {
            screen.note(&format!("\nnext: `drawbridge connections watch {id}` follows the offboarding"));
        }
        Ok(exit)
    }

    fn confirm(&self, connection: &Value, screen: &Screen) -> Result<()> {
        let ending = ending(connection, screen.is_coloured());
        if self.confirmation.yes {
            screen.note(&ending);
        } else {
            screen.tell(&ending);
        }
        self.confirmation.require(screen, "Offboard this connection?")
    }
}

/// What ends, and what does not.
fn ending(connection: &Value, coloured: bool) -> String {
    let text = |name| Cell::new(field(connection, name));
    let card = card(vec![
        ("connection", text("connection_id")),
        ("customer", text("customer_id")),
        ("label", text("label")),
        ("state", state(connection, coloured)),
        ("account", text("account_id")),
        ("role", text("role_arn")),
    ]);
    let consequence = if field(connection, "role_arn") == NOTHING {
        "It has no role yet. The customer's invite ends with it, for good."
    } else {
        "Drawbridge loses its access to the role, for good. The role stays until the customer deletes it."
    };
    format!("This ends:\n{card}\n\n{consequence}\n")
}

fn shown(connection: Value, screen: &Screen) -> Result<Exit> {
    let connection = without_external_id(connection);
    screen.show(&connection, |it| outcome(it, screen.is_coloured()))?;
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests;
