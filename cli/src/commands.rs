//! The commands, one file each: what they take, beside what they do.

pub mod connections;
pub mod customers;

mod create_connection;
mod create_customer;
mod list_connections;
mod list_customers;
mod list_events;
mod print_setup;
mod show_connection;
mod show_customer;
mod submit_role;
mod verify_connection;
mod watch_connection;

use crate::arguments::{Arguments, Command};
use crate::client::Client;
use crate::exit::Exit;
use crate::failure::Result;
use crate::screen::Screen;
use crate::settings::Settings;

/// Carries out what was typed.
pub async fn run(arguments: Arguments, screen: &Screen) -> Result<Exit> {
    let client = Client::connect(Settings::resolve(arguments.options)?).await?;
    match arguments.command {
        Command::Customers(command) => command.run(&client, screen).await,
        Command::Connections(command) => command.run(&client, screen).await,
    }
}

/// An id as it is typed. What is no segment of a path can be nobody's id.
fn id(text: &str) -> std::result::Result<String, String> {
    if text.is_empty() || text.chars().all(|c| c == '.') {
        return Err("not an id; the list commands show them".to_owned());
    }
    Ok(text.to_owned())
}
