use crate::test_app::{Bench, OPERATOR, context};
use axum::body::Body;
use axum::http::{Request, StatusCode};
use lambda_http::request::RequestContext;
use rstest::rstest;
use serde_json::{Value, json};

/// Method and path of every operation that the API describes, with ids that nobody has.
fn operations() -> Vec<(String, String)> {
    let document = serde_json::to_value(crate::openapi::own()).unwrap();
    let paths = document["paths"].as_object().unwrap();
    let operations = paths.iter().flat_map(|(path, item)| {
        let path = path
            .replace("{customer_id}", "cus_0193b2c0000070008000000000000001")
            .replace("{connection_id}", "con_0193b2c0000070008000000000000001")
            .replace("{schedule_id}", "sch_0193b2c0000070008000000000000001")
            .replace("{run_id}", "run_0193b2c0000070008000000000000001")
            .replace("{backup_id}", "bkp_0193b2c0000070008000000000000001")
            .replace("{reconciliation_id}", "rec_0193b2c0000070008000000000000001")
            .replace("{file}", "0.css")
            .replace("{invite}", &"A".repeat(43));
        item.as_object().unwrap().keys().map(move |method| (method.to_uppercase(), path.clone()))
    });
    operations.collect()
}

#[test]
fn whatever_is_not_public_is_below_v1() {
    let operations = operations();
    assert!(operations.iter().all(|(_, path)| !path.contains('{')), "{operations:?}");
    let public: Vec<_> = operations
        .iter()
        .filter(|(_, path)| !path.starts_with("/v1/"))
        .map(|(method, path)| format!("{method} {}", path.replace(&"A".repeat(43), "{invite}")))
        .collect();
    assert_eq!(
        public,
        [
            "GET /health",
            "GET /onboard/assets/0.css",
            "GET /onboard/{invite}",
            "POST /onboard/{invite}",
            "POST /onboard/{invite}/look",
            "PUT /onboard/{invite}/role",
            "GET /onboard/{invite}/role.yaml",
            "GET /onboard/{invite}/status",
            "POST /onboard/{invite}/verify",
            "GET /openapi.json",
        ]
    );
    assert!(operations.len() > 20, "{operations:?}");
}

// The shapes are those of API Gateway Developer Guide, "Working with AWS Lambda authorizers for
// HTTP APIs" and "Control access to HTTP APIs with JWT authorizers", payload format 2.0.
#[rstest]
#[case::no_gateway(None)]
#[case::no_authorizer(Some(context(&Value::Null)))]
#[case::an_empty_authorizer(Some(context(&json!({}))))]
#[case::a_token(Some(context(&json!({"jwt": {"claims": {"sub": OPERATOR}, "scopes": []}}))))]
#[case::a_lambda(Some(context(&json!({"lambda": {"userArn": OPERATOR}}))))]
#[case::no_arn(Some(context(&json!({"iam": {"accountId": "111111111111"}}))))]
#[case::an_empty_arn(Some(context(&json!({"iam": {"userArn": ""}}))))]
#[tokio::test]
async fn nothing_is_done_for_whom_no_iam_authorizer_let_in(#[case] context: Option<RequestContext>) {
    let bench = Bench::new();
    for (method, path) in operations().into_iter().filter(|(_, path)| path.starts_with("/v1/")) {
        // A body that would be refused and a header that looks like proof change nothing.
        for body in ["", "{", r#"{"name":"a"}"#] {
            let request = Request::builder()
                .method(method.as_str())
                .uri(format!("{path}?limit=0"))
                .header("authorization", "Bearer something");
            let request = match &context {
                Some(context) => request.extension(context.clone()),
                None => request,
            };
            let answer = bench.send(request.body(Body::from(body)).unwrap()).await;
            assert_eq!(
                (answer.status, answer.code()),
                (StatusCode::FORBIDDEN, "not_authorized"),
                "{method} {path}"
            );
        }
    }
    assert!(bench.calls().is_empty());
}

#[tokio::test]
async fn an_operator_is_let_in_everywhere() {
    for (method, path) in operations() {
        let answer = Bench::new().operator(&method, &path, "{}").await;
        assert_ne!(answer.status, StatusCode::FORBIDDEN, "{method} {path}");
    }
}

#[tokio::test]
async fn what_is_public_needs_nobody() {
    for path in ["/health", "/openapi.json"] {
        let bench = Bench::new();
        let answer = bench.send(Request::builder().uri(path).body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert!(answer.body.is_object());
        assert!(bench.calls().is_empty());
    }
}

#[tokio::test]
async fn who_called_stands_in_the_audit_list() {
    let bench = Bench::new();
    bench.connection().await;
    let event = bench.written().into_iter().find(|item| item.contains_key("event_id")).unwrap();
    assert_eq!(event["actor"].as_s().unwrap(), OPERATOR);
}
