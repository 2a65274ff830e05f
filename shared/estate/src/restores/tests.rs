//! What is asked for a restore, and what is made of the answers. Those are AWS's own: `DynamoDB` API Reference,
//! the examples and the errors of each action.

#[allow(
    clippy::duplicate_mod,
    reason = "the wire under operations is theirs, and read once more rather than copied"
)]
#[path = "../operations/dynamodb/tests/wire.rs"]
mod wire;

use access::{Brokers, CustomerSession, Opened, Sessions};
use domain::grant::Shard;
use domain::manifest::TableManifest;
use domain::operation::{Counted, Setting, SettingOutcome, SettingReport, Trouble};
use domain::policy::nothing;
use domain::sample::{self, created, deployment, submitted, table_manifest};
use domain::{Capability, CapabilitySet};
use rstest::rstest;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

use super::*;
use crate::backups::{Answer, fits};
use wire::{Call, Reply, Wire};

const ROLE: &str = "arn:aws:iam::222222222222:role/customer";
const TARGET: &str = "arn:aws:dynamodb:eu-central-1:222222222222:table/Restored";
const KEY: &str = "arn:aws:kms:eu-central-1:222222222222:key/1234abcd-12ab-34cd-56ef-1234567890ab";

fn connection() -> Connection {
    Connection { shard: Shard::new(1), ..submitted(&created().connection, ROLE).connection }
}

fn backup() -> Backup {
    sample::backup(&connection())
}

fn restore_in(region: &str) -> Restore {
    Restore::of(&connection(), &backup(), "Restored", &region.parse().unwrap()).unwrap()
}

fn restore() -> Restore {
    restore_in("eu-central-1")
}

fn of(capability: Capability) -> CapabilitySet {
    CapabilitySet::new([capability]).unwrap()
}

async fn session(wire: &Wire) -> CustomerSession {
    let sessions = Sessions::new(Brokers::new(wire.config(), deployment()));
    match sessions.open(&connection(), "drawbridge-test", &nothing()).await.unwrap() {
        Opened::Open(session) => session,
        other => panic!("there is a session: {other:?}"),
    }
}

fn operations(wire: &Wire) -> Vec<String> {
    wire.calls().into_iter().map(|call| call.operation).collect()
}

fn statements(policy: &PolicyDocument) -> Vec<Value> {
    assert!(fits(policy));
    let json: Value = serde_json::from_str(&policy.to_json()).unwrap();
    json["Statement"].as_array().unwrap().clone()
}

#[test]
fn a_session_asks_for_this_table_of_this_backup() {
    let plain = statements(&restore().asking_policy(false));
    assert_eq!(plain.len(), 2);
    assert_eq!(plain[0]["Resource"], json!([backup().aws_id, TARGET]));
    assert_eq!(plain[1]["Resource"], json!(TARGET));
    let in_doubt = statements(&restore().asking_policy(true));
    let looks = json!({"Effect": "Allow", "Action": "dynamodb:DescribeTable", "Resource": TARGET});
    assert_eq!(in_doubt[..2], plain);
    assert_eq!(in_doubt[2], looks);
    assert_eq!(statements(&restore().watching_policy()), [looks]);
    let elsewhere = statements(&restore_in("eu-west-1").asking_policy(false));
    assert_eq!(
        elsewhere[0]["Resource"],
        json!([backup().aws_id, TARGET.replace("eu-central-1", "eu-west-1")])
    );
}

/// The new table is encrypted as the old one was. Source: `DynamoDB` Developer Guide, "`DynamoDB` encryption at
/// rest: usage notes".
#[rstest]
#[case(KEY, true)]
#[case("arn:aws:kms:eu-central-1:222222222222:key/*", false)]
#[case("arn:aws:kms:eu-central-1:222222222222:key/${aws:x}", false)]
#[case("*", false)]
fn a_session_may_have_dynamodb_use_the_backups_key_and_no_other(#[case] key: &str, #[case] used: bool) {
    let manifest = TableManifest { kms_key: Some(key.to_owned()), ..table_manifest() };
    let backup = Backup { manifest: Some(manifest), ..backup() };
    let restore = Restore::of(&connection(), &backup, "Restored", &"eu-central-1".parse().unwrap()).unwrap();
    let policy = statements(&restore.asking_policy(false));
    assert_eq!(policy.len(), if used { 3 } else { 2 });
    if used {
        assert_eq!(policy[2]["Resource"], KEY);
        let through = json!({"StringLike": {"kms:ViaService": "dynamodb.eu-central-1.amazonaws.com*"}});
        assert_eq!(policy[2]["Condition"], through);
    }
}

