use crate::test_app::Bench;
use axum::http::StatusCode;
use serde_json::Value;

#[tokio::test]
async fn a_link_that_was_withdrawn_leads_nowhere() {
    let bench = Bench::new();
    let (path, link) = bench.invited().await;
    let answer = bench.operator("DELETE", &format!("{path}/invite"), "").await;
    assert_eq!((answer.status, &answer.body), (StatusCode::NO_CONTENT, &Value::Null));
    assert_eq!(bench.calls(), ["GetItem", "TransactWriteItems"]);
    assert!(bench.messages().is_empty());
    assert_eq!(bench.operator("GET", &path, "").await.body["invite_expires_at"], Value::Null);
    let answer = bench.anybody("GET", &format!("{link}/status"), &[], "").await;
    assert_eq!((answer.status, answer.code()), (StatusCode::GONE, "invite_revoked"));
}

#[tokio::test]
async fn withdrawing_no_link_changes_nothing() {
    let bench = Bench::new();
    let path = format!("{}/invite", bench.connection().await);
    bench.operator("DELETE", &path, "").await;
    bench.calls();
    let again = bench.operator("DELETE", &path, "").await;
    assert_eq!(again.status, StatusCode::NO_CONTENT);
    assert_eq!(bench.calls(), ["GetItem"]);
}
