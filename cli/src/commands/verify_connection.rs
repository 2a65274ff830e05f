//! `drawbridge connections verify`.

use clap::Args;

use super::watch_connection::{Following, follow_or_show};
use crate::client::Client;
use crate::exit::Exit;
use crate::failure::Result;
use crate::screen::Screen;

/// Verifies the role that was submitted once more.
#[derive(Debug, Args)]
#[command(after_help = "\
An accepted connection keeps its state until there is an outcome.
Exit code with --watch: 0 when it ends in active or degraded, 4 in failed or suspended.

Example:
  drawbridge connections verify con_… --watch")]
pub struct VerifyConnection {
    /// The connection's id
    #[arg(value_name = "ID", value_parser = super::id)]
    connection_id: String,
    #[command(flatten)]
    following: Following,
}

impl VerifyConnection {
    pub(super) async fn run(self, client: &Client, screen: &Screen) -> Result<Exit> {
        let connection = client.post(&["v1", "connections", &self.connection_id, "verify"], None).await?;
        follow_or_show(client, screen, &self.connection_id, connection, &self.following).await
    }
}
