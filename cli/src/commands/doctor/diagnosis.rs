//! What the checks have found, and how it is shown.

use comfy_table::{Cell, Color};
use serde_json::{Value, json};

use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::screen::Screen;
use crate::table::listing;
use crate::text::{NOTHING, field, items, visible};

/// How a check came out. What is worse is greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Outcome {
    /// It could not be looked at.
    Skip,
    /// All is well.
    Ok,
    /// It works, and should not stay so.
    Warn,
    /// It does not work.
    Fail,
}

impl Outcome {
    const fn name(self) -> &'static str {
        match self {
            Self::Skip => "skip",
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

/// What one check has found.
#[derive(Debug)]
pub(super) struct Finding {
    pub(super) check: &'static str,
    pub(super) outcome: Outcome,
    pub(super) detail: String,
    pub(super) next: Option<String>,
}

impl Finding {
    pub(super) fn new(check: &'static str, outcome: Outcome, detail: impl Into<String>) -> Self {
        Self { check, outcome, detail: detail.into(), next: None }
    }

    pub(super) fn ok(check: &'static str, detail: impl Into<String>) -> Self {
        Self::new(check, Outcome::Ok, detail)
    }

    /// What could not be looked at because of an earlier failure.
    pub(super) fn skipped(check: &'static str) -> Self {
        Self::new(check, Outcome::Skip, "not looked at: it depends on what failed above")
    }

    /// What would end another command with this failure.
    pub(super) fn failed(check: &'static str, failure: &Failure) -> Self {
        let known = [Some(&failure.what), failure.detail.as_ref()];
        let mut said: Vec<_> = known.into_iter().flatten().cloned().collect();
        said.extend(failure.code.as_ref().map(|code| format!("code: {code}")));
        said.extend(failure.request_id.as_ref().map(|id| format!("request id: {id}")));
        Self { next: failure.next.clone(), ..Self::new(check, Outcome::Fail, said.join("\n")) }
    }

    pub(super) fn next(mut self, step: impl Into<String>) -> Self {
        self.next = Some(step.into());
        self
    }

    pub(super) fn but(mut self, outcome: Outcome) -> Self {
        self.outcome = outcome;
        self
    }
}

/// All findings so far, in order.
#[derive(Debug, Default)]
pub(super) struct Diagnosis(pub(super) Vec<Finding>);

impl Diagnosis {
    pub(super) fn add(&mut self, finding: Finding) {
        self.0.push(finding);
    }

    pub(super) fn skip(&mut self, checks: &[&'static str]) {
        self.0.extend(checks.iter().map(|check| Finding::skipped(check)));
    }

    pub(super) fn has_failed(&self, check: &str) -> bool {
        self.0.iter().any(|finding| finding.check == check && finding.outcome == Outcome::Fail)
    }

    /// Shows it, and says how the process is to end.
    pub(super) fn show(&self, screen: &Screen) -> Result<Exit> {
        let worst = self.0.iter().map(|finding| finding.outcome).max().unwrap_or(Outcome::Ok);
        let checks = self.0.iter().map(|finding| {
            json!({"check": finding.check, "outcome": finding.outcome.name(), "detail": finding.detail,
                   "next": finding.next})
        });
        // What was skipped is no worse than well.
        let worst = worst.max(Outcome::Ok);
        let document = json!({"outcome": worst.name(), "checks": checks.collect::<Vec<_>>()});
        screen.show(&document, |document| view(document, screen.is_coloured()))?;
        if worst == Outcome::Fail {
            screen.note("\nsomething has failed: mend the first failure, and run `drawbridge doctor` again");
            return Ok(Exit::NotAccepted);
        }
        Ok(Exit::Done)
    }
}

fn view(document: &Value, coloured: bool) -> String {
    let rows = items(document, "checks").iter().map(|finding| {
        let outcome = field(finding, "outcome");
        let colour = match outcome.as_str() {
            "ok" => Some(Color::Green),
            "warn" => Some(Color::Yellow),
            "fail" => Some(Color::Red),
            _ => None,
        };
        let next = field(finding, "next");
        let next = if next == NOTHING { String::new() } else { format!("\nnext: {next}") };
        let cell = Cell::new(&outcome);
        vec![
            Cell::new(field(finding, "check")),
            colour.filter(|_| coloured).map_or(cell.clone(), |colour| cell.fg(colour)),
            Cell::new(visible(&format!("{}{next}", field(finding, "detail")))),
        ]
    });
    listing(&["check", "outcome", "what was found"], 3, rows.collect())
}
