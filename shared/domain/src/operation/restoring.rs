//! A backup that is restored, as an operation that lasts: a new table is asked for, made by AWS in minutes
//! or hours, given back what a restore loses, and compared with what was backed up.
//!
//! It goes on in steps, as every operation that lasts. AWS makes no second table of the same name, so that
//! asking again is harmless; but whoever finds the name taken must know whether it was taken by an earlier
//! request of this very operation. So that AWS is about to be asked is written first.

mod compared;
mod foreseen;
mod settings;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Operation, Target, TargetOutcome};
use crate::backup::Backup;
use crate::id::BackupId;
use crate::place::Region;
use crate::steps::Steps;

pub use compared::{Aspect, Comparison, Counted, Verdict, compare, count, uncompared};
pub use foreseen::{LookedUp, foresee_restore};
pub use settings::{Setting, SettingOutcome, SettingReport, settings_of};

/// How long a restore may take: AWS says that it depends on the size of the table and on how its keys are
/// spread. Source: `DynamoDB` Developer Guide, "Restoring a `DynamoDB` table from a backup".
pub const LONGEST_RESTORE: SignedDuration = SignedDuration::from_hours(24);

/// How long AWS is asked again for a restore that it has no room for: it carries out 50 at once in an
/// account. Source: `DynamoDB` API Reference, `RestoreTableFromBackup`, `LimitExceededException`.
pub const LONGEST_QUEUEING: SignedDuration = SignedDuration::from_hours(1);

/// How long the new table is asked for what it can be given back, and for what it is like.
pub const LONGEST_FINISHING: SignedDuration = SignedDuration::from_mins(15);

/// How long whoever asks AWS for the restore has it for himself: longer than anything that he asks may take.
pub const ASKING: SignedDuration = SignedDuration::from_secs(60);

/// How long a table that AWS was asked for may not be seen: what AWS shows may be a moment old.
const UNSEEN_FOR: SignedDuration = SignedDuration::from_secs(60);

/// Shortest and longest pause between two looks, in seconds.
const PAUSES: (i64, i64) = (2, 60);

/// What is kept of a restore that is planned, until the plan is applied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestoreOrder {
    /// Which backup.
    pub backup_id: BackupId,
    /// The new table's name.
    pub target_name: String,
    /// Whether the new table's items are counted.
    pub count_items: bool,
}

/// How far a restore has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RestorePhase {
    /// AWS is asked for the new table, or was, and it is not known what it made of that.
    Asking,
    /// AWS makes it.
    Restoring,
    /// It is there, and given back what a restore loses.
    Reapplying,
    /// It is compared with what was backed up.
    Comparing,
    /// All of that was done, as the report tells.
    Done,
    /// There is no new table, or nobody knows.
    Failed,
}

impl RestorePhase {
    /// Whether nothing more becomes of it.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Done | Self::Failed)
    }
}

/// Why a restore waits, or has failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// In one word that programs may decide by.
    pub code: String,
    /// For people, with what mends it.
    pub detail: String,
}

impl Trouble {
    /// A trouble of this code.
    pub fn new(code: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { code: code.into(), detail: detail.into() }
    }
}

/// What a step of a restore has brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// Nothing new: AWS throttled or failed, or is still at it.
    Nothing,
    /// AWS has taken the request for the new table.
    Taken,
    /// AWS has certainly not taken it, and may later.
    NotYet(Trouble),
    /// Nobody knows whether AWS has taken it.
    InDoubt,
    /// The new table is not to be seen.
    Unseen,
    /// The new table can be used.
    Active,
    /// This became of settings.
    Reapplied(Vec<SettingReport>),
    /// This is what the new table is like.
    Compared(Vec<Comparison>),
    /// There is no new table, and will be none.
    Failed(Trouble),
}

/// What is kept of a restore, besides what is kept of every operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restoring {
    /// Which backup.
    pub backup_id: BackupId,
    /// Its ARN.
    pub backup_arn: String,
    /// The table that it is of.
    pub source_table: String,
    /// Where it is.
    pub source_region: Region,
    /// The new table's name.
    pub target_name: String,
    /// Whether the new table's items are counted.
    pub count_items: bool,
    /// How far it has come.
    pub phase: RestorePhase,
    /// Since when it is there.
    pub since: Timestamp,
    /// Its steps.
    pub steps: Steps,
    /// When AWS was last asked for the new table, as long as it is not known what it made of that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked_at: Option<Timestamp>,
    /// How many steps in a row brought nothing new.
    #[serde(default)]
    pub idle: u32,
    /// Why it waits, or has failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<Trouble>,
    /// What the new table is given back.
    pub settings: Vec<SettingReport>,
    /// How it compares with what was backed up.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub compared: Vec<Comparison>,
}

impl Restoring {
    /// Whether AWS was asked for the new table, and it is not known what it made of that.
    #[must_use]
    pub const fn is_in_doubt(&self) -> bool {
        self.asked_at.is_some()
    }

