use super::*;
use crate::denial::Side;
use crate::reason::{Reason, ReasonCode};
use crate::sample::NOW;
use crate::steps::Steps;
use jiff::SignedDuration;
use proptest::prelude::*;
use proptest::sample::select;
use rstest::rstest;
use serde_json::json;
use std::slice;

fn role() -> RoleArn {
    "arn:aws:iam::222222222222:role/one".parse().unwrap()
}

fn other_role() -> RoleArn {
    "arn:aws:iam::222222222222:role/other".parse().unwrap()
}

fn regions<const N: usize>(names: [&str; N]) -> BTreeSet<Region> {
    names.map(|name| name.parse().unwrap()).into()
}

fn region(name: &str) -> Region {
    name.parse().unwrap()
}

fn set<const N: usize>(capabilities: [Capability; N]) -> CapabilitySet {
    CapabilitySet::new(capabilities).unwrap()
}

fn permission(action: &str) -> Permission {
    Permission { action: action.parse().unwrap(), drill: false }
}

fn on_drill_tables(action: &str) -> Permission {
    Permission { drill: true, ..permission(action) }
}

fn found(permission: Permission, outcome: CheckOutcome) -> Finding {
    Finding {
        permission,
        outcome,
        method: CheckMethod::DryRun,
        refused_by_region: false,
        refused_by: None,
        lacking: None,
        detail: None,
    }
}

fn id(number: u8) -> VerificationId {
    VerificationId::new(NOW + SignedDuration::from_secs(number.into()), [number; 10])
}

fn verification(number: u8, depth: Depth) -> Verification {
    Verification {
        id: id(number),
        steps: Steps::start(NOW, NOW + SignedDuration::from_mins(5)),
        depth,
        granted_at: Some(0),
        probes: vec![],
        proven: true,
    }
}

/// Everything that these capabilities need is like this, but for what `except` says.
fn known(
    capabilities: &CapabilitySet,
    at: &str,
    outcome: CheckOutcome,
    except: &[(Permission, CheckOutcome)],
) -> RegionChecks {
    let finding = |permission: Permission| {
        let other = except.iter().find(|(other, _)| *other == permission);
        found(permission, other.map_or(outcome, |(_, outcome)| *outcome))
    };
    let findings = permissions(capabilities, Depth::Full).into_iter().map(finding).collect();
    RegionChecks::answered(None, &region(at), &role(), id(1), findings, NOW)
}

use CheckOutcome::{Allowed, Denied, Inconclusive, Unverifiable};

#[test]
fn an_action_is_asked_about_once_but_for_drills() {
    let all = Capability::ALL.into_iter().filter(|capability| *capability != Capability::Classic);
    let all = CapabilitySet::new(all).unwrap();
    let wanted = permissions(&all, Depth::Full);
    let whole: Vec<_> = wanted.iter().filter(|permission| !permission.drill).collect();
    let actions: BTreeSet<_> = whole.iter().map(|permission| permission.action).collect();
    assert_eq!(whole.len(), actions.len());
    let drills = wanted.iter().filter(|permission| permission.drill).count();
    assert_eq!(drills, Capability::DynamodbDrill.actions().count());
    // Every day only what reads.
    let daily = permissions(&all, Depth::Reads);
    assert!(daily.iter().all(|permission| permission.action.reads()));
    assert!(daily.is_subset(&wanted) && daily.len() < wanted.len());
}

#[test]
fn a_permission_is_kept_as_it_reads() {
    assert_eq!(
        serde_json::to_value(permission("ec2:StartInstances")).unwrap(),
        json!({"action": "ec2:StartInstances"})
    );
    let drill = on_drill_tables("dynamodb:PutItem");
    let stored = serde_json::to_value(found(drill, Denied)).unwrap();
    assert_eq!(stored["drill"], true);
    assert_eq!(serde_json::from_value::<Finding>(stored).unwrap(), found(drill, Denied));
}

#[test]
fn every_region_is_asked_about_everything_at_first() {
    let power = set([Capability::Ec2Power]);
    let (here, there) = (region("eu-central-1"), region("us-east-1"));
    let asked =
        inquiries(&verification(1, Depth::Full), &power, &[here.clone(), there.clone()].into(), &role(), &[]);
    assert_eq!(asked.iter().map(|inquiry| &inquiry.region).collect::<Vec<_>>(), [&here, &there]);
    for inquiry in asked {
        assert_eq!(inquiry.permissions, permissions(&power, Depth::Full));
        assert!(!inquiry.again);
    }
}

