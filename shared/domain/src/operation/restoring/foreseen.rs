//! What a restore is planned as: nothing is gone by it, but a table comes that costs, and that lacks some of
//! what the old one had.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{RestoreOrder, SettingOutcome, SettingReport, settings_of};
use crate::backup::Backup;
use crate::capability::CapabilitySet;
use crate::place::Region;
use crate::plan::{PlanTarget, Print, Seen, Warning};
use crate::reason::Reason;

/// What no restore brings back, and Drawbridge does not give back. Source: `DynamoDB` Developer Guide,
/// "Restoring a `DynamoDB` table from a backup".
const NOT_RESTORED: [&str; 5] =
    ["auto_scaling", "iam_policies", "resource_policy", "cloudwatch_alarms", "deletion_protection"];

/// What was looked up of a backup and of the new table's name, in the customer's account.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LookedUp {
    /// What AWS tells of the backup, where the connection may read it.
    pub facts: Map<String, Value>,
    /// What makes the backup that one and no other.
    pub print: Print,
    /// What could not be looked at, each with why.
    pub unread: Vec<String>,
}

/// What a plan shows of a restore of this backup to a table in `region`.
#[must_use]
pub fn foresee_restore(
    backup: &Backup,
    order: &RestoreOrder,
    region: &Region,
    capabilities: &CapabilitySet,
    looked_up: LookedUp,
    now: Timestamp,
) -> Seen {
    let manifest = backup.manifest.as_ref();
    let settings = settings_of(manifest, capabilities);
    let mut facts = Map::from_iter([
        ("backup_id".to_owned(), json!(backup.id)),
        ("backup_arn".to_owned(), json!(backup.aws_id)),
        ("source_table".to_owned(), json!(backup.resource)),
        ("source_region".to_owned(), json!(backup.region)),
        ("target_region".to_owned(), json!(region)),
        ("backed_up_at".to_owned(), json!(backup.created_at)),
        ("age_seconds".to_owned(), json!(now.duration_since(backup.created_at).as_secs().max(0))),
        ("count_items".to_owned(), json!(order.count_items)),
    ]);
    // What AWS tells now goes before what was told when the backup was made.
    if let Some(manifest) = manifest.filter(|manifest| manifest.is_seen()) {
        facts.insert("items".to_owned(), json!(manifest.item_count));
    }
    facts.extend(backup.size_bytes.map(|size| ("size_bytes".to_owned(), json!(size))));
    facts.extend(looked_up.facts);
    let named = |outcome: SettingOutcome| -> Vec<&str> {
        let such = settings.iter().filter(|report| report.outcome == outcome);
        such.map(|report| report.setting.as_str()).collect()
    };
    let blast_radius = json!({
        "destroyed": [],
        "creates_table": order.target_name,
        "reapplied": named(SettingOutcome::Pending),
        "not_needed": named(SettingOutcome::NotNeeded),
        "unknown": named(SettingOutcome::Unknown),
        "cannot_be_reapplied": named(SettingOutcome::Failed),
        "not_restored": NOT_RESTORED,
    });
    let print = Print::from([("backup".to_owned(), backup.aws_id.clone())]);
    let print = print.into_iter().chain(looked_up.print).collect();
    Seen {
        targets: vec![PlanTarget { id: order.target_name.clone(), kind: "table".to_owned(), facts }],
        blast_radius: match blast_radius {
            Value::Object(map) => map,
            _ => Map::new(),
        },
        warnings: warnings(backup, region, capabilities, &settings, &looked_up.unread),
        prints: [(order.target_name.clone(), print)].into(),
    }
}

fn warnings(
    backup: &Backup,
    region: &Region,
    capabilities: &CapabilitySet,
    settings: &[SettingReport],
    unread: &[String],
) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let mut add = |code: &str, detail: String| warnings.push(Warning { code: code.to_owned(), detail });
    add(
        "cost",
        "AWS bills a restore by the size of the backup, and the new table from then on, until it is deleted"
            .to_owned(),
    );
    if !"dynamodb:UpdateItem".parse().is_ok_and(|action| capabilities.holds(action)) {
        let Reason { code, detail, remedy, .. } = Reason::restore_needs_update_item();
        add(code.as_str(), format!("{detail}. {remedy}"));
    }
    for report in settings {
        let (setting, why) = (report.setting.as_str(), report.code.as_deref().unwrap_or_default());
        match report.outcome {
            SettingOutcome::Unknown => add(
                "manifest_incomplete",
                format!(
                    "{setting} is not given back, for it could not be read when the backup was made ({why})"
                ),
            ),
            SettingOutcome::Failed => {
                let detail = report.detail.as_deref().unwrap_or_default();
                add(why, format!("{setting} is not given back: {detail}"));
            }
            _ => {}
        }
    }
    let protected = backup.manifest.as_ref().is_some_and(|manifest| manifest.deletion_protection);
    if protected {
        let detail = "the table was protected from deletion, and the new one is not; protect it with \
                      dynamodb:UpdateTable, if it is to stay";
        add("not_protected", detail.to_owned());
    }
    if let Some(key) = backup.manifest.as_ref().and_then(|manifest| manifest.kms_key.as_ref()) {
        add(
            "encrypted",
            format!(
                "the backup is encrypted under {key}: the role and that Region must be able to use the key"
            ),
        );
    }
    if *region != backup.region {
        let detail = format!("the data leave {} for {region}", backup.region);
        add("cross_region", detail);
    }
    for why in unread {
        add("not_read", format!("whether it can be restored was not looked at in full: {why}"));
    }
    warnings
}
