//! Logs: JSON lines on standard output, as Lambda's logging settings ask for.

use std::str::FromStr as _;

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, fmt};

use crate::environment::Environment;

/// Crates that write whole requests and answers at finer levels: external IDs, credentials and
/// customers' data would be among them.
const TALKATIVE: [&str; 6] = ["aws_", "h2", "hyper", "lambda_", "reqwest", "rustls"];

/// Writes logs from now on, in the form and from the level that Lambda's `LoggingConfig` says.
///
/// Source: Lambda Developer Guide, "Configuring advanced logging controls for Lambda functions".
pub fn write_logs(environment: &Environment<'_>) {
    let level = environment.optional("AWS_LAMBDA_LOG_LEVEL");
    let lines = fmt::layer().with_target(false).without_time();
    let json =
        environment.optional("AWS_LAMBDA_LOG_FORMAT").is_some_and(|form| form.eq_ignore_ascii_case("json"));
    let lines = if json { lines.json().boxed() } else { lines.boxed() };
    tracing_subscriber::registry().with(lines.with_filter(filter(level.as_deref()))).init();
}

/// What is written at this level. Only Drawbridge's own crates are ever heard below `INFO`.
fn filter(level: Option<&str>) -> Targets {
    let level = level.and_then(|level| LevelFilter::from_str(level).ok()).unwrap_or(LevelFilter::INFO);
    let most = level.min(LevelFilter::INFO);
    Targets::new().with_default(level).with_targets(TALKATIVE.map(|name| (name, most)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracing::Level;

    #[test]
    fn no_level_makes_the_sdk_write_what_it_sends() {
        for level in [None, Some("TRACE"), Some("trace"), Some("DEBUG"), Some("nonsense")] {
            let filter = filter(level);
            for target in
                ["aws_smithy_runtime::client::orchestrator", "hyper_util::client", "lambda_http", "h2::codec"]
            {
                assert!(!filter.would_enable(target, &Level::DEBUG), "{level:?} {target}");
                assert!(filter.would_enable(target, &Level::WARN), "{level:?} {target}");
            }
        }
        assert!(filter(Some("DEBUG")).would_enable("onboarder::verify", &Level::DEBUG));
        assert!(!filter(None).would_enable("onboarder::verify", &Level::DEBUG));
        assert!(!filter(Some("ERROR")).would_enable("aws_config", &Level::WARN));
    }
}
