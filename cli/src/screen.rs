//! What is written where: answers to standard output, everything else to standard error.
//!
//! `println!` is not used: it panics when the reader has gone, as `head` does.

use std::env;
use std::ffi::OsStr;
use std::io::{self, ErrorKind, IsTerminal, Write as _};

use serde_json::Value;

use crate::arguments::Format;
use crate::exit::Exit;
use crate::failure::{Failure, Result};

/// The standard streams, how answers are written to them, and who is asked.
#[derive(Debug)]
pub struct Screen {
    format: Format,
    coloured: bool,
    /// Whether there is somebody to ask.
    asks: bool,
    streams: Streams,
}

#[derive(Debug)]
enum Streams {
    Standard,
    #[cfg(test)]
    Kept(std::cell::RefCell<Kept>),
}

/// What a test's screen was given, and what its person answers.
#[cfg(test)]
#[derive(Debug, Default)]
pub struct Kept {
    /// What went to standard output.
    pub output: String,
    /// What went to standard error.
    pub errors: String,
    answer: Option<&'static str>,
}

impl Screen {
    /// The screen of this process.
    pub fn new(format: Format) -> Self {
        Self {
            format,
            coloured: takes_escape_codes(&io::stdout()),
            // Questions go to standard error: standard output may be on its way into a file.
            asks: io::stdin().is_terminal() && io::stderr().is_terminal(),
            streams: Streams::Standard,
        }
    }

    /// Whether tables are coloured.
    pub fn is_coloured(&self) -> bool {
        self.coloured
    }

    /// Whether there is somebody to ask.
    pub fn can_ask(&self) -> bool {
        self.asks
    }

    /// Writes an answer: as JSON, or as `table` makes it readable.
    pub fn show(&self, answer: &Value, table: impl FnOnce(&Value) -> String) -> Result<()> {
        let text = match self.format {
            Format::Json => pretty(answer),
            Format::Table => table(answer),
        };
        self.write(&text)
    }

    /// Writes an answer that has one form only.
    pub fn write(&self, text: &str) -> Result<()> {
        match &self.streams {
            Streams::Standard => raw(text),
            #[cfg(test)]
            Streams::Kept(kept) => {
                kept.borrow_mut().output.extend([text, "\n"]);
                Ok(())
            }
        }
    }

    /// Says something to the person at the terminal; who asked for JSON is not one.
    pub fn note(&self, text: &str) {
        if self.format == Format::Table {
            self.tell(text);
        }
    }

    /// Says something in either format, beside the answer.
    pub fn tell(&self, text: &str) {
        match &self.streams {
            Streams::Standard => say(text),
            #[cfg(test)]
            Streams::Kept(kept) => kept.borrow_mut().errors.extend([text, "\n"]),
        }
    }

    /// Asks the person at the terminal. Only a yes is one.
    pub fn ask(&self, question: &str) -> bool {
        let question = format!("{question} [y/N] ");
        match &self.streams {
            Streams::Standard => answer_to(&question).is_ok_and(|answer| is_yes(&answer)),
            #[cfg(test)]
            Streams::Kept(kept) => {
                self.tell(&question);
                is_yes(kept.borrow().answer.expect("nobody is there to be asked"))
            }
        }
    }

    /// One that keeps what it is given, with nobody to ask.
    #[cfg(test)]
    pub fn kept(format: Format) -> Self {
        Self { format, coloured: false, asks: false, streams: Streams::Kept(std::cell::RefCell::default()) }
    }

    /// One with a person who answers like this.
    #[cfg(test)]
    pub fn answering(format: Format, answer: &'static str) -> Self {
        let kept = Kept { answer: Some(answer), ..Kept::default() };
        Self { asks: true, streams: Streams::Kept(kept.into()), ..Self::kept(format) }
    }

    /// What a test's screen was given.
    #[cfg(test)]
    pub fn into_kept(self) -> Kept {
        match self.streams {
            Streams::Kept(kept) => kept.into_inner(),
            Streams::Standard => Kept::default(),
        }
    }
}

/// Whether colours and live progress may be written to a stream of this process.
pub fn takes_escape_codes(stream: &impl IsTerminal) -> bool {
    are_for(stream.is_terminal(), env::var_os("NO_COLOR").as_deref(), env::var_os("TERM").as_deref())
}

/// Escape codes are for terminals that know them, unless somebody wants none.
///
/// Source: <https://no-color.org>: `NO_COLOR` counts "when present and not an empty string (regardless of its value)".
fn are_for(is_terminal: bool, no_color: Option<&OsStr>, term: Option<&OsStr>) -> bool {
    let is_unwanted = no_color.is_some_and(|value| !value.is_empty());
    let is_dumb = term.is_some_and(|term| term == "dumb");
    is_terminal && !is_unwanted && !is_dumb
}

fn answer_to(question: &str) -> io::Result<String> {
    let mut stderr = io::stderr().lock();
    write!(stderr, "{question}")?;
    stderr.flush()?;
    let mut line = String::new();
    io::stdin().read_line(&mut line)?;
    Ok(line)
}

fn is_yes(answer: &str) -> bool {
    ["y", "yes"].iter().any(|yes| answer.trim().eq_ignore_ascii_case(yes))
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

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::a_terminal(true, None, Some("xterm-256color"), true)]
    #[case::a_terminal_without_a_name(true, None, None, true)]
    #[case::a_pipe_or_file(false, None, Some("xterm-256color"), false)]
    #[case::unwanted(true, Some("1"), Some("xterm-256color"), false)]
    #[case::unwanted_whatever_the_value(true, Some("0"), Some("xterm-256color"), false)]
    #[case::an_empty_variable_wants_nothing(true, Some(""), Some("xterm-256color"), true)]
    #[case::a_terminal_that_knows_none(true, None, Some("dumb"), false)]
    #[case::unwanted_in_a_file(false, Some("1"), None, false)]
    fn escape_codes_are_for_terminals_where_they_are_wanted(
        #[case] is_terminal: bool,
        #[case] no_color: Option<&str>,
        #[case] term: Option<&str>,
        #[case] expected: bool,
    ) {
        assert_eq!(are_for(is_terminal, no_color.map(OsStr::new), term.map(OsStr::new)), expected);
    }

    #[test]
    fn only_a_yes_is_one() {
        assert!(["y", "Y\n", "yes", " YES\r\n"].iter().all(|answer| is_yes(answer)));
        assert!(["", "\n", "n", "no", "yes please", "ja", "1"].iter().all(|answer| !is_yes(answer)));
    }
}
