//! What the log says of requests: enough to find one, and nothing that lets anybody in.

use std::io;
use std::sync::{Arc, Mutex, Once};

use crate::test_app::{Bench, MARKER, REQUEST_ID};
use axum::http::StatusCode;
use serde_json::Value;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;

const ROLE: &str = r#"{"role_arn":"arn:aws:iam::222222222222:role/one"}"#;

/// What this thread logs, as CloudWatch would have it.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn listen(&self) -> DefaultGuard {
        // What no thread hears would be switched off where it is logged, for all of them: somebody
        // always hears everything.
        static ALWAYS: Once = Once::new();
        ALWAYS.call_once(|| {
            let hears_all =
                tracing_subscriber::fmt().with_max_level(LevelFilter::TRACE).with_writer(io::sink);
            let _ = tracing::subscriber::set_global_default(hears_all.finish());
        });
        let log = self.clone();
        let lines = tracing_subscriber::fmt::layer().json().with_writer(move || log.clone());
        // Ours at every level, and others' as the product hears them.
        let heard = Targets::new()
            .with_default(LevelFilter::INFO)
            .with_targets(["api", "domain", "runtime", "store"].map(|name| (name, LevelFilter::TRACE)));
        let subscriber = tracing_subscriber::registry().with(lines.with_filter(heard));
        tracing::subscriber::set_default(subscriber)
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    /// The fields of the lines with this message.
    fn lines(&self, message: &str) -> Vec<Value> {
        let text = self.text();
        let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        lines.map(|line| line["fields"].clone()).filter(|fields| fields["message"] == message).collect()
    }
}

#[tokio::test]
async fn a_request_is_told_by_its_route_and_never_by_its_path() {
    let bench = Bench::new();
    let (path, link) = bench.invited().await;
    let secret = link.rsplit('/').next().unwrap();
    let unknown = "A".repeat(43);
    let log = Log::default();
    let listening = log.listen();
    let mut expected = Vec::new();
    for (method, action, route, body) in [
        ("GET", "/status", "/onboard/{invite}/status", ""),
        ("PUT", "/role", "/onboard/{invite}/role", ROLE),
        ("PUT", "/role", "/onboard/{invite}/role", "{}"),
        ("POST", "/verify", "/onboard/{invite}/verify", ""),
        ("DELETE", "/verify", "/onboard/{invite}/verify", ""),
        ("GET", "/nothing", "none", ""),
    ] {
        for secret in [secret, unknown.as_str()] {
            for headers in [&[][..], &[("idempotency-key", "one")]] {
                let path = format!("/onboard/{secret}{action}");
                let answer = bench.anybody(method, &path, headers, body).await;
                let code = answer.body["code"].as_str().unwrap_or("none").to_owned();
                expected.push((method.to_owned(), route.to_owned(), answer.status.as_u16(), code));
            }
        }
    }
    // And once more with a link that has ended, and with a table that fails.
    bench.operator("DELETE", &format!("{path}/invite"), "").await;
    bench.anybody("GET", &format!("{link}/status"), &[], "").await;
    bench.fail("GetItem", "AccessDeniedException");
    bench.anybody("GET", &format!("{link}/status"), &[], "").await;
    drop(listening);

    let told = log.lines("answered");
    let of = |fields: &Value| {
        assert_eq!(fields["request_id"], REQUEST_ID);
        let word = |name: &str| fields[name].as_str().unwrap().to_owned();
        let status = u16::try_from(fields["status"].as_u64().unwrap()).unwrap();
        (word("method"), word("route"), status, word("code"))
    };
    assert_eq!(told[..expected.len()].iter().map(of).collect::<Vec<_>>(), expected);
    let rest: Vec<_> = told[expected.len()..].iter().map(of).map(|(_, _, status, _)| status).collect();
    assert_eq!(rest, [204, 410, 500]);
    for secret in [secret, unknown.as_str()] {
        assert!(!log.text().contains(secret));
    }
}

#[tokio::test]
async fn no_line_holds_a_secret_of_a_new_connection() {
    let bench = Bench::new();
    let log = Log::default();
    let listening = log.listen();
    let (path, link) = bench.invited().await;
    let shown = bench.operator("GET", &path, "").await;
    bench.operator("GET", &format!("{path}/setup"), "").await;
    bench.operator_with("POST", &format!("{path}/invite"), &[("idempotency-key", "one")], "").await;
    bench.operator("DELETE", &path, "").await;
    drop(listening);
    let text = log.text();
    assert_eq!(log.lines("answered").len(), 6, "{text}");
    assert!(!text.contains(link.rsplit('/').next().unwrap()));
    assert!(!text.contains(shown.body["external_id"].as_str().unwrap()));
    assert!(!text.contains(path.rsplit('/').next().unwrap()), "ids are for those who write them on purpose");
}

#[tokio::test]
async fn what_failed_is_told_in_the_log_alone() {
    let bench = Bench::new();
    let path = bench.connection().await;
    bench.fail("GetItem", "AccessDeniedException");
    let log = Log::default();
    let listening = log.listen();
    let answer = bench.operator("GET", &path, "").await;
    drop(listening);
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    let failed = log.lines("the request failed");
    assert_eq!(failed.len(), 1, "once, though two layers answer refusals");
    assert_eq!(failed[0]["request_id"], REQUEST_ID);
    let cause = failed[0]["cause"].as_str().unwrap();
    assert!(cause.contains("GetItem: AccessDeniedException") && cause.contains(MARKER), "{cause}");
    assert!(!answer.body.to_string().contains(MARKER));
}

/// An alarm of the template counts these lines.
#[tokio::test]
async fn want_of_room_raises_the_alarm() {
    let bench = Bench::new();
    let path = bench.connection().await;
    let full = (1..=10).map(|shard| (format!("shard_{shard}"), "6144".to_owned()));
    let key =
        [("pk", "GRANTS"), ("sk", "USE")].map(|(name, key)| (name.to_owned(), crate::test_app::text(key)));
    let full = full.map(|(name, used)| (name, aws_sdk_dynamodb::types::AttributeValue::N(used)));
    bench.hold(key.into_iter().chain(full).collect());
    let log = Log::default();
    let listening = log.listen();
    let answer = bench.operator("PUT", &format!("{path}/role"), ROLE).await;
    drop(listening);
    assert_eq!(answer.code(), "grant_capacity_exhausted");
    let told = log.lines("a role was refused for want of room");
    assert_eq!((told.len(), &told[0]["alarm"]), (1, &Value::from("grant_capacity_exhausted")));
    assert_eq!(format!("/v1/connections/{}", told[0]["connection_id"].as_str().unwrap()), path);
}
