//! One bad instance, or some, among many.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use super::*;

const REBOOT: &str = "ec2:RebootInstances";

fn rebooted(call: &Call) -> Vec<String> {
    let ids = call.fields.iter().filter(|(name, _)| name.starts_with("InstanceId."));
    ids.map(|(_, id)| id.clone()).collect()
}

fn ids(count: usize) -> Vec<String> {
    (0..count).map(instance).collect()
}

/// An account where these fail with their codes: all that are named with one fail with it. EC2 names
/// the bad ones if it is one that does.
fn account(bad: BTreeMap<String, (&'static str, bool)>) -> impl Fn(&Call) -> Reply + Send + Sync + 'static {
    move |call| {
        let first = rebooted(call).into_iter().find_map(|id| bad.get(&id).map(|bad| (id, *bad)));
        match first {
            None => page("RebootInstances", "<return>true</return>"),
            Some((id, (code, true))) => Reply::ec2(400, code, &format!("The instance '{id}' is not good")),
            Some((_, (code, false))) => Reply::ec2(400, code, "One of them is not good"),
        }
    }
}

async fn reboot(
    count: usize,
    answer: impl Fn(&Call) -> Reply + Send + Sync + 'static,
) -> (Outcome, Vec<Vec<String>>) {
    let (outcome, calls) = carry(REBOOT, json!({"InstanceIds": ids(count)}), false, answer).await;
    let told: Vec<_> = outcome.targets.iter().map(|target| target.id.clone()).collect();
    assert_eq!(told, ids(count), "each is told once, in their order");
    assert_eq!(outcome.request_ids.len(), calls.len(), "with the id of every request that was answered");
    (outcome, calls.iter().map(rebooted).collect())
}

#[tokio::test]
async fn good_ones_take_one_request() {
    let (outcome, asked) = reboot(20, account(BTreeMap::new())).await;
    assert_eq!(asked, [ids(20)]);
    assert!(outcome.targets.iter().all(|target| target.outcome == TargetOutcome::Succeeded));
}

#[tokio::test]
async fn one_that_ec2_names_takes_three() {
    for bad in [0, 7, 19] {
        let answer = account(BTreeMap::from([(instance(bad), ("InvalidInstanceID.NotFound", true))]));
        let (outcome, asked) = reboot(20, answer).await;
        let good: Vec<_> = ids(20).into_iter().filter(|id| *id != instance(bad)).collect();
        assert_eq!(asked, [ids(20), good, vec![instance(bad)]]);
        for target in &outcome.targets {
            let code = (target.id == instance(bad)).then_some("not_found");
            assert_eq!(target.code.as_deref(), code, "{target:?}");
        }
    }
}

#[tokio::test]
async fn one_that_it_does_not_name_is_found_by_halves() {
    let answer = account(BTreeMap::from([(instance(3), ("IncorrectInstanceState", false))]));
    let (outcome, asked) = reboot(8, answer).await;
    let parts: Vec<_> = asked.iter().map(Vec::len).collect();
    assert_eq!(parts, [8, 4, 2, 2, 1, 1, 4]);
    let failed: Vec<_> = became(&outcome).into_iter().filter_map(|(id, code)| Some((id, code?))).collect();
    assert_eq!(failed, [(instance(3).as_str(), "incorrect_state")]);
}

/// Whichever are bad, in whatever way: each is told its own code, each good one is asked for once
/// without bad ones, and no more is asked than may be.
#[tokio::test]
async fn whichever_are_bad_each_is_told_its_own_code() {
    let codes = [
        ("InvalidInstanceID.NotFound", true, "not_found"),
        ("IncorrectInstanceState", false, "incorrect_state"),
        ("UnsupportedOperation", true, "unsupported"),
        ("OperationNotPermitted", false, "not_permitted"),
        ("InsufficientInstanceCapacity", false, "insufficient_capacity"),
    ];
    for mask in 0_usize..1 << 6 {
        let is_bad = |number: usize| mask >> number & 1 == 1;
        let code = |number: usize| codes[(number + mask) % codes.len()];
        let bad = (0..6).filter(|number| is_bad(*number));
        let bad = bad.map(|number| (instance(number), (code(number).0, code(number).1))).collect();
        let (outcome, asked) = reboot(6, account(bad)).await;
        assert!(asked.len() < 2 * 6, "{mask:b}: {asked:?}");
        for (number, target) in outcome.targets.iter().enumerate() {
            let expected = is_bad(number).then(|| code(number).2);
            assert_eq!(target.code.as_deref(), expected, "{mask:b}: {target:?}");
        }
        let clean = asked
            .iter()
            .filter(|part| part.iter().all(|id| !(0..6).any(|n| is_bad(n) && *id == instance(n))));
        let carried_out: Vec<_> = clean.flatten().collect();
        let once: BTreeSet<_> = carried_out.iter().collect();
        assert_eq!(carried_out.len(), once.len(), "{mask:b}: none is rebooted twice");
        assert_eq!(once.len(), 6 - mask.count_ones() as usize, "{mask:b}");
    }
}

#[tokio::test]
async fn an_id_that_begins_like_another_is_not_that_one() {
    let input = json!({"InstanceIds": ["i-01234567", "i-0123456789abcdef0", "i-76543210"]});
    let (outcome, calls) = carry(REBOOT, input, false, |call| {
        if rebooted(call).iter().any(|id| id == "i-0123456789abcdef0") {
            let message = "The instance ID 'i-0123456789abcdef0' does not exist";
            Reply::ec2(400, "InvalidInstanceID.NotFound", message)
        } else {
            page("RebootInstances", "<return>true</return>")
        }
    })
    .await;
    assert_eq!(calls.len(), 3, "{calls:?}");
    let expected = [("i-01234567", None), ("i-0123456789abcdef0", Some("not_found")), ("i-76543210", None)];
    assert_eq!(became(&outcome), expected);
}

/// What is not one instance's fault is not asked again.
#[rstest]
#[case::denied("UnauthorizedOperation", "You are not authorized to perform this operation.", "access_denied")]
#[case::throttled("RequestLimitExceeded", "Request limit exceeded.", "throttled")]
#[case::region("OptInRequired", "You are not subscribed to this service.", "region_unavailable")]
#[case::failed("InternalError", "An internal error has occurred", "aws_unavailable")]
#[case::unknown("SomethingNew", "Who knows", "refused")]
#[tokio::test]
async fn what_concerns_all_is_asked_once(
    #[case] code: &'static str,
    #[case] message: &'static str,
    #[case] told: &str,
) {
    let (outcome, asked) = reboot(6, move |_| Reply::ec2(400, code, message)).await;
    assert_eq!(asked.len(), 1);
    assert!(outcome.targets.iter().all(|target| target.code.as_deref() == Some(told)), "{outcome:?}");
}

#[tokio::test]
async fn one_that_is_denied_by_its_arn_does_not_deny_the_rest() {
    let (outcome, asked) = reboot(6, |call| {
        if rebooted(call).contains(&instance(2)) {
            let message = format!(
                "You are not authorized to perform this operation. User: arn:aws:sts::222222222222:assumed-role/\
                 customer/x is not authorized to perform: ec2:RebootInstances on resource: arn:aws:ec2:eu-west-3:\
                 222222222222:instance/{} with an explicit deny in an identity-based policy",
                instance(2)
            );
            Reply::ec2(403, "UnauthorizedOperation", &message)
        } else {
            page("RebootInstances", "<return>true</return>")
        }
    })
    .await;
    assert_eq!(asked.len(), 3);
    let codes: Vec<_> = outcome.targets.iter().map(|target| target.code.as_deref()).collect();
    assert_eq!(codes, [None, None, Some("access_denied"), None, None, None]);
}

#[rstest]
#[case::throttled(Reply::ec2(503, "RequestLimitExceeded", "Request limit exceeded."), "throttled")]
#[case::failed(Reply::ec2(500, "InternalError", "An internal error has occurred"), "aws_unavailable")]
#[case::without_a_code(Reply::Http(500, "<html><body>Internal Server Error</body></html>".to_owned()), "aws_unavailable")]
#[case::silent(Reply::Timeout, "no_answer")]
#[case::broken(Reply::Reset, "no_answer")]
#[tokio::test]
async fn once_aws_fails_nothing_more_is_asked(#[case] then: Reply, #[case] code: &str) {
    let asked = Arc::new(Mutex::new(0));
    let (outcome, calls) = carry(REBOOT, json!({"InstanceIds": ids(4)}), false, move |_| {
        let mut asked = asked.lock().unwrap();
        *asked += 1;
        if *asked == 1 { Reply::ec2(400, "IncorrectInstanceState", "One is not good") } else { then.clone() }
    })
    .await;
    assert_eq!(calls.len(), 2, "{calls:?}");
    let codes: Vec<_> = outcome.targets.iter().filter_map(|target| target.code.as_deref()).collect();
    assert_eq!(codes, [code, code, "not_attempted", "not_attempted"]);
    assert_eq!(outcome.targets.iter().map(|target| target.id.clone()).collect::<Vec<_>>(), ids(4));
}

#[tokio::test]
async fn a_dry_run_tells_each_as_well() {
    let (outcome, calls) = carry(REBOOT, json!({"InstanceIds": ids(3)}), true, |call| {
        if rebooted(call).contains(&instance(1)) {
            Reply::ec2(400, "InvalidInstanceID.NotFound", "It does not exist")
        } else {
            Reply::ec2(412, "DryRunOperation", "Request would have succeeded, but DryRun flag is set.")
        }
    })
    .await;
    assert!(calls.iter().all(Call::is_dry));
    let codes: Vec<_> = outcome.targets.iter().map(|target| target.code.as_deref()).collect();
    assert_eq!(codes, [None, Some("not_found"), None]);
}

/// When there is no time left nothing more is asked, and what was done by then is told.
#[tokio::test]
async fn it_ends_in_time_and_tells_what_it_did_not_come_to() {
    let good = |_: &Call| page("RebootInstances", "<return>true</return>");
    let bad = |_: &Call| Reply::after(1, Reply::ec2(400, "IncorrectInstanceState", "One is not good"));
    let late = |_: &Call| Reply::after(5, Reply::ec2(400, "IncorrectInstanceState", "One is not good"));
    let until = Duration::from_millis;
    let codes = |outcome: &Outcome| {
        outcome.targets.iter().map(|target| target.code.clone().unwrap_or_default()).collect::<Vec<_>>()
    };
    let input = || json!({"InstanceIds": ids(4)});
    let (outcome, calls) = carry_until(REBOOT, input(), until(0), good).await;
    assert_eq!((codes(&outcome), calls.len()), (vec!["not_attempted".to_owned(); 4], 0));
    // The first answer takes a second; then there is no time for the halves.
    let (outcome, calls) = carry_until(REBOOT, input(), until(1900), bad).await;
    assert_eq!((codes(&outcome), calls.len()), (vec!["not_attempted".to_owned(); 4], 1));
    // An answer that does not come in time is waited for no longer.
    let (outcome, calls) = carry_until(REBOOT, input(), until(1100), late).await;
    assert_eq!((codes(&outcome), calls.len()), (vec!["no_answer".to_owned(); 4], 1));
}
