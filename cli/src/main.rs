//! The `drawbridge` command: a thin client of Drawbridge's HTTP API.
//!
//! What it asks of the API it decides nothing about: what is sent is what was typed. What it adds
//! is the signature, patience (pages, retries, watching), and errors that name the next step. `role`,
//! `grant` and `policy` work without the API, in the account of whoever runs them, by the documents of
//! `domain`.

mod api_url;
mod arguments;
mod aws_config;
mod caller;
mod checks_view;
mod client;
mod commands;
mod configuration;
mod connection_view;
mod difference;
mod exit;
mod external_id;
mod failure;
mod iam;
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
