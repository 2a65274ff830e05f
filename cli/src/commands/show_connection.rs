//! `drawbridge connections show`.

use clap::Args;

use crate::client::Client;
use crate::connection_view::{ExternalId, view};
use crate::exit::Exit;
use crate::failure::Result;
use crate::screen::Screen;

/// Shows one connection.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  drawbridge connections show con_0199f3c25f7a7d3e8b1c2d3e4f5a6b7c
  drawbridge connections show con_… --output json | jq -r '.reasons[].remedy'")]
pub struct ShowConnection {
    /// The connection's id
    #[arg(value_name = "ID", value_parser = super::id)]
    connection_id: String,
}

impl ShowConnection {
    pub(super) async fn run(self, client: &Client, screen: &Screen) -> Result<Exit> {
        let connection = client.get(&["v1", "connections", &self.connection_id], &[]).await?;
        screen.show(&connection, |it| view(it, ExternalId::Shown, screen.is_coloured()))?;
        Ok(Exit::Done)
    }
}
