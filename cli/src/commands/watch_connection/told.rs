//! What is told of a connection while it is watched: each thing once.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::checks_view::{Tally, checks, is_open};
use crate::connection_view::{is_ending, probe_sent};
use crate::progress::Progress;
use crate::receipt::{refused, removed};
use crate::text::{field, items};

/// What has been told of a connection so far.
#[derive(Default)]
pub(super) struct Told {
    state: Option<String>,
    probes: BTreeSet<[String; 3]>,
    reasons: BTreeSet<String>,
    round: Option<String>,
    checks: BTreeMap<[String; 3], String>,
    /// How many checks came to what, as soon as this verification has made one.
    tally: Option<Tally>,
    steps: BTreeSet<String>,
}

impl Told {
    /// Probes, checks and reasons of an earlier verification are no news.
    pub(super) fn take_as_known(&mut self, connection: &Value) {
        self.probes.extend(probes_of(connection).iter().map(key));
        self.checks.extend(checks(connection).iter().map(|row| (row_key(row), field(row, "outcome"))));
        self.reasons.extend(items(connection, "reasons").iter().map(|reason| field(reason, "code")));
    }

    fn tell_probes(&mut self, connection: &Value, progress: &Progress) {
        for probe in probes_of(connection) {
            if self.probes.insert(key(probe)) {
                let (round, outcome) = (field(probe, "round"), field(probe, "outcome"));
                progress.tell(&format!("round {round}: {}: {outcome}", probe_sent(probe)));
                self.round = Some(round);
            }
        }
    }

    /// Each check that is denied or not known, and how many there are by now.
    fn tell_checks(&mut self, connection: &Value, progress: &Progress) {
        let rows = checks(connection);
        let mut is_news = false;
        for row in rows {
            let outcome = field(row, "outcome");
            if self.checks.insert(row_key(row), outcome.clone()).as_ref() == Some(&outcome) {
                continue;
            }
            is_news = true;
            // Why stands in the outcome, which comes seconds later: a dozen explanations would bury the rest.
            if is_open(row) {
                progress.tell(&format!("{outcome}: {} in {}", field(row, "action"), field(row, "region")));
            }
        }
        if is_news {
            let tally = Tally::of(rows);
            progress.tell(&format!("permissions: {tally}"));
            self.tally = Some(tally);
        }
    }

    pub(super) fn tell(&mut self, connection: &Value, progress: &Progress) {
        let state = field(connection, "state");
        // What was found out before is no matter of an offboarding.
        if !is_ending(connection) {
            self.tell_probes(connection, progress);
            self.tell_checks(connection, progress);
        }
        match &self.state {
            Some(before) if *before == state => {}
            Some(before) => progress.tell(&format!("{before} → {state}")),
            None => progress.tell(&state),
        }
        if let Some(receipt) = connection.get("receipt") {
            for step in [removed(receipt), refused(receipt)].into_iter().flatten() {
                if self.steps.insert(step.clone()) {
                    progress.tell(&step);
                }
            }
        }
        let reasons = items(connection, "reasons");
        // Several reasons may have one code: each denied action has its own.
        for reason in reasons.iter().filter(|reason| !self.reasons.contains(&field(reason, "code"))) {
            progress.tell(&format!("{}: {}", field(reason, "code"), field(reason, "detail")));
        }
        // A reason that went away and came back is news again.
        self.reasons = reasons.iter().map(|reason| field(reason, "code")).collect();
        progress.waiting_for(&match (&self.tally, &self.round) {
            _ if state == "offboarding" => state.clone(),
            (Some(tally), _) => format!("{state}, permissions: {tally}"),
            (None, Some(round)) => format!("{state}, round {round}"),
            (None, None) => state.clone(),
        });
        self.state = Some(state);
    }
}

fn probes_of(connection: &Value) -> &[Value] {
    connection.get("trust").map_or(&[], |trust| items(trust, "probes"))
}

/// What tells one probe from another: the same round comes again in the next verification.
fn key(probe: &Value) -> [String; 3] {
    ["round", "external_id", "at"].map(|name| field(probe, name))
}

/// What tells one check from another.
fn row_key(row: &Value) -> [String; 3] {
    ["action", "region", "capability"].map(|name| field(row, name))
}
