//! Whoever uses Drawbridge, and asks again when no answer or a 5xx comes.

use std::time::{Duration, Instant};

use blackbox::{Answer, Api};
use reqwest::Method;
use serde_json::Value;
use tokio::sync::OnceCell;

/// How long a user tries.
const PATIENCE: Duration = Duration::from_mins(3);
const PAUSE: Duration = Duration::from_millis(300);

/// An operator with patience.
pub(crate) struct User {
    pub api: Api,
    takes_keys: OnceCell<bool>,
}

impl User {
    pub fn new(api: Api) -> Self {
        Self { api, takes_keys: OnceCell::new() }
    }

    /// Whether the API says that it takes an `Idempotency-Key`, so that what is asked twice is made
    /// once.
    pub async fn takes_idempotency_keys(&self) -> bool {
        let described = async || {
            let description = self.api.get("/openapi.json").await.expect(200);
            description.to_string().to_lowercase().contains("idempotency-key")
        };
        *self.takes_keys.get_or_init(described).await
    }

    /// Sends a request until it is answered by something else than a 5xx: the same one each time,
    /// with the same `Idempotency-Key`. Returns the answer, and how often the request was sent.
    pub async fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> (Answer, u32) {
        let key = uuid::Uuid::new_v4().to_string();
        let headers = [("idempotency-key", key.as_str())];
        let begun = Instant::now();
        let mut sent = 0;
        loop {
            sent += 1;
            let body = body.map(Value::to_string);
            let answer = self.api.try_send_with(method.clone(), path, body, &headers).await;
            match answer {
                // A crashed request's claim on its key is waited for.
                Ok(answer) if answer.problem() == (409, "request_in_progress") => {
                    assert!(begun.elapsed() < PATIENCE, "{method} {path} is never carried out");
                }
                Ok(answer) if answer.status < 500 => return (answer, sent),
                _ => assert!(begun.elapsed() < PATIENCE, "{method} {path} fails again and again: {answer:?}"),
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}
