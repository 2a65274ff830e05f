//! Publishing grants: the managed policy that makes a shard of the table true in IAM.

use std::collections::BTreeSet;

use aws_config::SdkConfig;
use aws_sdk_iam::Client;
use domain::grant::{self, Shard};
use domain::policy::{self, PolicyDocument};
use domain::{Deployment, Error, ErrorKind, RoleArn};

use crate::failure::{code, unexpected};

/// How often a policy is written again after IAM's limit on versions or somebody else's write at
/// the same time stood in the way.
const ATTEMPTS: usize = 6;

/// How a grant's policy in IAM compares with what it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compared {
    /// There is none.
    Missing,
    /// It names exactly its roles.
    Same,
    /// It names others, or says something else.
    Differs,
}

/// AWS's quotas forbid what Drawbridge's own count of its grants allows.
fn quota_exceeded(cause: &Error) -> Error {
    Error {
        source: Some(cause.chain().into()),
        ..Error::new(
            ErrorKind::Unavailable,
            "grant_quota_exceeded",
            "AWS's quota of managed policies (of the account, or attached to a broker) is used up; detach what \
             is not Drawbridge's from the brokers, lower GrantsPerBroker to the quota, or have it raised",
        )
    }
}

/// The managed policies that say which roles a broker may assume.
#[derive(Debug, Clone)]
pub struct Grants {
    iam: Client,
    deployment: Deployment,
}

impl Grants {
    /// The grants of this installation.
    #[must_use]
    pub fn new(aws: &SdkConfig, deployment: Deployment) -> Self {
        Self { iam: Client::new(aws), deployment }
    }

    /// Makes the policy of `shard` name exactly `roles`, and attaches it to its broker; without
    /// roles, detaches and deletes it, since a statement needs a resource. Doing it twice does no
    /// harm. Two at once may leave the older one's roles, so callers take turns by the table.
    ///
    /// # Errors
    /// When IAM does not answer or refuses; `unavailable` where the same call may go through later,
    /// and 503 `grant_quota_exceeded` where AWS's quotas forbid another policy or attachment.
    pub async fn publish(&self, shard: Shard, roles: &BTreeSet<RoleArn>) -> Result<(), Error> {
        match policy::grant_policy(roles) {
            Some(document) => {
                self.write(shard, &document).await?;
                self.attach(shard).await
            }
            None => self.remove(shard).await,
        }
    }

    /// Detaches the policy of `shard` from a broker, its own or another. Doing it twice does no
    /// harm.
    ///
    /// # Errors
    /// When IAM does not answer or refuses.
    pub async fn detach(&self, shard: Shard, broker: u16) -> Result<(), Error> {
        let detached = self
            .iam
            .detach_role_policy()
            .role_name(policy::broker_name(broker))
            .policy_arn(self.arn(shard))
            .send()
            .await;
        match detached {
            Ok(_) => Ok(()),
            Err(error) if code(&error) == Some("NoSuchEntity") => Ok(()),
            Err(error) => Err(unexpected(&error)),
        }
    }

    /// What IAM has for `shard`, beside what it should have.
    ///
    /// # Errors
    /// When IAM does not answer or refuses.
    pub async fn compare(&self, shard: Shard, roles: &BTreeSet<RoleArn>) -> Result<Compared, Error> {
        let arn = self.arn(shard);
        let version = match self.iam.get_policy().policy_arn(&arn).send().await {
            Ok(output) => output.policy.and_then(|policy| policy.default_version_id),
            Err(error) if code(&error) == Some("NoSuchEntity") => None,
            Err(error) => return Err(unexpected(&error)),
        };
        let Some(version) = version else { return Ok(Compared::Missing) };
        let found = match self.iam.get_policy_version().policy_arn(&arn).version_id(version).send().await {
            Ok(output) => output.policy_version.and_then(|version| version.document).unwrap_or_default(),
            Err(error) if code(&error) == Some("NoSuchEntity") => return Ok(Compared::Missing),
            Err(error) => return Err(unexpected(&error)),
        };
        // IAM gives documents URL-encoded. Source: IAM API Reference, `GetPolicyVersion`.
        let found = percent_encoding::percent_decode_str(&found).decode_utf8_lossy();
        let found: Option<serde_json::Value> = serde_json::from_str(&found).ok();
        let wanted = policy::grant_policy(roles).and_then(|document| serde_json::to_value(document).ok());
        Ok(if wanted.is_some() && found == wanted { Compared::Same } else { Compared::Differs })
    }

