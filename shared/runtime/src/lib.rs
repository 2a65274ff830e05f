//! What every function of Drawbridge's does at start: read its configuration, set up AWS, and
//! bring in what the rules may not have of their own, time and randomness.

mod aws;
mod environment;
mod failure;
mod logs;
mod world;

pub use aws::aws_config;
pub use aws_config::SdkConfig;
pub use environment::{Environment, EnvironmentError};
pub use failure::{service_code, unexpected_failure};
pub use logs::write_logs;
pub use world::{now, random};
