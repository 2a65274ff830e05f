use crate::test_app::Bench;
use axum::body::Body;
use axum::http::StatusCode;
use rstest::rstest;

#[rstest]
#[case::none("", 25)]
#[case::empty("?limit=", 25)]
#[case::least("?limit=1", 1)]
#[case::most("?limit=100", 100)]
#[tokio::test]
async fn a_limit_reaches_the_table(
    #[case] query: &str,
    #[case] limit: i32,
    #[values("/v1/customers", "/v1/connections", "/v1/runs")] path: &str,
) {
    let bench = Bench::new();
    let answer = bench.operator("GET", &format!("{path}{query}"), Body::empty()).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(bench.queries()[0].limit(), Some(limit));
    assert_eq!(answer.body, serde_json::json!({"items": [], "next_cursor": null}));
}

#[rstest]
#[case("limit=0", "invalid_limit", "/limit")]
#[case("limit=101", "invalid_limit", "/limit")]
#[case("limit=256", "invalid_limit", "/limit")]
#[case("limit=-1", "invalid_limit", "/limit")]
#[case("limit=1.0", "invalid_limit", "/limit")]
#[case("limit=ten", "invalid_limit", "/limit")]
#[case("limit=%20", "invalid_limit", "/limit")]
#[case("cursor=nonsense", "invalid_cursor", "/cursor")]
#[case("cursor=AAAAAAAAAAAA", "invalid_cursor", "/cursor")]
#[case("unknown=1", "unknown_parameter", "/unknown")]
#[case("Limit=1", "unknown_parameter", "/Limit")]
#[case("limit=1&limit=1", "duplicate_parameter", "/limit")]
#[case("limit=1&cursor=&cursor=", "duplicate_parameter", "/cursor")]
#[case("state=pending_role&limit=1&state=active", "duplicate_parameter", "/state")]
#[case("state=Active", "invalid_state", "/state")]
#[case("state=asleep", "invalid_state", "/state")]
#[case("customer_id=1", "invalid_id", "/customer_id")]
#[case("customer_id=con_0193b2c0000070008000000000000001", "invalid_id", "/customer_id")]
#[tokio::test]
async fn a_parameter_that_cannot_be_is_named(#[case] query: &str, #[case] code: &str, #[case] at: &str) {
    let bench = Bench::new();
    let answer = bench.operator("GET", &format!("/v1/connections?{query}"), Body::empty()).await;
    assert_eq!((answer.status, answer.code()), (StatusCode::BAD_REQUEST, code));
    assert_eq!(answer.errors(), [(at, code)]);
    assert!(bench.calls().is_empty());
}

#[tokio::test]
async fn each_list_has_its_own_parameters() {
    let bench = Bench::new();
    let connection = bench.connection().await;
    for path in [
        "/v1/customers?state=active",
        "/v1/runs?state=active",
        &format!("{connection}/events?state=active"),
        &format!("{connection}/schedules?state=active"),
        &format!("{connection}/backups?state=active"),
    ] {
        let answer = bench.operator("GET", path, Body::empty()).await;
        assert_eq!(answer.errors(), [("/state", "unknown_parameter")], "{path}");
    }
    for (query, status, calls) in [
        ("", StatusCode::OK, 1),
        ("?format=json", StatusCode::OK, 1),
        ("?format=yaml", StatusCode::BAD_REQUEST, 0),
        ("?limit=1", StatusCode::BAD_REQUEST, 0),
    ] {
        let answer = bench.operator("GET", &format!("{connection}/setup{query}"), Body::empty()).await;
        assert_eq!((answer.status, bench.calls().len()), (status, calls), "{query}");
    }
}

#[rstest]
#[case::all("", "list")]
#[case::in_a_state("?state=active", "by-state")]
#[case::of_a_customer("?customer_id=cus_0193b2c0000070008000000000000001", "by-customer")]
#[case::both("?state=active&customer_id=cus_0193b2c0000070008000000000000001", "by-customer")]
#[tokio::test]
async fn filters_choose_the_index(#[case] query: &str, #[case] index: &str) {
    let bench = Bench::new();
    bench.operator("GET", &format!("/v1/connections{query}"), Body::empty()).await;
    assert_eq!(bench.queries()[0].index_name(), Some(index));
}
