//! The person at the terminal, wherever standard input and output lead.

use std::fs::OpenOptions;
use std::io::{BufRead as _, BufReader, Write as _};

use crate::failure::{Failure, Result};

/// Longest answer that is read.
const LONGEST: u64 = 1024;

/// Where a process finds the terminal that it was started from, though its own streams may lead into
/// other programs, as they do when AWS's tools ask for credentials.
#[cfg(unix)]
const TERMINAL: &str = "/dev/tty";
#[cfg(not(unix))]
const TERMINAL: &str = "CON";

/// Asks a question at the terminal, and reads one line. What is typed is seen: it is meant for what is
/// good for once.
pub fn ask(question: &str) -> Result<String> {
    let asked = || {
        let mut terminal = OpenOptions::new().read(true).write(true).open(TERMINAL)?;
        terminal.write_all(question.as_bytes())?;
        terminal.flush()?;
        let mut line = String::new();
        BufReader::new(std::io::Read::take(terminal, LONGEST)).read_line(&mut line)?;
        Ok::<_, std::io::Error>(line)
    };
    let answer = asked().map_err(|error| {
        Failure::usage("there is no terminal to ask for the MFA code at")
            .because(error.to_string())
            .next("give it with --mfa-code, or run this at a terminal")
    })?;
    let answer = answer.trim();
    if answer.is_empty() {
        return Err(
            Failure::usage("no MFA code was given").next("run it again, and type the device's present code")
        );
    }
    Ok(answer.to_owned())
}
