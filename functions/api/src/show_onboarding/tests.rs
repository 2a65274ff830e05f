use crate::test_app::{Answer, Bench, text};
use aws_sdk_dynamodb::types::AttributeValue;
use axum::http::StatusCode;
use domain::check::{CheckMethod, CheckOutcome, Finding, Permission, RegionChecks};
use domain::{Region, RoleArn, VerificationId};
use jiff::SignedDuration;
use rstest::rstest;
use serde_json::json;

const ROLE: &str = r#"{"role_arn":"arn:aws:iam::222222222222:role/one"}"#;
const LOOK: &str = r#"{"account_id":"222222222222"}"#;
const ROUTES: [(&str, &str, &str); 4] =
    [("GET", "status", ""), ("PUT", "role", ROLE), ("POST", "verify", ""), ("POST", "look", LOOK)];

fn is_kept_out_of_caches(answer: &Answer) -> bool {
    answer.header("cache-control") == Some("no-store")
        && answer.header("referrer-policy") == Some("no-referrer")
}

#[tokio::test]
async fn a_customer_sees_how_far_it_is_and_what_to_do() {
    let bench = Bench::new();
    let (path, link) = bench.invited().await;
    let answer = bench.anybody("GET", &format!("{link}/status"), &[], "").await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    assert!(is_kept_out_of_caches(&answer));
    assert_eq!(bench.calls(), ["GetItem", "GetItem", "Query"]);
    let shown = bench.operator("GET", &path, "").await;
    let setup = bench.operator("GET", &format!("{path}/setup"), "").await;
    assert_eq!(setup.status, StatusCode::OK);
    assert_eq!(answer.body["setup"], setup.body);
    for field in ["state", "verification", "reasons", "role_name", "capabilities", "regions", "checks"] {
        assert_eq!(answer.body[field], shown.body[field], "{field}");
    }
    assert_eq!(answer.body["expires_at"], shown.body["invite_expires_at"]);
    assert_eq!(answer.body["read_only"], false);
    // What is the provider's own stays there.
    for field in ["connection_id", "customer_id", "label", "trust", "version"] {
        assert!(answer.body.get(field).is_none(), "{field}");
    }
}

#[tokio::test]
async fn what_the_role_may_do_is_told_to_both_sides_as_soon_as_it_is_known() {
    let bench = Bench::new();
    let (path, link) = bench.invited().await;
    let submitted = bench.operator("PUT", &format!("{path}/role"), ROLE).await;
    assert_eq!(submitted.status, StatusCode::ACCEPTED, "{submitted:?}");
    let connection = path.rsplit('/').next().unwrap().parse().unwrap();
    let finding = |action: &str, outcome| Finding {
        permission: Permission { action: action.parse().unwrap(), drill: false },
        outcome,
        method: CheckMethod::DryRun,
        refused_by_region: false,
        refused_by: None,
        lacking: None,
        detail: (outcome == CheckOutcome::Denied).then(|| "why".to_owned()),
    };
    let role: RoleArn = "arn:aws:iam::222222222222:role/one".parse().unwrap();
    let at = domain::sample::NOW;
    let findings = vec![
        finding("ec2:DescribeTags", CheckOutcome::Allowed),
        finding("ec2:DescribeVpcs", CheckOutcome::Denied),
        // What is no longer asked for, and what another role could do, is nobody's business now.
        finding("ec2:StartInstances", CheckOutcome::Allowed),
    ];
    let here: Region = "eu-central-1".parse().unwrap();
    let verification = VerificationId::new(at, [1; 10]);
    let known = RegionChecks::answered(None, &here, &role, verification, findings.clone(), at);
    bench.store.put_checks(connection, &known).await.unwrap();
    let elsewhere = RegionChecks { region: "us-east-1".parse().unwrap(), ..known };
    bench.store.put_checks(connection, &elsewhere).await.unwrap();

    let row = |action: &str, outcome: &str| {
        json!({
            "action": action, "region": "eu-central-1", "capability": "ec2-observe", "outcome": outcome,
            "method": "dry_run",
        })
    };
    let mut denied = row("ec2:DescribeVpcs", "denied");
    denied["detail"] = json!("why");
    let expected = json!([row("ec2:DescribeTags", "allowed"), denied]);
    assert_eq!(bench.operator("GET", &path, "").await.body["checks"], expected);
    let told = bench.anybody("GET", &format!("{link}/status"), &[], "").await;
    assert_eq!(told.body["checks"], expected);
}

#[tokio::test]
async fn once_a_role_was_proven_the_link_only_reads() {
    let bench = Bench::new();
    let (path, link) = bench.invited().await;
    bench.rewrite(&path, [("first_proven_at", text("2026-01-01T00:00:00Z"))]);
    let answer = bench.anybody("GET", &format!("{link}/status"), &[], "").await;
    assert_eq!(answer.body["read_only"], true);
}

