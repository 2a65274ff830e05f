//! `drawbridge customers`.

use clap::Subcommand;

use super::{create_customer, list_customers, show_customer};
use crate::client::Client;
use crate::exit::Exit;
use crate::failure::Result;
use crate::screen::Screen;

/// What can be done with customers.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  drawbridge customers list
  drawbridge customers create --name 'Acme Ltd'")]
pub enum CustomersCommand {
    /// Make a customer
    Create(create_customer::CreateCustomer),
    /// List the customers
    List(list_customers::ListCustomers),
    /// Show one customer
    Show(show_customer::ShowCustomer),
}

impl CustomersCommand {
    /// Does it.
    pub async fn run(self, client: &Client, screen: &Screen) -> Result<Exit> {
        match self {
            Self::Create(command) => command.run(client, screen).await,
            Self::List(command) => command.run(client, screen).await,
            Self::Show(command) => command.run(client, screen).await,
        }
    }
}