#[rstest]
#[case(Setting::TimeToLive, Capability::DynamodbRestore, json!("dynamodb:UpdateTimeToLive"))]
#[case(
    Setting::TimeToLive,
    Capability::DynamodbBackup,
    json!(["dynamodb:UpdateTimeToLive", "dynamodb:DescribeTimeToLive"])
)]
#[case(Setting::Tags, Capability::DynamodbRestore, json!("dynamodb:TagResource"))]
#[case(
    Setting::PointInTimeRecovery,
    Capability::DynamodbRestore,
    json!("dynamodb:UpdateContinuousBackups")
)]
#[case(Setting::Stream, Capability::DynamodbRestore, json!(["dynamodb:UpdateTable", "dynamodb:DescribeTable"]))]
fn a_session_gives_back_what_is_lost_and_nothing_else(
    #[case] setting: Setting,
    #[case] capability: Capability,
    #[case] actions: Value,
) {
    let policy = statements(&restore().reapplying_policy(&[setting], &of(capability)));
    assert_eq!(policy, [json!({"Effect": "Allow", "Action": actions, "Resource": TARGET})]);
}

#[test]
fn what_no_policy_can_name_is_refused() {
    let named = |name: &str| {
        Restore::of(&connection(), &backup(), name, &"eu-central-1".parse().unwrap()).unwrap_err()
    };
    for name in ["*", "ab", "a/b", "a b", &"x".repeat(256)] {
        let error = named(name);
        assert_eq!((error.code, error.fields[0].pointer.as_str()), ("invalid_table_name", "/target_name"));
    }
    for arn in [
        backup().aws_id.replace("222222222222", "333333333333"),
        backup().aws_id.replace("eu-central-1", "eu-west-1"),
        "arn:aws:dynamodb:eu-central-1:222222222222:table/*/backup/1".to_owned(),
    ] {
        let foreign = Backup { aws_id: arn, ..backup() };
        let region = "eu-central-1".parse().unwrap();
        assert!(Restore::of(&connection(), &foreign, "Restored", &region).is_err(), "{}", foreign.aws_id);
    }
}

async fn asked(answer: impl Fn(usize, &Call) -> Reply + Send + Sync + 'static) -> (Asked, usize) {
    let wire = Wire::new(answer);
    let asked = restore().ask(&session(&wire).await).await;
    (asked, wire.calls().len())
}

fn code(asked: &Asked) -> (&str, &str) {
    match asked {
        Asked::Later(trouble) => ("later", &trouble.code),
        Asked::Exists(trouble) => ("exists", &trouble.code),
        Asked::Refused(trouble) => ("refused", &trouble.code),
        Asked::Taken { .. } => ("taken", ""),
        Asked::Unknown => ("unknown", ""),
    }
}

/// Source: `DynamoDB` API Reference, `RestoreTableFromBackup`, "Errors".
#[rstest]
#[case(400, "LimitExceededException", ("later", "limit_exceeded"))]
#[case(400, "BackupInUseException", ("later", "in_use"))]
#[case(400, "ThrottlingException", ("later", "throttled"))]
#[case(400, "TableAlreadyExistsException", ("exists", "already_exists"))]
#[case(400, "TableInUseException", ("exists", "in_use"))]
#[case(400, "BackupNotFoundException", ("refused", "not_found"))]
#[case(400, "AccessDeniedException", ("refused", "access_denied"))]
#[case(400, "ValidationException", ("refused", "invalid_input"))]
#[case(500, "InternalServerError", ("unknown", ""))]
#[tokio::test]
async fn what_aws_answers_is_told_apart(
    #[case] status: u16,
    #[case] error: &'static str,
    #[case] told: (&str, &str),
) {
    let (answer, calls) = asked(move |_, _| Reply::Error(status, error, "no")).await;
    assert_eq!((code(&answer), calls), (told, 1), "it is asked for once");
}

