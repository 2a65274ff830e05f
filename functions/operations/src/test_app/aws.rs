//! AWS below the SDK, for tests of functions: a table that keeps what is put into it and judges the
//! conditions that are asked of it, a queue, STS and a customer's account as a test scripts them, and what
//! was asked of each, in order.

#[path = "form.rs"]
mod form;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::time::SystemTimeSource;
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use domain::backup::Backup;
use serde_json::{Value, json};

/// The role of the bench's connection.
pub(crate) const ROLE: &str = "arn:aws:iam::222222222222:role/path/customer-role";

/// What STS answers about the customer's role.
#[derive(Debug, Clone)]
pub(crate) enum Sts {
    /// Keys, which begin with `CUSTOMER`.
    Gives,
    /// A status, a code and a message.
    Refuses(u16, &'static str, &'static str),
    /// Keys, after the connection has been changed by somebody else.
    GivesLate,
}

/// One request in the customer's account.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Call {
    /// Where.
    pub region: String,
    /// What is asked for.
    pub operation: String,
    /// Its parameters; EC2's are a form, so that each is a string.
    pub body: Value,
}

/// What the customer's account answers; as EC2, XML in a string.
pub(crate) type Answers = Box<dyn FnMut(&Call) -> (u16, Value) + Send>;

/// An error as `DynamoDB` tells it. Source: `DynamoDB` Developer Guide, "Error handling with `DynamoDB`".
pub(crate) fn refusal(code: &str) -> (u16, Value) {
    let status = if code == "InternalServerError" { 500 } else { 400 };
    (status, json!({"__type": format!("com.amazonaws.dynamodb.v20120810#{code}"), "message": "no"}))
}

/// The network, and AWS at the other end of it.
#[derive(Clone)]
struct Wire(Arc<Mutex<Aws>>);

pub(crate) struct Aws {
    pub items: BTreeMap<String, Value>,
    pub sts: Sts,
    /// The types of events that were written, and sessions of the customer's role, in order.
    pub asked: Vec<String>,
    /// How many transactions go through before the table is down.
    pub transactions_left: usize,
    /// The customer's account.
    pub customer: Answers,
    /// What was asked there, in order.
    pub calls: Vec<Call>,
    /// What the sessions were limited to, in order.
    pub policies: Vec<Value>,
    /// What was sent to the queue: a message, and after how many seconds it is to come.
    pub sent: Vec<(Value, i64)>,
}

impl Default for Aws {
    fn default() -> Self {
        Self {
            items: BTreeMap::new(),
            sts: Sts::Gives,
            asked: Vec::new(),
            transactions_left: usize::MAX,
            customer: Box::new(|call| panic!("nobody answers for {call:?}")),
            calls: Vec::new(),
            policies: Vec::new(),
            sent: Vec::new(),
        }
    }
}

/// Settings whose every client ends here, and tries a call once.
pub(crate) fn config(aws: &Arc<Mutex<Aws>>) -> SdkConfig {
    let connector = SharedHttpConnector::new(Wire(Arc::clone(aws)));
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new("eu-central-1"))
        .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
            "FUNCTION", "secret", None, None, "test",
        )))
        .retry_config(RetryConfig::disabled())
        .time_source(SystemTimeSource::new())
        .http_client(http_client_fn(move |_, _| connector.clone()))
        .build()
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wire")
    }
}

