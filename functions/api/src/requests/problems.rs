use crate::test_app::{Bench, MARKER, REQUEST_ID, context};
use axum::body::Body;
use axum::http::{Request, StatusCode};
use rstest::rstest;
use serde_json::json;

const CUSTOMER: &str = "/v1/customers/cus_0193b2c0000070008000000000000001";

#[tokio::test]
async fn an_unknown_route_is_a_problem() {
    let bench = Bench::new();
    let answer = bench.operator("GET", "/v1/nothing", Body::empty()).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    insta::assert_json_snapshot!(answer.body, @r#"
    {
      "type": "urn:drawbridge:problem:route_not_found",
      "title": "Not Found",
      "status": 404,
      "detail": "there is no such route; /openapi.json lists them",
      "code": "route_not_found",
      "request_id": "the-request"
    }
    "#);
    assert!(bench.calls().is_empty());
}

#[rstest]
#[case("DELETE", "/v1/customers", "GET,HEAD,POST")]
#[case("PATCH", CUSTOMER, "GET,HEAD")]
#[case("POST", "/health", "GET,HEAD")]
#[tokio::test]
async fn another_method_is_refused_and_told_which_there_are(
    #[case] method: &str,
    #[case] path: &str,
    #[case] allowed: &str,
) {
    let answer = Bench::new().operator(method, path, Body::empty()).await;
    assert_eq!((answer.status, answer.code()), (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed"));
    // Source: RFC 9110, section 15.5.6.
    let mut told: Vec<_> = answer.header("allow").unwrap_or_default().split(',').collect();
    told.sort_unstable();
    assert_eq!(told.join(","), allowed);
}

#[rstest]
#[case::at_the_limit(64 * 1024, StatusCode::BAD_REQUEST, "malformed_json")]
#[case::over_the_limit(64 * 1024 + 1, StatusCode::PAYLOAD_TOO_LARGE, "body_too_large")]
#[case::far_over_it(5_000_000, StatusCode::PAYLOAD_TOO_LARGE, "body_too_large")]
#[tokio::test]
async fn a_body_has_a_longest_length(#[case] bytes: usize, #[case] status: StatusCode, #[case] code: &str) {
    let bench = Bench::new();
    let answer = bench.operator("POST", "/v1/customers", "x".repeat(bytes)).await;
    assert_eq!((answer.status, answer.code()), (status, code));
    assert!(bench.calls().is_empty());
}

#[rstest]
#[case(Some("application/json"), StatusCode::CREATED)]
#[case(Some("Application/JSON; charset=utf-8"), StatusCode::CREATED)]
#[case(None, StatusCode::CREATED)]
#[case(Some("application/x-www-form-urlencoded"), StatusCode::UNSUPPORTED_MEDIA_TYPE)]
#[case(Some("text/plain"), StatusCode::UNSUPPORTED_MEDIA_TYPE)]
#[case(Some("application/jsonp"), StatusCode::UNSUPPORTED_MEDIA_TYPE)]
#[case(Some(""), StatusCode::UNSUPPORTED_MEDIA_TYPE)]
#[tokio::test]
async fn bodies_are_json(#[case] media_type: Option<&str>, #[case] status: StatusCode) {
    let bench = Bench::new();
    let request = Request::post("/v1/customers").extension(context(&json!({"iam": {"userArn": "arn"}})));
    let request = media_type.into_iter().fold(request, |request, name| request.header("content-type", name));
    let answer = bench.send(request.body(Body::from(r#"{"name":"a"}"#)).unwrap()).await;
    assert_eq!(answer.status, status);
    assert_eq!(bench.calls().is_empty(), status != StatusCode::CREATED);
}

// Source of the codes: DynamoDB API Reference, "Common errors" and the errors of the actions.
#[rstest]
#[case::our_own_rights("AccessDeniedException", StatusCode::INTERNAL_SERVER_ERROR, "internal_error", None)]
#[case::no_table("ResourceNotFoundException", StatusCode::INTERNAL_SERVER_ERROR, "internal_error", None)]
#[case::throttled(
    "ThrottlingException",
    StatusCode::SERVICE_UNAVAILABLE,
    "dependency_unavailable",
    Some("5")
)]
#[case::down("InternalServerError", StatusCode::SERVICE_UNAVAILABLE, "dependency_unavailable", Some("5"))]
#[tokio::test]
async fn a_failure_shows_nothing_of_what_is_inside(
    #[case] code: &'static str,
    #[case] status: StatusCode,
    #[case] told: &str,
    #[case] retry_after: Option<&str>,
) {
    let bench = Bench::new();
    bench.fail("GetItem", code);
    let answer = bench.operator("GET", CUSTOMER, Body::empty()).await;
    assert_eq!((answer.status, answer.code()), (status, told));
    assert_eq!(answer.header("retry-after"), retry_after);
    assert_eq!(answer.body["request_id"], REQUEST_ID);
    let text = format!("{:?}{}", answer.headers, answer.body);
    for inside in [MARKER, code, "GetItem", "table", "dynamodb"] {
        assert!(!text.to_lowercase().contains(&inside.to_lowercase()), "{inside} in {text}");
    }
}

#[tokio::test]
async fn an_internal_error_leads_to_the_logs() {
    let bench = Bench::new();
    bench.fail("GetItem", "AccessDeniedException");
    let answer = bench.operator("GET", CUSTOMER, Body::empty()).await;
    insta::assert_json_snapshot!(answer.body, @r#"
    {
      "type": "urn:drawbridge:problem:internal_error",
      "title": "Internal Server Error",
      "status": 500,
      "detail": "Drawbridge failed; the request id leads its operator to the cause",
      "code": "internal_error",
      "request_id": "the-request"
    }
    "#);
}

#[tokio::test]
async fn fields_at_fault_are_listed() {
    let answer = Bench::new().operator("POST", "/v1/customers", r#"{"name":"a","nmae":1,"x":{}}"#).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    insta::assert_json_snapshot!(answer.body, @r#"
    {
      "type": "urn:drawbridge:problem:unknown_field",
      "title": "Bad Request",
      "status": 400,
      "detail": "2 fields cannot be accepted; `errors` says which and why",
      "code": "unknown_field",
      "request_id": "the-request",
      "errors": [
        {
          "pointer": "/nmae",
          "code": "unknown_field",
          "detail": "there is no field /nmae here"
        },
        {
          "pointer": "/x",
          "code": "unknown_field",
          "detail": "there is no field /x here"
        }
      ]
    }
    "#);
}

#[rstest]
#[case::nobodys("/v1/customers/cus_0193b2c0000070008000000000000001")]
#[case::no_id("/v1/customers/nobody")]
#[case::another_kind_of_id("/v1/customers/con_0193b2c0000070008000000000000001")]
#[case::not_even_text("/v1/customers/%ff")]
#[case::a_connection("/v1/connections/con_0193b2c0000070008000000000000001")]
#[case::its_setup("/v1/connections/con_0193b2c0000070008000000000000001/setup")]
#[case::its_events("/v1/connections/con_0193b2c0000070008000000000000001/events")]
#[case::its_schedules("/v1/connections/con_0193b2c0000070008000000000000001/schedules")]
#[case::its_backups("/v1/connections/con_0193b2c0000070008000000000000001/backups")]
#[case::a_schedule("/v1/schedules/sch_0193b2c0000070008000000000000001")]
#[case::its_times("/v1/schedules/sch_0193b2c0000070008000000000000001/preview")]
#[case::a_run("/v1/runs/run_0193b2c0000070008000000000000001")]
#[case::its_jobs("/v1/runs/run_0193b2c0000070008000000000000001/jobs")]
#[case::a_backup("/v1/backups/bkp_0193b2c0000070008000000000000001")]
#[tokio::test]
async fn what_is_not_there_is_not_found(#[case] path: &str) {
    let answer = Bench::new().operator("GET", path, Body::empty()).await;
    assert_eq!((answer.status, answer.code()), (StatusCode::NOT_FOUND, "not_found"));
}
