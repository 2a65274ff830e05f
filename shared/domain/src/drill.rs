//! A restore drill: the newest backup of a table is restored to a table of its own name, looked at, and deleted
//! again. A backup that nobody has restored is only a hope.
//!
//! What is found out is kept as evidence: with the job, with the backup, and in the event that tells of it. None
//! of it holds anything of the customer's items.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::audit::{AuditEvent, EventType};
use crate::backup::{Backup, Drilled};
use crate::chunk::Chunk;
use crate::connection::Occasion;
use crate::id::{BackupId, ConnectionId, JobId, RunId};
use crate::job::{Job, Phase};
use crate::operation::{Aspect, Comparison, Trouble, Verdict};
use crate::place::Region;

/// What the names of all tables of drills begin with: the capability `dynamodb-drill` is for these alone, and no
/// run ever selects them.
pub const PREFIX: &str = "drawbridge-drill-";

/// How long a new table may not be seen after AWS has taken the request for it: AWS tells what was a moment ago.
const UNSEEN_FOR: SignedDuration = SignedDuration::from_mins(5);

/// How long AWS is asked again to show and to read the new table, where it throttles or fails.
const LOOKING_FOR: SignedDuration = SignedDuration::from_mins(10);

/// Whether this is the name of a drill's table.
#[must_use]
pub fn is_drill_table(name: &str) -> bool {
    name.starts_with(PREFIX)
}

/// What the table is called into which this job restores.
#[must_use]
pub fn table_of(job: JobId) -> String {
    format!("{PREFIX}{job}")
}

/// A few of the new table's items, held against the table that was backed up, as it is now: the hash of one
/// against the hash of the other.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Sample {
    /// How many were read of the new table.
    pub items: u32,
    /// How many are the same in the live table.
    pub same: u32,
    /// How many are others there by now: they may have been changed since the backup.
    pub changed: u32,
    /// How many are there no more.
    pub gone: u32,
    /// Why they, or the rest of them, were not held against the live table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unread: Option<String>,
}

/// How far a drill has come, and what it has found out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drill {
    /// Which backup.
    pub backup_id: BackupId,
    /// When that was made.
    pub backup_made_at: Timestamp,
    /// The new table's name.
    pub target: String,
    /// When AWS was first about to be asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked_at: Option<Timestamp>,
    /// When it was known that AWS has taken the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken_at: Option<Timestamp>,
    /// Whether it was seen at all.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub seen: bool,
    /// When it was seen that it can be used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usable_at: Option<Timestamp>,
    /// How it compares with what was backed up.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub compared: Vec<Comparison>,
    /// Some of its items, held against the live table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample: Option<Sample>,
    /// When it was seen that the new table is gone again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removed_at: Option<Timestamp>,
    /// Whether it only removes what an earlier drill has left behind.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub leftover: bool,
    /// Whether what it has found out is with the backup, and was told.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub told: bool,
    /// What has gone wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<Trouble>,
}

impl Drill {
    /// A drill of this backup by this job, of which AWS was asked nothing yet.
    #[must_use]
    pub fn of(backup: &Backup, job: JobId) -> Self {
        Self {
            backup_id: backup.id,
            backup_made_at: backup.created_at,
            target: table_of(job),
            asked_at: None,
            taken_at: None,
            told: false,
            seen: false,
            usable_at: None,
            compared: Vec::new(),
            sample: None,
            removed_at: None,
            leftover: false,
            trouble: None,
        }
    }

    /// How long it took until the new table could be used, as far as it was looked at, in seconds.
    #[must_use]
    pub fn restored_within_seconds(&self) -> Option<i64> {
        Some(self.usable_at?.duration_since(self.asked_at?).as_secs())
    }

    /// Whether a new table that is not to be seen will not come any more.
    #[must_use]
    pub fn is_lost(&self, now: Timestamp) -> bool {
        self.taken_at.is_some_and(|at| now >= at + UNSEEN_FOR)
    }

    /// Whether the new table was looked at for so long that what is not known by now is told as unknown.
    #[must_use]
    pub fn is_last_look(&self, now: Timestamp) -> bool {
        self.usable_at.is_some_and(|at| now >= at + LOOKING_FOR)
    }

    /// What is not as it should be in what was compared, if something is not. What nobody could see of the
    /// backed-up table is no fault of the backup's; what nobody could read of the new one is.
    #[must_use]
    pub fn fault(compared: &[Comparison], sample: &Sample) -> Option<Trouble> {
        let differing = compared.iter().filter(|comparison| comparison.verdict == Verdict::Differs);
        let differing: Vec<_> = differing.map(|comparison| comparison.aspect.as_str()).collect();
        if !differing.is_empty() {
            let detail =
                format!("The restored table is not as it was backed up: {} differ.", differing.join(", "));
            return Some(Trouble::new("drill_differs", detail));
        }
        let uncounted = compared.iter().find(|comparison| {
            comparison.aspect == Aspect::ItemCount && comparison.verdict == Verdict::Unknown
        });
        if let Some(comparison) = uncounted {
            let why = comparison.detail.clone().unwrap_or_default();
            return Some(Trouble::new(
                "drill_unread",
                format!("The restored table could not be read. {why}"),
            ));
        }
        let counted = compared.iter().find(|comparison| comparison.aspect == Aspect::ItemCount);
        let has_items =
            counted.and_then(|counted| counted.is.as_ref()?.as_u64()).is_some_and(|items| items > 0);
        // What AWS throttled to the last is no fault of the backup's.
        (has_items && sample.items == 0 && sample.unread.is_none()).then(|| {
            Trouble::new("drill_unread", "The restored table's items were counted, and none could be read.")
        })
    }

