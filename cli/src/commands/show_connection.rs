//! `drawbridge connections show`.

use clap::Args;

use crate::checks_view::Rows;
use crate::client::Client;
use crate::connection_view::{ExternalId, view_with};
use crate::exit::Exit;
use crate::failure::Result;
use crate::screen::Screen;

/// Shows one connection.
#[derive(Debug, Args)]
#[command(after_help = "\
The checks of permissions are counted by capability and Region; those that are denied or not known
are listed. Where statements mend a reason, they are printed as a command ready to paste.

Examples:
  drawbridge connections show con_0199f3c25f7a7d3e8b1c2d3e4f5a6b7c
  drawbridge connections show con_… --checks
  drawbridge connections show con_… --output json | jq -r '.reasons[].remedy'")]
pub struct ShowConnection {
    /// The connection's id
    #[arg(value_name = "ID", value_parser = super::id)]
    connection_id: String,
    /// Show every check of a permission, not only those that are denied or not known
    #[arg(long)]
    checks: bool,
}

impl ShowConnection {
    pub(super) async fn run(self, client: &Client, screen: &Screen) -> Result<Exit> {
        let connection = client.get(&["v1", "connections", &self.connection_id], &[]).await?;
        let rows = if self.checks { Rows::All } else { Rows::Open };
        screen.show(&connection, |it| view_with(it, ExternalId::Shown, rows, screen.is_coloured()))?;
        Ok(Exit::Done)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::arguments::Format;
    use crate::test_server::{Answer, TestServer};

    #[tokio::test]
    async fn every_check_is_shown_to_who_asks_for_it() {
        let connection = json!({"connection_id": "con_1", "state": "active", "checks": [
            {"action": "ec2:StartInstances", "region": "eu-west-1", "capability": "ec2-power",
             "outcome": "allowed", "method": "dry_run"},
        ]});
        for (checks, format, is_there) in
            [(false, Format::Table, false), (true, Format::Table, true), (false, Format::Json, true)]
        {
            let server = TestServer::start([Answer::ok(connection.clone())]).await;
            let screen = Screen::kept(format);
            let command = ShowConnection { connection_id: "con_1".to_owned(), checks };
            assert_eq!(command.run(&server.client(), &screen).await.unwrap(), Exit::Done);
            let shown = screen.into_kept().output;
            assert_eq!(shown.contains("ec2:StartInstances"), is_there, "{shown}");
            if format == Format::Json {
                assert_eq!(serde_json::from_str::<Value>(&shown).unwrap(), connection);
            }
        }
    }
}
