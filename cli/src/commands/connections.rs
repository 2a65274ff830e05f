//! `drawbridge connections`.

use clap::Subcommand;

use super::{
    create_connection, create_invite, list_connections, list_events, offboard_connection, print_setup,
    revoke_invite, show_connection, submit_role, update_connection, verify_connection, watch_connection,
};
use crate::client::Client;
use crate::exit::Exit;
use crate::failure::Result;
use crate::screen::Screen;

/// What can be done with connections.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  drawbridge connections list --state failed
  drawbridge connections show con_…")]
pub enum ConnectionsCommand {
    /// Make a connection, which then waits for the customer's role
    Create(create_connection::CreateConnection),
    /// List the connections
    List(list_connections::ListConnections),
    /// Show one connection with its probes, reasons, receipt and external ID
    Show(show_connection::ShowConnection),
    /// Change a connection's label, capabilities or Regions
    Update(update_connection::UpdateConnection),
    /// Make a new invite link for the customer; the one before ends
    Invite(create_invite::CreateInvite),
    /// End the invite link of a connection
    RevokeInvite(revoke_invite::RevokeInvite),
    /// Submit the ARN of the customer's role, and so begin to verify it
    SubmitRole(submit_role::SubmitRole),
    /// Verify the role that was submitted once more
    Verify(verify_connection::VerifyConnection),
    /// Follow a verification or an offboarding to its end
    Watch(watch_connection::WatchConnection),
    /// End a connection: take Drawbridge's access away and show that it is gone
    Offboard(offboard_connection::OffboardConnection),
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
            Self::Update(command) => command.run(client, screen).await,
            Self::Invite(command) => command.run(client, screen).await,
            Self::RevokeInvite(command) => command.run(client, screen).await,
            Self::SubmitRole(command) => command.run(client, screen).await,
            Self::Verify(command) => command.run(client, screen).await,
            Self::Watch(command) => command.run(client, screen).await,
            Self::Offboard(command) => command.run(client, screen).await,
            Self::Events(command) => command.run(client, screen).await,
            Self::Setup(command) => command.run(client, screen).await,
        }
    }
}
