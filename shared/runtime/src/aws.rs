//! The settings that every AWS client shares.

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};

/// Tries of one call, the first included.
const ATTEMPTS: u32 = 4;
/// How long one try may take: long for an API call within a Region, short beside a function's
/// time-out.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long one call may take with all its tries: several fit the time that an API request has.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(8);
/// How long a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// Settings from the function's environment, with standard retries and bounded waiting.
pub async fn aws_config() -> SdkConfig {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .operation_timeout(OPERATION_TIMEOUT);
    aws_config::defaults(BehaviorVersion::v2026_01_12())
        .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
        .timeout_config(timeouts.build())
        .load()
        .await
}
