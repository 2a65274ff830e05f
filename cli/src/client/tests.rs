use serde_json::json;

use super::*;
use crate::test_server::{Answer, TestServer};

fn down() -> Answer {
    Answer::new(503, json!({"title": "Service Unavailable", "code": "dependency_unavailable"}))
}

#[tokio::test]
async fn a_get_is_tried_again_and_signed_each_time() {
    let server = TestServer::start([down(), Answer::new(502, json!({})), Answer::ok(json!({"a": 1}))]).await;
    let answer = server.client().get(&["v1", "connections", "a b"], &[]).await.unwrap();
    assert_eq!(answer, json!({"a": 1}));
    assert_eq!(server.targets(), ["GET /v1/connections/a%20b"; 3]);
    assert!(server.seen().iter().all(|request| request.header("authorization").is_some()));
}

#[tokio::test]
async fn retries_end_with_the_last_refusal() {
    let server = TestServer::start((0..7).map(|_| down().header("retry-after: 0"))).await;
    let failure = server.client().get(&["v1", "x"], &[]).await.unwrap_err();
    assert_eq!(failure.code.as_deref(), Some("dependency_unavailable"));
    assert_eq!(server.seen().len(), 5);
}

#[tokio::test]
async fn a_long_wait_is_left_to_the_caller() {
    let server = TestServer::start([down().header("retry-after: 60")]).await;
    let failure = server.client().get(&["v1", "x"], &[]).await.unwrap_err();
    assert_eq!(failure.next.as_deref(), Some("try again in 60 seconds"));
}

#[tokio::test]
async fn a_post_is_repeated_under_one_key() {
    let busy = Answer::new(409, json!({"title": "Conflict", "code": "request_in_progress"}));
    let script = [
        Answer::new(429, json!({"message": "Too Many Requests"})),
        down().header("retry-after: 0"),
        Answer::lost(),
        busy,
        Answer::new(201, json!({"a": 1})),
        Answer::new(201, json!({"a": 2})),
    ];
    let server = TestServer::start(script).await;
    let client = server.client();
    let body = json!({"name": "Acme"});
    assert_eq!(client.post(&["v1", "customers"], Some(&body)).await.unwrap(), json!({"a": 1}));
    client.post(&["v1", "customers"], Some(&body)).await.unwrap();
    let keys: Vec<_> =
        server.seen().iter().map(|request| request.header("idempotency-key").unwrap().to_owned()).collect();
    assert_eq!(keys[..5], [(); 5].map(|()| keys[0].clone()));
    assert_ne!(keys[5], keys[0]);
    assert!(keys[0].len() == 32 && keys[0].bytes().all(|b| b.is_ascii_hexdigit()), "{}", keys[0]);
    assert_eq!(server.bodies(), [(); 6].map(|()| body.clone()));
}

#[tokio::test]
async fn what_met_another_change_is_repeated_and_what_finds_no_room_is_not() {
    let met = Answer::new(409, json!({"title": "Conflict", "code": "concurrent_change"}));
    let full = Answer::new(503, json!({"title": "Service Unavailable", "code": "grant_capacity_exhausted"}));
    let server = TestServer::start([met, full.header("retry-after: 5")]).await;
    let path = ["v1", "connections", "con_1", "verify"];
    let failure = server.client().post(&path, None).await.unwrap_err();
    assert!(failure.next.unwrap().contains("BrokerCount"));
    assert_eq!(server.seen().len(), 2);
}

#[tokio::test]
async fn who_gives_up_on_a_change_says_that_it_may_have_taken_effect() {
    let server = TestServer::start((0..6).map(|_| Answer::lost())).await;
    let failure = server.client().post(&["v1", "customers"], Some(&json!({}))).await.unwrap_err();
    assert_eq!((failure.exit, server.seen().len()), (Exit::Unreachable, 5));
    assert_eq!(failure.next.as_deref(), Some(LOOK_FIRST));

    // Neither reading nor what was throttled has an effect.
    let server = TestServer::start((0..6).map(|_| Answer::lost())).await;
    let failure = server.client().get(&["v1", "customers"], &[]).await.unwrap_err();
    assert_eq!(failure.next.as_deref(), Some("try again"));
    let throttled = || Answer::new(429, json!({"message": "Too Many Requests"}));
    let server = TestServer::start((0..6).map(|_| throttled())).await;
    let failure = server.client().post(&["v1", "customers"], None).await.unwrap_err();
    assert_eq!(failure.next.as_deref(), Some("try again in a minute"));
    let unseen = Answer::new(503, json!({"title": "Service Unavailable", "code": "account_unavailable"}));
    let server = TestServer::start([unseen.header("retry-after: 60")]).await;
    let failure = server.client().post(&["v1", "plans", "pln_1", "apply"], None).await.unwrap_err();
    let next = "nothing was changed in the customer's account: try again in 60 seconds";
    assert_eq!(failure.next.as_deref(), Some(next));
}

