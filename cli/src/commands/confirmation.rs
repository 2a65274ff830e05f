//! Asking before something ends.

use clap::Args;
use serde_json::Value;

use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::screen::Screen;
use crate::text::visible;

/// Whether the person is asked.
#[derive(Debug, Default, Args)]
pub struct Confirmation {
    /// Do not ask; needed where there is no terminal to ask at
    #[arg(long)]
    pub(super) yes: bool,
}

impl Confirmation {
    /// Refuses to go on where there is neither a `--yes` nor anybody to ask.
    pub(super) fn is_possible(&self, screen: &Screen) -> Result<()> {
        if self.yes || screen.can_ask() {
            return Ok(());
        }
        Err(Failure::usage("this needs a confirmation, and there is no terminal to ask at")
            .next("pass --yes if it is to be done"))
    }

    /// Shows what is to change, and goes on only once that is agreed to. Where nobody can agree, what is
    /// to change is the answer.
    pub(super) fn agree(&self, screen: &Screen, answer: &Value, told: &str, question: &str) -> Result<()> {
        let told = visible(told);
        if let Err(failure) = self.is_possible(screen) {
            screen.show(answer, |_| told)?;
            return Err(failure);
        }
        screen.tell(&told);
        self.require(screen, question)
    }

    /// Goes on only with a yes, given or answered.
    pub(super) fn require(&self, screen: &Screen, question: &str) -> Result<()> {
        self.is_possible(screen)?;
        if self.yes || screen.ask(question) {
            return Ok(());
        }
        Err(Failure::new(Exit::Refused, "not confirmed: nothing was changed"))
    }
}
