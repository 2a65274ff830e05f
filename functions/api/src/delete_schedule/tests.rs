use crate::change_schedule::tests::made;
use crate::test_app::Bench;
use axum::http::StatusCode;
use serde_json::json;

#[tokio::test]
async fn a_deleted_schedule_is_nobodys_any_more() {
    let bench = Bench::new();
    let (path, before) = made(&bench).await;
    let answer = bench.operator_with("DELETE", &path, &[("if-match", "\"1\"")], "").await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT, "{answer:?}");
    assert_eq!(bench.calls(), ["GetItem", "GetItem", "SendMessage", "TransactWriteItems"]);
    // The record stays until it is gone from EventBridge too.
    let id = before["schedule_id"].as_str().unwrap();
    assert!(bench.item(&format!("SCHEDULE#{id}"), "META").unwrap().contains_key("deleted_at"));
    for (method, path) in [
        ("GET", path.clone()),
        ("DELETE", path.clone()),
        ("PATCH", path.clone()),
        ("GET", format!("{path}/preview")),
    ] {
        let answer = bench.operator(method, &path, "{}").await;
        assert_eq!((answer.status, answer.code()), (StatusCode::NOT_FOUND, "not_found"), "{method} {path}");
    }
    let list = format!("/v1/connections/{}/schedules", before["connection_id"].as_str().unwrap());
    assert_eq!(bench.operator("GET", &list, "").await.body["items"], json!([]));
    assert_eq!(bench.messages().len(), 2);
}
