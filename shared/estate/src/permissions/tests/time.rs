//! Regions that do not answer, sessions that are not there, and how much is asked at once.

use super::*;
use rstest::rstest;

fn of<'a>(findings: &'a [Finding], service: &str) -> Vec<&'a Finding> {
    let is_asked = |finding: &&Finding| is_asked(finding.permission.action);
    findings
        .iter()
        .filter(|finding| finding.permission.action.service().starts_with(service))
        .filter(is_asked)
        .collect()
}

/// Codes as in `answers`.
#[rstest]
#[case::ec2("ec2", Reply::ec2(401, "AuthFailure", "not validated"), "AuthFailure")]
#[case::dynamodb("dynamodb", Reply::json(400, "UnrecognizedClientException", "bad token"), "Unrecognized")]
#[tokio::test]
async fn a_region_that_refuses_the_first_question_is_asked_no_other(
    #[case] service: &'static str,
    #[case] reply: Reply,
    #[case] code: &str,
) {
    let account =
        Account::new(
            move |call| {
                if call.service.starts_with(service) { reply.clone() } else { open_account(call) }
            },
        )
        .await;
    let findings = account.find_out(everything()).await;
    let refused = of(&findings, service);
    assert!(refused.len() > 10);
    for finding in refused {
        assert_eq!((finding.outcome, finding.refused_by_region), (CheckOutcome::Denied, true), "{finding:?}");
        assert!(finding.detail.as_ref().unwrap().contains(code), "{finding:?}");
        // Each by the way that it would have been asked, and not by the first one's.
        assert_eq!(way(finding.permission.action), Some(Way::Asked(finding.method)), "{finding:?}");
    }
    let calls = account.wire.calls();
    let asked: Vec<_> = calls.iter().filter(|call| call.service.starts_with(service)).collect();
    assert_eq!(asked.len(), 1, "{asked:?}");
    assert!(permission(&format!("{service}:{}", asked[0].operation)).action.reads(), "it reads");
    // The other service answers for itself.
    let other = if service == "ec2" { "dynamodb" } else { "ec2" };
    assert!(of(&findings, other).iter().all(|finding| !finding.refused_by_region));
    assert!(calls.len() > 10);
}

#[rstest]
#[case(Reply::Timeout)]
#[case(Reply::Reset)]
#[tokio::test]
async fn a_region_that_does_not_answer_is_asked_no_more(#[case] reply: Reply) {
    let account = Account::new(move |_| reply.clone()).await;
    let findings = account.find_out(everything()).await;
    assert_eq!(findings.len(), everything().len());
    for finding in of(&findings, "") {
        assert_eq!(finding.outcome, CheckOutcome::Inconclusive, "{finding:?}");
        assert_eq!(finding.detail.as_deref(), Some("AWS did not answer in time"));
    }
    assert_eq!(account.wire.calls().len(), 2, "one question to each service");
}

/// Being busy is an answer: what is asked after it may be answered.
#[tokio::test]
async fn a_region_that_is_busy_with_the_first_question_is_asked_the_others() {
    let account = Account::new(|call| match call.operation.as_str() {
        "DescribeImages" if call.is_dry() => Reply::ec2(503, "RequestLimitExceeded", "slow down"),
        "BatchGetItem" => Reply::json(500, "InternalServerError", "failed"),
        _ => open_account(call),
    })
    .await;
    let findings = account.find_out(everything()).await;
    let open: BTreeSet<_> = findings
        .iter()
        .filter(|finding| finding.outcome == CheckOutcome::Inconclusive)
        .map(|finding| finding.permission.action.name())
        .collect();
    assert_eq!(open, BTreeSet::from(["BatchGetItem", "DescribeImages"]));
}

#[tokio::test]
async fn without_a_session_nothing_is_asked_and_nothing_is_known() {
    let account = Account::new(open_account).await;
    for (ec2, dynamodb) in [(false, false), (true, false), (false, true)] {
        let before = account.wire.calls().len();
        let permissions = account.permissions.clone();
        let permissions = Permissions {
            ec2: permissions.ec2.filter(|_| ec2),
            dynamodb: permissions.dynamodb.filter(|_| dynamodb),
            ..permissions
        };
        let findings = permissions.find_out(&inquiry(everything())).await;
        assert_eq!(findings.len(), everything().len());
        for (service, has_session) in [("ec2", ec2), ("dynamodb", dynamodb)] {
            let open = of(&findings, service);
            let is_open = |finding: &&&Finding| finding.outcome == CheckOutcome::Inconclusive;
            let expected = if has_session { 0 } else { open.len() };
            assert_eq!(open.iter().filter(is_open).count(), expected, "{service}");
            let calls = account.wire.calls();
            let asked = calls[before..].iter().any(|call| call.service.starts_with(service));
            assert_eq!(asked, has_session, "{service}");
            // A row says how it is found out, even when it was not.
            assert!(open.iter().all(|finding| finding.method != CheckMethod::None));
        }
    }
}

/// An account's rate is its own people's too.
#[tokio::test(start_paused = true)]
async fn few_questions_are_in_flight_at_a_time() {
    let account = Account::new(|call| Reply::after(1, open_account(call))).await;
    let findings = account.find_out(everything()).await;
    assert!(findings.iter().all(|finding| finding.outcome != CheckOutcome::Inconclusive));
    for service in ["ec2", "dynamodb"] {
        assert_eq!(account.wire.most_in_flight(service), AT_A_TIME, "{service}");
    }
}

/// A Region has its time, and what was answered in it counts.
#[tokio::test(start_paused = true)]
async fn what_comes_too_late_is_open_and_nothing_is_asked_when_the_time_is_over() {
    let account = Account::new(|call| Reply::after(12, open_account(call))).await;
    let begun = Instant::now();
    let findings = account.find_out(everything()).await;
    assert_eq!(begun.elapsed(), TIME);
    assert_eq!(findings.len(), everything().len());
    // One ahead until 12 s, a row of four until 24 s, and another that has no time to end.
    for service in ["ec2", "dynamodb"] {
        let answered = of(&findings, service)
            .into_iter()
            .filter(|finding| finding.outcome != CheckOutcome::Inconclusive)
            .count();
        assert_eq!(answered, 1 + AT_A_TIME, "{service}");
        let calls = account.wire.calls();
        let asked = calls.iter().filter(|call| call.service.starts_with(service)).count();
        assert_eq!(asked, 1 + 2 * AT_A_TIME, "{service}: nothing is sent that nobody waits for");
    }
}

/// A Region that keeps the first question has had all of its time.
#[tokio::test(start_paused = true)]
async fn a_first_question_that_is_never_answered_ends_the_region() {
    let account = Account::new(|call| Reply::after(3600, open_account(call))).await;
    let begun = Instant::now();
    let findings = account.find_out(everything()).await;
    assert_eq!(begun.elapsed(), TIME);
    assert!(of(&findings, "").iter().all(|finding| finding.outcome == CheckOutcome::Inconclusive));
    assert_eq!(account.wire.calls().len(), 2);
}