    /// What a drill that has gone well says for people.
    #[must_use]
    pub fn summary(&self) -> String {
        let took =
            self.restored_within_seconds().map_or_else(String::new, |seconds| format!(" in {seconds} s"));
        let counted = self.compared.iter().find(|comparison| comparison.aspect == Aspect::ItemCount);
        let items = match counted.map(|counted| (counted.verdict, counted.is.as_ref())) {
            Some((Verdict::AtLeast, Some(items))) => format!("; at least {items} items"),
            Some((_, Some(items))) => format!("; {items} items"),
            _ => String::new(),
        };
        let sample = match &self.sample {
            Some(Sample { items, unread: Some(why), .. }) if *items > 0 => {
                format!("; {items} sampled, which were not held against the live table ({why})")
            }
            Some(Sample { items, same, changed, gone, .. }) if *items > 0 => format!(
                "; of {items} sampled, {same} are the same in the live table, {changed} were changed since, {gone} \
                 deleted"
            ),
            Some(Sample { unread: Some(why), .. }) => format!("; none sampled ({why})"),
            _ => String::new(),
        };
        format!("{} was restored{took}, and its table deleted{items}{sample}.", self.backup_id)
    }
}

impl Job {
    /// The same, with its drill having become this.
    #[must_use]
    pub fn drilled(self, drill: Drill) -> Self {
        Self { drill: Some(Box::new(drill)), ..self }
    }

    /// The same, over: its drill's table is gone, or there never was one.
    #[must_use]
    pub fn drill_ended(self, drill: Drill) -> Self {
        let ended = match (&drill.trouble, drill.leftover) {
            (Some(Trouble { code, detail }), _) => {
                let (code, detail) = (code.clone(), detail.clone());
                self.because(Phase::Failed, &code, detail)
            }
            (None, true) => {
                let detail =
                    format!("{} was left behind by a drill that did not end; it is deleted.", drill.target);
                self.because(Phase::Succeeded, "leftover_removed", detail)
            }
            (None, false) => {
                let summary = drill.summary();
                self.because(Phase::Succeeded, "drilled", summary)
            }
        };
        ended.drilled(drill)
    }

    /// The same with nothing more being done, if it is a drill's of which AWS was asked something: its table may
    /// be there.
    #[must_use]
    pub fn drill_given_up(&self, detail: &str) -> Option<Self> {
        let drill = self.drill.as_ref()?;
        if !matches!(self.phase, Phase::Asking | Phase::Making | Phase::Pruning) {
            return None;
        }
        let detail = format!(
            "The drill did not end. {} may still be in the customer's account: the next drill of this connection deletes \
             it. {detail}",
            drill.target
        );
        Some(self.clone().because(Phase::Failed, "drill_incomplete", detail))
    }
}

impl Backup {
    /// The same, with the outcome of its latest drill.
    #[must_use]
    pub fn drilled(&self, run: RunId, drill: &Drill, now: Timestamp) -> Self {
        let drilled = Drilled {
            at: now,
            run_id: run,
            passed: drill.trouble.is_none(),
            restored_within_seconds: drill.restored_within_seconds(),
        };
        Self { drilled: Some(drilled), version: self.version + 1, ..self.clone() }
    }

    /// The event that tells what a drill has found out about it.
    #[must_use]
    pub fn drilled_event(&self, run: RunId, drill: &Drill, occasion: &Occasion) -> AuditEvent {
        let data = json!({
            "passed": drill.trouble.is_none(),
            "code": drill.trouble.as_ref().map(|trouble| &trouble.code),
            "drill_run_id": run,
            "target_name": drill.target,
            "restored_within_seconds": drill.restored_within_seconds(),
            "compared": drill.compared.iter().map(|comparison| {
                json!({"aspect": comparison.aspect, "verdict": comparison.verdict})
            }).collect::<Vec<_>>(),
            "sample": drill.sample,
        });
        self.event(EventType::BackupDrilled, data, occasion)
    }
}

/// A drill's table, as long as it may be in the customer's account: by that whoever comes later knows that it is
/// Drawbridge's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DrillTable {
    /// In whose account.
    pub connection_id: ConnectionId,
    /// Where.
    pub region: Region,
    /// Its name.
    pub target: String,
    /// Which backup it is made of.
    pub backup_id: BackupId,
    /// When that was made.
    pub backup_made_at: Timestamp,
    /// The run whose drill it is of.
    pub run_id: RunId,
    /// Which chunk of that.
    pub chunk: u32,
    /// When AWS was about to be asked for it.
    pub asked_at: Timestamp,
}

impl DrillTable {
    /// The table of a drill of this chunk.
    #[must_use]
    pub fn of(chunk: &Chunk, drill: &Drill, now: Timestamp) -> Self {
        Self {
            connection_id: chunk.connection_id,
            region: chunk.region.clone(),
            target: drill.target.clone(),
            backup_id: drill.backup_id,
            backup_made_at: drill.backup_made_at,
            run_id: chunk.run_id,
            chunk: chunk.number,
            asked_at: now,
        }
    }

    /// The job of this run that deletes it, for the drill that made it has not.
    #[must_use]
    pub fn removal(&self, run: RunId) -> Job {
        let drill = Drill {
            backup_id: self.backup_id,
            backup_made_at: self.backup_made_at,
            target: self.target.clone(),
            asked_at: Some(self.asked_at),
            taken_at: Some(self.asked_at),
            told: true,
            seen: false,
            usable_at: None,
            compared: Vec::new(),
            sample: None,
            removed_at: None,
            leftover: true,
            trouble: None,
        };
        let job = Job::waiting(run, self.connection_id, &self.region, &self.target);
        job.now(Phase::Pruning).drilled(drill)
    }
}

#[cfg(test)]
mod tests;
