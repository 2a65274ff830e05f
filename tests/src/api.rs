//! The API, as one of the provider's people or systems calls it.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use crate::answer::Answer;
use crate::customer::CustomerAccount;
use crate::openapi::Description;
use crate::stack::{Stack, eventually};

/// A caller's keys.
#[derive(Clone, Deserialize)]
pub struct Keys {
    /// The access key's id.
    pub access_key_id: String,
    /// The secret of it.
    pub secret_access_key: String,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Keys({})", self.access_key_id)
    }
}

/// The API, called with one caller's keys, or with none.
#[derive(Debug, Clone)]
pub struct Api {
    stack: &'static Stack,
    keys: Option<Keys>,
    http: reqwest::Client,
}

impl Api {
    /// As the operator, who may do everything.
    #[must_use]
    pub fn operator() -> Self {
        Self::with_keys(Stack::get().operator.clone())
    }

    /// As the operator of another stack than the main one.
    #[must_use]
    pub fn operator_of(stack: &'static Stack) -> Self {
        Self { stack, keys: Some(stack.operator.clone()), ..Self::unsigned() }
    }

    /// As whoever has these keys.
    #[must_use]
    pub fn with_keys(keys: Keys) -> Self {
        Self { keys: Some(keys), ..Self::unsigned() }
    }

    /// As anyone.
    #[must_use]
    pub fn unsigned() -> Self {
        Self { stack: Stack::get(), keys: None, http: reqwest::Client::new() }
    }

