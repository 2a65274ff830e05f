//! A request that is sent again, as its caller sees it and as the table holds it.

mod links;

use crate::test_app::{Answer, Bench, Item, OPERATOR, REQUEST_ID, context, text};
use axum::body::Body;
use axum::http::{Request, StatusCode};
use rstest::rstest;
use serde_json::{Value, json};

const CUSTOMERS: &str = "/v1/customers";
const NAMED: &str = r#"{"name":"Customer"}"#;
const ASKED: &str = r#"{"capabilities":["ec2-observe"],"regions":["eu-central-1"]}"#;
const KEY: [(&str, &str); 1] = [("idempotency-key", "one")];

async fn post(bench: &Bench, path: &str, body: &str) -> Answer {
    bench.operator_with("POST", path, &KEY, body.to_owned()).await
}

fn is_replay(answer: &Answer) -> bool {
    answer.header("idempotency-replayed") == Some("true")
}

/// Every claim and answer that was ever written, the latest last.
fn kept(bench: &Bench) -> Vec<Item> {
    let written = bench.written().into_iter();
    written.filter(|item| item["pk"].as_s().unwrap().starts_with("IDEMPOTENCY#")).collect()
}

/// Whether a claim or an answer stands in the table.
fn is_held(bench: &Bench, claim: &Item) -> bool {
    bench.item(claim["pk"].as_s().unwrap(), claim["sk"].as_s().unwrap()).is_some()
}

async fn path_of_connections(bench: &Bench) -> String {
    let customer = bench.operator("POST", CUSTOMERS, NAMED).await;
    bench.calls();
    format!("{CUSTOMERS}/{}/connections", customer.body["customer_id"].as_str().unwrap())
}

#[tokio::test]
async fn the_first_answer_is_given_again_and_nothing_is_done() {
    let bench = Bench::new();
    let first = post(&bench, CUSTOMERS, NAMED).await;
    assert_eq!(first.status, StatusCode::CREATED);
    assert_eq!(first.header("idempotency-replayed"), None);
    bench.calls();
    for _ in 0..2 {
        let again = post(&bench, CUSTOMERS, NAMED).await;
        assert_eq!((again.status, &again.body), (first.status, &first.body));
        assert_eq!(again.header("content-type"), Some("application/json"));
        assert!(is_replay(&again));
        // The claim alone, which was refused.
        assert_eq!(bench.calls(), ["PutItem"]);
    }
}

#[tokio::test]
async fn an_answer_is_written_with_what_it_tells_of() {
    let bench = Bench::new();
    let path = path_of_connections(&bench).await;
    post(&bench, &path, ASKED).await;
    // The claim, whether there is the customer, and the connection with the answer.
    assert_eq!(bench.calls(), ["PutItem", "GetItem", "TransactWriteItems"]);
    let kept = kept(&bench);
    assert_eq!(kept.len(), 2);
    assert!(!kept[0].contains_key("answer_status") && kept[0].contains_key("lease_until"));
    assert_eq!(kept[1]["answer_status"].as_n().unwrap(), "201");
    assert_eq!(kept[0]["token"], kept[1]["token"]);
}

#[tokio::test]
async fn a_new_connections_replay_has_its_external_id_and_no_invite() {
    let bench = Bench::new();
    let path = path_of_connections(&bench).await;
    let mut first = post(&bench, &path, ASKED).await;
    let again = post(&bench, &path, ASKED).await;
    assert!(is_replay(&again) && again.status == StatusCode::CREATED);
    let link = first.body.as_object_mut().unwrap().remove("invite_url").unwrap();
    assert!(first.body["external_id"].as_str().is_some_and(|id| id.len() >= 32));
    assert_eq!(again.body, first.body);

    let secret = link.as_str().unwrap().rsplit('/').next().unwrap();
    assert_eq!(secret.len(), 43);
    for item in kept(&bench) {
        let item = format!("{item:?}");
        assert!(!item.contains(secret) && !item.contains(first.body["external_id"].as_str().unwrap()));
    }
}

