//! The policies of one user, group or role: read, changed, and read again.
//!
//! IAM has no conditional writes, so that whoever changes them holds the lease (`lease.rs`), reads them then,
//! and reads them again when all is written. IAM may also answer with what was a moment ago. What tells
//! that are the numbers of a policy's versions, which rise by one with each: where the number of a new version
//! is not the next after the one that was read, the change is made once more, on the one before it.

use std::collections::BTreeSet;

use aws_sdk_iam::error::{ProvideErrorMetadata, SdkError};
use domain::RoleArn;
use domain::grant::MAX_POLICY_VERSIONS;
use domain::people::{Assumer, Held, Kind, PATH, Step, roles_of};
use domain::policy::grant_policy;

use super::attach::ROUNDS;
use crate::failure::{Failure, Result};
use crate::iam::{Call, Iam, document, is_absent, is_present};

/// The highest number that is looked at where nothing of that number is attached.
const LOOKED_AT: u8 = 3;

/// What is read of IAM.
#[derive(Debug)]
pub(super) struct Read {
    /// Its policies.
    pub policies: Vec<Held>,
    /// How many managed policies are attached, whoever's they are.
    pub attached: usize,
}

impl Read {
    /// The roles of a policy.
    fn of(&self, number: u8) -> BTreeSet<RoleArn> {
        let found = self.policies.iter().find(|held| held.number == number);
        found.map(|held| held.roles.clone()).unwrap_or_default()
    }
}

/// The policies of one, in the account that the credentials are of.
#[derive(Debug)]
pub(super) struct Policies<'a> {
    pub iam: &'a Iam,
    pub assumer: &'a Assumer,
}

/// Whether a step was done, or everything has to be looked at again since somebody else was faster.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Done {
    Done,
    Overtaken,
}