#[tokio::test]
async fn what_is_taken_or_lost_is_told_apart() {
    let (lost, calls) = asked(|_, _| Reply::Reset).await;
    assert_eq!((lost, calls), (Asked::Unknown, 1));
    let (taken, _) = asked(|_, _| Reply::Done(json!({"TableDescription": {"TableName": "Restored"}}))).await;
    assert_eq!(taken, Asked::Taken { request_id: Some("request-0".to_owned()) });
    let wire = Wire::new(|_, _| Reply::Reset);
    let over = session(&wire).await.until(Instant::now() + Duration::from_millis(5));
    assert_eq!(code(&restore().ask(&over).await), ("later", "not_attempted"));
    assert_eq!(wire.calls().len(), 0);
}

fn described(status: &str, summary: &Value) -> Value {
    json!({"Table": {"TableName": "Restored", "TableStatus": status, "RestoreSummary": summary}})
}

/// Source: `DynamoDB` API Reference, `TableDescription`, `RestoreSummary`.
#[rstest]
#[case("CREATING", true, false, Watched::Making)]
#[case("ACTIVE", true, true, Watched::Making)]
#[case("ACTIVE", true, false, Watched::Active)]
#[case("UPDATING", true, false, Watched::Making)]
#[case("ACTIVE", false, false, Watched::Another)]
#[tokio::test]
async fn a_table_is_watched(
    #[case] status: &'static str,
    #[case] ours: bool,
    #[case] in_progress: bool,
    #[case] seen: Watched,
) {
    let arn = if ours { backup().aws_id } else { format!("{}0", backup().aws_id) };
    let summary = json!({"SourceBackupArn": arn, "RestoreInProgress": in_progress, "RestoreDateTime": 1});
    let wire = Wire::new(move |_, _| Reply::Done(described(status, &summary)));
    let session = session(&wire).await;
    for in_doubt in [true, false] {
        assert_eq!(restore().watch(&session, in_doubt).await, Answer::Done(seen.clone()));
    }
}

#[tokio::test]
async fn a_table_that_does_not_say_what_it_is_of_is_trusted_only_after_aws_took_it() {
    let wire = Wire::new(|_, _| Reply::Done(described("ACTIVE", &Value::Null)));
    let opened = session(&wire).await;
    assert_eq!(restore().watch(&opened, true).await, Answer::Done(Watched::Another));
    assert_eq!(restore().watch(&opened, false).await, Answer::Done(Watched::Active));
    let wire = Wire::new(|_, _| Reply::Error(400, "ResourceNotFoundException", "no"));
    assert_eq!(restore().watch(&session(&wire).await, true).await, Answer::Done(Watched::Absent));
    let wire = Wire::new(|_, _| Reply::Error(400, "ThrottlingException", "no"));
    let later = Answer::Later { code: "throttled".to_owned() };
    assert_eq!(restore().watch(&session(&wire).await, true).await, later);
}

#[rstest]
#[case("DELETING", "target_gone")]
#[case("INACCESSIBLE_ENCRYPTION_CREDENTIALS", "key_unusable")]
#[tokio::test]
async fn a_table_that_is_lost_is_told(#[case] status: &'static str, #[case] code: &str) {
    let wire = Wire::new(move |_, _| Reply::Done(described(status, &Value::Null)));
    match restore().watch(&session(&wire).await, false).await {
        Answer::Done(Watched::Lost(Trouble { code: told, .. })) => assert_eq!(told, code),
        other => panic!("{other:?}"),
    }
}

