//! The policies of one user, group or role: read, changed, and read again.
//!
//! IAM has no conditional writes. What it has are the numbers of a policy's versions, which rise by one
//! with each: whoever writes a version whose number is not the next after the one that was read has
//! taken back what others wrote in between, and writes once more, with it. After all is written it is
//! read again, and what is not as it should be is done again.

use std::collections::BTreeSet;

use aws_sdk_iam::error::{ProvideErrorMetadata, SdkError};
use domain::RoleArn;
use domain::grant::MAX_POLICY_VERSIONS;
use domain::people::{Assumer, Held, Kind, PATH, Step, roles_of};
use domain::policy::grant_policy;

use crate::failure::{Failure, Result};
use crate::iam::{Call, Iam, document, is_absent, is_present};

/// The highest number that is looked at where nothing of that number is attached.
const LOOKED_AT: u8 = 3;

/// What is read of IAM.
#[derive(Debug)]
pub(super) struct Read {
    /// Its policies, with the number of the version that is in force.
    pub policies: Vec<(Held, u32)>,
    /// How many managed policies are attached, whoever's they are.
    pub attached: usize,
}

impl Read {
    pub fn held(&self) -> Vec<Held> {
        self.policies.iter().map(|(held, _)| held.clone()).collect()
    }

    /// The roles of a policy, and the number of the version that has them.
    fn of(&self, number: u8) -> (BTreeSet<RoleArn>, u32) {
        let found = self.policies.iter().find(|(held, _)| held.number == number);
        found.map(|(held, version)| (held.roles.clone(), *version)).unwrap_or_default()
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
            policies.extend(read);
        }
        policies.sort_by_key(|(held, _)| held.number);
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
                list!(client.list_attached_user_policies().user_name(name), "ListAttachedUserPolicies")
            }
            Kind::Group => {
                list!(client.list_attached_group_policies().group_name(name), "ListAttachedGroupPolicies")
            }
            Kind::Role => {
                list!(client.list_attached_role_policies().role_name(name), "ListAttachedRolePolicies")
            }
        }
        Ok(arns)
    }

    async fn policy(&self, number: u8, attached: bool) -> Result<Option<(Held, u32)>> {
        let arn = self.arn(number);
        let answer = match self.iam.client.get_policy().policy_arn(&arn).send().await {
            Ok(answer) => answer.policy,
            Err(error) if is_absent(&error) => return Ok(None),
            Err(error) => return Err(self.iam.failed(&Call::new("GetPolicy", &arn), &error)),
        };
        let Some(version) = answer.and_then(|policy| policy.default_version_id) else { return Ok(None) };
        let Some(roles) = self.version(&arn, &version).await? else { return Ok(None) };
        Ok(Some((Held { number, roles, attached }, number_of(&version))))
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

    async fn rewrite(&self, number: u8, roles: &BTreeSet<RoleArn>, before: &Read) -> Result<Done> {
        let arn = self.arn(number);
        let (mut base, mut read) = before.of(number);
        let mut wanted = roles.clone();
        for _ in 0..super::attach::ROUNDS {
            self.prune(&arn).await?;
            let write = self.iam.client.create_policy_version().policy_arn(&arn).set_as_default(true);
            let document = grant_policy(&wanted).map(|document| document.to_json());
            let answer = match write.set_policy_document(document).send().await {
                Ok(answer) => answer,
                Err(error) if is_absent(&error) => return Ok(Done::Overtaken),
                Err(error) => return Err(self.iam.failed(&Call::new("CreatePolicyVersion", &arn), &error)),
            };
            let version = answer.policy_version.and_then(|version| version.version_id);
            let version = version.as_deref().map_or(0, number_of);
            // What others wrote in between, this version has taken back: it is done again on top of it.
            let mut theirs = Vec::new();
            for number in read + 1..version {
                theirs.extend(self.version(&arn, &format!("v{number}")).await?);
            }
            let merged = merged(&base, &theirs, &wanted);
            if merged == wanted {
                return Ok(Done::Done);
            }
            if merged.is_empty() {
                return self.remove(&arn).await;
            }
            (base, wanted, read) = (wanted, merged, version);
        }
        Ok(Done::Overtaken)
    }

    /// Makes room for one more version. Source: IAM User Guide, "Versioning IAM policies".
    async fn prune(&self, arn: &str) -> Result<()> {
        let listed = self.iam.client.list_policy_versions().policy_arn(arn).send().await;
        let versions = match listed {
            Ok(answer) => answer.versions.unwrap_or_default(),
            Err(error) if is_absent(&error) => return Ok(()),
            Err(error) => return Err(self.iam.failed(&Call::new("ListPolicyVersions", arn), &error)),
        };
        let old = versions.iter().filter(|version| !version.is_default_version);
        let mut old: Vec<_> = old.filter_map(|version| version.version_id.as_deref()).collect();
        old.sort_by_key(|version| number_of(version));
        let many = versions.len().saturating_sub(MAX_POLICY_VERSIONS - 1);
        for version in old.into_iter().take(many) {
            self.delete_version(arn, version).await?;
        }
        Ok(())
    }

    async fn delete_version(&self, arn: &str, version: &str) -> Result<()> {
        let gone = self.iam.client.delete_policy_version().policy_arn(arn).version_id(version).send().await;
        self.done("DeletePolicyVersion", arn, gone).map(drop)
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

/// What `ours` is with what others did meanwhile: `theirs`, one after the other, each against the one
/// before it, the first against `base`.
fn merged(
    base: &BTreeSet<RoleArn>,
    theirs: &[BTreeSet<RoleArn>],
    ours: &BTreeSet<RoleArn>,
) -> BTreeSet<RoleArn> {
    let mut merged = ours.clone();
    let mut previous = base;
    for next in theirs {
        merged.extend(next.difference(previous).cloned());
        merged.retain(|role| next.contains(role) || !previous.contains(role));
        previous = next;
    }
    merged
}

/// The number in a version's id, such as `v3`.
fn number_of(version: &str) -> u32 {
    version.strip_prefix('v').and_then(|number| number.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roles(names: &str) -> BTreeSet<RoleArn> {
        let names = names.split_whitespace();
        names.map(|name| format!("arn:aws:iam::222222222222:role/{name}").parse().unwrap()).collect()
    }

    #[test]
    fn what_others_wrote_meanwhile_is_done_again_on_top_of_ours() {
        for (base, theirs, ours, expected) in [
            ("a", &[][..], "a b", "a b"),
            ("a", &["a c"], "a b", "a b c"),
            ("a x", &["a"], "a b x", "a b"),
            ("a", &["a c", "a c d", "a d"], "a b", "a b d"),
            ("a b", &["b"], "a", ""),
        ] {
            let theirs: Vec<_> = theirs.iter().map(|names| roles(names)).collect();
            assert_eq!(merged(&roles(base), &theirs, &roles(ours)), roles(expected), "{base} {ours}");
        }
        assert_eq!(["v1", "v12", "x"].map(number_of), [1, 12, 0]);
    }
}
