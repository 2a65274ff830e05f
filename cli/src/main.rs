//! The `drawbridge` command: a thin client of Drawbridge's HTTP API.
//!
//! It holds no rules of its own: what is sent is what was typed, and the API decides. What it adds
//! is the signature, patience (pages, retries, watching), and errors that name the next step.

mod api_url;
mod arguments;
mod aws_config;
mod caller;
mod checks_view;
mod client;
mod commands;
mod configuration;
mod connection_view;
mod exit;
mod failure;
mod list;
mod next_step;
mod patch;
mod problem;
mod progress;
mod receipt;
mod screen;
mod session;
mod settings;
mod shell;
mod sign;
mod table;
mod terminal;
#[cfg(test)]
mod test_server;
mod text;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    let arguments = arguments::Arguments::parse();
    let screen = screen::Screen::new(arguments.options.output);
    let outcome = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| failure::Failure::unexpected(format!("the runtime did not start: {error}")))
        .and_then(|runtime| runtime.block_on(commands::run(arguments, &screen)));
    outcome.unwrap_or_else(|failure| screen::report(&failure)).into()
}