async fn reapplied(
    setting: Setting,
    tried: bool,
    capability: Capability,
    answer: impl Fn(usize, &Call) -> Reply + Send + Sync + 'static,
) -> (SettingReport, Vec<String>) {
    let wire = Wire::new(answer);
    let report = SettingReport { tried, ..SettingReport::of(setting, SettingOutcome::Pending) };
    let session = session(&wire).await;
    let told = restore().reapply(&session, &report, &table_manifest(), &of(capability)).await;
    (told, operations(&wire))
}

/// Answers that nothing of it is there, and takes everything.
fn takes(call: &Call) -> Reply {
    Reply::Done(match call.operation.as_str() {
        "DescribeTable" => described("ACTIVE", &Value::Null),
        "DescribeTimeToLive" => json!({"TimeToLiveDescription": {"TimeToLiveStatus": "DISABLED"}}),
        _ => json!({}),
    })
}

#[rstest]
#[case(Setting::TimeToLive, &["DescribeTimeToLive", "UpdateTimeToLive"])]
#[case(Setting::Tags, &["TagResource"])]
#[case(Setting::PointInTimeRecovery, &["UpdateContinuousBackups"])]
#[case(Setting::Stream, &["DescribeTable", "UpdateTable"])]
#[tokio::test]
async fn what_a_restore_loses_is_given_back(#[case] setting: Setting, #[case] calls: &[&str]) {
    let (told, asked) = reapplied(setting, false, Capability::DynamodbBackup, |_, call| takes(call)).await;
    assert_eq!(
        (told.outcome, asked),
        (SettingOutcome::Applied, calls.iter().map(ToString::to_string).collect())
    );
}

/// What throttles or is busy waits; what may have been done is known by the next refusal; the rest has failed.
#[rstest]
#[case::busy(400, "ResourceInUseException", SettingOutcome::Pending, Some("in_use"), false)]
#[case::many(400, "LimitExceededException", SettingOutcome::Pending, Some("limit_exceeded"), false)]
#[case::throttled(400, "ThrottlingException", SettingOutcome::Pending, Some("throttled"), false)]
#[case::lost(500, "InternalServerError", SettingOutcome::Pending, Some("aws_unavailable"), true)]
#[case::denied(400, "AccessDeniedException", SettingOutcome::Failed, Some("access_denied"), false)]
#[case::wrong(400, "ValidationException", SettingOutcome::Failed, Some("invalid_input"), false)]
#[tokio::test]
async fn what_is_not_given_back_is_told(
    #[case] status: u16,
    #[case] error: &'static str,
    #[case] outcome: SettingOutcome,
    #[case] code: Option<&str>,
    #[case] tried: bool,
) {
    for setting in Setting::ALL {
        let answer = move |_, call: &Call| {
            if call.operation.starts_with("Describe") {
                takes(call)
            } else {
                Reply::Error(status, error, "no")
            }
        };
        let (told, _) = reapplied(setting, false, Capability::DynamodbRestore, answer).await;
        assert_eq!((told.outcome, told.code.as_deref(), told.tried), (outcome, code, tried), "{setting:?}");
        assert!(told.detail.is_some());
    }
}

/// AWS refuses to enable what is enabled. Source: `DynamoDB` API Reference, `StreamSpecification`.
#[tokio::test]
async fn what_is_there_already_is_not_asked_for_again() {
    let streams = |view: &'static str| {
        move |_, _: &Call| {
            let mut table = described("ACTIVE", &Value::Null);
            table["Table"]["StreamSpecification"] = json!({"StreamEnabled": true, "StreamViewType": view});
            Reply::Done(table)
        }
    };
    let restore = Capability::DynamodbRestore;
    let (told, asked) = reapplied(Setting::Stream, false, restore, streams("NEW_IMAGE")).await;
    assert_eq!((told.outcome, asked.len()), (SettingOutcome::Applied, 1));
    let (told, _) = reapplied(Setting::Stream, false, restore, streams("KEYS_ONLY")).await;
    assert_eq!((told.outcome, told.code.as_deref()), (SettingOutcome::Failed, Some("already_exists")));
    let expires = |_, _: &Call| {
        Reply::Done(
            json!({"TimeToLiveDescription": {"TimeToLiveStatus": "ENABLING", "AttributeName": "expires"}}),
        )
    };
    let (told, asked) = reapplied(Setting::TimeToLive, false, Capability::DynamodbBackup, expires).await;
    assert_eq!((told.outcome, asked.len()), (SettingOutcome::Applied, 1));
    // Where that may not be looked up, the refusal of what may have been done tells it.
    let refuses = |_, _: &Call| Reply::Error(400, "ValidationException", "TimeToLive is already enabled");
    let (told, _) = reapplied(Setting::TimeToLive, true, restore, refuses).await;
    assert_eq!((told.outcome, told.tried), (SettingOutcome::Applied, false));
}

