use crate::test_app::{Bench, PUBLIC_URL};
use axum::http::StatusCode;
use domain::invite::Invite;

#[tokio::test]
async fn a_new_link_is_shown_once_and_stored_as_its_hash() {
    let bench = Bench::new();
    let path = bench.connection().await;
    let answer = bench.operator("POST", &format!("{path}/invite"), "").await;
    assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
    let link = answer.body["invite_url"].as_str().unwrap();
    let secret = link.strip_prefix(&format!("{PUBLIC_URL}/onboard/")).unwrap();
    let hash = secret.parse::<Invite>().unwrap().hash();
    assert_eq!(bench.calls(), ["GetItem", "TransactWriteItems"]);
    assert!(bench.messages().is_empty());

    let item = bench.item(&format!("INVITE#{hash}"), "META").unwrap();
    assert_eq!(format!("/v1/connections/{}", item["connection_id"].as_s().unwrap()), path);
    assert!(!format!("{:?}", bench.written()).contains(secret));
    let shown = bench.operator("GET", &path, "").await;
    assert!(shown.body.get("invite_url").is_none());
    assert_eq!(shown.body["invite_expires_at"], answer.body["expires_at"]);
}

/// `curl -d ''` names a form's media type by itself.
#[tokio::test]
async fn a_key_holds_whatever_media_type_an_empty_body_has() {
    let bench = Bench::new();
    let path = format!("{}/invite", bench.connection().await);
    let headers = [("idempotency-key", "once"), ("content-type", "application/x-www-form-urlencoded")];
    let first = bench.operator_with("POST", &path, &headers, "").await;
    assert_eq!(first.status, StatusCode::CREATED, "{first:?}");
    let again = bench.operator_with("POST", &path, &headers, "").await;
    assert_eq!((again.status, again.header("idempotency-replayed")), (StatusCode::CREATED, Some("true")));
}

#[tokio::test]
async fn the_link_before_it_ends_at_once() {
    let bench = Bench::new();
    let (path, before) = bench.invited().await;
    let answer = bench.operator("POST", &format!("{path}/invite"), "").await;
    let link = answer.body["invite_url"].as_str().unwrap().strip_prefix(PUBLIC_URL).unwrap();
    assert_ne!(link, before);
    let answer = bench.anybody("GET", &format!("{before}/status"), &[], "").await;
    assert_eq!((answer.status, answer.code()), (StatusCode::GONE, "invite_revoked"));
    assert_eq!(bench.anybody("GET", &format!("{link}/status"), &[], "").await.status, StatusCode::OK);
}
