use std::collections::BTreeMap;

use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::capability::{Capability, CapabilitySet};
use crate::id::OperationId;
use crate::manifest::{IndexManifest, Known, TableManifest};
use crate::message::JobsMessage;
use crate::operation::{OperationState, Order};
use crate::sample::{self, NOW, created, occasion, submitted, table_manifest};
use crate::{Connection, ConnectionState};

fn connection() -> Connection {
    Connection {
        state: ConnectionState::Active,
        capabilities: CapabilitySet::new([Capability::DynamodbRestore]).unwrap(),
        ..submitted(&created().connection, "arn:aws:iam::222222222222:role/customer").connection
    }
}

fn manifest() -> TableManifest {
    table_manifest()
}

fn backup() -> Backup {
    sample::backup(&connection())
}

fn begun() -> Operation {
    let order = Order {
        action: "dynamodb:RestoreTableFromBackup".parse().unwrap(),
        region: "eu-central-1".parse().unwrap(),
        dry_run: false,
        reason: None,
    };
    let restore =
        RestoreOrder { backup_id: backup().id, target_name: "Restored".to_owned(), count_items: true };
    let settings = settings_of(Some(&manifest()), &connection().capabilities);
    let begun = Operation::begin(OperationId::new(NOW, [1; 10]), order, &connection(), &occasion()).unwrap();
    begun.restoring(&backup(), &restore, settings)
}

fn restoring() -> Restoring {
    begun().restoring.unwrap()
}

fn at(seconds: i64) -> Timestamp {
    NOW + SignedDuration::from_secs(seconds)
}

fn applied() -> News {
    News::Reapplied(Setting::ALL.map(|setting| SettingReport::of(setting, SettingOutcome::Applied)).to_vec())
}

fn same() -> News {
    let mut compared = compare(Some(&manifest()), &manifest());
    compared.push(count(Some(&manifest()), &Counted::All(3)));
    News::Compared(compared)
}

fn in_phase(phase: RestorePhase) -> Restoring {
    Restoring { phase, ..restoring() }
}

#[test]
fn a_restore_goes_from_its_request_to_its_report() {
    let begun = begun();
    let expected = (begun.targets[0].outcome, begun.targets[0].id.as_str(), begun.steps().unwrap().step);
    assert_eq!(expected, (TargetOutcome::Queued, "Restored", 0));
    assert!(matches!(begun.next_message(), Some(JobsMessage::Operation(step)) if step.step == 0));
    let asking = begun.asking(at(1));
    assert!(asking.restoring.as_ref().unwrap().is_in_doubt());
    let news = [News::Taken, News::Nothing, News::Active, applied(), same()];
    let phases = [
        RestorePhase::Restoring,
        RestorePhase::Restoring,
        RestorePhase::Reapplying,
        RestorePhase::Comparing,
        RestorePhase::Done,
    ];
    let mut operation = asking;
    for (place, (news, phase)) in news.into_iter().zip(phases).enumerate() {
        assert!(!operation.is_settled());
        assert_eq!(operation.report(), None, "nothing is told before it is over");
        operation = operation.restored(|restoring| restoring.heard(news, at(10)));
        let restoring = operation.restoring.as_ref().unwrap();
        let seen = (restoring.phase, usize::try_from(restoring.steps.step).unwrap(), restoring.is_in_doubt());
        assert_eq!(seen, (phase, place + 2, false));
    }
    assert!(operation.is_settled());
    let ended = operation.settled(at(20));
    assert_eq!((ended.state, ended.steps().unwrap().running), (OperationState::Succeeded, false));
    let report = ended.report().unwrap();
    assert_eq!(report["restored"], true);
    assert_eq!(report["backup_id"], json!(backup().id));
    assert_eq!(report["reapplied"][0], json!({"setting": "time_to_live", "outcome": "applied"}));
    assert_eq!(report["compared"][0], json!({"aspect": "keys", "verdict": "same"}));
    assert_eq!(report["compared"][4], json!({"aspect": "item_count", "verdict": "same", "was": 3, "is": 3}));
    // It is read back as it was written.
    let text = serde_json::to_string(&ended).unwrap();
    assert_eq!(serde_json::from_str::<Operation>(&text).unwrap(), ended);
}

