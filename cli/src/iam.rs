//! IAM, asked in the name of whoever runs the command: no API of Drawbridge's has a part in it.

mod refused;
mod role;

use std::time::Duration;

use aws_sdk_iam::Client;
use aws_sdk_iam::config::Region;
use aws_sdk_iam::config::timeout::TimeoutConfig;
use aws_sdk_iam::error::{ProvideErrorMetadata, SdkError};
use domain::{AccountId, Partition, RoleArn, RoleName};
use serde_json::Value;

use crate::caller::{Caller, Unidentified};
use crate::exit::Exit;
use crate::failure::{Failure, Result};

pub use refused::Call;
pub use role::FoundRole;

/// IAM of one account, as one identity sees it.
#[derive(Debug)]
pub struct Iam {
    pub(crate) client: Client,
    /// Who asks.
    pub(crate) own_arn: String,
    /// Their account.
    pub(crate) account: AccountId,
    /// Its partition.
    pub(crate) partition: Partition,
}

impl Iam {
    /// IAM of the account that these credentials are of.
    pub async fn of(caller: &Caller) -> Result<Self> {
        let identity = caller.identity().await.map_err(|error| match error {
            Unidentified::Unknown(failure) => failure,
            Unidentified::Refused(code) => {
                let mut failure = Failure::new(Exit::Unreachable, "AWS does not know your credentials").next(format!(
                    "`{}` shows whether they are good; check the profile and the keys, or sign in again",
                    caller.who_am_i()
                ));
                failure.code = Some(code);
                failure
            }
            Unidentified::Unreachable(why) => {
                Failure::new(Exit::Unreachable, "AWS STS cannot be reached").because(why).next(
                    "check the network, and the Region (--region before the command, AWS_REGION, or the profile's)",
                )
            }
        })?;
        let unknown =
            || Failure::unexpected(format!("AWS says that you are {:?}, which is nobody", identity.arn));
        let partition = identity.arn.split(':').nth(1).and_then(|partition| partition.parse().ok());
        Ok(Self {
            account: identity.account.parse().map_err(|_| unknown())?,
            partition: partition.ok_or_else(unknown)?,
            client: Client::from_conf(caller.iam().await?),
            own_arn: identity.arn,
        })
    }

    /// The ARN of the role of this name and no path.
    pub fn role_arn(&self, name: &RoleName) -> RoleArn {
        RoleArn::new(self.partition, self.account.clone(), name.clone())
    }

    /// A call that did not succeed, as a failure that says what mends it.
    pub fn failed<E>(&self, call: &Call<'_>, error: &SdkError<E>) -> Box<Failure>
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        refused::failed(self, call, error)
    }
}

/// Whether AWS says that there is no such thing.
/// Source: IAM API Reference, "Errors" of each action: `NoSuchEntity`.
pub fn is_absent<E: ProvideErrorMetadata>(error: &SdkError<E>) -> bool {
    error.as_service_error().and_then(ProvideErrorMetadata::code) == Some("NoSuchEntity")
}

/// Whether AWS says that there is one already.
pub fn is_present<E: ProvideErrorMetadata>(error: &SdkError<E>) -> bool {
    error.as_service_error().and_then(ProvideErrorMetadata::code) == Some("EntityAlreadyExists")
}

/// How IAM is asked in this caller's name.
pub(crate) fn configuration(
    aws: &aws_config::SdkConfig,
    region: &str,
    credentials: aws_credential_types::Credentials,
) -> aws_sdk_iam::Config {
    let times = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(5))
        .operation_timeout(Duration::from_secs(30))
        .build();
    aws_sdk_iam::config::Builder::from(aws)
        .region(Region::new(region.to_owned()))
        .credentials_provider(credentials)
        .timeout_config(times)
        .build()
}

/// A policy document as IAM gives it: URL-encoded JSON. Source: IAM API Reference, `GetRolePolicy`.
pub(crate) fn document(text: &str) -> Value {
    let text = percent_encoding::percent_decode_str(text).decode_utf8_lossy();
    serde_json::from_str(&text).unwrap_or_else(|_| Value::String(text.into_owned()))
}
