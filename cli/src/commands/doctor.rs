//! `drawbridge doctor`.
//!
//! The checks are in the order in which one depends on another: what cannot be looked at because of
//! an earlier failure is skipped, so that the first failure is the one to mend.

mod diagnosis;
mod reach;

use std::path::PathBuf;
use std::time::SystemTime;

use clap::Args;
use jiff::Timestamp;
use reqwest::Method;

use crate::arguments::Options;
use crate::caller::{Caller, Unidentified};
use crate::client::Client;
use crate::configuration::Configuration;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::next_step::managed_policy;
use crate::progress::Progress;
use crate::screen::Screen;
use crate::settings::{Environment, Settings};
use diagnosis::{Diagnosis, Finding, Outcome};

/// Checks everything that this command needs.
#[derive(Debug, Args)]
#[command(after_help = "\
It looks at the configuration file, the API's address, whether the API answers there, versions, the
clock, the Region, the AWS credentials, whose they are (sts:GetCallerIdentity), and what they may do
with the API. Nothing is changed: what may be changed is asked with an id that nothing has. No
credential is printed.

With --output json: {outcome, checks: [{check, outcome, detail, next}]}; an outcome is ok, warn,
fail or, for a check alone, skip.

Exit codes:
  0  nothing has failed; there may be warnings
  4  something has failed

Examples:
  drawbridge doctor
  drawbridge --profile ops doctor
  drawbridge doctor --output json | jq -r '.checks[] | select(.outcome == \"fail\") | .next'")]
pub struct Doctor {}

/// What the checks look at, beside what they ask for over the network.
struct Surroundings<'a> {
    options: &'a Options,
    environment: Environment,
    file: Option<PathBuf>,
}

impl Doctor {
    /// Does it.
    pub async fn run(self, options: &Options, screen: &Screen) -> Result<Exit> {
        let surroundings =
            Surroundings { options, environment: Environment::of_process(), file: Configuration::path() };
        let progress = Progress::start();
        let mut diagnosis = Diagnosis::default();
        if let Some(settings) = surroundings.settings(&mut diagnosis) {
            progress.waiting_for("asking the API");
            examine_api(&settings, &mut diagnosis).await;
            progress.waiting_for("looking for credentials");
            let caller = Caller::load(&settings).await;
            examine_caller(&settings, &surroundings.environment, caller, &mut diagnosis).await;
        }
        drop(progress);
        diagnosis.show(screen)
    }
}

impl Surroundings<'_> {
    /// Looks at the configuration file and the API's address.
    fn settings(&self, diagnosis: &mut Diagnosis) -> Option<Settings> {
        let settings = Settings::of(self.options, &self.environment, self.file.clone());
        let is_readable = self.look_at_file(settings.is_ok(), diagnosis);
        match settings {
            Ok(settings) => {
                let said = format!("{} (from {})", settings.api_url, settings.api_url_from);
                diagnosis.add(if settings.api_url.is_readable() {
                    Finding::new("address", Outcome::Warn, said)
                        .next("use https: external IDs and customers' links can be read on the way")
                } else {
                    Finding::ok("address", said)
                });
                Some(settings)
            }
            Err(failure) => {
                // A file that cannot be read has been told.
                diagnosis.add(if is_readable {
                    Finding::failed("address", &failure)
                } else {
                    Finding::skipped("address")
                });
                diagnosis.skip(&[
                    "api",
                    "version",
                    "clock",
                    "region",
                    "credentials",
                    "identity",
                    "permission",
                ]);
                None
            }
        }
    }

    fn look_at_file(&self, is_done_without: bool, diagnosis: &mut Diagnosis) -> bool {
        const CHECK: &str = "configuration";
        let Some(path) = &self.file else {
            diagnosis.add(Finding::ok(CHECK, "there is no home folder, and so no file"));
            return true;
        };
        match Configuration::read(path.clone()) {
            Ok(file) => {
                let names: Vec<_> = file.names().collect();
                let said = path.display();
                diagnosis.add(Finding::ok(
                    CHECK,
                    match (file.exists, names.is_empty()) {
                        (false, _) => format!("{said} is not there, and need not be"),
                        (true, true) => format!("{said}"),
                        (true, false) => format!("{said}, with the deployments {}", names.join(", ")),
                    },
                ));
                true
            }
            Err(failure) => {
                let finding = Finding::failed(CHECK, &failure);
                // Where the address comes from elsewhere, the file was not read.
                diagnosis.add(if is_done_without { finding.but(Outcome::Warn) } else { finding });
                false
            }
        }
    }
}

/// Looks at what anybody may see of the API.
async fn examine_api(settings: &Settings, diagnosis: &mut Diagnosis) {
    match reach::reach(&settings.api_url).await {
        Ok(reached) => {
            diagnosis.add(Finding::ok("api", "it answers, and is a Drawbridge"));
            diagnosis.add(version(env!("CARGO_PKG_VERSION"), &reached.version));
            diagnosis.add(clock(reached.date, SystemTime::now()));
        }
        Err(failure) => {
            diagnosis.add(Finding::failed("api", &failure));
            diagnosis.skip(&["version", "clock"]);
        }
    }
}