    /// The names of all managed policies that are attached to a broker.
    ///
    /// # Errors
    /// When IAM does not answer or refuses.
    pub async fn attached(&self, broker: u16) -> Result<Vec<String>, Error> {
        let mut pages = self
            .iam
            .list_attached_role_policies()
            .role_name(policy::broker_name(broker))
            .into_paginator()
            .items()
            .send();
        let mut names = Vec::new();
        while let Some(attached) = pages.next().await {
            names.extend(attached.map_err(|error| unexpected(&error))?.policy_name);
        }
        Ok(names)
    }

    fn arn(&self, shard: Shard) -> String {
        shard.policy_arn(self.deployment.partition, &self.deployment.provider)
    }

    /// A new version of the policy, or the policy itself if there is none yet.
    async fn write(&self, shard: Shard, document: &PolicyDocument) -> Result<(), Error> {
        let arn = self.arn(shard);
        let mut last = None;
        for _ in 0..ATTEMPTS {
            let version = self
                .iam
                .create_policy_version()
                .policy_arn(&arn)
                .policy_document(document.to_json())
                .set_as_default(true)
                .send()
                .await;
            let Err(error) = version else { return Ok(()) };
            match code(&error) {
                Some("LimitExceeded") => self.prune(&arn).await?,
                Some("ConcurrentModification") => {}
                Some("NoSuchEntity") => {
                    let made = self
                        .iam
                        .create_policy()
                        .path(policy::PATH)
                        .policy_name(shard.policy_name())
                        .description(
                            "The customer roles that a Drawbridge broker may assume; written by Drawbridge",
                        )
                        .policy_document(document.to_json())
                        .send()
                        .await;
                    match made {
                        Ok(_) => return Ok(()),
                        // Somebody else made it in between: write a version of that one.
                        Err(error) if code(&error) == Some("EntityAlreadyExists") => {}
                        Err(error) if code(&error) == Some("LimitExceeded") => {
                            return Err(quota_exceeded(&unexpected(&error)));
                        }
                        Err(error) => return Err(unexpected(&error)),
                    }
                }
                _ => return Err(unexpected(&error)),
            }
            last = Some(unexpected(&error));
        }
        Err(last.unwrap_or_else(|| Error::internal("no attempt was made to write a policy")))
    }

    /// Deletes the oldest versions that are not in force, until there is room for another.
    async fn prune(&self, arn: &str) -> Result<(), Error> {
        let mut idle = self.idle_versions(arn).await?;
        // Versions are named v1, v2, …; shorter names are older, then smaller ones.
        idle.sort_by_key(|id| (id.len(), id.clone()));
        let spare = (idle.len() + 2).saturating_sub(grant::MAX_POLICY_VERSIONS).max(1);
        self.delete_versions(arn, idle.into_iter().take(spare)).await
    }

    async fn idle_versions(&self, arn: &str) -> Result<Vec<String>, Error> {
        let listed = self.iam.list_policy_versions().policy_arn(arn).send().await;
        let versions = match listed {
            Ok(output) => output.versions.unwrap_or_default(),
            Err(error) if code(&error) == Some("NoSuchEntity") => return Ok(Vec::new()),
            Err(error) => return Err(unexpected(&error)),
        };
        let idle = versions.into_iter().filter(|version| !version.is_default_version);
        Ok(idle.filter_map(|version| version.version_id).collect())
    }

    async fn delete_versions(&self, arn: &str, ids: impl Iterator<Item = String>) -> Result<(), Error> {
        for id in ids {
            match self.iam.delete_policy_version().policy_arn(arn).version_id(id).send().await {
                Ok(_) => {}
                // Somebody else deleted it, or made it the one in force.
                Err(error) if matches!(code(&error), Some("NoSuchEntity" | "DeleteConflict")) => {}
                Err(error) => return Err(unexpected(&error)),
            }
        }
        Ok(())
    }

    async fn attach(&self, shard: Shard) -> Result<(), Error> {
        self.iam
            .attach_role_policy()
            .role_name(policy::broker_name(shard.broker()))
            .policy_arn(self.arn(shard))
            .send()
            .await
            .map_err(|error| match code(&error) {
                Some("LimitExceeded") => quota_exceeded(&unexpected(&error)),
                _ => unexpected(&error),
            })?;
        Ok(())
    }

    async fn remove(&self, shard: Shard) -> Result<(), Error> {
        let arn = self.arn(shard);
        self.detach(shard, shard.broker()).await?;
        let idle = self.idle_versions(&arn).await?;
        self.delete_versions(&arn, idle.into_iter()).await?;
        match self.iam.delete_policy().policy_arn(&arn).send().await {
            Ok(_) => Ok(()),
            Err(error) if code(&error) == Some("NoSuchEntity") => Ok(()),
            Err(error) => Err(unexpected(&error)),
        }
    }
}

#[cfg(test)]
mod tests;