#[test]
fn what_aws_has_no_room_for_waits_and_what_it_refuses_ends() {
    let busy = Trouble::new("limit_exceeded", "50 restores are under way.");
    let waits = restoring().asking(at(1)).heard(News::NotYet(busy.clone()), at(2));
    assert_eq!((waits.phase, waits.is_in_doubt()), (RestorePhase::Asking, false));
    let target = waits.target();
    assert_eq!((target.outcome, target.code.as_deref()), (TargetOutcome::Queued, Some("limit_exceeded")));
    let refused = waits.heard(News::Failed(Trouble::new("access_denied", "No.")), at(3));
    let target = refused.target();
    assert_eq!((target.outcome, target.code.as_deref()), (TargetOutcome::Failed, Some("access_denied")));
    // The reason that is known is told when it is given up.
    let late = waits.in_time(NOW + LONGEST_QUEUEING);
    assert_eq!((late.phase, late.trouble), (RestorePhase::Failed, Some(busy)));
}

/// A lost answer may be that of a request that was carried out.
#[test]
fn what_may_have_been_asked_for_stays_in_doubt() {
    let asking = restoring().asking(at(1));
    for news in [News::InDoubt, News::Nothing, News::Unseen] {
        let doubtful = asking.heard(news, at(2));
        assert!(doubtful.is_in_doubt());
        assert_eq!(doubtful.asking_until(), Some(at(1) + ASKING));
        assert_eq!(
            doubtful.in_time(NOW + LONGEST_QUEUEING).target().code.as_deref(),
            Some("outcome_unknown")
        );
    }
}

#[rstest]
#[case::asking(RestorePhase::Asking, LONGEST_QUEUEING, Some("not_attempted"))]
#[case::restoring(RestorePhase::Restoring, LONGEST_RESTORE, Some("not_reached"))]
#[case::reapplying(RestorePhase::Reapplying, LONGEST_FINISHING, None)]
#[case::comparing(RestorePhase::Comparing, LONGEST_FINISHING, Some("not_as_it_was"))]
fn nothing_is_waited_for_for_ever(
    #[case] phase: RestorePhase,
    #[case] longest: SignedDuration,
    #[case] code: Option<&str>,
) {
    let restoring = in_phase(phase);
    assert_eq!(restoring.in_time(NOW + longest - SignedDuration::from_secs(1)), restoring);
    assert_eq!(restoring.in_time(NOW + longest).target().code.as_deref(), code);
}

#[test]
fn what_is_not_given_back_in_time_is_told_and_the_rest_compared() {
    let some = vec![SettingReport::of(Setting::Tags, SettingOutcome::Applied)];
    let reapplying = in_phase(RestorePhase::Reapplying).heard(News::Reapplied(some), NOW);
    assert_eq!(reapplying.phase, RestorePhase::Reapplying);
    assert_eq!(reapplying.pending().count(), 3);
    let late = reapplying.in_time(NOW + LONGEST_FINISHING);
    assert_eq!((late.phase, late.pending().count()), (RestorePhase::Comparing, 0));
    let done = late.heard(same(), at(2000)).target();
    assert_eq!((done.outcome, done.code.as_deref()), (TargetOutcome::Partial, Some("not_as_it_was")));
}

#[test]
fn a_new_table_may_not_be_seen_at_first_and_is_gone_after_that() {
    let restoring = in_phase(RestorePhase::Restoring);
    assert_eq!(restoring.heard(News::Unseen, at(59)).phase, RestorePhase::Restoring);
    let gone = restoring.heard(News::Unseen, at(60));
    assert_eq!(gone.target().code.as_deref(), Some("target_gone"));
}

/// A connection may be suspended meanwhile.
#[rstest]
#[case(in_phase(RestorePhase::Asking), TargetOutcome::Failed, "connection_not_active")]
#[case(in_phase(RestorePhase::Asking).asking(NOW), TargetOutcome::Failed, "outcome_unknown")]
#[case(in_phase(RestorePhase::Restoring), TargetOutcome::Failed, "outcome_unknown")]
#[case(in_phase(RestorePhase::Reapplying), TargetOutcome::Partial, "not_as_it_was")]
#[case(in_phase(RestorePhase::Comparing), TargetOutcome::Partial, "not_as_it_was")]
fn what_is_given_up_is_told_as_far_as_it_has_come(
    #[case] restoring: Restoring,
    #[case] outcome: TargetOutcome,
    #[case] code: &str,
) {
    let given_up = begun().with_restoring(restoring).given_up("connection_not_active", "It is suspended.");
    let target = &given_up.targets[0];
    assert_eq!((target.outcome, target.code.as_deref()), (outcome, Some(code)));
    assert!(given_up.is_settled());
}

#[test]
fn one_that_was_lost_is_told() {
    let told = begun().told(NOW + LONGEST_RESTORE + SignedDuration::from_mins(8));
    assert_eq!((told.state, told.targets.len()), (OperationState::Failed, 1));
    assert_eq!(
        begun().told(NOW + LONGEST_RESTORE - SignedDuration::from_mins(1)).state,
        OperationState::Running
    );
}