impl HttpConnector for Wire {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let header = |name| request.headers().get(name).unwrap_or_default();
        let body = std::str::from_utf8(request.body().bytes().unwrap()).unwrap().to_owned();
        let mut aws = self.0.lock().unwrap();
        let signature = header("authorization").split_once("Credential=").map_or("", |(_, rest)| rest);
        let scope: Vec<&str> = signature.split(['/', ',']).take(3).collect();
        let (status, answer) = match header("x-amz-target").split_once('.') {
            None if signature.starts_with("CUSTOMER") => {
                let mut input = form::fields(&body);
                let region = scope.get(2).copied().unwrap_or_default().to_owned();
                let operation = input.remove("Action").unwrap_or_default();
                match aws.customer(Call { region, operation, body: json!(input) }) {
                    (status, Value::String(xml)) => (status, xml),
                    (status, answer) => (status, answer.to_string()),
                }
            }
            None => aws.sts(&body),
            Some((service, operation)) => {
                let input: Value = serde_json::from_str(&body).unwrap();
                let (status, answer) = match (service, scope.as_slice()) {
                    ("AmazonSQS", _) => aws.queue(&input),
                    (_, [signer, _, region]) if signer.starts_with("CUSTOMER") => {
                        let (region, operation) = ((*region).to_owned(), operation.to_owned());
                        aws.customer(Call { region, operation, body: input })
                    }
                    _ => aws.table(operation, &input),
                };
                (status, answer.to_string())
            }
        };
        let answer = HttpResponse::new(status.try_into().unwrap(), SdkBody::from(answer));
        // An answer takes a moment, in which others go on.
        HttpConnectorFuture::new(async move {
            tokio::task::yield_now().await;
            Ok(answer)
        })
    }
}

fn key(item: &Value) -> String {
    format!("{}|{}", item["pk"]["S"].as_str().unwrap(), item["sk"]["S"].as_str().unwrap())
}

/// Whether an item is as a write asks: of conditions that are joined by AND, and of those forms that the store
/// writes.
fn holds(item: Option<&Value>, write: &Value) -> bool {
    let Some(condition) = write["ConditionExpression"].as_str() else { return true };
    condition.split(" AND ").all(|part| {
        let name = |text: &str| -> String {
            write["ExpressionAttributeNames"][text].as_str().unwrap_or(text).to_owned()
        };
        let found = |text: &str| item.map(|item| item[name(text)].clone()).filter(|value| !value.is_null());
        let inside = |function: &str| part.strip_prefix(function).and_then(|rest| rest.strip_suffix(')'));
        if let Some(attribute) = inside("attribute_not_exists(") {
            return found(attribute).is_none();
        }
        if let Some(attribute) = inside("attribute_exists(") {
            return found(attribute).is_some();
        }
        let asked = |value: &str| write["ExpressionAttributeValues"][value].clone();
        let number = |value: Value| value["N"].as_str().and_then(|text| text.parse::<u64>().ok());
        if let Some((attribute, value)) = part.split_once(" <= ") {
            return found(attribute).and_then(number) <= number(asked(value));
        }
        let (attribute, value) = part.split_once(" = ").expect("the bench's table knows this condition");
        found(attribute) == Some(asked(value))
    })
}

impl Aws {
    fn customer(&mut self, call: Call) -> (u16, Value) {
        let answer = (self.customer)(&call);
        self.calls.push(call);
        answer
    }

    fn queue(&mut self, input: &Value) -> (u16, Value) {
        let message = serde_json::from_str(input["MessageBody"].as_str().unwrap()).unwrap();
        self.sent.push((message, input["DelaySeconds"].as_i64().unwrap_or(0)));
        (200, json!({"MessageId": "m"}))
    }