#[test]
fn what_is_answered_is_not_asked_again_and_what_is_not_is_a_few_times() {
    let power = set([Capability::Ec2Power]);
    let here = regions(["eu-central-1"]);
    let open = permission("ec2:StopInstances");
    let mut checks = known(&power, "eu-central-1", Allowed, &[(open, Inconclusive)]);
    for asked in 1..ROUNDS {
        assert_eq!(checks.asked, asked);
        let left = inquiries(&verification(1, Depth::Full), &power, &here, &role(), slice::from_ref(&checks));
        let [left] = left.as_slice() else { panic!("one Region is open: {left:?}") };
        assert_eq!((left.again, &left.permissions), (true, &BTreeSet::from([open])));
        let answers = vec![found(open, Inconclusive)];
        checks = RegionChecks::answered(Some(&checks), &region("eu-central-1"), &role(), id(1), answers, NOW);
    }
    let left = inquiries(&verification(1, Depth::Full), &power, &here, &role(), &[checks]);
    assert!(left.is_empty(), "{left:?}");
}

/// The daily look asks what reads, and whatever is not known: of a Region or capability that was
/// added, of another role, or left open the last time.
#[test]
fn the_daily_look_asks_what_reads_and_what_is_not_known() {
    let power = set([Capability::Ec2Power]);
    let here = regions(["eu-central-1"]);
    let daily = verification(2, Depth::Reads);
    let reads = permissions(&power, Depth::Reads);
    let asked =
        |checks: RegionChecks| inquiries(&daily, &power, &here, &role(), &[checks]).remove(0).permissions;

    let open = permission("ec2:StopInstances");
    let mut with_open = reads.clone();
    with_open.insert(open);
    assert_eq!(asked(known(&power, "eu-central-1", Allowed, &[])), reads);
    assert_eq!(asked(known(&power, "eu-central-1", Denied, &[])), reads);
    assert_eq!(asked(known(&power, "eu-central-1", Allowed, &[(open, Inconclusive)])), with_open);
    let mut without = known(&power, "eu-central-1", Allowed, &[]);
    without.findings.retain(|finding| finding.permission != open);
    assert_eq!(asked(without), with_open);
    let of_another = RegionChecks { role_arn: other_role(), ..known(&power, "eu-central-1", Allowed, &[]) };
    assert_eq!(asked(of_another), permissions(&power, Depth::Full));
    assert_eq!(asked(known(&power, "us-east-1", Allowed, &[])), permissions(&power, Depth::Full));
}

#[test]
fn a_row_that_was_not_answered_keeps_what_was_known_of_this_role() {
    let (kept, changed, new) = (
        permission("ec2:StopInstances"),
        permission("ec2:StartInstances"),
        permission("ec2:RebootInstances"),
    );
    let here = region("eu-central-1");
    let before = vec![found(kept, Denied), found(changed, Denied)];
    let before = RegionChecks::answered(None, &here, &role(), id(1), before, NOW);
    let answers = || vec![found(kept, Inconclusive), found(changed, Allowed), found(new, Inconclusive)];
    let after = RegionChecks::answered(Some(&before), &here, &role(), id(2), answers(), NOW);
    let outcome = |checks: &RegionChecks, of| checks.finding(of).map(|finding| finding.outcome);
    assert_eq!(outcome(&after, kept), Some(Denied));
    assert_eq!(outcome(&after, changed), Some(Allowed));
    assert_eq!(outcome(&after, new), Some(Inconclusive), "nothing was known of it");
    assert_eq!((after.asked, &after.unanswered), (1, &[kept, new].into()));

    // Of another role nothing is carried over.
    let replaced = RegionChecks::answered(Some(&before), &here, &other_role(), id(2), answers(), NOW);
    assert_eq!(outcome(&replaced, kept), Some(Inconclusive));

    // An answer that comes the second time closes the row.
    let answered = vec![found(kept, Allowed), found(new, Unverifiable)];
    let last = RegionChecks::answered(Some(&after), &here, &role(), id(2), answered, NOW);
    assert_eq!((last.asked, last.unanswered.len()), (2, 0));
    assert_eq!(outcome(&last, kept), Some(Allowed));
}

