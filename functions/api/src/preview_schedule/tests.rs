use crate::change_schedule::tests::made;
use crate::test_app::Bench;
use axum::http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use rstest::rstest;
use serde_json::{Value, json};

fn times(preview: &Value) -> Vec<Timestamp> {
    let items = preview["items"].as_array().unwrap();
    items.iter().map(|item| item["utc"].as_str().unwrap().parse().unwrap()).collect()
}

/// What a rate counts from is when EventBridge got it, or will in a moment.
#[tokio::test]
async fn a_schedule_tells_its_times() {
    let bench = Bench::new();
    let (path, schedule) = made(&bench).await;
    let updated: Timestamp = schedule["updated_at"].as_str().unwrap().parse().unwrap();
    let day = SignedDuration::from_hours(24);
    for (query, count) in [("", 10), ("?count=1", 1), ("?count=100", 100)] {
        let answer = bench.operator("GET", &format!("{path}/preview{query}"), "").await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        let times = times(&answer.body);
        assert_eq!((times.len(), times[0]), (count, updated + day));
        assert!(times.is_sorted());
    }
}

#[rstest]
#[case("count=0", "invalid_count", "/count")]
#[case("count=101", "invalid_count", "/count")]
#[case("count=ten", "invalid_count", "/count")]
#[case("limit=1", "unknown_parameter", "/limit")]
#[tokio::test]
async fn a_count_that_cannot_be_is_refused(#[case] query: &str, #[case] code: &str, #[case] at: &str) {
    let bench = Bench::new();
    let (path, _) = made(&bench).await;
    let answer = bench.operator("GET", &format!("{path}/preview?{query}"), "").await;
    assert_eq!((answer.status, answer.errors()), (StatusCode::BAD_REQUEST, vec![(at, code)]));
    assert!(bench.calls().is_empty());
}

#[tokio::test]
async fn an_expression_is_tried_before_there_is_a_schedule() {
    let bench = Bench::new();
    // 2:30 is skipped on one day of 2032, and shown twice on another.
    let body = json!({"expression": "cron(30 2 * MAR ? 2032)", "timezone": "Europe/Berlin", "count": 31});
    let answer = bench.operator("POST", "/v1/schedules/preview", body.to_string()).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    let items = answer.body["items"].as_array().unwrap();
    assert_eq!(items.len(), 30);
    assert_eq!(items[26], json!({"utc": "2032-03-27T01:30:00Z", "local": "2032-03-27T02:30:00+01:00"}));
    assert_eq!(items[27], json!({"utc": "2032-03-29T00:30:00Z", "local": "2032-03-29T02:30:00+02:00"}));
    assert!(bench.calls().is_empty());
    let past = bench.operator("POST", "/v1/schedules/preview", r#"{"expression":"at(2020-01-01T00:00:00)"}"#);
    assert_eq!(past.await.body, json!({"items": []}));
}

#[tokio::test]
async fn every_wrong_field_of_a_preview_is_named() {
    let bench = Bench::new();
    let body = r#"{"expression":"cron(0 5 * * *)","timezone":"Nowhere","count":0}"#;
    let answer = bench.operator("POST", "/v1/schedules/preview", body).await;
    assert_eq!(
        answer.errors(),
        [
            ("/expression", "invalid_expression"),
            ("/timezone", "invalid_timezone"),
            ("/count", "invalid_count")
        ]
    );
}
