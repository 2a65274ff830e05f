//! What is told of a connection while it is watched: each thing once.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::connection_view::probe_sent;
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
    steps: BTreeSet<String>,
}

impl Told {
    /// Probes and reasons of an earlier verification are no news.
    pub(super) fn take_as_known(&mut self, connection: &Value) {
        self.probes.extend(probes_of(connection).iter().map(key));
        self.reasons.extend(items(connection, "reasons").iter().map(|reason| field(reason, "code")));
    }

    pub(super) fn tell(&mut self, connection: &Value, progress: &Progress) {
        let state = field(connection, "state");
        for probe in probes_of(connection) {
            if self.probes.insert(key(probe)) {
                let (round, outcome) = (field(probe, "round"), field(probe, "outcome"));
                progress.tell(&format!("round {round}: {}: {outcome}", probe_sent(probe)));
                self.round = Some(round);
            }
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
        for reason in reasons {
            let code = field(reason, "code");
            if self.reasons.insert(code.clone()) {
                progress.tell(&format!("{code}: {}", field(reason, "detail")));
            }
        }
        // A reason that went away and came back is news again.
        self.reasons.retain(|code| reasons.iter().any(|reason| field(reason, "code") == *code));
        progress.waiting_for(&match &self.round {
            Some(round) if state != "offboarding" => format!("{state}, round {round}"),
            _ => state.clone(),
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