/// Looks at who asks, and what they may do.
async fn examine_caller(
    settings: &Settings,
    environment: &Environment,
    caller: Result<Caller>,
    diagnosis: &mut Diagnosis,
) {
    let caller = match caller {
        Ok(caller) => caller,
        Err(failure) => {
            // Of what is found out before any credentials only the Region can be missing.
            let (check, rest) = match failure.exit {
                Exit::Usage => ("region", &["credentials", "identity", "permission"][..]),
                _ => ("credentials", &["identity", "permission"][..]),
            };
            diagnosis.add(Finding::failed(check, &failure));
            diagnosis.skip(rest);
            return;
        }
    };
    diagnosis.add(region(settings, caller.region()));
    let signed = credentials(settings, environment, &caller).await;
    let can_sign = signed.outcome != Outcome::Fail;
    diagnosis.add(signed);
    if !can_sign {
        diagnosis.skip(&["identity", "permission"]);
        return;
    }
    diagnosis.add(identity(settings, &caller).await);
    match Client::of(settings.api_url.clone(), caller) {
        // An API that does not answer refuses nobody.
        Ok(_) if diagnosis.has_failed("api") => diagnosis.skip(&["permission"]),
        Ok(client) => diagnosis.add(permission(&client).await),
        Err(failure) => diagnosis.add(Finding::failed("permission", &failure)),
    }
}

/// The command's version against the API's. Versions agree to the first number that is not 0.
fn version(ours: &str, theirs: &str) -> Finding {
    const CHECK: &str = "version";
    let said = format!("this command {ours}, the API {theirs}");
    let line = |version: &str| {
        let numbers: Option<Vec<u64>> =
            version.split(['-', '+']).next()?.split('.').map(|number| number.parse().ok()).collect();
        let numbers = numbers.filter(|numbers| numbers.len() == 3)?;
        let first = numbers.iter().position(|number| *number != 0).unwrap_or(2);
        Some(numbers[..=first].to_vec())
    };
    match (line(ours), line(theirs)) {
        (Some(ours), Some(theirs)) if ours == theirs => Finding::ok(CHECK, said),
        (Some(ours), Some(theirs)) if ours < theirs => Finding::new(CHECK, Outcome::Warn, said)
            .next("update this command (cargo install --locked --path cli, in the API's version)"),
        (Some(_), Some(_)) => Finding::new(CHECK, Outcome::Warn, said)
            .next("deploy the API in this command's version, or use the command of the API's"),
        _ => {
            Finding::new(CHECK, Outcome::Warn, said).next("check that the address is the API of a Drawbridge")
        }
    }
}

/// This machine's clock against the API's.
fn clock(theirs: Option<Timestamp>, ours: SystemTime) -> Finding {
    const CHECK: &str = "clock";
    let (Some(theirs), Ok(ours)) = (theirs, Timestamp::try_from(ours)) else {
        return Finding::new(CHECK, Outcome::Warn, "the API's answer has no date to compare with")
            .next("compare `date -u` with another clock: AWS accepts no signature more than 5 minutes off");
    };
    let skew = ours.duration_since(theirs).as_secs();
    let said = match skew {
        // What the way takes, and the date's rounding to seconds.
        -2..=2 => "agrees with the API's".to_owned(),
        3.. => format!("{skew} seconds ahead of the API's"),
        _ => format!("{} seconds behind the API's", skew.abs()),
    };
    let set = "set the clock (timedatectl set-ntp true, or your system's settings)";
    match skew.abs() {
        // Source: IAM User Guide, "Signing elements: signature validity".
        301.. => Finding::new(CHECK, Outcome::Fail, said)
            .next(format!("{set}: AWS accepts no signature more than 5 minutes off")),
        61.. => Finding::new(CHECK, Outcome::Warn, said)
            .next(format!("{set}: at 5 minutes AWS will refuse every signature")),
        _ => Finding::ok(CHECK, said),
    }
}

/// The Region that is signed for against the API's own.
fn region(settings: &Settings, signed_for: &str) -> Finding {
    const CHECK: &str = "region";
    let from = settings.region.as_ref().map_or("your AWS configuration", |known| known.from.as_str());
    let said = format!("requests are signed for {signed_for} (from {from})");
    match settings.api_url.region() {
        Some(own) if own != signed_for => Finding::new(
            CHECK,
            Outcome::Fail,
            format!("{said}, but the API is in {own}, which refuses such signatures"),
        )
        .next(format!("leave --region away, or pass --region {own} before the command")),
        Some(_) => Finding::ok(CHECK, said),
        None => Finding::ok(CHECK, format!("{said}; the API's host name does not tell its own")),
    }
}

