use crate::test_app::Bench;
use axum::http::StatusCode;
use rstest::rstest;
use serde_json::json;

#[tokio::test]
async fn a_customer_is_shown_as_it_was_made() {
    let bench = Bench::new();
    let body = json!({"name": "Zoë & Co", "email": "ops@example.com", "labels": {"tier": "gold"}});
    let made = bench.operator("POST", "/v1/customers", body.to_string()).await;
    assert_eq!(made.status, StatusCode::CREATED);
    for (field, value) in body.as_object().unwrap() {
        assert_eq!(made.body[field], *value);
    }
    let path = format!("/v1/customers/{}", made.body["customer_id"].as_str().unwrap());
    assert_eq!(bench.operator("GET", &path, "").await.body, made.body);
}

#[rstest]
#[case::no_name("{}", "missing_field", &[("/name", "missing_field")])]
#[case::null_name(r#"{"name":null}"#, "missing_field", &[("/name", "missing_field")])]
#[case::no_email(r#"{"name":"a","email":"nobody"}"#, "invalid_email", &[("/email", "invalid_email")])]
#[case::several(
    r#"{"name":" a","email":"@","labels":{"k":"two\nlines","x/y":" "}}"#,
    "invalid_request",
    &[
        ("/name", "invalid_name"),
        ("/email", "invalid_email"),
        ("/labels/k", "invalid_label"),
        ("/labels/x~1y", "invalid_label"),
    ]
)]
#[case::missing_and_wrong(
    r#"{"email":"@"}"#,
    "invalid_request",
    &[("/name", "missing_field"), ("/email", "invalid_email")]
)]
#[case::wrong_type(r#"{"name":["a"]}"#, "invalid_type", &[("/name", "invalid_type")])]
#[case::unknown(r#"{"name":"a","phone":"1"}"#, "unknown_field", &[("/phone", "unknown_field")])]
// Ids are given out, never taken.
#[case::an_id(r#"{"name":"a","customer_id":"cus_1"}"#, "unknown_field", &[("/customer_id", "unknown_field")])]
#[tokio::test]
async fn every_field_at_fault_is_named(
    #[case] body: &'static str,
    #[case] code: &str,
    #[case] errors: &[(&str, &str)],
) {
    let bench = Bench::new();
    let answer = bench.operator("POST", "/v1/customers", body).await;
    assert_eq!((answer.status, answer.code()), (StatusCode::BAD_REQUEST, code));
    assert_eq!(answer.errors(), errors);
    assert!(bench.calls().is_empty());
}
