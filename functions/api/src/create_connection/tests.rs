use crate::test_app::Bench;
use axum::http::StatusCode;
use rstest::rstest;
use serde_json::{Value, json};

const PATH: &str = "/v1/customers/cus_0193b2c0000070008000000000000001/connections";

fn with(fields: Value) -> String {
    let mut body = json!({"capabilities": ["ec2-observe"], "regions": ["eu-central-1"]});
    let Value::Object(fields) = fields else { panic!("not an object") };
    body.as_object_mut().unwrap().extend(fields);
    body.to_string()
}

#[tokio::test]
async fn a_connection_is_shown_as_it_was_made() {
    let bench = Bench::new();
    let path = bench.connection().await;
    let shown = bench.operator("GET", &path, "").await;
    assert_eq!(shown.status, StatusCode::OK);
    assert_eq!(shown.body["state"], "pending_role");
    assert_eq!(shown.body["verification"], "idle");
    assert_eq!(shown.body["capabilities"], json!(["ec2-observe"]));
    let external_id = shown.body["external_id"].as_str().unwrap();
    assert!(external_id.parse::<domain::ExternalId>().is_ok() && external_id.len() >= 32);
    assert!(shown.body["role_name"].as_str().unwrap().starts_with("drawbridge-"));
}

#[tokio::test]
async fn every_connection_has_an_external_id_and_a_role_name_of_its_own() {
    let bench = Bench::new();
    let (one, two) = (bench.connection().await, bench.connection().await);
    let (one, two) = (bench.operator("GET", &one, "").await, bench.operator("GET", &two, "").await);
    for field in ["connection_id", "external_id", "role_name"] {
        assert_ne!(one.body[field], two.body[field]);
    }
}

#[rstest]
#[case::text(json!("mine"))]
#[case::number(json!(1))]
#[case::object(json!({"value": "mine"}))]
#[case::list(json!([]))]
#[tokio::test]
async fn an_external_id_of_the_callers_is_refused_in_its_own_words(#[case] id: Value) {
    let bench = Bench::new();
    let answer = bench.operator("POST", PATH, with(json!({"external_id": id}))).await;
    assert_eq!((answer.status, answer.code()), (StatusCode::BAD_REQUEST, "external_id_not_accepted"));
    assert_eq!(answer.errors(), [("/external_id", "external_id_not_accepted")]);
    assert!(bench.calls().is_empty());
}

#[rstest]
#[case::nothing("{}".to_owned(), &[("/capabilities", "missing_field"), ("/regions", "missing_field")])]
#[case::empty_regions(with(json!({"regions": []})), &[("/regions", "regions_empty")])]
#[case::empty_capabilities(with(json!({"capabilities": []})), &[("/capabilities", "capabilities_empty")])]
#[case::another_partition(
    with(json!({"regions": ["eu-central-1", "cn-north-1", "us-gov-west-1"]})),
    &[("/regions/1", "region_partition_unsupported"), ("/regions/2", "region_partition_unsupported")]
)]
#[case::too_many_regions(with(json!({"regions": vec!["eu-central-1"; 65]})), &[("/regions", "too_many_items")])]
#[case::unknown_field(
    with(json!({"labels": {}, "region": "x"})),
    &[("/labels", "unknown_field"), ("/region", "unknown_field")]
)]
#[case::all_at_once(
    with(json!({
        "label": "two\nlines",
        "account_id": "12345",
        "role_name": "a*",
        "capabilities": ["ec2-observe", "ec2-everything"],
        "regions": ["eu-central-1", "*", "nowhere"],
    })),
    &[
        ("/label", "invalid_label"),
        ("/account_id", "invalid_account_id"),
        ("/role_name", "invalid_role_name"),
        ("/capabilities/1", "unknown_capability"),
        ("/regions/1", "invalid_region"),
        ("/regions/2", "invalid_region"),
    ]
)]
#[tokio::test]
async fn every_field_at_fault_is_named(#[case] body: String, #[case] errors: &[(&str, &str)]) {
    let bench = Bench::new();
    let answer = bench.operator("POST", PATH, body).await;
    assert_eq!(answer.errors(), errors);
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(bench.calls().is_empty());
}

#[tokio::test]
async fn the_providers_own_account_is_no_customer() {
    let bench = Bench::new();
    let answer = bench.operator("POST", PATH, with(json!({"account_id": "111111111111"}))).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(answer.errors(), [("/account_id", "role_in_provider_account")]);
    assert!(bench.calls().is_empty());
}

#[tokio::test]
async fn a_customer_that_is_not_there_has_no_connections() {
    let bench = Bench::new();
    let answer = bench.operator("POST", PATH, with(json!({}))).await;
    assert_eq!((answer.status, answer.code()), (StatusCode::NOT_FOUND, "not_found"));
    assert!(bench.written().is_empty());
}