/// Whether there is something to sign with, and for how long.
async fn credentials(settings: &Settings, environment: &Environment, caller: &Caller) -> Finding {
    const CHECK: &str = "credentials";
    if let Err(failure) = caller.credentials().await {
        return Finding::failed(CHECK, &failure);
    }
    let source = match (&settings.profile, environment.credentials) {
        (Some(profile), _) => format!("profile {} (from {})", profile.value, profile.from),
        (None, Some("AWS_PROFILE")) => "the profile that AWS_PROFILE names".to_owned(),
        (None, Some(variable)) => format!("the environment ({variable})"),
        (None, None) => "the default profile, or else this machine's role".to_owned(),
    };
    let kind = if caller.has_session() { "a session" } else { "long-lived keys" };
    let until = match caller.ends_at().map(Timestamp::try_from) {
        Some(Ok(at)) => format!(", good until {}", at.strftime("%Y-%m-%d %H:%M:%SZ")),
        _ => String::new(),
    };
    let said = format!("{kind} of {source}{until}: {}", caller.describe());
    if caller.has_expired() {
        return Finding::new(CHECK, Outcome::Fail, format!("expired: {said}"))
            .next("sign in again (`aws sso login`), or replace AWS_SESSION_TOKEN and the keys beside it");
    }
    Finding::ok(CHECK, said)
}

/// Whose the credentials are, as AWS says.
async fn identity(settings: &Settings, caller: &Caller) -> Finding {
    const CHECK: &str = "identity";
    if settings.api_url.is_loopback() && !caller.asks_elsewhere() {
        return Finding::new(
            CHECK,
            Outcome::Skip,
            "the API is on this machine: its keys are none of AWS's, so AWS is not asked",
        )
        .next("set AWS_ENDPOINT_URL to the local AWS to have it asked (endpoint_url in .local/stack.json)");
    }
    match caller.identity().await {
        Ok(identity) => Finding::ok(CHECK, format!("{} in account {}", identity.arn, identity.account)),
        Err(Unidentified::Unknown(failure)) => Finding::failed(CHECK, &failure),
        Err(Unidentified::Refused(code)) => {
            let next = match code.as_str() {
                "ExpiredToken" | "ExpiredTokenException" => {
                    "sign in again (`aws sso login`), or replace AWS_SESSION_TOKEN and the keys beside it"
                }
                "SignatureDoesNotMatch" => {
                    "the secret key does not belong to that access key: set both anew; or the clock is wrong"
                }
                "InvalidClientTokenId" => {
                    "AWS does not know that access key: it was deleted or is another partition's, or AWS_SESSION_TOKEN \
                     is missing or belongs to other keys"
                }
                _ => "make sure that the credentials are those of an IAM user or role that is in use",
            };
            Finding::new(CHECK, Outcome::Fail, format!("STS refused the credentials: {code}")).next(next)
        }
        Err(Unidentified::Unreachable(why)) => {
            Finding::new(CHECK, Outcome::Warn, format!("STS did not answer: {why}"))
                .next("whose the credentials are is not known; the API may accept them nevertheless")
        }
    }
}

/// What the API lets these credentials do.
async fn permission(client: &Client) -> Finding {
    const CHECK: &str = "permission";
    if let Err(failure) = client.get(&["v1", "connections"], &[("limit", "1".to_owned())]).await {
        return Finding::failed(CHECK, &failure);
    }
    // No connection has this for an id, so that there is nothing to change.
    let nobody = ["v1", "connections", "none"];
    let role = ["v1", "connections", "none", "role"];
    let changes = is_let_in(&client.put(&role, &serde_json::json!({})).await.map(drop));
    let ends = is_let_in(&client.delete(&nobody).await.map(drop));
    let accepted = "signed requests are accepted; these credentials may";
    match (changes, ends) {
        (Some(true), Some(true)) => {
            Finding::ok(CHECK, format!("{accepted} read, change and offboard, as drawbridge-admin may"))
        }
        (Some(true), Some(false)) => Finding::ok(
            CHECK,
            format!(
                "{accepted} read and change, as drawbridge-operator may; offboarding needs {}",
                managed_policy(&Method::DELETE, &nobody)
            ),
        ),
        (Some(false), Some(false)) => Finding::ok(
            CHECK,
            format!(
                "{accepted} read, as drawbridge-viewer may; to change things needs {}",
                managed_policy(&Method::PUT, &role)
            ),
        ),
        (Some(false), Some(true)) => Finding::new(
            CHECK,
            Outcome::Warn,
            format!("{accepted} read and offboard but not change, as none of the stack's policies has it"),
        )
        .next("attach one of the stack's managed policies, and look for a policy that denies"),
        _ => Finding::new(
            CHECK,
            Outcome::Warn,
            format!("{accepted} read; whether they may change things is not known"),
        )
        .next("repeat it in a minute"),
    }
}

/// Whether a request for what does not exist got as far as Drawbridge, which finds nothing.
fn is_let_in(answer: &Result<()>) -> Option<bool> {
    let failure: &Failure = answer.as_ref().err()?;
    match (failure.status, failure.code.as_deref()) {
        (Some(404), Some("not_found")) => Some(true),
        (Some(403), _) => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
