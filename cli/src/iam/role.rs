//! A role with all that belongs to it, as IAM has it.

use std::collections::BTreeMap;

use domain::RoleName;
use serde_json::{Value, json};

use super::{Call, Iam, document, is_absent};
use crate::failure::Result;

/// A role that is there.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FoundRole {
    /// Its ARN.
    pub arn: String,
    /// What it says of itself.
    pub description: String,
    /// How long its sessions last at most, in seconds.
    pub max_session_seconds: u32,
    /// Whom it trusts.
    pub trust: Value,
    /// Its inline policies by name.
    pub inline: BTreeMap<String, Value>,
    /// The ARNs of the managed policies that are attached.
    pub attached: Vec<String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

impl FoundRole {
    /// As it is printed for programs.
    pub fn to_json(&self) -> Value {
        json!({
            "role_arn": self.arn,
            "description": self.description,
            "max_session_duration": self.max_session_seconds,
            "trust_policy": self.trust,
            "inline_policies": self.inline,
            "attached_policies": self.attached,
            "tags": self.tags,
        })
    }
}

impl Iam {
    /// The role of this name, if there is one.
    pub async fn role(&self, name: &RoleName) -> Result<Option<FoundRole>> {
        let arn = self.role_arn(name).to_string();
        let call = |action| Call::new(action, &arn);
        let asked = self.client.get_role().role_name(name.as_str()).send().await;
        let role = match asked {
            Ok(answer) => answer.role,
            Err(error) if is_absent(&error) => return Ok(None),
            Err(error) => return Err(self.failed(&call("GetRole"), &error)),
        };
        let Some(role) = role else { return Ok(None) };
        let mut found = FoundRole {
            arn: role.arn,
            description: role.description.unwrap_or_default(),
            // An hour is what a role has that was given nothing else.
            max_session_seconds: role
                .max_session_duration
                .and_then(|it| u32::try_from(it).ok())
                .unwrap_or(3600),
            trust: role.assume_role_policy_document.as_deref().map_or(Value::Null, document),
            tags: role.tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)).collect(),
            ..FoundRole::default()
        };
        let mut names =
            self.client.list_role_policies().role_name(name.as_str()).into_paginator().items().send();
        while let Some(policy) = names.next().await {
            let policy = policy.map_err(|error| self.failed(&call("ListRolePolicies"), &error))?;
            let asked =
                self.client.get_role_policy().role_name(name.as_str()).policy_name(&policy).send().await;
            match asked {
                Ok(answer) => found.inline.insert(policy, document(&answer.policy_document)),
                // Somebody has taken it away meanwhile.
                Err(error) if is_absent(&error) => None,
                Err(error) => return Err(self.failed(&call("GetRolePolicy"), &error)),
            };
        }
        let attached = self.client.list_attached_role_policies().role_name(name.as_str());
        let mut attached = attached.into_paginator().items().send();
        while let Some(policy) = attached.next().await {
            let policy = policy.map_err(|error| self.failed(&call("ListAttachedRolePolicies"), &error))?;
            found.attached.extend(policy.policy_arn);
        }
        found.attached.sort();
        Ok(Some(found))
    }
}