#[tokio::test]
async fn items_are_counted_to_the_end_or_as_far_as_it_goes() {
    let page = |more: bool| {
        let end = if more { json!({"pk": {"S": "k"}}) } else { Value::Null };
        Reply::Done(json!({"Count": 2, "ScannedCount": 2, "LastEvaluatedKey": end}))
    };
    let wire = Wire::new(move |place, _| page(place < 2));
    assert_eq!(restore().count(&session(&wire).await).await, Counted::All(6));
    let body = wire.calls().remove(1).body;
    assert_eq!(body["Select"], "COUNT");
    assert_eq!(body["ExclusiveStartKey"], json!({"pk": {"S": "k"}}));

    let endless = Wire::new(move |_, _| page(true));
    assert_eq!(restore().count(&session(&endless).await).await, Counted::AtLeast(1024));
    assert_eq!(endless.calls().len(), 512);
    let over = session(&endless).await.until(Instant::now());
    assert_eq!(restore().count(&over).await, Counted::AtLeast(0));
    let throttled = Wire::new(move |place, _| match place {
        0 => page(true),
        _ => Reply::Error(400, "ThrottlingException", "no"),
    });
    assert_eq!(restore().count(&session(&throttled).await).await, Counted::AtLeast(2));
    let always = Wire::new(|_, _| Reply::Error(400, "ThrottlingException", "no"));
    assert_eq!(restore().count(&session(&always).await).await, Counted::Later);
    let denied = Wire::new(|_, _| Reply::Error(400, "AccessDeniedException", "no"));
    assert!(matches!(restore().count(&session(&denied).await).await, Counted::Refused(_)));
}

#[tokio::test]
async fn a_look_refuses_what_it_cannot_see() {
    let restore_only = of(Capability::DynamodbRestore);
    for (error, code) in
        [("AccessDeniedException", "targets_unreadable"), ("ThrottlingException", "account_unavailable")]
    {
        let wire = Wire::new(move |_, _| Reply::Error(400, error, "no"));
        let refused = restore().look(&session(&wire).await, &restore_only).await.unwrap_err();
        assert_eq!(refused.code, code);
    }
    // A backup that AWS is still making is not there yet.
    let wire = Wire::new(|_, call| match call.operation.as_str() {
        "DescribeBackup" => Reply::Done(json!({"BackupDescription": {"BackupDetails": {
            "BackupArn": backup().aws_id, "BackupName": "b", "BackupStatus": "CREATING", "BackupType": "USER",
            "BackupCreationDateTime": 1,
        }}})),
        _ => Reply::Error(400, "ResourceNotFoundException", "no"),
    });
    let refused = restore().look(&session(&wire).await, &restore_only).await.unwrap_err();
    assert_eq!(refused.code, "backup_not_available");
    // What the capabilities do not hold is not asked, and said.
    let wire = Wire::new(|_, call| panic!("nobody asks {call:?}"));
    let nothing = of(Capability::Ec2Observe);
    assert_eq!(statements(&restore().look_policy(&nothing)).len(), 0);
    assert_eq!(restore().look(&session(&wire).await, &nothing).await.unwrap().unread.len(), 2);
}

fn drilled() -> Restore {
    Restore::of(&connection(), &backup(), "drawbridge-drill-job_1", &"eu-central-1".parse().unwrap()).unwrap()
}