#[tokio::test]
async fn a_new_invites_replay_tells_its_end_and_not_the_link() {
    let bench = Bench::new();
    let path = format!("{}/invite", bench.connection().await);
    let first = post(&bench, &path, "").await;
    let again = post(&bench, &path, "").await;
    assert!(is_replay(&again) && again.status == StatusCode::CREATED, "{again:?}");
    assert_eq!(again.body, json!({"expires_at": first.body["expires_at"]}));
    let link = first.body["invite_url"].as_str().unwrap().to_owned();
    let secret = link.rsplit('/').next().unwrap();
    assert!(!format!("{:?}", bench.written()).contains(secret));
    // The link that was told still leads there: no later one was made.
    let status = format!("/onboard/{secret}/status");
    assert_eq!(bench.anybody("GET", &status, &[], "").await.status, StatusCode::OK);
}

#[tokio::test]
async fn an_answer_that_changed_nothing_is_kept_as_well() {
    let bench = Bench::new();
    let path = bench.connection().await;
    let role = r#"{"role_arn":"arn:aws:iam::222222222222:role/one"}"#;
    bench.operator("PUT", &format!("{path}/role"), role).await;
    bench.calls();
    let path = format!("{path}/verify");
    let first = post(&bench, &path, "").await;
    assert_eq!(first.status, StatusCode::ACCEPTED);
    assert_eq!(bench.calls(), ["PutItem", "GetItem", "PutItem"]);
    let again = post(&bench, &path, "").await;
    assert!(is_replay(&again));
    assert_eq!((again.status, &again.body), (first.status, &first.body));
    let id = first.body["external_id"].as_str().unwrap();
    assert!(kept(&bench).iter().all(|item| !format!("{item:?}").contains(id)));
}

#[tokio::test]
async fn a_reconciliation_begins_once() {
    let bench = Bench::new();
    let first = post(&bench, "/v1/grants/reconcile", "{}").await;
    let again = post(&bench, "/v1/grants/reconcile", "{}").await;
    assert_eq!((again.status, &again.body), (StatusCode::ACCEPTED, &first.body));
    assert!(is_replay(&again));
    assert_eq!(bench.messages().len(), 1);
}

#[tokio::test]
async fn a_customers_request_is_counted_and_carried_out_once() {
    let bench = Bench::new();
    let (path, link) = bench.invited().await;
    let role = r#"{"role_arn":"arn:aws:iam::222222222222:role/one"}"#;
    bench.operator("PUT", &format!("{path}/role"), role).await;
    let verify = format!("{link}/verify");
    let first = bench.anybody("POST", &verify, &KEY, "").await;
    assert_eq!(first.status, StatusCode::ACCEPTED, "{first:?}");
    bench.calls();
    let again = bench.anybody("POST", &verify, &KEY, "").await;
    assert_eq!((again.status, &again.body), (first.status, &first.body));
    assert!(is_replay(&again));
    assert_eq!(again.header("cache-control"), Some("no-store"));
    assert_eq!(again.header("referrer-policy"), Some("no-referrer"));
    // The link still has to lead somewhere.
    assert_eq!(bench.calls(), ["GetItem", "GetItem", "PutItem"]);
    let secret = link.rsplit('/').next().unwrap();
    assert!(!format!("{:?}", bench.written()).contains(secret));
}

#[rstest]
#[case::another_body(r#"{"name":"Other"}"#)]
#[case::the_same_said_otherwise(r#"{"name": "Customer"}"#)]
#[case::none("")]
#[tokio::test]
async fn a_key_stands_for_one_body(#[case] body: &str) {
    let bench = Bench::new();
    post(&bench, CUSTOMERS, NAMED).await;
    bench.calls();
    let other = post(&bench, CUSTOMERS, body).await;
    assert_eq!((other.status, other.code()), (StatusCode::CONFLICT, "idempotency_key_reused"));
    assert!(!is_replay(&other));
    assert_eq!(other.body["request_id"], REQUEST_ID);
    assert_eq!(bench.calls(), ["PutItem"]);
    // And does so still: the refusal took nobody's place.
    assert!(is_replay(&post(&bench, CUSTOMERS, NAMED).await));
}

#[tokio::test]
async fn a_request_that_is_being_carried_out_is_not_carried_out_again() {
    let bench = Bench::new();
    post(&bench, CUSTOMERS, NAMED).await;
    let claim = kept(&bench).remove(0);
    assert!(!claim.contains_key("answer_status"));
    bench.hold(claim);
    bench.calls();
    let again = post(&bench, CUSTOMERS, NAMED).await;
    assert_eq!((again.status, again.code()), (StatusCode::CONFLICT, "request_in_progress"));
    assert!(!is_replay(&again));
    assert_eq!(bench.calls(), ["PutItem"]);
    // A body that differs is told so all the same.
    assert_eq!(post(&bench, CUSTOMERS, "{}").await.code(), "idempotency_key_reused");
}