    fn table(&mut self, action: &str, input: &Value) -> (u16, Value) {
        match action {
            "GetItem" => match self.items.get(&key(&input["Key"])) {
                Some(item) => (200, json!({"Item": item})),
                None => (200, json!({})),
            },
            "PutItem" => {
                let (item, held) = (&input["Item"], self.items.get(&key(&input["Item"])));
                let condition = input["ConditionExpression"].as_str().unwrap_or_default();
                let refused = if item["pk"]["S"].as_str().unwrap().starts_with("IDEMPOTENCY#") {
                    // A claim, or an answer to it: what is there is told.
                    let answered = held.is_some_and(|held| held.get("answer_status").is_some());
                    (condition.starts_with("attribute_not_exists") && held.is_some()) || answered
                } else {
                    !holds(held, input)
                };
                if refused {
                    let (status, mut refusal) = refusal("ConditionalCheckFailedException");
                    refusal["Item"] = held.cloned().unwrap_or_default();
                    return (status, refusal);
                }
                self.items.insert(key(item), item.clone());
                (200, json!({}))
            }
            "DeleteItem" => {
                self.items.remove(&key(&input["Key"]));
                (200, json!({}))
            }
            "Query" => {
                let mut found = self.query(input);
                let more = input["Limit"].as_u64().and_then(|limit| usize::try_from(limit).ok());
                let more = more.is_some_and(|limit| found.len() > limit).then(|| more.unwrap_or_default());
                found.truncate(more.unwrap_or(usize::MAX));
                let last = found.last().filter(|_| more.is_some());
                let last = last.map(|item| json!({"pk": item["pk"], "sk": item["sk"]}));
                (200, json!({"Items": found, "LastEvaluatedKey": last}))
            }
            "BatchGetItem" => {
                let (table, asked) = input["RequestItems"].as_object().unwrap().iter().next().unwrap();
                let keys = asked["Keys"].as_array().unwrap().iter();
                let found: Vec<_> = keys.filter_map(|at| self.items.get(&key(at))).collect();
                (200, json!({"Responses": {table: found}}))
            }
            // A turn to ask AWS, which is free.
            "UpdateItem" if input["Key"]["pk"]["S"].as_str().unwrap().starts_with("PACE#") => {
                (200, json!({}))
            }
            "TransactWriteItems" => self.transaction(input["TransactItems"].as_array().unwrap()),
            other => panic!("the bench's table knows no {other}"),
        }
    }

    /// What stands under one hash key behind the start, of those forms that the store writes.
    fn query(&self, input: &Value) -> Vec<&Value> {
        let value = |name: &str| input["ExpressionAttributeValues"][name]["S"].as_str();
        let filter = json!({
            "ConditionExpression": input["FilterExpression"],
            "ExpressionAttributeNames": input["ExpressionAttributeNames"],
            "ExpressionAttributeValues": input["ExpressionAttributeValues"],
        });
        let start = input["ExclusiveStartKey"]["sk"]["S"].as_str();
        let mut found: Vec<&Value> = self
            .items
            .values()
            .filter(|item| match value(":pk") {
                Some(pk) => {
                    let sk = item["sk"]["S"].as_str().unwrap();
                    item["pk"]["S"] == pk
                        && sk.starts_with(value(":prefix").unwrap_or_default())
                        && value(":from").is_none_or(|from| sk >= from)
                        && value(":to").is_none_or(|to| sk <= to)
                        && start.is_none_or(|start| sk > start)
                }
                None => {
                    item[input["ExpressionAttributeNames"]["#hash"].as_str().unwrap()]["S"]
                        == value(":hash").unwrap()
                }
            })
            .filter(|item| holds(Some(item), &filter))
            .collect();
        found.sort_by_key(|item| item["sk"]["S"].as_str());
        if input["ScanIndexForward"] == false {
            found.reverse();
        }
        found
    }

    fn transaction(&mut self, writes: &[Value]) -> (u16, Value) {
        if self.transactions_left == 0 {
            return refusal("InternalServerError");
        }
        self.transactions_left -= 1;
        let mut reasons = Vec::new();
        for write in writes {
            let (kind, write) = write.as_object().unwrap().iter().next().unwrap();
            let at = if kind == "Put" { key(&write["Item"]) } else { key(&write["Key"]) };
            let met = holds(self.items.get(&at), write);
            reasons.push(json!({"Code": if met { "None" } else { "ConditionalCheckFailed" }}));
        }
        if reasons.iter().any(|reason| reason["Code"] != "None") {
            let (status, mut refusal) = refusal("TransactionCanceledException");
            refusal["CancellationReasons"] = json!(reasons);
            return (status, refusal);
        }
        for write in writes {
            let (kind, write) = write.as_object().unwrap().iter().next().unwrap();
            match kind.as_str() {
                "Put" => {
                    let item = &write["Item"];
                    if let Some(kind) = item["type"]["S"].as_str() {
                        self.asked.push(kind.to_owned());
                    }
                    self.items.insert(key(item), item.clone());
                }
                "Update" => self.update(write),
                "Delete" => {
                    self.items.remove(&key(&write["Key"]));
                }
                _ => {}
            }
        }
        (200, json!({}))
    }