    /// `GET path`.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, None).await
    }

    /// `POST path` with a JSON body.
    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(Method::POST, path, Some(body.to_string())).await
    }

    /// `PUT path` with a JSON body.
    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.send(Method::PUT, path, Some(body.to_string())).await
    }

    /// `PATCH path` with a JSON body.
    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.send(Method::PATCH, path, Some(body.to_string())).await
    }

    /// `DELETE path`.
    pub async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, None).await
    }

    /// `POST path` with a JSON body and an `Idempotency-Key`.
    pub async fn post_once(&self, path: &str, body: &Value, key: &str) -> Answer {
        let headers = [("idempotency-key", key)];
        self.send_with(Method::POST, path, Some(body.to_string()), &headers).await
    }

    /// Sends a request, and holds its answer against the API's description, unless API Gateway
    /// itself refused it.
    pub async fn send(&self, method: Method, path: &str, body: Option<String>) -> Answer {
        static DESCRIPTION: OnceCell<Description> = OnceCell::const_new();
        let answer = self.send_with(method.clone(), path, body, &[]).await;
        if answer.body.get("message").is_none() {
            let description = DESCRIPTION
                .get_or_init(|| async {
                    let unsigned = Self::unsigned();
                    Description::new(
                        unsigned.send_with(Method::GET, "/openapi.json", None, &[]).await.expect(200),
                    )
                })
                .await;
            description.check(&method, path, &answer);
        }
        answer
    }

    /// Sends a request with further headers, which are not signed.
    pub async fn send_with(
        &self,
        method: Method,
        path: &str,
        body: Option<String>,
        headers: &[(&str, &str)],
    ) -> Answer {
        self.try_send_with(method, path, body, headers).await.expect("the API answers")
    }

    /// Sends a request, and returns what it answers, if it does.
    ///
    /// # Errors
    /// When the connection ends before the answer is complete.
    pub async fn try_send_with(
        &self,
        method: Method,
        path: &str,
        body: Option<String>,
        headers: &[(&str, &str)],
    ) -> reqwest::Result<Answer> {
        let url = format!("{}{path}", self.stack.api_url);
        let body = body.unwrap_or_default();
        let mut request = self.http.request(method.clone(), &url);
        if let Some(keys) = &self.keys {
            for (name, value) in self.signature(keys, &method, &url, &body) {
                request = request.header(name, value);
            }
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if !body.is_empty() {
            request = request.header("content-type", "application/json").body(body);
        }
        let response = request.send().await?;
        let content_type = response.headers().get("content-type");
        let content_type = content_type.and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
        let status = response.status().as_u16();
        let headers = response.headers().iter();
        let headers = headers
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap_or_default().to_owned()))
            .collect();
        let text = response.text().await?;
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Ok(Answer { status, content_type, headers, body })
    }

    fn signature(&self, keys: &Keys, method: &Method, url: &str, body: &str) -> Vec<(String, String)> {
        let identity = Credentials::from_keys(&keys.access_key_id, &keys.secret_access_key, None).into();
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.stack.region)
            .name("execute-api")
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()
            .expect("every parameter is given")
            .into();
        let request = SignableRequest::new(
            method.as_str(),
            url,
            std::iter::empty(),
            SignableBody::Bytes(body.as_bytes()),
        )
        .expect("the request can be signed");
        let (instructions, _) = sign(request, &params).expect("the request can be signed").into_parts();
        instructions.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    /// A new customer's id.
    pub async fn new_customer(&self) -> String {
        let customer = self.post("/v1/customers", json!({"name": "A customer"})).await.expect(201);
        text(&customer["customer_id"])
    }

    /// A new connection of a new customer, for one capability.
    pub async fn new_connection(&self) -> Value {
        self.new_connection_for(json!({"capabilities": ["ec2-power"], "regions": ["us-east-1"]})).await
    }

    /// A new connection of a new customer, as the API shows it from then on: without its link.
    pub async fn new_connection_for(&self, request: Value) -> Value {
        self.invite_to(request).await.0
    }

    /// A new connection of a new customer, and the path of the customer's link.
    pub async fn invite_to(&self, request: Value) -> (Value, String) {
        let customer = self.new_customer().await;
        let made = self.post(&format!("/v1/customers/{customer}/connections"), request).await.expect(201);
        let path = self.path_of_link(&made);
        let mut connection = made;
        connection.as_object_mut().expect("an object").remove("invite_url");
        (connection, path)
    }

    /// The path of the customer's link that an answer holds.
    #[must_use]
    pub fn path_of_link(&self, answer: &Value) -> String {
        let url = text(&answer["invite_url"]);
        url.strip_prefix(&self.stack.api_url).expect("the link leads to the API").to_owned()
    }

    /// The documents of a connection.
    pub async fn setup(&self, connection: &Value) -> Value {
        self.get(&format!("{}/setup?format=json", path_of(connection))).await.expect(200)
    }

    /// A connection as it is now, without its checks: as answers to changes tell of it.
    pub async fn look(&self, connection: &Value) -> Value {
        let mut shown = self.get(&path_of(connection)).await.expect(200);
        let checks = shown.as_object_mut().and_then(|shown| shown.remove("checks"));
        assert!(checks.is_some_and(|checks| checks.is_array()), "{shown:#}");
        shown
    }

    /// What is known of what a connection's role may do.
    pub async fn checks(&self, connection: &Value) -> Vec<Value> {
        let shown = self.get(&path_of(connection)).await.expect(200);
        shown["checks"].as_array().cloned().expect("a list")
    }

    /// Submits a role for a connection.
    pub async fn submit(&self, connection: &Value, role_arn: &str) -> Answer {
        self.put(&format!("{}/role", path_of(connection)), json!({"role_arn": role_arn})).await
    }

    /// Asks for another look at a connection's role.
    pub async fn verify(&self, connection: &Value) -> Answer {
        self.send(Method::POST, &format!("{}/verify", path_of(connection)), None).await
    }

    /// The connection once no verification of it is running.
    pub async fn settled(&self, connection: &Value) -> Value {
        eventually("the verification ends", async || {
            Some(self.look(connection).await).filter(|now| now["verification"] == "idle")
        })
        .await
    }

    /// Submits a role, waits for the outcome, and returns the connection.
    pub async fn onboard(&self, connection: &Value, role_arn: &str) -> Value {
        let accepted = self.submit(connection, role_arn).await.expect(202);
        assert_eq!((&accepted["state"], &accepted["verification"]), (&json!("verifying"), &json!("running")));
        self.settled(connection).await
    }

    /// Makes a connection with a role that its customer makes as they should, and waits until it
    /// is active. Returns the connection and the role's ARN.
    pub async fn active_connection(&self, account: &CustomerAccount) -> (Value, String) {
        let connection = self.new_connection().await;
        let trust = self.setup(&connection).await["trust_policy"].clone();
        let role = account.make_role(&text(&connection["role_name"]), &trust).await;
        let active = self.onboard(&connection, &role).await;
        assert_eq!(active["state"], "active", "{active:#}");
        (active, role)
    }

    /// Offboards a connection, and waits until it is.
    pub async fn offboarded(&self, connection: &Value) -> Value {
        self.delete(&path_of(connection)).await.expect(202);
        eventually("the connection is offboarded", async || {
            Some(self.look(connection).await).filter(|now| now["state"] == "offboarded")
        })
        .await
    }

    /// The types of a connection's events, in order.
    pub async fn event_types(&self, connection: &Value) -> Vec<String> {
        self.events(connection).await.iter().map(|event| text(&event["type"])).collect()
    }

    /// The types of a connection's events, in order, however many there are.
    pub async fn event_types_of_all(&self, connection: &Value) -> Vec<String> {
        let first = format!("{}/events?limit=100", path_of(connection));
        let (mut types, mut path) = (Vec::new(), first.clone());
        loop {
            let list = self.get(&path).await.expect(200);
            types.extend(list["items"].as_array().into_iter().flatten().map(|event| text(&event["type"])));
            match list["next_cursor"].as_str() {
                Some(cursor) => path = format!("{first}&cursor={cursor}"),
                None => return types,
            }
        }
    }

    /// Every event of a connection.
    pub async fn events(&self, connection: &Value) -> Vec<Value> {
        let list = self.get(&format!("{}/events?limit=100", path_of(connection))).await.expect(200);
        assert_eq!(list["next_cursor"], Value::Null);
        list["items"].as_array().cloned().unwrap_or_default()
    }
}

/// The path of a connection.
#[must_use]
pub fn path_of(connection: &Value) -> String {
    format!("/v1/connections/{}", text(&connection["connection_id"]))
}

/// The text of a JSON string.
fn text(value: &Value) -> String {
    value.as_str().expect("a string").to_owned()
}