/// A claim whose lease ran out was taken over by somebody who has answered by now.
#[tokio::test]
async fn whoever_was_overtaken_changes_nothing_and_keeps_no_answer() {
    let bench = Bench::new();
    let path = path_of_connections(&bench).await;
    let connections = |bench: &Bench| {
        let written = bench.written().into_iter();
        written.filter(|item| item["pk"].as_s().unwrap().starts_with("CONNECTION#")).count()
    };
    bench.refuse(&["None", "None", "None", "ConditionalCheckFailed"]);
    let answer = post(&bench, &path, ASKED).await;
    assert_eq!((answer.status, answer.code()), (StatusCode::CONFLICT, "request_in_progress"));
    assert_eq!(connections(&bench), 0);
    assert!(kept(&bench).iter().all(|item| !item.contains_key("answer_status")));
}

#[rstest]
#[case::fields(CUSTOMERS, "{}", StatusCode::BAD_REQUEST)]
#[case::no_json(CUSTOMERS, "{", StatusCode::BAD_REQUEST)]
#[case::no_customer(
    "/v1/customers/cus_0193b2c0000070008000000000000001/connections",
    ASKED,
    StatusCode::NOT_FOUND
)]
#[case::no_connection(
    "/v1/connections/con_0193b2c0000070008000000000000001/verify",
    "",
    StatusCode::NOT_FOUND
)]
#[tokio::test]
async fn a_refusal_is_an_answer_like_any_other(
    #[case] path: &str,
    #[case] body: &str,
    #[case] status: StatusCode,
) {
    let bench = Bench::new();
    let first = post(&bench, path, body).await;
    assert_eq!(first.status, status, "{first:?}");
    assert!(!is_replay(&first));
    bench.calls();
    let again = post(&bench, path, body).await;
    assert_eq!((again.status, &again.body), (status, &first.body));
    assert_eq!(again.header("content-type"), Some("application/problem+json"));
    assert!(is_replay(&again));
    assert_eq!(bench.calls(), ["PutItem"]);
}

#[rstest]
#[case::busy("ThrottlingException", StatusCode::SERVICE_UNAVAILABLE)]
#[case::wrong("ValidationException", StatusCode::INTERNAL_SERVER_ERROR)]
#[tokio::test]
async fn a_failure_gives_the_key_back(#[case] code: &'static str, #[case] status: StatusCode) {
    let bench = Bench::new();
    let path = path_of_connections(&bench).await;
    bench.fail("TransactWriteItems", code);
    let failed = post(&bench, &path, ASKED).await;
    assert_eq!(failed.status, status);
    assert_eq!(bench.calls(), ["PutItem", "GetItem", "TransactWriteItems", "DeleteItem"]);
    assert!(!is_held(&bench, &kept(&bench)[0]));
    bench.mend();
    let again = post(&bench, &path, ASKED).await;
    assert_eq!(again.status, StatusCode::CREATED);
    assert!(!is_replay(&again));
}

#[tokio::test]
async fn a_change_at_the_same_time_gives_the_key_back() {
    let bench = Bench::new();
    let path = format!("{}/invite", bench.connection().await);
    for _ in 0..3 {
        bench.refuse(&["ConditionalCheckFailed", "None", "None", "None"]);
    }
    let failed = post(&bench, &path, "").await;
    assert_eq!((failed.status, failed.code()), (StatusCode::CONFLICT, "concurrent_change"));
    assert!(!is_held(&bench, &kept(&bench)[0]));
    let again = post(&bench, &path, "").await;
    assert_eq!(again.status, StatusCode::CREATED);
    assert!(!is_replay(&again));
}

#[tokio::test]
async fn a_customer_who_asks_too_often_has_their_key_back() {
    let bench = Bench::new();
    let (_, link) = bench.invited().await;
    let verify = format!("{link}/verify");
    for _ in 0..20 {
        bench.anybody("POST", &verify, &[], "").await;
    }
    let answer = bench.anybody("POST", &verify, &KEY, "").await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(!is_held(&bench, &kept(&bench)[0]));
}