    /// Sets attributes of an item that is there.
    fn update(&mut self, write: &Value) {
        let item = self.items.get_mut(&key(&write["Key"])).expect("what is changed is there");
        let sets = write["UpdateExpression"].as_str().unwrap().strip_prefix("SET ").unwrap();
        for set in sets.split(", ") {
            let (name, value) = set.split_once(" = ").unwrap();
            let name = write["ExpressionAttributeNames"][name].as_str().unwrap_or(name).to_owned();
            item[name] = write["ExpressionAttributeValues"][value].clone();
        }
    }

    fn sts(&mut self, body: &str) -> (u16, String) {
        let fields = form::fields(body);
        if fields.get("RoleArn").map(String::as_str) != Some(ROLE) {
            return (200, keys("BROKER"));
        }
        self.asked.push("AssumeRole".to_owned());
        self.policies.extend(fields.get("Policy").map(|policy| serde_json::from_str(policy).unwrap()));
        match self.sts.clone() {
            Sts::Gives => (200, keys("CUSTOMER")),
            Sts::GivesLate => {
                let held = self
                    .items
                    .iter_mut()
                    .find(|(key, _)| key.starts_with("CONNECTION#") && key.ends_with("|META"));
                held.unwrap().1["version"] = json!({"N": "99"});
                (200, keys("CUSTOMER"))
            }
            Sts::Refuses(status, code, message) => (
                status,
                format!(
                    "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>\
                     </ErrorResponse>"
                ),
            ),
        }
    }
}

fn keys(whose: &str) -> String {
    format!(
        "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>{whose}KEY</AccessKeyId>\
         <SecretAccessKey>{whose}-secret</SecretAccessKey><SessionToken>{whose}-token</SessionToken>\
         <Expiration>2999-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"
    )
}

/// Puts a backup into the ledger as it stands in the table: by Region, resource and id, and under its id what
/// leads there.
pub(crate) fn hold_backup(aws: &Mutex<Aws>, backup: &Backup) {
    let at = |pk: String, sk: String, record: Value| {
        let mut item: Value = record
            .as_object()
            .unwrap()
            .iter()
            .map(|(name, value)| (name.clone(), attribute(value)))
            .collect();
        item["pk"] = json!({"S": pk});
        item["sk"] = json!({"S": sk});
        (key(&item), item)
    };
    let Backup { id, connection_id, region, resource, .. } = backup;
    let sk = format!("BACKUP#{region}#{resource}#{id}");
    let item = at(format!("CONNECTION#{connection_id}"), sk, serde_json::to_value(backup).unwrap());
    let leads = json!({"connection_id": connection_id, "region": region, "resource": resource});
    let pointer = at(format!("BACKUP#{id}"), "META".to_owned(), leads);
    aws.lock().unwrap().items.extend([item, pointer]);
}

/// A value as an attribute of an item.
fn attribute(value: &Value) -> Value {
    match value {
        Value::Null => json!({"NULL": true}),
        Value::Bool(truth) => json!({"BOOL": truth}),
        Value::Number(number) => json!({"N": number.to_string()}),
        Value::String(text) => json!({"S": text}),
        Value::Array(values) => json!({"L": values.iter().map(attribute).collect::<Vec<_>>()}),
        Value::Object(map) => {
            let map: serde_json::Map<_, _> =
                map.iter().map(|(name, value)| (name.clone(), attribute(value))).collect();
            json!({"M": map})
        }
    }
}