#[tokio::test]
async fn what_is_said_again_in_full_is_repeated_without_a_key() {
    let server = TestServer::start([Answer::lost(), Answer::ok(json!({})), down(), Answer::nothing()]).await;
    let client = server.client();
    client.put(&["v1", "x"], &json!({"role_arn": "a"})).await.unwrap();
    client.delete(&["v1", "connections", "con_1", "invite"]).await.unwrap();
    assert_eq!(
        server.targets(),
        [
            "PUT /v1/x",
            "PUT /v1/x",
            "DELETE /v1/connections/con_1/invite",
            "DELETE /v1/connections/con_1/invite",
        ]
    );
    assert!(server.seen().iter().all(|request| request.header("idempotency-key").is_none()));
}

fn stale() -> Answer {
    Answer::new(412, json!({"title": "Precondition Failed", "code": "version_mismatch"}))
}

#[tokio::test]
async fn a_change_names_its_version_each_time() {
    let server = TestServer::start([down(), Answer::new(202, json!({"version": 8}))]).await;
    let path = ["v1", "connections", "con_1"];
    let made = server.client().patch_version(&path, &json!({"label": null}), 7).await.unwrap();
    assert!(matches!(made, Conditional::Made(answer) if answer["version"] == 8));
    assert!(server.seen().iter().all(|request| request.header("if-match") == Some("\"7\"")));
}

#[tokio::test]
async fn another_version_is_in_doubt_only_after_a_lost_answer() {
    let path = ["v1", "connections", "con_1"];
    let server = TestServer::start([stale()]).await;
    let failure = server.client().delete_version(&path, 7).await.unwrap_err();
    assert!(failure.next.unwrap().contains("connections show con_1"));

    // A throttled attempt had no effect either.
    let throttled = Answer::new(429, json!({"message": "Too Many Requests"}));
    let server = TestServer::start([throttled, stale()]).await;
    server.client().delete_version(&path, 7).await.unwrap_err();

    let server = TestServer::start([Answer::lost(), stale()]).await;
    let outcome = server.client().delete_version(&path, 7).await.unwrap();
    assert!(matches!(outcome, Conditional::Unknown(_)), "{outcome:?}");
}

#[tokio::test]
async fn a_refusal_is_not_tried_again() {
    let server =
        TestServer::start([Answer::new(404, json!({"code": "not_found", "title": "Not Found"}))]).await;
    let failure = server.client().get(&["v1", "customers", "cus_1"], &[]).await.unwrap_err();
    assert_eq!(failure.exit, Exit::Refused);
    assert!(failure.next.unwrap().contains("customers list"));
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn nobody_there_ends_with_3() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let credentials = aws_credential_types::Credentials::for_tests();
    let client = Client::for_test(&url, Caller::fixed(credentials, "eu-central-1"));
    for failure in
        [client.get(&["v1", "x"], &[]).await.unwrap_err(), client.post(&["v1", "x"], None).await.unwrap_err()]
    {
        assert_eq!(failure.exit, Exit::Unreachable);
        assert!(failure.to_string().contains(&format!("cannot reach the API at {url}")), "{failure}");
    }
}

#[tokio::test]
async fn an_answer_that_is_no_json_is_not_the_api() {
    let server = TestServer::start([Answer::ok(json!("x")).cut()]).await;
    let failure = server.client().get(&["v1", "x"], &[]).await.unwrap_err();
    assert!(failure.what.contains("is not Drawbridge's"), "{failure}");
}
