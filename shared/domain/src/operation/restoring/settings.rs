//! What a restore loses, and the new table is given back.
//!
//! Source: `DynamoDB` Developer Guide, "Restoring a `DynamoDB` table from a backup".

use serde::{Deserialize, Serialize};

use crate::capability::CapabilitySet;
use crate::manifest::{Known, TableManifest};

/// One setting of a table that a restore loses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Setting {
    /// The attribute that its items expire by.
    TimeToLive,
    /// Its tags.
    Tags,
    /// Whether it can be restored to a point in time.
    PointInTimeRecovery,
    /// Its stream. It comes last, for the table is busy while it gets one.
    Stream,
}

impl Setting {
    /// All of them, in the order in which they are given back.
    pub const ALL: [Self; 4] = [Self::TimeToLive, Self::Tags, Self::PointInTimeRecovery, Self::Stream];

    /// As the API writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TimeToLive => "time_to_live",
            Self::Tags => "tags",
            Self::PointInTimeRecovery => "point_in_time_recovery",
            Self::Stream => "stream",
        }
    }

    /// The action that gives it back.
    #[must_use]
    pub const fn action(self) -> &'static str {
        match self {
            Self::TimeToLive => "dynamodb:UpdateTimeToLive",
            Self::Tags => "dynamodb:TagResource",
            Self::PointInTimeRecovery => "dynamodb:UpdateContinuousBackups",
            Self::Stream => "dynamodb:UpdateTable",
        }
    }

    /// Whether the table that was backed up had it; why nobody knows otherwise.
    fn was_on(self, manifest: Option<&TableManifest>) -> Result<bool, String> {
        let Some(manifest) = manifest.filter(|manifest| manifest.is_seen()) else {
            return Err("not_seen".to_owned());
        };
        let told = |known: Known<bool>| match known {
            Known::Known(is_on) => Ok(is_on),
            Known::Unknown(why) => Err(why),
        };
        match self {
            Self::TimeToLive => told(manifest.time_to_live.clone().map(|attribute| attribute.is_some())),
            Self::PointInTimeRecovery => told(manifest.point_in_time_recovery.clone()),
            Self::Tags => told(manifest.tags_to_restore().map(|tags| !tags.is_empty())),
            Self::Stream => Ok(manifest.stream.is_some()),
        }
    }
}

/// What became of a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SettingOutcome {
    /// It is still to be given back.
    Pending,
    /// The new table has it.
    Applied,
    /// The table that was backed up had none.
    NotNeeded,
    /// It could not be read when the backup was made.
    Unknown,
    /// It could not be given back.
    Failed,
}

/// One setting, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettingReport {
    /// Which one.
    pub setting: Setting,
    /// What became of it.
    pub outcome: SettingOutcome,
    /// Why it is not there, in one word that programs may decide by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The same for people, with what mends it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Whether AWS may have done it already, when it was asked before.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub tried: bool,
}

impl SettingReport {
    /// A setting of which this became.
    #[must_use]
    pub const fn of(setting: Setting, outcome: SettingOutcome) -> Self {
        Self { setting, outcome, code: None, detail: None, tried: false }
    }

    /// The same, and why.
    #[must_use]
    pub fn because(self, code: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { code: Some(code.into()), detail: Some(detail.into()), ..self }
    }

    /// The same, not given back; for the reason that is known, if there is one.
    #[must_use]
    pub fn given_up(self, code: &str, detail: &str) -> Self {
        let code = self.code.unwrap_or_else(|| code.to_owned());
        let detail = self.detail.unwrap_or_else(|| detail.to_owned());
        Self::of(self.setting, SettingOutcome::Failed).because(code, detail)
    }

    /// Whether the new table lacks it, or may.
    #[must_use]
    pub const fn falls_short(&self) -> bool {
        !matches!(self.outcome, SettingOutcome::Applied | SettingOutcome::NotNeeded)
    }
}

/// What is to be given back to a table that is restored from a backup with this manifest, by a connection
/// with these capabilities.
#[must_use]
pub fn settings_of(manifest: Option<&TableManifest>, capabilities: &CapabilitySet) -> Vec<SettingReport> {
    let report = |setting: Setting| {
        let held = setting.action().parse().is_ok_and(|action| capabilities.holds(action));
        match setting.was_on(manifest) {
            Ok(false) => SettingReport::of(setting, SettingOutcome::NotNeeded),
            Ok(true) if held => SettingReport::of(setting, SettingOutcome::Pending),
            Ok(true) => SettingReport::of(setting, SettingOutcome::Failed).because(
                "capability_missing",
                format!("No capability of the connection holds {}; dynamodb-restore does.", setting.action()),
            ),
            Err(why) => SettingReport::of(setting, SettingOutcome::Unknown).because(
                why,
                "It could not be read when the backup was made, so that nobody knows what to give back.",
            ),
        }
    };
    Setting::ALL.into_iter().map(report).collect()
}