#[test]
fn rows_stand_under_the_capabilities_that_hold_them() {
    // Both ask for CreateTags; a drill asks for its own.
    let wanted = set([Capability::Ec2Launch, Capability::Ec2Backup, Capability::DynamodbDrill]);
    let here = regions(["eu-central-1"]);
    let tags = permission("ec2:CreateTags");
    let put = on_drill_tables("dynamodb:PutItem");
    let checks = known(&wanted, "eu-central-1", Allowed, &[(tags, Denied), (put, Unverifiable)]);
    let rows = rows(&wanted, &here, &role(), slice::from_ref(&checks));
    let expected: usize = wanted.effective().into_iter().map(|capability| capability.actions().count()).sum();
    assert_eq!(rows.len(), expected);
    let told = |action: &str| {
        let rows = rows.iter().filter(|row| row.action.as_str() == action);
        rows.map(|row| (row.capability, row.outcome)).collect::<Vec<_>>()
    };
    assert_eq!(told("ec2:CreateTags"), [(Capability::Ec2Launch, Denied), (Capability::Ec2Backup, Denied)]);
    assert_eq!(told("dynamodb:PutItem"), [(Capability::DynamodbDrill, Unverifiable)]);
    assert_eq!(told("dynamodb:ListTables"), [(Capability::DynamodbObserve, Allowed)]);

    assert!(super::rows(&wanted, &here, &other_role(), slice::from_ref(&checks)).is_empty());
    assert!(super::rows(&wanted, &regions(["us-east-1"]), &role(), &[checks]).is_empty());
}

fn judged(capabilities: &CapabilitySet, known: &[RegionChecks]) -> Vec<Reason> {
    let regions = known.iter().map(|checks| checks.region.clone()).collect();
    assess(id(1), capabilities, &regions, &role(), known).reasons
}

fn codes(reasons: &[Reason]) -> Vec<ReasonCode> {
    reasons.iter().map(|reason| reason.code).collect()
}

#[test]
fn what_cannot_be_found_out_is_no_failure() {
    let tables = set([Capability::DynamodbTables]);
    let create = permission("dynamodb:CreateTable");
    let checks = known(&tables, "eu-central-1", Allowed, &[(create, Unverifiable)]);
    let assessment = assess(id(1), &tables, &regions(["eu-central-1"]), &role(), &[checks]);
    assert_eq!(assessment.reasons, []);
    let tally = Tally { allowed: 6, denied: 0, unverifiable: 1, inconclusive: 0 };
    assert_eq!(assessment.tally, tally);
}

#[test]
fn what_is_missing_is_mended_by_one_statement_with_it_alone() {
    let backup = set([Capability::DynamodbBackup]);
    let missing = [permission("dynamodb:CreateBackup"), permission("dynamodb:DeleteBackup")];
    let checks = known(&backup, "eu-central-1", Allowed, &missing.map(|permission| (permission, Denied)));
    let everywhere = [checks, known(&backup, "us-east-1", Allowed, &[(missing[0], Denied)])];
    let reasons = judged(&backup, &everywhere);
    assert_eq!(codes(&reasons), [ReasonCode::PermissionMissing]);
    assert_eq!(
        reasons[0].patch,
        Some(json!({
            "Effect": "Allow",
            "Action": ["dynamodb:CreateBackup", "dynamodb:DeleteBackup"],
            "Resource": "*",
        }))
    );
    assert!(
        reasons[0].detail.contains("dynamodb:CreateBackup in eu-central-1, us-east-1"),
        "{}",
        reasons[0].detail
    );
    assert!(reasons[0].detail.contains("dynamodb:DeleteBackup in eu-central-1"), "{}", reasons[0].detail);
}

#[test]
fn what_is_missing_for_drills_is_allowed_on_drill_tables_alone() {
    let drill = set([Capability::DynamodbDrill]);
    let missing =
        ["dynamodb:RestoreTableFromBackup", "dynamodb:Scan"].map(|name| (on_drill_tables(name), Denied));
    let reasons = judged(&drill, &[known(&drill, "eu-central-1", Allowed, &missing)]);
    assert_eq!(
        reasons[0].patch,
        Some(json!({
            "Effect": "Allow",
            "Action": ["dynamodb:RestoreTableFromBackup", "dynamodb:Scan"],
            "Resource": [
                "arn:aws:dynamodb:*:222222222222:table/drawbridge-drill-*",
                "arn:aws:dynamodb:*:222222222222:table/*/backup/*",
            ],
        }))
    );
    // A restore's statement mends the drill's too, and both shapes are two statements.
    let both = set([Capability::DynamodbDrill, Capability::DynamodbRestore]);
    let scan = [(on_drill_tables("dynamodb:Scan"), Denied), (permission("dynamodb:Scan"), Denied)];
    let reasons = judged(&both, &[known(&both, "eu-central-1", Allowed, &scan)]);
    assert_eq!(reasons.len(), 1);
    assert_eq!(reasons[0].patch.as_ref().unwrap()["Resource"], "*");
    let apart = [(on_drill_tables("dynamodb:Scan"), Denied), (permission("dynamodb:PutItem"), Denied)];
    assert_eq!(judged(&both, &[known(&both, "eu-central-1", Allowed, &apart)]).len(), 2);
}

