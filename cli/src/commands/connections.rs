//! `drawbridge connections`.

use clap::Subcommand;

use super::{
    create_connection, list_connections, list_events, print_setup, show_connection, submit_role,
    verify_connection, watch_connection,
};
use crate::client::Client;
use crate::exit::Exit;
use crate::failure::Result;
use crate::screen::Screen;

/// What can be done with connections.
#[derive(Debug, Subcommand)]
pub enum ConnectionsCommand {
    /// Make a connection, which then waits for the customer's role
    Create(create_connection::CreateConnection),
    /// List the connections
    List(list_connections::ListConnections),
    /// Show one connection with its probes, reasons and external ID
    Show(show_connection::ShowConnection),
    /// Submit the ARN of the customer's role, and so begin to verify it
    SubmitRole(submit_role::SubmitRole),
    /// Verify the role that was submitted once more
    Verify(verify_connection::VerifyConnection),
    /// Follow a verification to its end
    Watch(watch_connection::WatchConnection),
    /// List what has happened to a connection, oldest first
    Events(list_events::ListEvents),
    /// Print what the customer needs to create the role
    Setup(print_setup::PrintSetup),
}

impl ConnectionsCommand {
    /// Does it.
    pub async fn run(self, client: &Client, screen: &Screen) -> Result<Exit> {
        match self {
            Self::Create(command) => command.run(client, screen).await,
            Self::List(command) => command.run(client, screen).await,
            Self::Show(command) => command.run(client, screen).await,
            Self::SubmitRole(command) => command.run(client, screen).await,
            Self::Verify(command) => command.run(client, screen).await,
            Self::Watch(command) => command.run(client, screen).await,
            Self::Events(command) => command.run(client, screen).await,
            Self::Setup(command) => command.run(client, screen).await,
        }
    }
}
