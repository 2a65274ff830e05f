//! The jobs queue with AWS below the SDK, for tests.

#[expect(dead_code, reason = "these tests need a part of it")]
#[path = "../../operations/src/test_app/aws.rs"]
mod aws;

use std::sync::{Arc, Mutex};

use access::{Brokers, Sessions};
use aws::Aws;
use aws_lambda_events::event::sqs::{SqsEvent, SqsMessage};
use domain::connection::Change;
use domain::grant::Shard;
use domain::sample::{created, deployment, submitted};
use domain::{Connection, ConnectionState};
use serde_json::Value;
use store::{JobsQueue, Store};

use crate::App;

pub(crate) use aws::{Call, Sts, refusal};

/// The queue, with one connection.
pub(crate) struct TestApp {
    pub app: App,
    aws: Arc<Mutex<Aws>>,
}

/// An accepted connection.
pub(crate) fn active() -> Connection {
    Connection {
        state: ConnectionState::Active,
        shard: Shard::new(1),
        ..submitted(&created().connection, aws::ROLE).connection
    }
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
        aws.lock().unwrap().asked.clear();
        let queue = JobsQueue::new(&config, "https://queue");
        let sessions = Sessions::new(Brokers::new(config, deployment()));
        Self { app: App { store, queue, sessions }, aws }
    }

    /// Puts a backup into the ledger.
    pub fn hold(&self, backup: &domain::backup::Backup) {
        aws::hold_backup(&self.aws, backup);
    }

    /// From now on the customer's account answers like this.
    pub fn answer(&self, answers: impl FnMut(&Call) -> (u16, Value) + Send + 'static) {
        self.aws.lock().unwrap().customer = Box::new(answers);
    }

    /// From now on STS answers so about the customer's role.
    pub fn sts(&self, sts: Sts) {
        self.aws.lock().unwrap().sts = sts;
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

    /// What was sent to the queue, and after how many seconds it is to come; what was told before is left out.
    pub fn sent(&self) -> Vec<(Value, i64)> {
        std::mem::take(&mut self.aws.lock().unwrap().sent)
    }

    /// What was asked of the customer's account, as Region and action; what was told before is left out.
    pub fn calls(&self) -> Vec<Call> {
        std::mem::take(&mut self.aws.lock().unwrap().calls)
    }

    /// What the latest session of the customer's role was limited to.
    pub fn policy(&self) -> Value {
        self.aws.lock().unwrap().policies.last().cloned().unwrap_or_default()["Statement"].take()
    }

    /// The types of the events that were written, in order.
    pub fn events(&self) -> Vec<String> {
        let asked = self.aws.lock().unwrap().asked.clone();
        asked.into_iter().filter(|one| one != "AssumeRole").collect()
    }
}