/// What is deleted is a drill's, and made of this backup; another's is never asked for.
#[rstest]
#[case::ours("ACTIVE", Some("ours"), Removed::Going, true)]
#[case::being_made("CREATING", Some("ours"), Removed::Going, false)]
#[case::being_deleted("DELETING", Some("ours"), Removed::Going, false)]
#[case::of_another_backup("ACTIVE", Some("other"), Removed::Another, false)]
#[case::of_no_backup("ACTIVE", None, Removed::Another, false)]
#[tokio::test]
async fn a_drill_deletes_its_own_table_alone(
    #[case] status: &'static str,
    #[case] made_of: Option<&'static str>,
    #[case] removed: Removed,
    #[case] deletes: bool,
) {
    let wire = Wire::new(move |_, call| match (call.operation.as_str(), made_of) {
        ("DeleteTable", _) => Reply::Done(json!({})),
        (_, Some("ours")) => Reply::Done(described(
            status,
            &json!({
                "SourceBackupArn": backup().aws_id, "RestoreInProgress": false, "RestoreDateTime": 1,
            }),
        )),
        (_, Some(_)) => Reply::Done(described(
            status,
            &json!({
                "SourceBackupArn": "arn:aws:dynamodb:eu-central-1:222222222222:table/Other/backup/1",
                "RestoreInProgress": false, "RestoreDateTime": 1,
            }),
        )),
        (_, None) => Reply::Done(json!({"Table": {"TableName": "x", "TableStatus": status}})),
    });
    assert_eq!(drilled().remove(&session(&wire).await).await, Answer::Done(removed));
    assert_eq!(operations(&wire).contains(&"DeleteTable".to_owned()), deletes);
}

/// Whatever the backup says, a table that is not named as drills name theirs is left alone.
#[tokio::test]
async fn a_restore_that_is_no_drill_is_never_deleted() {
    let wire = Wire::new(|_, _| {
        Reply::Done(described(
            "ACTIVE",
            &json!({
                "SourceBackupArn": backup().aws_id, "RestoreInProgress": false, "RestoreDateTime": 1,
            }),
        ))
    });
    assert_eq!(restore().remove(&session(&wire).await).await, Answer::Done(Removed::Another));
    assert_eq!(operations(&wire), ["DescribeTable"]);
}

#[rstest]
#[case("ResourceInUseException", true)]
#[case("LimitExceededException", true)]
#[case("ThrottlingException", true)]
#[case("AccessDeniedException", false)]
#[tokio::test]
async fn what_cannot_be_deleted_now_is_told_from_what_may_not(
    #[case] code: &'static str,
    #[case] later: bool,
) {
    let wire = Wire::new(move |_, call| match call.operation.as_str() {
        "DeleteTable" => Reply::Error(400, code, "no"),
        _ => Reply::Done(described(
            "ACTIVE",
            &json!({
                "SourceBackupArn": backup().aws_id, "RestoreInProgress": false, "RestoreDateTime": 1,
            }),
        )),
    });
    let removed = drilled().remove(&session(&wire).await).await;
    assert_eq!(matches!(removed, Answer::Later { .. }), later, "{removed:?}");
    assert_eq!(matches!(removed, Answer::Refused { .. }), !later, "{removed:?}");
}

#[test]
fn a_drill_reads_its_own_table_and_what_was_backed_up() {
    let table = TARGET.replace("Restored", "drawbridge-drill-job_1");
    let one = |policy: PolicyDocument| {
        let statements = statements(&policy);
        assert_eq!(statements.len(), 1);
        (statements[0]["Action"].clone(), statements[0]["Resource"].clone())
    };
    assert_eq!(
        one(drilled().drilling_policy()),
        (json!(["dynamodb:DescribeTable", "dynamodb:Scan"]), json!(table))
    );
    assert_eq!(
        one(drilled().removing_policy()),
        (json!(["dynamodb:DescribeTable", "dynamodb:DeleteTable"]), json!(table))
    );
    let live = TARGET.replace("Restored", "Music");
    assert_eq!(one(drilled().live_policy("Music")), (json!("dynamodb:GetItem"), json!(live)));
}
