//! One row: the calls of one run of a workflow, as `infra/local/faults.py` sees and breaks them.

use std::collections::BTreeSet;
use std::fmt;

use blackbox::Stack;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// How a call fails, through every try of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Fault {
    /// The service throttles.
    Throttling,
    /// The service answers that it failed.
    InternalError,
    /// The service answers that it is out.
    Unavailable,
    /// The connection ends without an answer, and nothing was done.
    Reset,
    /// It is done, and the answer never comes.
    TimeoutAfter,
    /// It is done, and the function's process ends before the answer comes.
    KilledAfter,
}

impl Fault {
    /// One of each sort: it is refused, it is done and nobody knows, it is done and the process ends. What a
    /// workflow of many calls makes of them it makes of the others, which the SDK tells apart no further.
    pub const SORTS: [Self; 3] = [Self::Throttling, Self::TimeoutAfter, Self::KilledAfter];

    /// What a workflow of very many calls must bear: AWS refuses, and a process ends.
    pub const FEW: [Self; 2] = [Self::Throttling, Self::KilledAfter];

    pub const ALL: [Self; 6] = [
        Self::Throttling,
        Self::InternalError,
        Self::Unavailable,
        Self::Reset,
        Self::TimeoutAfter,
        Self::KilledAfter,
    ];
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = serde_json::to_value(self).map_err(|_| fmt::Error)?;
        f.write_str(name.as_str().unwrap_or_default())
    }
}

/// A call of a row: what it is in words, and its number among the row's equal ones.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Call {
    pub signature: String,
    pub ordinal: u32,
}

impl Call {
    /// Whether another of its kind comes before it in its row.
    pub const fn is_repeated(&self) -> bool {
        self.ordinal > 1
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} #{}", self.signature, self.ordinal)
    }
}

/// What has happened in a row.
#[derive(Debug, Deserialize)]
pub(crate) struct Report {
    /// Its calls in the order in which they began.
    pub calls: Vec<Call>,
    /// Tries that failed as they were told to.
    pub hits: u32,
    /// Messages that were sent or taken and not yet taken to the end.
    pub pending: u32,
}

/// A row that is being run.
pub(crate) struct Row {
    /// Unique, and to be found in everything that belongs to the row.
    pub token: String,
    url: String,
    http: reqwest::Client,
}

impl Row {
    /// A row that nothing belongs to yet. `cold` lets each of its invocations find a new process.
    pub async fn begin(stack: &Stack, broken: Option<&(Call, Fault)>, cold: bool) -> Self {
        let token = format!("row-{}", uuid::Uuid::new_v4().simple());
        let url = format!("{}/_drawbridge/rows/{token}", stack.endpoint_url);
        // A connection of its own each time: one that is kept may be closed at the moment in which it is used again.
        let http = reqwest::Client::builder().pool_max_idle_per_host(0).build().expect("a client");
        let row = Self { token, url, http };
        let rule = broken.map(
            |(call, fault)| json!({"signature": call.signature, "ordinal": call.ordinal, "fault": fault}),
        );
        row.put(&json!({"rule": rule, "cold": cold})).await;
        row
    }

    /// What has one of these in its event belongs to the row.
    pub async fn own(&self, strings: &[&str]) {
        self.put(&json!({"strings": strings})).await;
    }

    pub async fn report(&self) -> Report {
        let answer = self.http.get(&self.url).send().await.expect("the local AWS answers");
        answer.json().await.expect("a row's report")
    }

    /// Ends the row. What is called from now on is nobody's and goes through.
    pub async fn end(self) -> Report {
        let answer = self.http.delete(&self.url).send().await.expect("the local AWS answers");
        answer.json().await.expect("a row's report")
    }

    async fn put(&self, body: &serde_json::Value) {
        let answer = self.http.put(&self.url).json(body).send().await.expect("the local AWS answers");
        assert_eq!(answer.status(), 200, "is the stack one whose calls can be broken?");
    }
}

/// The calls that every one of these runs made, and those that only some made.
pub(crate) fn constant_and_occasional(runs: &[Report]) -> (BTreeSet<Call>, BTreeSet<Call>) {
    let sets: Vec<BTreeSet<Call>> = runs.iter().map(|run| run.calls.iter().cloned().collect()).collect();
    let all: BTreeSet<Call> = sets.iter().flatten().cloned().collect();
    all.into_iter().partition(|call| sets.iter().all(|set| set.contains(call)))
}
