//! What is written where: answers to standard output, everything else to standard error.
//!
//! `println!` is not used: it panics when the reader has gone, as `head` does.

use std::env;
use std::io::{self, ErrorKind, IsTerminal as _, Write as _};

use serde_json::Value;

use crate::arguments::Format;
use crate::exit::Exit;
use crate::failure::{Failure, Result};

/// The two standard streams, and how answers are written to them.
#[derive(Debug)]
pub struct Screen {
    format: Format,
    coloured: bool,
}

impl Screen {
    /// The screen of this process. Colours are for terminals, unless `NO_COLOR` is set.
    pub fn new(format: Format) -> Self {
        let set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
        let dumb = env::var_os("TERM").is_some_and(|term| term == "dumb");
        Self { format, coloured: io::stdout().is_terminal() && !set("NO_COLOR") && !dumb }
    }

    /// Whether tables are coloured.
    pub fn is_coloured(&self) -> bool {
        self.coloured
    }

    /// Writes an answer: as JSON, or as `table` makes it readable.
    pub fn show(&self, answer: &Value, table: impl FnOnce(&Value) -> String) -> Result<()> {
        match self.format {
            Format::Json => raw(&pretty(answer)),
            Format::Table => raw(&table(answer)),
        }
    }

    /// Says something to the person at the terminal; who asked for JSON is not one.
    pub fn note(&self, text: &str) {
        if self.format == Format::Table {
            say(text);
        }
    }
}

/// Writes a text as it is, ended by one line break.
pub fn raw(text: &str) -> Result<()> {
    let mut stdout = io::stdout().lock();
    match writeln!(stdout, "{}", text.trim_end_matches('\n')).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::unexpected("the answer could not be written").because(error.to_string()))
        }
        _ => Ok(()),
    }
}

/// Reports a failure, and says how the process is to end.
pub fn report(failure: &Failure) -> Exit {
    say(&failure.to_string());
    failure.exit
}

/// Writes a line to standard error. There is nobody to tell if that fails.
pub fn say(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// A JSON document for people and files.
pub fn pretty(value: &Value) -> String {
    format!("{value:#}")
}
