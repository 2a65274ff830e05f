//! `drawbridge connections watch`, and the `--watch` of the commands that begin something.

mod told;

use std::time::Duration;

use clap::Args;
use serde_json::Value;

use crate::client::Client;
use crate::connection_view::{ExternalId, is_ending, outcome, view, without_external_id};
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::progress::Progress;
use crate::screen::Screen;
use crate::text::{field, items};
use told::Told;

/// How often what is followed is looked at. Scripted answers need not be waited for.
pub(super) const INTERVAL: Duration = Duration::from_millis(if cfg!(test) { 1 } else { 1000 });

/// Follows a verification or an offboarding to its end.
#[derive(Debug, Args)]
#[command(after_help = "\
Each new state, probe and reason is a line on standard error, and so is each permission that is
denied or not known; the outcome is printed at the end, that of an offboarding with its receipt.

Exit codes:
  0  a verification ended in active or degraded, an offboarding in offboarded
  4  a verification ended in failed or suspended, or the role of an offboarding could not be shown
     to be out of reach

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

/// How long something is followed.
#[derive(Debug, Args)]
pub struct Patience {
    /// Stop watching after so many seconds; what is watched goes on
    #[arg(long, value_name = "SECONDS", default_value_t = 900, value_parser = clap::value_parser!(u64).range(1..))]
    timeout: u64,
}

impl Patience {
    /// How long that is.
    pub(super) const fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout)
    }
}

/// Whether what a command begins is followed.
#[derive(Debug, Args)]
pub struct Following {
    /// Follow what this begins to its end
    #[arg(long)]
    pub(super) watch: bool,
    #[command(flatten)]
    pub(super) patience: Patience,
}

impl WatchConnection {
    pub(super) async fn run(self, client: &Client, screen: &Screen) -> Result<Exit> {
        follow(client, screen, &self.connection_id, None, None, &self.patience).await
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
        let errand = Some(Errand::Verification);
        return follow(client, screen, id, errand, Some(&begun), &following.patience).await;
    }
    let begun = without_external_id(begun);
    screen.show(&begun, |it| view(it, ExternalId::Hidden, screen.is_coloured()))?;
    screen.note(&format!("\nnext: `drawbridge connections watch {id}` follows the verification"));
    Ok(Exit::Done)
}

/// Follows what was begun, or what is going on, to its end.
pub(super) async fn follow(
    client: &Client,
    screen: &Screen,
    id: &str,
    errand: Option<Errand>,
    begun: Option<&Value>,
    patience: &Patience,
) -> Result<Exit> {
    let progress = Progress::start();
    let timeout = patience.timeout();
    let watch = Watch { client, id, errand, interval: INTERVAL, timeout };
    let ended = watch.until_over(begun, &progress).await;
    drop(progress);
    let (ended, errand) = ended?;
    let ended = without_external_id(ended);
    let exit = verdict(&ended, errand, id)?;
    screen.show(&ended, |it| outcome(it, screen.is_coloured()))?;
    if is_stalled(&ended) {
        screen.note(&format!(
            "\nnext: Drawbridge tries again by itself; `drawbridge connections offboard {id} --watch` has it try at once"
        ));
    }
    Ok(exit)
}

/// How the state that it ended in is to be taken.
fn verdict(connection: &Value, errand: Errand, id: &str) -> Result<Exit> {
    let state = field(connection, "state");
    match (errand, state.as_str()) {
        (Errand::Offboarding, _) if is_stalled(connection) => Ok(Exit::NotAccepted),
        (Errand::Offboarding, "offboarded") | (Errand::Verification, "active" | "degraded") => Ok(Exit::Done),
        (Errand::Verification, "failed" | "suspended") => Ok(Exit::NotAccepted),
        (Errand::Verification, "pending_role") => {
            Err(Failure::unexpected("there is nothing to watch: no role has been submitted yet")
                .next(format!("`drawbridge connections submit-role {id} ROLE_ARN --watch`")))
        }
        (errand, _) => {
            let what = errand.what();
            Err(Failure::unexpected(format!("there is no {what} to watch: the connection is {state}"))
                .next(format!("`drawbridge connections show {id}`")))
        }
    }
}

/// What is followed. Who waits for a verification is not content with an offboarding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Errand {
    Verification,
    Offboarding,
}

impl Errand {
    /// What is going on with this connection.
    fn of(connection: &Value) -> Self {
        if is_ending(connection) { Self::Offboarding } else { Self::Verification }
    }

    const fn what(self) -> &'static str {
        match self {
            Self::Verification => "verification",
            Self::Offboarding => "offboarding",
        }
    }
}

/// One verification or offboarding, looked at until it is over.
struct Watch<'a> {
    client: &'a Client,
    id: &'a str,
    errand: Option<Errand>,
    interval: Duration,
    timeout: Duration,
}

impl Watch<'_> {
    /// Answers with the connection once it is over, and with what it was that is over.
    ///
    /// What is older than `begun`, the answer of the command that began it, does not count.
    async fn until_over(&self, begun: Option<&Value>, progress: &Progress) -> Result<(Value, Errand)> {
        let mut told = Told::default();
        if let Some(begun) = begun {
            told.take_as_known(begun);
            told.tell(begun, progress);
            tokio::time::sleep(self.interval).await;
        }
        let oldest = begun.map_or(0, version);
        let mut errand = self.errand;
        let mut is_first = true;
        loop {
            let connection = self.client.get(&["v1", "connections", self.id], &[]).await?;
            let errand = *errand.get_or_insert_with(|| Errand::of(&connection));
            if version(&connection) >= oldest {
                // Answers to changes come without checks, so that only now it is seen what was known.
                if std::mem::take(&mut is_first) && is_running(&connection) && !is_first_proof(&connection) {
                    told.take_as_known(&connection);
                }
                told.tell(&connection, progress);
                if is_over(&connection, errand, begun) {
                    return Ok((connection, errand));
                }
            }
            if progress.elapsed() >= self.timeout {
                let (what, seconds) = (errand.what(), self.timeout.as_secs());
                return Err(Failure::unexpected(format!(
                    "the {what} has not ended within {seconds} seconds"
                ))
                .because("it goes on; only watching has ended")
                .next(format!("`drawbridge connections watch {}` watches on", self.id)));
            }
            tokio::time::sleep(self.interval).await;
        }
    }
}

fn is_over(connection: &Value, errand: Errand, begun: Option<&Value>) -> bool {
    match errand {
        Errand::Verification => !is_running(connection) || is_ending(connection),
        Errand::Offboarding => {
            // What AWS answered before it was asked again is no answer.
            let is_old =
                begun.is_some_and(|begun| is_stalled(begun) && version(begun) == version(connection));
            field(connection, "state") != "offboarding" || (is_stalled(connection) && !is_old)
        }
    }
}

/// Whether the role could not be shown to be out of reach: AWS still gives it out, or did not
/// answer until the deadline.
fn is_stalled(connection: &Value) -> bool {
    field(connection, "state") == "offboarding" && !items(connection, "reasons").is_empty()
}

/// Whether a verification is queued or going on.
pub(super) fn is_running(connection: &Value) -> bool {
    field(connection, "verification") == "running"
}

/// Whether what is shown of probes and checks is the running verification's: in every other state it
/// is an earlier one's, until this one has found out something else.
fn is_first_proof(connection: &Value) -> bool {
    field(connection, "state") == "verifying"
}

fn version(connection: &Value) -> u64 {
    super::version(connection).unwrap_or(0)
}

#[cfg(test)]
mod tests;
