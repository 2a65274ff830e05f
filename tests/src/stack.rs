//! The stack that is tested, as `stack.json` describes it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use aws_config::BehaviorVersion;
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_types::SdkConfig;
use aws_types::region::Region;
use serde::Deserialize;

use crate::api::Keys;

/// The name of the main stack.
const MAIN: &str = "";

/// A deployed stack.
#[derive(Debug, Clone, Deserialize)]
pub struct Stack {
    /// Where its AWS answers.
    pub endpoint_url: String,
    /// Where its API answers.
    pub api_url: String,
    /// Its Region.
    pub region: String,
    /// The account it is in.
    pub provider_account_id: String,
    /// An IAM user that may call the whole API.
    pub operator: Keys,
    /// The state table.
    pub table_name: String,
    /// The onboarding queue.
    pub onboarding_queue_url: String,
    /// Where messages end that failed too often.
    pub dlq_url: String,
    /// The queue of what is done in customers' accounts.
    pub jobs_queue_url: String,
    /// The queue of what is to be run.
    pub runs_queue_url: String,
    /// Its dead letters.
    pub runs_dlq_url: String,
    /// The group of customers' schedules in EventBridge.
    pub schedule_group: String,
    /// Where messages about work in customers' accounts end that failed too often.
    pub jobs_dlq_url: String,
    /// The first broker.
    pub broker_role_arn: String,
    /// Its permissions boundary.
    pub broker_boundary_arn: String,
    /// Managed policies for people.
    pub policies: Policies,
    /// Where its functions' logs are.
    pub log_dir: PathBuf,
    /// Where moto answers, another local AWS beside it, if it was started with `--moto`.
    #[serde(default)]
    pub moto_url: Option<String>,
}

/// The managed policies for people, by ARN.
#[derive(Debug, Clone, Deserialize)]
pub struct Policies {
    /// Reads.
    pub viewer: String,
    /// Reads and writes.
    pub operator: String,
    /// Everything.
    pub admin: String,
}

impl Stack {
    /// The stack that `DRAWBRIDGE_STACK` names.
    #[must_use]
    pub fn get() -> &'static Self {
        Self::all()
            .get(MAIN)
            .expect("DRAWBRIDGE_STACK names the stack.json of a deployed stack; `make test` sets it")
    }

    /// The stack that `DRAWBRIDGE_STACK_<NAME>` names, deployed beside the main one with other
    /// parameters.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn named(name: &str) -> &'static Self {
        Self::all().get(name).unwrap_or_else(|| {
            panic!("DRAWBRIDGE_STACK_{} names no stack; `make test` sets it", name.to_uppercase())
        })
    }

    /// Every stack of this run, by name; the main one's is empty.
    #[must_use]
    pub fn all() -> &'static BTreeMap<String, Self> {
        static STACKS: LazyLock<BTreeMap<String, Stack>> = LazyLock::new(|| {
            let named = std::env::vars().filter_map(|(variable, path)| {
                let name = variable.strip_prefix("DRAWBRIDGE_STACK")?;
                let name = name.strip_prefix('_').or_else(|| name.is_empty().then_some(MAIN))?;
                let text = std::fs::read_to_string(&path)
                    .unwrap_or_else(|error| panic!("{path}, which {variable} names: {error}"));
                let stack = serde_json::from_str(&text).expect("stack.json describes a stack");
                Some((name.to_lowercase(), stack))
            });
            named.collect()
        });
        &STACKS
    }

    /// What a function has written into its log so far: one record a line.
    ///
    /// # Panics
    /// When it has no log.
    #[must_use]
    pub fn logged(&self, function: &str) -> Vec<serde_json::Value> {
        let entries = std::fs::read_dir(&self.log_dir).expect("the logs can be listed");
        let paths = entries.map(|entry| entry.expect("a log").path());
        let logs: Vec<_> = paths.filter(|path| path.to_string_lossy().contains(function)).collect();
        assert!(!logs.is_empty(), "{function} has no log in {}", self.log_dir.display());
        let texts = logs.iter().map(|path| std::fs::read(path).expect("the log can be read"));
        let texts: String = texts.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).collect();
        texts.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// AWS settings for callers with these keys.
    #[must_use]
    pub fn aws(&self, credentials: Credentials) -> SdkConfig {
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .endpoint_url(&self.endpoint_url)
            .region(Region::new(self.region.clone()))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .build()
    }

    /// AWS settings for the root user of an account. Local AWS takes an account's id as its root's
    /// access key. It does not bind the root by trust policies, so refusals are never tested with
    /// it.
    #[must_use]
    pub fn aws_as_root(&self, account: &str) -> SdkConfig {
        self.aws(Credentials::from_keys(account, "root", None))
    }
}

/// Waits until `look` finds something.
///
/// # Panics
/// When it has found nothing for a minute, with `what` was waited for.
pub async fn eventually<T>(what: &str, look: impl AsyncFnMut() -> Option<T>) -> T {
    eventually_within(Duration::from_mins(1), what, look).await
}

/// Waits until `look` finds something, for so long at most.
///
/// # Panics
/// When it has found nothing by then, with `what` was waited for.
pub async fn eventually_within<T>(
    patience: Duration,
    what: &str,
    mut look: impl AsyncFnMut() -> Option<T>,
) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(begun.elapsed() < patience, "waited for {patience:?}: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