    /// Until when somebody may still be asking AWS for the new table.
    #[must_use]
    pub fn asking_until(&self) -> Option<Timestamp> {
        self.asked_at.map(|at| at + ASKING)
    }

    /// The settings that are still to be given back.
    pub fn pending(&self) -> impl Iterator<Item = &SettingReport> {
        self.settings.iter().filter(|report| report.outcome == SettingOutcome::Pending)
    }

    /// The same, with AWS about to be asked for the new table.
    #[must_use]
    fn asking(&self, now: Timestamp) -> Self {
        Self { asked_at: Some(now), steps: self.steps.advanced(now), ..self.clone() }
    }

    /// The same a step further, now that this is known. What does not belong to its phase changes nothing.
    #[must_use]
    pub fn heard(&self, news: News, now: Timestamp) -> Self {
        let step =
            Self { steps: self.steps.advanced(now), idle: self.idle.saturating_add(1), ..self.clone() };
        let goes_to =
            |phase| Self { phase, since: now, idle: 0, asked_at: None, trouble: None, ..step.clone() };
        match (self.phase, news) {
            (RestorePhase::Asking, News::Taken) => goes_to(RestorePhase::Restoring),
            (RestorePhase::Asking, News::NotYet(trouble)) => {
                Self { asked_at: None, trouble: Some(trouble), ..step }
            }
            (RestorePhase::Asking | RestorePhase::Restoring, News::Failed(trouble)) => {
                Self { trouble: Some(trouble), ..goes_to(RestorePhase::Failed) }
            }
            (RestorePhase::Restoring, News::Active) => goes_to(RestorePhase::Reapplying),
            (RestorePhase::Restoring, News::Unseen) if now >= self.since + UNSEEN_FOR => Self {
                trouble: Some(Trouble::new(
                    "target_gone",
                    "AWS took the request, and the new table is not there: somebody has deleted it, or AWS gave the \
                     restore up.",
                )),
                ..goes_to(RestorePhase::Failed)
            },
            (RestorePhase::Reapplying, News::Reapplied(news)) => {
                let next = step.with(news);
                let moved = next.settings != self.settings;
                Self { idle: if moved { 0 } else { next.idle }, ..next }.reapplied(now)
            }
            // There may be nothing to give back.
            (RestorePhase::Reapplying, _) => step.reapplied(now),
            (RestorePhase::Comparing, News::Compared(compared)) => {
                Self { compared, ..goes_to(RestorePhase::Done) }
            }
            _ => step,
        }
    }

    /// The same, with this having become of settings.
    fn with(mut self, news: Vec<SettingReport>) -> Self {
        for told in news {
            if let Some(report) = self.settings.iter_mut().find(|report| report.setting == told.setting) {
                *report = told;
            }
        }
        self
    }

    /// The same, on to the comparison once nothing is left to be given back.
    fn reapplied(self, now: Timestamp) -> Self {
        if self.pending().next().is_some() {
            return self;
        }
        Self { phase: RestorePhase::Comparing, since: now, idle: 0, ..self }
    }

    /// The same, with what has taken too long given up.
    #[must_use]
    pub fn in_time(&self, now: Timestamp) -> Self {
        let (since, longest) = match self.phase {
            RestorePhase::Asking => (self.steps.started_at, LONGEST_QUEUEING),
            RestorePhase::Restoring => (self.steps.started_at, LONGEST_RESTORE),
            RestorePhase::Reapplying | RestorePhase::Comparing => (self.since, LONGEST_FINISHING),
            RestorePhase::Done | RestorePhase::Failed => return self.clone(),
        };
        if now < since + longest {
            return self.clone();
        }
        match self.phase {
            RestorePhase::Restoring => self.failed(
                "not_reached",
                "AWS took the request, and the new table was not there after a day. Look at it in the customer's account.",
            ),
            // What it has come to is known: it goes on without the rest.
            RestorePhase::Reapplying => {
                self.without_pending("not_in_time", "AWS did not do it in time.").reapplied(now)
            }
            RestorePhase::Comparing => {
                self.given_up("not_in_time", "AWS did not show the new table in time.")
            }
            _ => self.given_up(
                "not_attempted",
                "AWS had no room for the restore, or did not come to it. Ask for it again.",
            ),
        }
    }

    /// Whether there may be no time to look at the new table once more, so that what does not come now is told
    /// as unknown.
    #[must_use]
    pub fn is_last_look(&self, now: Timestamp) -> bool {
        let next = self.pause() + self.pause();
        now + next >= self.since + LONGEST_FINISHING
    }

    /// The same, with nothing more being asked of AWS. What is there, is there.
    #[must_use]
    pub fn given_up(&self, code: &str, detail: &str) -> Self {
        match self.phase {
            RestorePhase::Asking if !self.is_in_doubt() => match &self.trouble {
                Some(trouble) => self.failed(&trouble.code, &trouble.detail),
                None => self.failed(code, detail),
            },
            RestorePhase::Asking | RestorePhase::Restoring => {
                let detail = format!(
                    "AWS was asked for the new table, and what became of it was not seen: look for it in the \
                     customer's account. {detail}"
                );
                self.failed("outcome_unknown", &detail)
            }
            RestorePhase::Reapplying | RestorePhase::Comparing => {
                let rest = self.without_pending(code, detail);
                let compared =
                    if rest.compared.is_empty() { uncompared(code, rest.count_items) } else { rest.compared };
                Self { phase: RestorePhase::Done, compared, ..rest }
            }
            RestorePhase::Done | RestorePhase::Failed => self.clone(),
        }
    }

