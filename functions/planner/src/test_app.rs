//! The runs queue with AWS below the SDK, for tests.

#[expect(dead_code, reason = "these tests need a part of it")]
#[path = "../../operations/src/test_app/aws.rs"]
mod aws;

use std::sync::{Arc, Mutex};

use access::{Brokers, Sessions};
use aws::Aws;
use aws_lambda_events::event::sqs::{SqsEvent, SqsMessage};
use domain::connection::Change;
use domain::grant::Shard;
use domain::kind::Kind;
use domain::run::{Run, RunOrder, Scope, Terms};
use domain::sample::{created, deployment, submitted};
use domain::selection::{Selection, SelectionParts};
use domain::{Actor, Capability, CapabilitySet, Connection, ConnectionState, RunId};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use store::{JobsQueue, Projection, RunsQueue, Scheduler, Store};

use crate::App;

pub(crate) use aws::{Call, Sts, refusal};

pub(crate) const REGION: &str = "eu-central-1";

/// The queue, with one connection.
pub(crate) struct TestApp {
    pub app: App,
    aws: Arc<Mutex<Aws>>,
}

/// An accepted connection whose tables can be backed up.
pub(crate) fn able() -> Connection {
    Connection {
        state: ConnectionState::Active,
        shard: Shard::new(1),
        capabilities: CapabilitySet::new([Capability::DynamodbBackup]).unwrap(),
        regions: [REGION.parse().unwrap()].into(),
        ..submitted(&created().connection, aws::ROLE).connection
    }
}

/// A run that backs up what is selected of this connection.
pub(crate) fn run_of(connection: &Connection, select: SelectionParts) -> Run {
    let order = RunOrder {
        scope: Scope::Connections(vec![connection.id]),
        regions: None,
        select: Selection::new(select).unwrap(),
        terms: Terms {
            kind: Kind::DynamodbBackup,
            schedule_id: None,
            retention: None,
            timezone: "UTC".parse().unwrap(),
            dry_run: false,
            ec2_backup: None,
        },
    };
    let now = Timestamp::now();
    Run::begin(RunId::new(now, [1; 10]), order, None, Actor::Drawbridge, now)
}

impl TestApp {
    /// With this connection, and an account that answers like this.
    pub async fn new(
        connection: &Connection,
        answers: impl FnMut(&Call) -> (u16, Value) + Send + 'static,
    ) -> Self {
        let aws = Arc::new(Mutex::new(Aws { customer: Box::new(answers), ..Aws::default() }));
        let config = aws::config(&aws);
        let store = Store::new(&config, "table");
        let change = Change { connection: connection.clone(), ..created() };
        store.create_connection(&change, None).await.unwrap();
        let projection = Projection {
            group: "group".to_owned(),
            queue_arn: "arn:queue".to_owned(),
            dead_letters_arn: "arn:dead".to_owned(),
            role_arn: "arn:role".to_owned(),
        };
        let app = App {
            store,
            runs: RunsQueue::new(&config, "https://runs"),
            jobs: JobsQueue::new(&config, "https://jobs"),
            scheduler: Scheduler::new(&config, projection),
            sessions: Sessions::new(Brokers::new(config, deployment())),
            grace: SignedDuration::from_hours(2),
        };
        Self { app, aws }
    }

    /// From now on the customer's account answers like this.
    pub fn answer(&self, answers: impl FnMut(&Call) -> (u16, Value) + Send + 'static) {
        self.aws.lock().unwrap().customer = Box::new(answers);
    }

    /// From now on STS answers so about the customer's role.
    pub fn sts(&self, sts: Sts) {
        self.aws.lock().unwrap().sts = sts;
    }

    /// From now on the table is down after so many transactions.
    pub fn break_after(&self, transactions: usize) {
        self.aws.lock().unwrap().transactions_left = transactions;
    }

    /// Has the function take a message; returns whether it failed.
    pub async fn take(&self, message: &Value, received: u32) -> bool {
        let mut record = SqsMessage::default();
        record.message_id = Some("m".to_owned());
        record.body = Some(message.to_string());
        record.attributes.insert("ApproximateReceiveCount".to_owned(), received.to_string());
        let mut batch = SqsEvent::default();
        batch.records = vec![record];
        !crate::receive(&self.app, batch).await.batch_item_failures.is_empty()
    }

    /// The messages that were sent, and after how many seconds each is to come; what was told before is left out.
    pub fn sent(&self) -> Vec<(Value, i64)> {
        std::mem::take(&mut self.aws.lock().unwrap().sent)
    }

    /// How many events of this kind were written.
    pub fn told(&self, kind: &str) -> usize {
        self.aws.lock().unwrap().asked.iter().filter(|asked| *asked == kind).count()
    }

    /// What was asked of the customer's account; what was told before is left out.
    pub fn calls(&self) -> Vec<Call> {
        std::mem::take(&mut self.aws.lock().unwrap().calls)
    }

    /// What the latest session of the customer's role was limited to.
    pub fn policy(&self) -> Value {
        self.aws.lock().unwrap().policies.last().cloned().unwrap_or_default()["Statement"].take()
    }
}