#[test]
fn looks_become_seldom() {
    let pauses: Vec<_> = (0..8).map(|idle| Restoring { idle, ..restoring() }.pause().as_secs()).collect();
    assert_eq!(pauses, [2, 4, 8, 16, 32, 60, 60, 60]);
}

fn outcomes(
    manifest: Option<&TableManifest>,
    capability: Capability,
) -> Vec<(SettingOutcome, Option<String>)> {
    let capabilities = CapabilitySet::new([capability]).unwrap();
    settings_of(manifest, &capabilities).into_iter().map(|report| (report.outcome, report.code)).collect()
}

#[test]
fn what_a_restore_loses_is_given_back_where_it_is_known_and_may_be() {
    use SettingOutcome::{Failed, NotNeeded, Pending, Unknown};
    let restore = Capability::DynamodbRestore;
    let all = outcomes(Some(&manifest()), restore);
    assert_eq!(all, [(Pending, None), (Pending, None), (Pending, None), (Pending, None)]);
    let only_awss = BTreeMap::from([("aws:x".to_owned(), "y".to_owned())]);
    let nothing = TableManifest {
        stream: None,
        time_to_live: Known::Known(None),
        point_in_time_recovery: Known::Known(false),
        tags: Known::Known(only_awss),
        ..manifest()
    };
    assert_eq!(outcomes(Some(&nothing), restore).into_iter().filter(|one| one.0 == NotNeeded).count(), 4);
    let denied = TableManifest { tags: Known::Unknown("access_denied".to_owned()), ..manifest() };
    assert_eq!(outcomes(Some(&denied), restore)[1], (Unknown, Some("access_denied".to_owned())));
    for unseen in [None, Some(&TableManifest::unseen(NOW))] {
        assert!(outcomes(unseen, restore).iter().all(|one| *one == (Unknown, Some("not_seen".to_owned()))));
    }
    // The seed's role may change a table's stream, and nothing else of these.
    let missing = || (Failed, Some("capability_missing".to_owned()));
    let classic = outcomes(Some(&manifest()), Capability::Classic);
    assert_eq!(classic, [missing(), missing(), missing(), (Pending, None)]);
}

#[test]
fn a_restored_table_is_held_against_what_was_backed_up() {
    use Verdict::{Differs, Same, Unknown};

    let index = |name: &str, global| IndexManifest {
        name: name.to_owned(),
        global,
        keys: manifest().keys,
        projection: "ALL".to_owned(),
        includes: Vec::new(),
    };
    let was = TableManifest { indexes: vec![index("ByAge", true), index("ByYear", false)], ..manifest() };
    let is = TableManifest {
        indexes: vec![index("ByYear", false)],
        billing_mode: "PROVISIONED".to_owned(),
        read_units: Some(1),
        ..manifest()
    };
    let verdicts = |was: Option<&TableManifest>, is: &TableManifest| -> Vec<_> {
        compare(was, is).into_iter().map(|one| one.verdict).collect()
    };
    assert_eq!(verdicts(Some(&was), &was), [Same, Same, Same, Same]);
    assert_eq!(verdicts(Some(&was), &is), [Same, Differs, Same, Differs]);
    assert_eq!(verdicts(None, &is), [Unknown, Unknown, Unknown, Unknown]);
    let billing = &compare(Some(&was), &is)[3];
    assert_eq!(billing.was.as_ref().unwrap()["billing_mode"], "PAY_PER_REQUEST");
    assert_eq!(billing.is.as_ref().unwrap()["read_units"], 1);
}

#[rstest]
#[case(Counted::All(3), Verdict::Same, false)]
#[case(Counted::All(5), Verdict::Counted, false)]
#[case(Counted::AtLeast(2), Verdict::AtLeast, false)]
#[case(Counted::Refused("access_denied".to_owned()), Verdict::Unknown, true)]
#[case(Counted::Later, Verdict::Unknown, true)]
#[case(Counted::NotAsked, Verdict::NotCounted, false)]
fn a_count_is_held_against_what_aws_last_counted(
    #[case] counted: Counted,
    #[case] verdict: Verdict,
    #[case] falls_short: bool,
) {
    let comparison = count(Some(&manifest()), &counted);
    assert_eq!((comparison.verdict, comparison.falls_short()), (verdict, falls_short));
}

fn any_news() -> impl Strategy<Value = News> {
    prop_oneof![
        Just(News::Nothing),
        Just(News::Taken),
        Just(News::NotYet(Trouble::new("throttled", "Later."))),
        Just(News::InDoubt),
        Just(News::Unseen),
        Just(News::Active),
        Just(applied()),
        Just(News::Reapplied(vec![SettingReport::of(Setting::Tags, SettingOutcome::Applied)])),
        Just(same()),
        Just(News::Failed(Trouble::new("access_denied", "No."))),
    ]
}