/// Restoring takes rights to items too: where AWS says that it is one of those that is missing, that
/// one alone is added.
#[test]
fn what_an_action_takes_besides_is_what_is_missing() {
    let restore = set([Capability::DynamodbRestore]);
    let (whole, part) = (permission("dynamodb:RestoreTableFromBackup"), permission("dynamodb:PutItem"));
    let mut checks = known(&restore, "eu-central-1", Allowed, &[(whole, Denied), (part, Denied)]);
    for finding in checks.findings.iter_mut().filter(|finding| finding.permission == whole) {
        finding.lacking = Some(part.action);
    }
    let reasons = judged(&restore, &[checks]);
    assert_eq!(reasons.len(), 1);
    assert_eq!(reasons[0].patch.as_ref().unwrap()["Action"], "dynamodb:PutItem");
    let detail = &reasons[0].detail;
    assert!(detail.ends_with("dynamodb:RestoreTableFromBackup takes it as well."), "{detail}");
    // Even one that no capability of the connection's holds.
    let backup = set([Capability::Classic]);
    let mut checks = known(&backup, "eu-central-1", Allowed, &[(whole, Denied)]);
    for finding in checks.findings.iter_mut().filter(|finding| finding.permission == whole) {
        finding.lacking = Some("dynamodb:UpdateItem".parse().unwrap());
    }
    assert_eq!(judged(&backup, &[checks])[0].patch.as_ref().unwrap()["Action"], "dynamodb:UpdateItem");
}

#[test]
fn what_no_statement_mends_comes_without_one() {
    let power = set([Capability::Ec2Power]);
    let (stop, start) = (permission("ec2:StopInstances"), permission("ec2:StartInstances"));
    let mut checks = known(&power, "eu-central-1", Allowed, &[(stop, Denied), (start, Denied)]);
    for finding in &mut checks.findings {
        if finding.permission == stop {
            finding.refused_by = Some(Side::OrganizationDeny);
        } else if finding.permission == start {
            finding.refused_by = Some(Side::RolePermissions);
        }
    }
    let reasons = judged(&power, &[checks]);
    assert_eq!(codes(&reasons), [ReasonCode::PermissionMissing; 2]);
    assert_eq!(reasons[0].patch.as_ref().unwrap()["Action"], "ec2:StartInstances");
    assert_eq!(reasons[1].patch, None);
    assert!(reasons[1].detail.contains("ec2:StopInstances") && reasons[1].detail.contains("organization"));
}

#[rstest]
#[case::refused_by_code(true)]
#[case::refused_everything_that_others_allow(false)]
fn a_closed_region_is_told_from_a_missing_permission(#[case] by_code: bool) {
    let power = set([Capability::Ec2Power]);
    let mut closed = known(&power, "ap-east-1", Denied, &[]);
    for finding in &mut closed.findings {
        finding.refused_by_region = by_code;
    }
    let missing = permission("ec2:StopInstances");
    let others = [(missing, Denied)];
    let open = known(&power, "eu-central-1", Allowed, if by_code { &others } else { &[] });
    let reasons = judged(&power, &[closed, open]);
    let (region, rest) = reasons.split_last().unwrap();
    assert_eq!(region.code, ReasonCode::RegionUnavailable);
    assert!(region.detail.contains("ap-east-1") && region.remedy.contains("ap-east-1"));
    assert_eq!(region.patch, None);
    // What is missing elsewhere is told for there alone.
    assert_eq!(codes(rest), vec![ReasonCode::PermissionMissing; usize::from(by_code)]);
    assert!(rest.iter().all(|reason| !reason.detail.contains("ap-east-1")));
}

#[test]
fn what_is_refused_everywhere_is_no_matter_of_regions() {
    let power = set([Capability::Ec2Power]);
    let reasons = judged(
        &power,
        &[known(&power, "ap-east-1", Denied, &[]), known(&power, "eu-central-1", Denied, &[])],
    );
    assert_eq!(codes(&reasons), [ReasonCode::PermissionMissing]);
    // One Region alone says nothing about Regions.
    assert_eq!(
        codes(&judged(&power, &[known(&power, "ap-east-1", Denied, &[])])),
        [ReasonCode::PermissionMissing]
    );
}

