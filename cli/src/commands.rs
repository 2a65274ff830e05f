//! The commands, one file each: what they take, beside what they do.

pub mod backups;
pub mod completions;
pub mod connections;
pub mod console;
pub mod credentials;
pub mod customers;
pub mod doctor;
pub mod dynamodb;
pub mod ec2;
pub mod exec;
pub mod grant;
pub mod grants;
pub mod operations;
pub mod plans;
pub mod policy;
pub mod profile;
pub mod restore;
pub mod role;
pub mod runs;
pub mod schedules;
pub mod show_status;
pub mod ssh;

mod act;
mod apply_plan;
mod change;
mod confirmation;
mod create_connection;
mod create_customer;
mod create_invite;
mod create_plan;
mod follow;
mod list_connections;
mod list_customers;
mod list_events;
mod list_operations;
mod offboard_connection;
mod plan;
mod print_setup;
mod reconcile_grants;
mod revoke_invite;
mod run_operation;
mod show_connection;
mod show_customer;
mod show_grants;
mod show_operation;
mod show_plan;
mod submit_role;
mod terms;
mod update_connection;
mod verify_connection;
mod watch_connection;

use serde_json::Value;

use crate::arguments::{Arguments, Command, Options};
use crate::client::Client;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::screen::Screen;
use crate::settings::Settings;

use ssh::programs::Programs;

/// Carries out what was typed.
pub async fn run(arguments: Arguments, screen: &Screen) -> Result<Exit> {
    let Arguments { options, command } = arguments;
    // What needs no API asks for no settings, and looks for no credentials.
    match command {
        Command::Completions(command) => command.run(screen),
        Command::Doctor(command) => command.run(&options, screen).await,
        Command::Credentials(command) => command.run(&options, screen).await,
        Command::Exec(command) => command.run(&options).await,
        Command::Console(command) => command.run(&options, screen).await,
        Command::Profile(command) => command.run(options, screen),
        Command::Role(command) => command.run(options, screen).await,
        Command::Grant(command) => command.run(&options, screen).await,
        Command::Policy(command) => command.run(screen),
        Command::Customers(command) => command.run(&connect(options).await?, screen).await,
        Command::Connections(command) => command.run(&connect(options).await?, screen).await,
        Command::Status(command) => command.run(&connect(options).await?, screen).await,
        Command::Ec2(command) => command.run(&connect(options).await?, screen).await,
        Command::Dynamodb(command) => command.run(&connect(options).await?, screen).await,
        Command::Ssh(command) => {
            command.run(&connect(options).await?, screen, &Programs::of_the_path()).await
        }
        Command::Operations(command) => command.run(&connect(options).await?, screen).await,
        Command::Schedules(command) => command.run(&connect(options).await?, screen).await,
        Command::Runs(command) => command.run(&connect(options).await?, screen).await,
        Command::Backups(command) => command.run(&connect(options).await?, screen).await,
        Command::Restore(command) => command.run(&connect(options).await?, screen).await,
        Command::Plans(command) => command.run(&connect(options).await?, screen).await,
        Command::Grants(command) => command.run(&connect(options).await?, screen).await,
    }
}

async fn connect(options: Options) -> Result<Client> {
    Client::connect(&Settings::resolve(&options)?).await
}

/// An id as it is typed. What is no segment of a path can be nobody's id.
pub fn id(text: &str) -> std::result::Result<String, String> {
    if text.is_empty() || text.chars().all(|c| c == '.') {
        return Err("not an id; the list commands show them".to_owned());
    }
    Ok(text.to_owned())
}

/// The version of an answer, which counts its changes.
fn version(of: &Value) -> Option<u64> {
    of.get("version").and_then(Value::as_u64)
}

/// The version that a change is meant for: the one that was just read.
fn seen_version(of: &Value) -> Result<u64> {
    version(of).ok_or_else(|| Failure::unexpected("the API's answer has no version"))
}
