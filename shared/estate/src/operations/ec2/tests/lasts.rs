//! What EC2 takes at once and does in minutes.

use super::*;
use crate::operations::Goal;
use domain::operation::Target;

fn change(set: &str, id: &str, state: &str) -> String {
    format!(
        "<{set}><item><instanceId>{id}</instanceId><currentState><code>0</code><name>{state}</name></currentState>\
         </item></{set}>"
    )
}

fn outcomes(outcome: &Outcome) -> Vec<(&str, TargetOutcome)> {
    outcome.targets.iter().map(|target| (target.id.as_str(), target.outcome)).collect()
}

#[rstest]
#[case("ec2:StartInstances", "StartInstances", "pending", TargetOutcome::Running)]
#[case("ec2:StartInstances", "StartInstances", "running", TargetOutcome::Succeeded)]
#[case("ec2:StopInstances", "StopInstances", "stopping", TargetOutcome::Running)]
#[case("ec2:StopInstances", "StopInstances", "stopped", TargetOutcome::Succeeded)]
#[tokio::test]
async fn what_ec2_took_is_done_when_the_state_is_reached(
    #[case] action: &str,
    #[case] operation: &'static str,
    #[case] state: &'static str,
    #[case] outcome: TargetOutcome,
) {
    let input = json!({"InstanceIds": ["i-01234567"]});
    let (told, calls) =
        carry(action, input, false, move |_| page(operation, &change("instancesSet", "i-01234567", state)))
            .await;
    assert_eq!(calls.len(), 1);
    assert_eq!(outcomes(&told), [("i-01234567", outcome)]);
}

#[tokio::test]
async fn a_stop_is_sent_as_it_was_asked_for() {
    let input = json!({"InstanceIds": ["i-01234567"], "Force": true, "SkipOsShutdown": false});
    let (outcome, calls) = carry("ec2:StopInstances", input, true, |_| {
        Reply::ec2(412, "DryRunOperation", "Request would have succeeded, but DryRun flag is set.")
    })
    .await;
    let expected = fields(&[
        ("Action", "StopInstances"),
        ("DryRun", "true"),
        ("Force", "true"),
        ("SkipOsShutdown", "false"),
        ("InstanceId.1", "i-01234567"),
    ]);
    assert_eq!(calls.iter().map(sent).collect::<Vec<_>>(), [expected]);
    assert_eq!(became(&outcome), [("i-01234567", None)], "a dry run that would is a success at once");
    let hibernate = json!({"InstanceIds": ["i-01234567"], "Hibernate": true, "Force": true});
    let refused = refusal("ec2:StopInstances", &hibernate);
    assert_eq!(refused, (ErrorKind::Malformed, "invalid_hibernate", "/input/Hibernate".to_owned()));
}

#[tokio::test]
async fn one_that_cannot_be_stopped_does_not_keep_the_rest() {
    let input = json!({"InstanceIds": [instance(1), instance(2)]});
    let (outcome, _) = carry("ec2:StopInstances", input, false, |call| {
        if call.ids().contains(&instance(1).as_str()) {
            let message = format!(
                "The instance '{}' does not have an 'ebs' root device type and cannot be stopped.",
                instance(1)
            );
            Reply::ec2(400, "UnsupportedOperation", &message)
        } else {
            page("StopInstances", &change("instancesSet", &instance(2), "stopping"))
        }
    })
    .await;
    assert_eq!(outcome.targets[0].code.as_deref(), Some("unsupported_stop"));
    assert_eq!(outcome.targets[1].outcome, TargetOutcome::Running);
}

async fn look(
    ids: &[&str],
    answer: impl Fn(&Call) -> Reply + Send + Sync + 'static,
) -> (Vec<Target>, Vec<Call>) {
    let ids: Vec<String> = ids.iter().map(|id| (*id).to_owned()).collect();
    let (session, wire) =
        session(answer, 1, &domain::policy::PolicyDocument::new(Goal::Stopped.watching())).await;
    let told = Goal::Stopped.look(&session, &place(), &ids, jiff::SignedDuration::from_mins(1)).await;
    (told, wire.calls())
}

#[tokio::test]
async fn all_are_looked_at_by_one_request() {
    let described = |id: &str, state: &str| {
        format!(
            "<item><instanceId>{id}</instanceId><instanceState><name>{state}</name></instanceState></item>"
        )
    };
    let (told, calls) = look(&["i-01234567", "i-0123456a", "i-0123456b"], move |_| {
        let instances = described("i-0123456a", "stopped") + &described("i-01234567", "stopping");
        page(
            "DescribeInstances",
            &format!(
                "<reservationSet><item><instancesSet>{instances}</instancesSet></item></reservationSet>"
            ),
        )
    })
    .await;
    let expected = fields(&[
        ("Action", "DescribeInstances"),
        ("Filter.1.Name", "instance-id"),
        ("Filter.1.Value.1", "i-01234567"),
        ("Filter.1.Value.2", "i-0123456a"),
        ("Filter.1.Value.3", "i-0123456b"),
    ]);
    assert_eq!(calls.iter().map(sent).collect::<Vec<_>>(), [expected]);
    let outcomes: Vec<_> = told.iter().map(|target| target.outcome).collect();
    assert_eq!(outcomes, [TargetOutcome::Running, TargetOutcome::Succeeded, TargetOutcome::Failed]);
    assert_eq!(told[2].code.as_deref(), Some("not_found"));
}

#[tokio::test]
async fn that_nobody_may_look_is_told_and_what_passes_is_not() {
    let throttled = |_: &Call| Reply::ec2(503, "RequestLimitExceeded", "Request limit exceeded.");
    assert_eq!(look(&["i-01234567"], throttled).await.0[0].outcome, TargetOutcome::Running);
    let denied = |_: &Call| {
        Reply::ec2(403, "UnauthorizedOperation", "You are not authorized to perform this operation.")
    };
    let told = look(&["i-01234567"], denied).await.0;
    assert_eq!((told[0].outcome, told[0].code.as_deref()), (TargetOutcome::Failed, Some("access_denied")));
    assert!(told[0].detail.as_ref().unwrap().starts_with("EC2 took the request"));
}
