//! Whoever uses Drawbridge, and asks again when no answer or a 5xx comes.

use std::time::{Duration, Instant};

use blackbox::{Answer, Api};
use reqwest::Method;
use serde_json::Value;

/// How long a user tries: longer than the claim that a request has on its key when its function's
/// process ends.
const PATIENCE: Duration = Duration::from_mins(4);
const PAUSE: Duration = Duration::from_millis(300);

/// An operator with patience.
pub(crate) struct User {
    pub api: Api,
}

impl User {
    pub fn new(api: Api) -> Self {
        Self { api }
    }

    /// What stands there. A function's process may end under a request that has nothing to do with the row
    /// that it ends for.
    pub async fn read(&self, path: &str) -> Value {
        self.ask(Method::GET, path, None).await.0.expect(200)
    }

    /// Sends a request until it is answered by something else than a 5xx or that its first try is
    /// still being carried out: the same one each time, with the same `Idempotency-Key`. Returns the
    /// answer, and how often the request was sent.
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
                Ok(answer) if !passes(&answer) => return (answer, sent),
                _ => assert!(begun.elapsed() < PATIENCE, "{method} {path} fails again and again: {answer:?}"),
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// Whether the same request may be answered otherwise in a moment.
fn passes(answer: &Answer) -> bool {
    answer.status >= 500 || answer.problem() == (409, "request_in_progress")
}
