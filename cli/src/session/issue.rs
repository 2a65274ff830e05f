//! Credentials that the API hands out.

use serde_json::{Map, Value, json};

use super::Session;
use crate::client::Client;
use crate::failure::{Failure, Result};

/// What is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// The connection's id.
    pub connection_id: String,
    /// What they are to be good for.
    pub capabilities: Vec<String>,
    /// Where.
    pub region: Option<String>,
    /// For how many seconds.
    pub duration: Option<u32>,
    /// Why.
    pub reason: String,
}

impl Wanted {
    fn body(&self) -> Value {
        let mut body = Map::from_iter([
            ("capabilities".to_owned(), json!(self.capabilities)),
            ("reason".to_owned(), json!(self.reason)),
        ]);
        body.extend(self.region.as_ref().map(|region| ("region".to_owned(), json!(region))));
        body.extend(self.duration.map(|seconds| ("duration_seconds".to_owned(), json!(seconds))));
        Value::Object(body)
    }
}

/// Asks the API for credentials.
///
/// They are answered once. If that answer was lost, the next attempt with the same key is told so: then
/// they are asked for anew, for nobody has had the lost ones.
pub async fn issue(client: &Client, wanted: &Wanted) -> Result<Session> {
    let path = ["v1", "connections", &wanted.connection_id, "credentials"];
    let body = wanted.body();
    let answer = match client.post(&path, Some(&body)).await {
        Err(failure) if failure.code.as_deref() == Some("not_replayable") => {
            client.post(&path, Some(&body)).await?
        }
        answered => answered?,
    };
    read(&answer).ok_or_else(|| {
        Failure::unexpected("the API's answer holds no credentials")
            .next("the command and the API may be of different versions: update the older one")
    })
}

fn read(answer: &Value) -> Option<Session> {
    let text = |name: &str| answer.get(name)?.as_str().map(str::to_owned);
    let region = match answer.get("regions")?.as_array()?.as_slice() {
        [one] => one.as_str().map(str::to_owned),
        _ => None,
    };
    Some(Session {
        access_key_id: text("access_key_id")?,
        secret_access_key: text("secret_access_key")?,
        session_token: text("session_token")?,
        expires_at: text("expires_at")?.parse().ok()?,
        role_arn: text("role_arn")?,
        name: text("session_name")?,
        region,
    })
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::test_server::{Answer, TestServer};

    /// What the API answers, for one Region or several.
    pub fn answer(regions: &[&str]) -> Answer {
        let sample = Session::sample();
        let mut body = sample.to_json();
        body["regions"] = json!(regions);
        Answer::new(201, body)
    }

    fn problem(code: &str) -> Answer {
        Answer::new(409, json!({"title": "Conflict", "status": 409, "code": code, "detail": "d"}))
    }

    fn wanted() -> Wanted {
        Wanted {
            connection_id: "con_1".to_owned(),
            capabilities: vec!["ec2-power".to_owned()],
            region: Some("eu-central-1".to_owned()),
            duration: Some(1800),
            reason: "ticket 1".to_owned(),
        }
    }

    #[tokio::test]
    async fn what_was_typed_is_asked_for_and_what_is_given_is_read() {
        let server =
            TestServer::start([answer(&["eu-central-1"]), answer(&["eu-central-1", "us-east-1"])]).await;
        assert_eq!(issue(&server.client(), &wanted()).await.unwrap(), Session::sample());
        assert_eq!(server.targets(), ["POST /v1/connections/con_1/credentials"]);
        assert_eq!(
            server.bodies()[0],
            json!({"capabilities": ["ec2-power"], "reason": "ticket 1", "region": "eu-central-1", "duration_seconds": 1800})
        );
        // For several Regions, none is the one.
        let least = Wanted { region: None, duration: None, ..wanted() };
        assert_eq!(issue(&server.client(), &least).await.unwrap().region, None);
        assert_eq!(server.bodies()[1], json!({"capabilities": ["ec2-power"], "reason": "ticket 1"}));
    }

    #[tokio::test]
    async fn what_was_lost_is_asked_for_anew_once() {
        let server =
            TestServer::start([Answer::lost(), problem("not_replayable"), answer(&["eu-central-1"])]).await;
        assert_eq!(issue(&server.client(), &wanted()).await.unwrap(), Session::sample());
        let keys: Vec<_> =
            server.seen().iter().map(|seen| seen.header("idempotency-key").unwrap().to_owned()).collect();
        assert!(keys[0] == keys[1] && keys[1] != keys[2], "{keys:?}");

        let server = TestServer::start([problem("not_replayable"), problem("not_replayable")]).await;
        let failure = issue(&server.client(), &wanted()).await.unwrap_err();
        assert_eq!(failure.code.as_deref(), Some("not_replayable"));
    }

    #[tokio::test]
    async fn an_answer_without_credentials_is_none() {
        let server = TestServer::start([Answer::new(201, json!({"access_key_id": "ASIA"}))]).await;
        let failure = issue(&server.client(), &wanted()).await.unwrap_err();
        assert!(failure.to_string().contains("holds no credentials"), "{failure}");
    }
}