    fn failed(&self, code: &str, detail: &str) -> Self {
        Self { phase: RestorePhase::Failed, trouble: Some(Trouble::new(code, detail)), ..self.clone() }
    }

    fn without_pending(&self, code: &str, detail: &str) -> Self {
        let given_up = |report: &SettingReport| match report.outcome {
            SettingOutcome::Pending => report.clone().given_up(code, detail),
            _ => report.clone(),
        };
        Self { settings: self.settings.iter().map(given_up).collect(), ..self.clone() }
    }

    /// How long until its next step: soon after something has moved.
    #[must_use]
    pub fn pause(&self) -> SignedDuration {
        let (shortest, longest) = PAUSES;
        SignedDuration::from_secs(longest.min(shortest << self.idle.min(6)))
    }

    /// What callers are told of the new table.
    #[must_use]
    pub fn target(&self) -> Target {
        let trouble = self.trouble.clone().map(|Trouble { code, detail }| (code, detail));
        let (outcome, told) = match self.phase {
            RestorePhase::Asking => (TargetOutcome::Queued, trouble),
            RestorePhase::Restoring | RestorePhase::Reapplying | RestorePhase::Comparing => {
                (TargetOutcome::Running, trouble)
            }
            RestorePhase::Failed => (TargetOutcome::Failed, trouble),
            RestorePhase::Done => match self.shortcomings() {
                0 => (TargetOutcome::Succeeded, None),
                some => (
                    TargetOutcome::Partial,
                    Some((
                        "not_as_it_was".to_owned(),
                        format!(
                            "The table is there with its items. {some} of what was looked at is not as it was, or is not \
                             known to be: the output says which."
                        ),
                    )),
                ),
            },
        };
        let (code, detail) = told.unzip();
        Target { id: self.target_name.clone(), outcome, code, detail }
    }

    /// How much of the new table is not as it was, or is not known to be.
    fn shortcomings(&self) -> usize {
        let settings = self.settings.iter().filter(|report| report.falls_short());
        let compared = self.compared.iter().filter(|comparison| comparison.falls_short());
        settings.count() + compared.count()
    }

    /// What is told of it when it is over: the operation's output.
    #[must_use]
    pub fn report(&self, region: &Region) -> Value {
        json!({
            "backup_id": self.backup_id,
            "backup_arn": self.backup_arn,
            "source_table": self.source_table,
            "source_region": self.source_region,
            "target_table": self.target_name,
            "target_region": region,
            "restored": self.phase == RestorePhase::Done,
            "reapplied": self.settings,
            "compared": self.compared,
        })
    }
}

impl Operation {
    /// The same as one that restores this backup, for which AWS was not asked yet.
    #[must_use]
    pub fn restoring(self, backup: &Backup, order: &RestoreOrder, settings: Vec<SettingReport>) -> Self {
        let steps = Steps::start(self.started_at, self.started_at + LONGEST_RESTORE);
        let restoring = Restoring {
            backup_id: backup.id,
            backup_arn: backup.aws_id.clone(),
            source_table: backup.resource.clone(),
            source_region: backup.region.clone(),
            target_name: order.target_name.clone(),
            count_items: order.count_items,
            phase: RestorePhase::Asking,
            since: self.started_at,
            steps,
            asked_at: None,
            idle: 0,
            trouble: None,
            settings,
            compared: Vec::new(),
        };
        Self { backup_id: Some(backup.id), ..self }.with_restoring(restoring)
    }

    /// The same, with its restore having come so far.
    #[must_use]
    pub fn with_restoring(self, restoring: Restoring) -> Self {
        Self { targets: vec![restoring.target()], restoring: Some(restoring), ..self }
    }

    /// The same, with its restore having become this.
    #[must_use]
    pub fn restored(&self, became: impl FnOnce(&Restoring) -> Restoring) -> Self {
        match &self.restoring {
            Some(restoring) => self.clone().with_restoring(became(restoring)),
            None => self.clone(),
        }
    }

    /// The same, with AWS about to be asked for the new table: nobody else asks until it is over.
    #[must_use]
    pub fn asking(&self, now: Timestamp) -> Self {
        self.restored(|restoring| restoring.asking(now))
    }

    /// What it tells as its output whenever it is read, once it has ended: of restores alone, whose reports
    /// hold nothing that is in tables.
    #[must_use]
    pub fn report(&self) -> Option<Value> {
        let restoring = self.restoring.as_ref().filter(|restoring| restoring.phase.is_final())?;
        Some(restoring.report(&self.region))
    }
}

#[cfg(test)]
mod tests;
