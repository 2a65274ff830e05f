//! Keys of those whom no authorizer let in.

use super::{KEY, is_replay, kept};
use crate::test_app::{Bench, OPERATOR, context};
use axum::body::Body;
use axum::http::{HeaderValue, Request, StatusCode};
use jiff::SignedDuration;
use rstest::rstest;
use serde_json::json;

const ROLE: &str = r#"{"role_arn":"arn:aws:iam::222222222222:role/one"}"#;

/// Whoever can fill the table with keys fills it at the provider's cost.
#[rstest]
#[case::nobodys(&format!("/onboard/{}/verify", "A".repeat(43)), StatusCode::NOT_FOUND)]
#[case::no_invite("/onboard/nobody/verify", StatusCode::NOT_FOUND)]
#[case::not_even_text("/onboard/%ff/verify", StatusCode::NOT_FOUND)]
#[case::no_route(&format!("/onboard/{}/nothing", "A".repeat(43)), StatusCode::NOT_FOUND)]
#[case::nothing("/onboard/", StatusCode::NOT_FOUND)]
#[case::another_method(&format!("/onboard/{}/role", "A".repeat(43)), StatusCode::METHOD_NOT_ALLOWED)]
#[tokio::test]
async fn who_holds_no_link_claims_nothing(#[case] path: &str, #[case] status: StatusCode) {
    let bench = Bench::new();
    for key in ["one", "not a key"] {
        let answer = bench.anybody("POST", path, &[("idempotency-key", key)], "").await;
        assert_eq!((answer.status, is_replay(&answer)), (status, false), "{answer:?}");
    }
    assert!(bench.calls().iter().all(|call| *call == "GetItem"));
}

#[tokio::test]
async fn a_link_whose_time_is_over_claims_nothing() {
    let bench = Bench::with_invites_for(SignedDuration::ZERO);
    let (_, link) = bench.invited().await;
    let answer = bench.anybody("POST", &format!("{link}/verify"), &KEY, "").await;
    assert_eq!((answer.status, answer.code()), (StatusCode::GONE, "invite_expired"));
    assert!(kept(&bench).is_empty());
}

#[tokio::test]
async fn a_link_that_was_withdrawn_shows_nothing_of_what_it_has_shown() {
    let bench = Bench::new();
    let (path, link) = bench.invited().await;
    bench.operator("PUT", &format!("{path}/role"), ROLE).await;
    let verify = format!("{link}/verify");
    let first = bench.anybody("POST", &verify, &KEY, "").await;
    assert_eq!(first.status, StatusCode::ACCEPTED);
    assert!(is_replay(&bench.anybody("POST", &verify, &KEY, "").await));
    bench.operator("DELETE", &format!("{path}/invite"), "").await;
    let late = bench.anybody("POST", &verify, &KEY, "").await;
    assert_eq!((late.status, late.code()), (StatusCode::GONE, "invite_revoked"));
    assert!(!is_replay(&late));
}

#[tokio::test]
async fn a_link_is_no_way_to_another_route() {
    let bench = Bench::new();
    let (_, link) = bench.invited().await;
    let secret = link.rsplit('/').next().unwrap();
    for path in [format!("/v1/connections/{secret}/verify"), format!("/v1/customers/{secret}/connections")] {
        let answer = bench.anybody("POST", &path, &KEY, "{}").await;
        assert_eq!((answer.status, answer.code()), (StatusCode::FORBIDDEN, "not_authorized"));
    }
    assert!(bench.calls().is_empty());
}

/// A table that does not answer is no link that is not there, with a key or without.
#[tokio::test]
async fn a_link_that_cannot_be_looked_up_may_be_tried_again() {
    let bench = Bench::new();
    let (_, link) = bench.invited().await;
    bench.fail("GetItem", "ThrottlingException");
    let answer = bench.anybody("POST", &format!("{link}/verify"), &KEY, "").await;
    assert_eq!((answer.status, answer.header("retry-after")), (StatusCode::SERVICE_UNAVAILABLE, Some("5")));
    assert!(kept(&bench).is_empty());
}

#[rstest]
#[case("schl\u{fc}ssel".as_bytes())]
#[case(b"\xff")]
#[tokio::test]
async fn a_key_that_is_no_text_is_refused(#[case] key: &[u8]) {
    let bench = Bench::new();
    let request = Request::post("/v1/customers")
        .header("idempotency-key", HeaderValue::from_bytes(key).unwrap())
        .extension(context(&json!({"iam": {"userArn": OPERATOR}})));
    let answer = bench.send(request.body(Body::from(r#"{"name":"a"}"#)).unwrap()).await;
    assert_eq!((answer.status, answer.code()), (StatusCode::BAD_REQUEST, "invalid_idempotency_key"));
    assert!(bench.calls().is_empty());
}