proptest! {
    /// Whatever comes in whatever order: no phase is gone back to, every step counts, what has ended stays as
    /// it is, and in time it ends.
    #[test]
    fn a_restore_only_goes_forward(
        all in proptest::collection::vec((any_news(), any::<bool>(), 1_i64..4000), 1..60),
    ) {
        let mut restoring = restoring();
        let mut now = NOW;
        for (news, asks, seconds) in all {
            now += SignedDuration::from_secs(seconds);
            let before = restoring.clone();
            restoring = restoring.in_time(now);
            prop_assert!(restoring.phase as u8 >= before.phase as u8);
            if restoring.phase.is_final() {
                prop_assert!(restoring.target().outcome.is_final());
                prop_assert_eq!(restoring.in_time(now), restoring.clone());
                prop_assert_eq!(restoring.given_up("x", "y"), restoring.clone());
                let later = restoring.heard(news, now);
                prop_assert_eq!(later.target(), restoring.target());
                break;
            }
            if asks && restoring.phase == RestorePhase::Asking {
                restoring = restoring.asking(now);
            }
            let step = restoring.steps.step;
            let next = restoring.heard(news, now);
            prop_assert_eq!(next.steps.step, step + 1);
            prop_assert!(next.phase as u8 >= restoring.phase as u8);
            prop_assert!(!next.is_in_doubt() || next.phase == RestorePhase::Asking);
            restoring = next;
        }
        let end = restoring.in_time(now + LONGEST_RESTORE).in_time(now + LONGEST_RESTORE + LONGEST_FINISHING * 2);
        prop_assert!(end.phase.is_final());
    }
}

#[test]
fn a_plan_tells_what_comes_and_what_does_not() {
    let order =
        RestoreOrder { backup_id: backup().id, target_name: "Restored".to_owned(), count_items: false };
    let seen = |backup: &Backup, capability, region: &str, looked_up| {
        let capabilities = CapabilitySet::new([capability]).unwrap();
        foresee_restore(backup, &order, &region.parse().unwrap(), &capabilities, looked_up, at(60))
    };
    let looked_up = LookedUp {
        facts: serde_json::Map::from_iter([("items".to_owned(), json!(7))]),
        print: [("backup's creation time".to_owned(), "then".to_owned())].into(),
        unread: Vec::new(),
    };
    let plan = seen(&backup(), Capability::DynamodbRestore, "eu-central-1", looked_up);
    let facts = &plan.targets[0].facts;
    assert_eq!((plan.targets[0].id.as_str(), plan.targets[0].kind.as_str()), ("Restored", "table"));
    assert_eq!(
        (&facts["items"], &facts["size_bytes"], &facts["age_seconds"]),
        (&json!(7), &json!(42), &json!(60))
    );
    assert_eq!((&facts["source_table"], &facts["backup_id"]), (&json!("Music"), &json!(backup().id)));
    assert_eq!(plan.blast_radius["destroyed"], json!([]));
    let all: Vec<_> = Setting::ALL.map(Setting::as_str).into();
    assert_eq!(plan.blast_radius["reapplied"], json!(all));
    let codes = |seen: &crate::plan::Seen| -> Vec<String> {
        seen.warnings.iter().map(|warning| warning.code.clone()).collect()
    };
    assert_eq!(codes(&plan), ["cost"]);
    let print = &plan.prints["Restored"];
    assert_eq!((print.len(), &print["backup"]), (2, &backup().aws_id));

    let unread = LookedUp { unread: vec!["no capability".to_owned()], ..LookedUp::default() };
    let manifest = TableManifest {
        tags: Known::Unknown("access_denied".to_owned()),
        deletion_protection: true,
        kms_key: Some("arn:aws:kms:eu-central-1:222222222222:key/1".to_owned()),
        ..manifest()
    };
    let classic = Backup { manifest: Some(manifest), ..backup() };
    let plan = seen(&classic, Capability::Classic, "eu-west-1", unread);
    let expected = [
        "cost",
        "restore_needs_update_item",
        "capability_missing",
        "manifest_incomplete",
        "capability_missing",
        "not_protected",
        "encrypted",
        "cross_region",
        "not_read",
    ];
    assert_eq!(codes(&plan), expected);
    assert_eq!(plan.blast_radius["unknown"], json!(["tags"]));
    assert_eq!(plan.blast_radius["cannot_be_reapplied"], json!(["time_to_live", "point_in_time_recovery"]));
    assert_eq!(plan.targets[0].facts["items"], 3, "as it was told when the backup was made");
}