#[test]
fn what_is_not_known_is_not_passed_over() {
    let power = set([Capability::Ec2Power]);
    let open = permission("ec2:StopInstances");
    let reasons = judged(&power, &[known(&power, "eu-central-1", Allowed, &[(open, Inconclusive)])]);
    assert_eq!(codes(&reasons), [ReasonCode::ProbeInconclusive]);
    assert!(reasons[0].detail.contains("ec2:StopInstances in eu-central-1"), "{}", reasons[0].detail);
    // Not even what nobody asked, or what is known of another role.
    let nothing = assess(id(1), &power, &regions(["eu-central-1"]), &role(), &[]);
    assert_eq!(codes(&nothing.reasons), [ReasonCode::ProbeInconclusive]);
    assert_eq!(nothing.tally.inconclusive, 14);
    let of_another = RegionChecks { role_arn: other_role(), ..known(&power, "eu-central-1", Allowed, &[]) };
    assert_eq!(codes(&judged(&power, &[of_another])), [ReasonCode::ProbeInconclusive]);
}

/// A row that was known before keeps what was known, so that no reason tells that it is open.
#[test]
fn what_was_known_before_does_not_hide_what_is_left_open_now() {
    let power = set([Capability::Ec2Power]);
    let here = regions(["eu-central-1"]);
    let open = permission("ec2:StopInstances");
    let before = known(&power, "eu-central-1", Allowed, &[]);
    let after = |asked: Permission, outcome| {
        let answers = vec![found(asked, outcome)];
        RegionChecks::answered(Some(&before), &region("eu-central-1"), &role(), id(2), answers, NOW)
    };
    let judged = |verification, checks: &RegionChecks| {
        assess(verification, &power, &here, &role(), slice::from_ref(checks))
    };
    let left = judged(id(2), &after(open, Inconclusive));
    assert_eq!((left.unanswered, &left.reasons[..], left.tally.inconclusive), (true, &[][..], 0));
    assert!(!judged(id(2), &after(open, Allowed)).unanswered);
    // What another verification left open, or nobody wants any more, is not this one's.
    assert!(!judged(id(3), &after(open, Inconclusive)).unanswered);
    assert!(!judged(id(2), &after(permission("dynamodb:Scan"), Inconclusive)).unanswered);
    let elsewhere = regions(["us-east-1"]);
    assert!(!assess(id(2), &power, &elsewhere, &role(), &[after(open, Inconclusive)]).unanswered);
    // Nor what was asked of another role.
    assert!(!assess(id(2), &power, &here, &other_role(), &[after(open, Inconclusive)]).unanswered);
}

proptest! {
    /// Whatever is found, a connection is whole if and only if nothing is denied or open, and the
    /// patches name what is denied for want of permission, and nothing else.
    #[test]
    fn nothing_is_passed_over_and_nothing_made_up(
        outcomes in proptest::collection::vec(select(&[Allowed, Denied, Unverifiable, Inconclusive][..]), 28),
        sides in proptest::collection::vec(select(&Side::ALL[..]), 28),
    ) {
        let power = set([Capability::Ec2Power]);
        let wanted = permissions(&power, Depth::Full);
        let checks: Vec<_> = ["eu-central-1", "us-east-1"]
            .into_iter()
            .enumerate()
            .map(|(place, name)| {
                let findings = wanted.iter().enumerate().map(|(number, permission)| Finding {
                    refused_by: Some(sides[place * 14 + number]),
                    ..found(*permission, outcomes[place * 14 + number])
                });
                RegionChecks::answered(None, &region(name), &role(), id(1), findings.collect(), NOW)
            })
            .collect();
        let reasons = judged(&power, &checks);
        let is_whole = outcomes.iter().all(|outcome| matches!(outcome, Allowed | Unverifiable));
        prop_assert_eq!(reasons.is_empty(), is_whole);
        let denied: BTreeSet<String> = checks
            .iter()
            .flat_map(|checks| &checks.findings)
            .filter(|finding| finding.outcome == Denied)
            .map(|finding| finding.permission.action.to_string())
            .collect();
        for patch in reasons.iter().filter_map(|reason| reason.patch.as_ref()) {
            let names = match &patch["Action"] {
                serde_json::Value::String(one) => vec![one.clone()],
                many => serde_json::from_value(many.clone()).unwrap(),
            };
            prop_assert!(names.iter().all(|name| denied.contains(name)));
            prop_assert_eq!(&patch["Effect"], "Allow");
        }
        let told: String = reasons.iter().map(|reason| reason.detail.as_str()).collect();
        let regions_closed = reasons.iter().any(|reason| reason.code == ReasonCode::RegionUnavailable);
        prop_assert!(regions_closed || denied.iter().all(|name| told.contains(name.as_str())));
    }
}