#[rstest]
#[case::nobodys(&"A".repeat(43))]
#[case::too_short("short")]
#[case::too_long(&"A".repeat(44))]
#[case::not_its_alphabet(&"*".repeat(43))]
#[case::a_connections_id("con_0193b2c0000070008000000000000001")]
#[tokio::test]
async fn a_link_that_nobody_made_is_not_found(#[case] secret: &str) {
    for (method, action, body) in ROUTES {
        let bench = Bench::new();
        let answer = bench.anybody(method, &format!("/onboard/{secret}/{action}"), &[], body).await;
        assert_eq!((answer.status, answer.code()), (StatusCode::NOT_FOUND, "not_found"), "{action}");
        assert!(is_kept_out_of_caches(&answer), "{action}");
        assert!(bench.written().is_empty(), "nobody counts for nobody");
        assert!(!answer.body.to_string().contains(secret));
    }
}

#[tokio::test]
async fn a_link_ends_when_its_time_is_over() {
    let bench = Bench::with_invites_for(SignedDuration::ZERO);
    let (_, link) = bench.invited().await;
    let written = bench.written().len();
    for (method, action, body) in ROUTES {
        let answer = bench.anybody(method, &format!("{link}/{action}"), &[], body).await;
        assert_eq!((answer.status, answer.code()), (StatusCode::GONE, "invite_expired"), "{action}");
        assert!(is_kept_out_of_caches(&answer), "{action}");
    }
    assert_eq!((bench.written().len(), bench.messages().len()), (written, 0));
}

#[rstest]
#[case::withdrawn("/invite")]
#[case::the_connection_ends("")]
#[tokio::test]
async fn a_link_ends_when_the_provider_says_so(#[case] action: &str) {
    let bench = Bench::new();
    let (path, link) = bench.invited().await;
    bench.operator("DELETE", &format!("{path}{action}"), "").await;
    let written = bench.written().len();
    for (method, action, body) in ROUTES {
        let answer = bench.anybody(method, &format!("{link}/{action}"), &[], body).await;
        assert_eq!((answer.status, answer.code()), (StatusCode::GONE, "invite_revoked"), "{action}");
        assert!(is_kept_out_of_caches(&answer), "{action}");
    }
    assert_eq!(bench.written().len(), written);
}

#[tokio::test]
async fn a_link_leads_to_one_connection_alone() {
    let bench = Bench::new();
    let ((one, link), (two, _)) = (bench.invited().await, bench.invited().await);
    bench.anybody("PUT", &format!("{link}/role"), &[], ROLE).await;
    assert_eq!(bench.operator("GET", &one, "").await.body["state"], "verifying");
    assert_eq!(bench.operator("GET", &two, "").await.body["state"], "pending_role");
}

#[tokio::test]
async fn a_table_that_fails_is_no_link_that_is_not_there() {
    let bench = Bench::new();
    let (_, link) = bench.invited().await;
    bench.fail("GetItem", "ThrottlingException");
    let answer = bench.anybody("GET", &format!("{link}/status"), &[], "").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.header("retry-after").is_some() && is_kept_out_of_caches(&answer));
}

/// Checks and submissions count as one; twenty an hour.
#[tokio::test]
async fn who_asks_too_often_is_told_when_to_come_back() {
    let bench = Bench::new();
    let (path, link) = bench.invited().await;
    for count in 0..20 {
        let (method, action, body) = ROUTES[1 + count % 2];
        let answer = bench.anybody(method, &format!("{link}/{action}"), &[], body).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{count}: {answer:?}");
    }
    let messages = bench.messages().len();
    for (method, action, body) in &ROUTES[1..] {
        bench.calls();
        let answer = bench.anybody(method, &format!("{link}/{action}"), &[], *body).await;
        assert_eq!(
            (answer.status, answer.code()),
            (StatusCode::TOO_MANY_REQUESTS, "too_many_submissions"),
            "{action}"
        );
        let wait: u64 = answer.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=3601).contains(&wait), "{wait}");
        assert!(is_kept_out_of_caches(&answer));
        assert_eq!(bench.calls(), ["GetItem", "GetItem", "GetItem"], "nothing was written");
    }
    assert_eq!(bench.messages().len(), messages);
    // Looking stays free, and so does the operator.
    assert_eq!(bench.anybody("GET", &format!("{link}/status"), &[], "").await.status, StatusCode::OK);
    assert_eq!(bench.operator("POST", &format!("{path}/verify"), "").await.status, StatusCode::ACCEPTED);
    let item = bench.item(&path.replace("/v1/connections/", "CONNECTION#"), "INVITE_USE").unwrap();
    assert_eq!(item["asked_at"].as_l().unwrap().len(), 20);
}

#[tokio::test]
async fn what_was_asked_an_hour_ago_no_longer_counts() {
    let bench = Bench::new();
    let (path, link) = bench.invited().await;
    let long_ago = AttributeValue::L(vec![text("2020-01-01T00:00:00Z"); 20]);
    let pk = path.replace("/v1/connections/", "CONNECTION#");
    let fields = [("pk", text(&pk)), ("sk", text("INVITE_USE")), ("asked_at", long_ago)];
    bench.hold(fields.map(|(name, value)| (name.to_owned(), value)).into());
    let answer = bench.anybody("PUT", &format!("{link}/role"), &[], ROLE).await;
    assert_eq!((answer.status, &answer.body["state"]), (StatusCode::ACCEPTED, &json!("verifying")));
    assert_eq!(bench.item(&pk, "INVITE_USE").unwrap()["asked_at"].as_l().unwrap().len(), 1);
}