#[tokio::test]
async fn without_a_claim_nothing_is_carried_out() {
    let bench = Bench::new();
    bench.fail("PutItem", "ThrottlingException");
    let answer = post(&bench, CUSTOMERS, NAMED).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.header("retry-after").is_some());
    assert_eq!(bench.calls(), ["PutItem"]);
}

#[rstest]
#[case::empty("", false)]
#[case::a_space("a b", false)]
#[case::a_tab("a\tb", false)]
#[case::the_longest(&"a".repeat(255), true)]
#[case::too_long(&"a".repeat(256), false)]
#[case::marks("!~\"{}#", true)]
#[tokio::test]
async fn a_key_is_visible_characters(#[case] key: &str, #[case] sound: bool) {
    let bench = Bench::new();
    let answer = bench.operator_with("POST", CUSTOMERS, &[("idempotency-key", key)], NAMED).await;
    if sound {
        assert_eq!(answer.status, StatusCode::CREATED);
    } else {
        assert_eq!((answer.status, answer.code()), (StatusCode::BAD_REQUEST, "invalid_idempotency_key"));
        assert!(bench.calls().is_empty());
    }
}

#[tokio::test]
async fn another_caller_path_or_key_is_another_request() {
    let bench = Bench::new();
    let mut ids = std::collections::BTreeSet::new();
    let somebody = OPERATOR.replace("ann", "bob");
    for (caller, key) in [(OPERATOR, "one"), (OPERATOR, "One"), (somebody.as_str(), "one")] {
        let request = Request::builder()
            .method("POST")
            .uri(CUSTOMERS)
            .header("idempotency-key", key)
            .extension(context(&json!({"iam": {"userArn": caller}})))
            .body(Body::from(NAMED))
            .unwrap();
        let answer = bench.send(request).await;
        assert!(!is_replay(&answer));
        ids.insert(answer.body["customer_id"].as_str().unwrap().to_owned());
    }
    assert_eq!(ids.len(), 3);
    for id in ids {
        let answer = post(&bench, &format!("{CUSTOMERS}/{id}/connections"), ASKED).await;
        assert!(!is_replay(&answer) && answer.status == StatusCode::CREATED);
    }
}

#[rstest]
#[case(CUSTOMERS)]
#[case("/v1/grants/reconcile")]
#[case("/v1/connections/con_0193b2c0000070008000000000000001/invite")]
#[case("/health")]
#[case("/nothing")]
#[tokio::test]
async fn whom_no_authorizer_let_in_claims_nothing(#[case] path: &str) {
    let bench = Bench::new();
    let answer = bench.anybody("POST", path, &KEY, NAMED).await;
    assert!(answer.status.is_client_error());
    assert!(bench.calls().is_empty());
}

#[tokio::test]
async fn other_methods_take_no_key() {
    let bench = Bench::new();
    let path = bench.connection().await;
    for (method, path, body) in [
        ("GET", path.clone(), json!({})),
        ("PUT", format!("{path}/role"), json!({"role_arn": "arn:aws:iam::222222222222:role/one"})),
        ("PATCH", path.clone(), json!({"label": "a"})),
        ("DELETE", format!("{path}/invite"), Value::Null),
        ("DELETE", path.clone(), Value::Null),
    ] {
        let answer = bench.operator_with(method, &path, &KEY, body.to_string()).await;
        assert!(answer.status.is_success(), "{method} {path}: {answer:?}");
        assert!(!bench.calls().contains(&"PutItem"), "{method} {path}");
    }
}

/// The table keeps a day what it is told to; nothing of it may outlive that.
#[tokio::test]
async fn what_is_kept_expires() {
    let bench = Bench::new();
    post(&bench, CUSTOMERS, NAMED).await;
    let kept = kept(&bench);
    assert_eq!(kept.len(), 2);
    assert_eq!(kept[0]["expires_at"], kept[1]["expires_at"]);
    let seconds = |name: &str| kept[0][name].as_n().unwrap().parse::<i64>().unwrap();
    assert_eq!(seconds("expires_at") - seconds("lease_until"), 24 * 3600 - 60);
    assert_eq!(kept[0]["sk"], text("META"));
}