impl Policies<'_> {
    fn arn(&self, number: u8) -> String {
        self.assumer.policy_arn(self.iam.partition, &self.iam.account, number)
    }

    /// The ARN of whom this is about, without the path, which is not known.
    fn own_arn(&self) -> String {
        let Iam { partition, account, .. } = self.iam;
        format!("arn:{partition}:iam::{account}:{}/{}", self.assumer.kind(), self.assumer.name())
    }

    /// Reads what is there.
    pub async fn read(&self) -> Result<Read> {
        let attached = self.attached().await?;
        let numbers: BTreeSet<u8> = attached.iter().filter_map(|arn| self.assumer.number_of(arn)).collect();
        // What an interrupted command has left is not attached.
        let others = (1..=LOOKED_AT).filter(|number| !numbers.contains(number));
        let mut policies = Vec::new();
        for number in numbers.iter().copied().chain(others) {
            let read = self.policy(number, numbers.contains(&number)).await?;
            policies.extend(read.map(|(held, _)| held));
        }
        policies.sort_by_key(|held: &Held| held.number);
        Ok(Read { policies, attached: attached.len() })
    }

    async fn attached(&self) -> Result<Vec<String>> {
        let (client, name, own) = (&self.iam.client, self.assumer.name(), self.own_arn());
        let mut arns = Vec::new();
        macro_rules! list {
            ($request:expr, $action:literal) => {{
                let mut pages = $request.into_paginator().items().send();
                while let Some(policy) = pages.next().await {
                    let policy =
                        policy.map_err(|error| self.iam.failed(&Call::new($action, &own), &error))?;
                    arns.extend(policy.policy_arn);
                }
            }};
        }
        match self.assumer.kind() {
            Kind::User => {
                list!(client.list_attached_user_policies().user_name(name), "ListAttachedUserPolicies");
            }
            Kind::Group => {
                list!(client.list_attached_group_policies().group_name(name), "ListAttachedGroupPolicies");
            }
            Kind::Role => {
                list!(client.list_attached_role_policies().role_name(name), "ListAttachedRolePolicies");
            }
        }
        Ok(arns)
    }

    /// A policy, and the number of the version that is in force.
    async fn policy(&self, number: u8, attached: bool) -> Result<Option<(Held, u32)>> {
        let arn = self.arn(number);
        loop {
            let answer = match self.iam.client.get_policy().policy_arn(&arn).send().await {
                Ok(answer) => answer.policy,
                Err(error) if is_absent(&error) => return Ok(None),
                Err(error) => return Err(self.iam.failed(&Call::new("GetPolicy", &arn), &error)),
            };
            let Some(version) = answer.and_then(|policy| policy.default_version_id) else { return Ok(None) };
            // A version that is gone when it is asked for has been followed by others.
            if let Some(roles) = self.version(&arn, &version).await? {
                return Ok(Some((Held { number, roles, attached }, number_of(&version))));
            }
        }
    }

    async fn version(&self, arn: &str, version: &str) -> Result<Option<BTreeSet<RoleArn>>> {
        let asked = self.iam.client.get_policy_version().policy_arn(arn).version_id(version).send().await;
        let text = match asked {
            Ok(answer) => answer.policy_version.and_then(|version| version.document),
            Err(error) if is_absent(&error) => return Ok(None),
            Err(error) => return Err(self.iam.failed(&Call::new("GetPolicyVersion", arn), &error)),
        };
        let roles = text.as_deref().map(document).as_ref().and_then(roles_of);
        roles.map(Some).ok_or_else(|| {
            Failure::unexpected(format!("somebody has written something else into {arn}"))
                .because("its document is not one statement that allows sts:AssumeRole on roles by their whole ARNs")
                .next("move what was added into a policy of its own, or delete that policy, and repeat this")
        })
    }

    /// Does one step.
    pub async fn take(&self, step: &Step, before: &Read) -> Result<Done> {
        match step {
            Step::Create(number, roles) => self.create(*number, roles).await,
            Step::Rewrite(number, roles) => self.rewrite(*number, roles, before).await,
            Step::Attach(number) => self.attach(&self.arn(*number)).await,
            Step::Remove(number) => self.remove(&self.arn(*number)).await,
        }
    }

    async fn create(&self, number: u8, roles: &BTreeSet<RoleArn>) -> Result<Done> {
        let arn = self.arn(number);
        let create = self.iam.client.create_policy().path(PATH).policy_name(self.assumer.policy_name(number));
        let create =
            create.description(format!("The roles that the {} may assume; kept by drawbridge", self.assumer));
        let made =
            create.set_policy_document(grant_policy(roles).map(|document| document.to_json())).send().await;
        self.done("CreatePolicy", &arn, made)
    }

    /// Has a policy change from what was read to `roles`.
    async fn rewrite(&self, number: u8, roles: &BTreeSet<RoleArn>, before: &Read) -> Result<Done> {
        let arn = self.arn(number);
        let was = before.of(number);
        let change = |base: &BTreeSet<RoleArn>| -> BTreeSet<RoleArn> {
            let stays = base.iter().filter(|role| roles.contains(*role) || !was.contains(*role));
            stays.chain(roles.difference(&was)).cloned().collect()
        };
        let Some((held, mut read)) = self.policy(number, true).await? else { return Ok(Done::Overtaken) };
        let mut base = held.roles;
        for round in 0..ROUNDS {
            let wanted = change(&base);
            if wanted.is_empty() {
                return self.remove(&arn).await;
            }
            let newest = self.prune(&arn).await?;
            if round == 0 {
                // Numbers go on from the newest, which need not be the one in force.
                read = read.max(newest);
            }
            let write = self.iam.client.create_policy_version().policy_arn(&arn).set_as_default(true);
            let document = grant_policy(&wanted).map(|document| document.to_json());
            let version = match write.set_policy_document(document).send().await {
                Ok(answer) => answer.policy_version.and_then(|version| version.version_id),
                Err(error) if is_absent(&error) || has_code(&error, "LimitExceeded") => {
                    return Ok(Done::Overtaken);
                }
                Err(error) => return Err(self.iam.failed(&Call::new("CreatePolicyVersion", &arn), &error)),
            };
            let version = version.as_deref().map_or(0, number_of);
            if version <= read + 1 {
                return Ok(Done::Done);
            }
            match self.version(&arn, &format!("v{}", version - 1)).await? {
                Some(latest) => (base, read) = (latest, version),
                None => return Ok(Done::Overtaken),
            }
        }
        Ok(Done::Overtaken)
    }

    /// Makes room for one more version, and returns the number of the newest. Source: IAM User Guide, "Versioning IAM
    /// policies".
    async fn prune(&self, arn: &str) -> Result<u32> {
        let listed = self.iam.client.list_policy_versions().policy_arn(arn).send().await;
        let versions = match listed {
            Ok(answer) => answer.versions.unwrap_or_default(),
            Err(error) if is_absent(&error) => return Ok(0),
            Err(error) => return Err(self.iam.failed(&Call::new("ListPolicyVersions", arn), &error)),
        };
        let old = versions.iter().filter(|version| !version.is_default_version);
        let mut old: Vec<_> = old.filter_map(|version| version.version_id.as_deref()).collect();
        old.sort_by_key(|version| number_of(version));
        let many = versions.len().saturating_sub(MAX_POLICY_VERSIONS - 1);
        for version in old.into_iter().take(many) {
            self.delete_version(arn, version).await?;
        }
        let numbers = versions.iter().filter_map(|version| version.version_id.as_deref()).map(number_of);
        Ok(numbers.max().unwrap_or(0))
    }

    async fn delete_version(&self, arn: &str, version: &str) -> Result<()> {
        let gone = self.iam.client.delete_policy_version().policy_arn(arn).version_id(version).send().await;
        match gone {
            // Somebody has put it in force meanwhile.
            Err(error) if has_code(&error, "DeleteConflict") => Ok(()),
            gone => self.done("DeletePolicyVersion", arn, gone).map(drop),
        }
    }

    async fn attach(&self, arn: &str) -> Result<Done> {
        let (client, name, own) = (&self.iam.client, self.assumer.name(), self.own_arn());
        match self.assumer.kind() {
            Kind::User => {
                let done = client.attach_user_policy().user_name(name).policy_arn(arn).send().await;
                self.done("AttachUserPolicy", &own, done)
            }
            Kind::Group => {
                let done = client.attach_group_policy().group_name(name).policy_arn(arn).send().await;
                self.done("AttachGroupPolicy", &own, done)
            }
            Kind::Role => {
                let done = client.attach_role_policy().role_name(name).policy_arn(arn).send().await;
                self.done("AttachRolePolicy", &own, done)
            }
        }
    }

    /// Detaches a policy and deletes it with its versions.
    async fn remove(&self, arn: &str) -> Result<Done> {
        let (client, name, own) = (&self.iam.client, self.assumer.name(), self.own_arn());
        match self.assumer.kind() {
            Kind::User => {
                let done = client.detach_user_policy().user_name(name).policy_arn(arn).send().await;
                self.done("DetachUserPolicy", &own, done)?;
            }
            Kind::Group => {
                let done = client.detach_group_policy().group_name(name).policy_arn(arn).send().await;
                self.done("DetachGroupPolicy", &own, done)?;
            }
            Kind::Role => {
                let done = client.detach_role_policy().role_name(name).policy_arn(arn).send().await;
                self.done("DetachRolePolicy", &own, done)?;
            }
        }
        let listed = client.list_policy_versions().policy_arn(arn).send().await;
        let versions = match listed {
            Ok(answer) => answer.versions.unwrap_or_default(),
            Err(error) if is_absent(&error) => return Ok(Done::Done),
            Err(error) => return Err(self.iam.failed(&Call::new("ListPolicyVersions", arn), &error)),
        };
        for version in versions.iter().filter(|version| !version.is_default_version) {
            self.delete_version(arn, version.version_id.as_deref().unwrap_or_default()).await?;
        }
        let gone = client.delete_policy().policy_arn(arn).send().await;
        self.done("DeletePolicy", arn, gone).map(|_| Done::Done)
    }

    /// What is gone already, or there already, was somebody else's doing.
    fn done<T, E>(
        &self,
        action: &'static str,
        on: &str,
        answer: std::result::Result<T, SdkError<E>>,
    ) -> Result<Done>
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        match answer {
            Ok(_) => Ok(Done::Done),
            Err(error) if is_absent(&error) || is_present(&error) => Ok(Done::Overtaken),
            Err(error) => Err(self.iam.failed(&Call::new(action, on), &error)),
        }
    }
}

/// Whether AWS refuses with this code.
fn has_code<E: ProvideErrorMetadata>(error: &SdkError<E>, code: &str) -> bool {
    error.as_service_error().and_then(ProvideErrorMetadata::code) == Some(code)
}

/// The number in a version's id, such as `v3`.
fn number_of(version: &str) -> u32 {
    version.strip_prefix('v').and_then(|number| number.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_numbered() {
        assert_eq!(["v1", "v12", "x"].map(number_of), [1, 12, 0]);
    }
}
