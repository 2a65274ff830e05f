//! `drawbridge connections watch`, and the `--watch` of the commands that begin a verification.

use std::collections::BTreeSet;
use std::time::Duration;

use clap::Args;
use serde_json::Value;

use crate::client::Client;
use crate::connection_view::{ExternalId, outcome, probe_sent, view, without_external_id};
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::progress::Progress;
use crate::screen::Screen;
use crate::text::{field, items};

/// How often the connection is looked at.
const INTERVAL: Duration = Duration::from_secs(1);

/// Follows a verification to its end.
#[derive(Debug, Args)]
#[command(after_help = "\
Each new state, probe and reason is a line on standard error; the outcome is printed at the end.

Exit codes:
  0  the verification ended in active or degraded
  4  it ended in failed or suspended

Examples:
  drawbridge connections watch con_…
  drawbridge connections watch con_… --timeout 120 || echo 'not accepted'")]
pub struct WatchConnection {
    /// The connection's id
    #[arg(value_name = "ID", value_parser = super::id)]
    connection_id: String,
    #[command(flatten)]
    patience: Patience,
}

/// How long a verification is followed.
#[derive(Debug, Args)]
pub struct Patience {
    /// Stop watching after so many seconds; the verification goes on
    #[arg(long, value_name = "SECONDS", default_value_t = 900, value_parser = clap::value_parser!(u64).range(1..))]
    timeout: u64,
}

/// Whether the verification that a command begins is followed.
#[derive(Debug, Args)]
pub struct Following {
    /// Follow the verification to its end
    #[arg(long)]
    watch: bool,
    #[command(flatten)]
    patience: Patience,
}

impl WatchConnection {
    pub(super) async fn run(self, client: &Client, screen: &Screen) -> Result<Exit> {
        follow(client, screen, &self.connection_id, None, &self.patience).await
    }
}

/// Shows the answer of a command that begins a verification, or follows it to its end.
pub(super) async fn follow_or_show(
    client: &Client,
    screen: &Screen,
    id: &str,
    begun: Value,
    following: &Following,
) -> Result<Exit> {
    if following.watch {
        return follow(client, screen, id, Some(&begun), &following.patience).await;
    }
    let begun = without_external_id(begun);
    screen.show(&begun, |it| view(it, ExternalId::Hidden, screen.is_coloured()))?;
    screen.note(&format!("\nnext: `drawbridge connections watch {id}` follows the verification"));
    Ok(Exit::Done)
}

async fn follow(
    client: &Client,
    screen: &Screen,
    id: &str,
    begun: Option<&Value>,
    patience: &Patience,
) -> Result<Exit> {
    let progress = Progress::start();
    let watch = Watch { client, id, interval: INTERVAL, timeout: Duration::from_secs(patience.timeout) };
    let ended = watch.until_idle(begun, &progress).await;
    drop(progress);
    let ended = without_external_id(ended?);
    let exit = verdict(&ended, id)?;
    screen.show(&ended, |it| outcome(it, screen.is_coloured()))?;
    Ok(exit)
}

/// How the state that a verification ended in is to be taken.
fn verdict(connection: &Value, id: &str) -> Result<Exit> {
    let state = field(connection, "state");
    match state.as_str() {
        "active" | "degraded" => Ok(Exit::Done),
        "failed" | "suspended" => Ok(Exit::NotAccepted),
        "pending_role" => {
            Err(Failure::unexpected("there is nothing to watch: no role has been submitted yet")
                .next(format!("`drawbridge connections submit-role {id} ROLE_ARN --watch`")))
        }
        _ => {
            Err(Failure::unexpected(format!("there is no verification to watch: the connection is {state}"))
                .next(format!("`drawbridge connections show {id}`")))
        }
    }
}

/// One verification, looked at until it has ended.
struct Watch<'a> {
    client: &'a Client,
    id: &'a str,
    interval: Duration,
    timeout: Duration,
}

impl Watch<'_> {
    /// Answers with the connection once its verification is idle.
    ///
    /// What is older than `begun`, the answer of the command that began it, does not count.
    async fn until_idle(&self, begun: Option<&Value>, progress: &Progress) -> Result<Value> {
        let mut told = Told::default();
        if let Some(begun) = begun {
            told.take_as_known(begun);
            told.tell(begun, progress);
            tokio::time::sleep(self.interval).await;
        }
        let oldest = begun.map_or(0, version);
        let mut is_first = begun.is_none();
        loop {
            let connection = self.client.get(&["v1", "connections", self.id], &[]).await?;
            // Only a verification that has ended leaves proven trust: not the running one.
            if std::mem::take(&mut is_first) && is_running(&connection) && is_proven(&connection) {
                told.take_as_known(&connection);
            }
            if version(&connection) >= oldest {
                told.tell(&connection, progress);
                if !is_running(&connection) {
                    return Ok(connection);
                }
            }
            if progress.elapsed() >= self.timeout {
                let seconds = self.timeout.as_secs();
                return Err(Failure::unexpected(format!(
                    "the verification has not ended within {seconds} seconds"
                ))
                .because("it goes on; only watching has ended")
                .next(format!("`drawbridge connections watch {}` watches on", self.id)));
            }
            tokio::time::sleep(self.interval).await;
        }
    }
}

fn is_running(connection: &Value) -> bool {
    field(connection, "verification") == "running"
}

fn is_proven(connection: &Value) -> bool {
    connection.pointer("/trust/proven").and_then(Value::as_bool) == Some(true)
}

fn version(connection: &Value) -> u64 {
    connection.get("version").and_then(Value::as_u64).unwrap_or(0)
}

/// What has been told of a connection so far, so that each thing is told once.
#[derive(Default)]
struct Told {
    state: Option<String>,
    probes: BTreeSet<[String; 3]>,
    reasons: BTreeSet<String>,
    round: Option<String>,
}

impl Told {
    /// Probes and reasons of an earlier verification are no news.
    fn take_as_known(&mut self, connection: &Value) {
        self.probes.extend(probes_of(connection).iter().map(key));
        self.reasons.extend(items(connection, "reasons").iter().map(|reason| field(reason, "code")));
    }

    fn tell(&mut self, connection: &Value, progress: &Progress) {
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
            Some(round) => format!("{state}, round {round}"),
            None => state.clone(),
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

#[cfg(test)]
mod tests;
