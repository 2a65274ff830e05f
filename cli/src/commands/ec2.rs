//! `drawbridge ec2`.

mod changes;
mod deletions;
mod launch;
mod lists;

use clap::Subcommand;

use crate::client::Client;
use crate::exit::Exit;
use crate::failure::Result;
use crate::screen::Screen;

/// What can be done with a customer's instances.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Terminating, deregistering and deleting cannot be undone: what will be gone is shown first.

Examples:
  drawbridge ec2 list con_… --region eu-central-1
  drawbridge ec2 stop con_… i-0123456789abcdef0 --region eu-central-1 --reason 'ticket 1234'")]
pub enum Ec2Command {
    /// List instances
    List(lists::ListInstances),
    /// Show whether instances are reachable
    Status(lists::InstanceStatus),
    /// List tags
    Tags(lists::ListTags),
    /// Start instances
    Start(changes::Start),
    /// Stop instances
    Stop(changes::Stop),
    /// Reboot instances
    Reboot(changes::Reboot),
    /// Launch instances
    Launch(Box<launch::Launch>),
    /// Tag instances, volumes, images and the like
    Tag(changes::TagResources),
    /// Make a snapshot of each volume of an instance
    Snapshot(changes::Snapshot),
    /// Make an image of an instance
    Image(changes::Image),
    /// Terminate instances; shows what will be gone, and asks
    Terminate(deletions::Terminate),
    /// Deregister an image; shows what will be gone, and asks
    DeregisterImage(deletions::DeregisterImage),
    /// Delete a snapshot; shows what will be gone, and asks
    DeleteSnapshot(deletions::DeleteSnapshot),
}

impl Ec2Command {
    /// Does it.
    pub async fn run(self, client: &Client, screen: &Screen) -> Result<Exit> {
        match self {
            Self::List(command) => command.run(client, screen).await,
            Self::Status(command) => command.run(client, screen).await,
            Self::Tags(command) => command.run(client, screen).await,
            Self::Start(command) => command.run(client, screen).await,
            Self::Stop(command) => command.run(client, screen).await,
            Self::Reboot(command) => command.run(client, screen).await,
            Self::Launch(command) => command.run(client, screen).await,
            Self::Tag(command) => command.run(client, screen).await,
            Self::Snapshot(command) => command.run(client, screen).await,
            Self::Image(command) => command.run(client, screen).await,
            Self::Terminate(command) => command.run(client, screen).await,
            Self::DeregisterImage(command) => command.run(client, screen).await,
            Self::DeleteSnapshot(command) => command.run(client, screen).await,
        }
    }
}
