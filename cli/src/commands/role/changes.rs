//! What is to change about a role: found out first, shown, and then done, one change after the other.
//! Each can be done again, so that what was interrupted is finished by doing it once more.

use std::collections::BTreeMap;

use domain::setup::{POLICY_NAME, PROVIDER_TAG};
use serde_json::{Value, json};

use super::design::{Design, PEOPLE_TAG};
use crate::commands::confirmation::Confirmation;
use crate::difference;
use crate::failure::{Failure, Result};
use crate::iam::{Call, FoundRole, Iam};
use crate::screen::Screen;

/// One change.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Change {
    Create,
    Describe(String, u32),
    Trust,
    Permissions,
    Attach(String),
    Tag(BTreeMap<String, String>),
}

impl Change {
    const fn name(&self) -> &'static str {
        match self {
            Self::Create => "create_role",
            Self::Describe(..) => "update_role",
            Self::Trust => "update_trust",
            Self::Permissions => "put_permissions",
            Self::Attach(_) => "attach_policy",
            Self::Tag(_) => "tag_role",
        }
    }
}

/// Changes, in the order in which they are made.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub changes: Vec<Change>,
    /// What each changes, for people.
    pub difference: String,
}

impl Plan {
    /// From what is there to what should be. Whatever else the role has stays.
    pub fn new(found: Option<&FoundRole>, design: &Design) -> Self {
        let mut plan = Self::default();
        let before = found.cloned().unwrap_or_default();
        let description = design.description.clone().unwrap_or_else(|| before.description.clone());
        let seconds = design.max_session_seconds.unwrap_or(before.max_session_seconds);
        match found {
            None => {
                let mut about = vec![format!("+ the role {}", design.name)];
                about.extend(design.description.as_ref().map(|text| format!("+ description: {text}")));
                about.extend(design.max_session_seconds.map(|it| format!("+ longest session: {it} seconds")));
                about.extend(design.tags.iter().map(|(key, value)| format!("+ tag: {key}={value}")));
                let trust = difference::of_documents(None, Some(&design.trust_document()));
                plan.add(Change::Create, &format!("{}\n+ trust policy:\n{trust}", about.join("\n")));
            }
            Some(found) => {
                let fields = [
                    ("description", found.description.clone(), description.clone()),
                    ("longest session", found.max_session_seconds.to_string(), seconds.to_string()),
                ];
                let changed = fields.into_iter().filter(|(_, old, new)| old != new);
                let lines: Vec<_> =
                    changed.map(|(name, old, new)| format!("- {name}: {old}\n+ {name}: {new}")).collect();
                if !lines.is_empty() {
                    plan.add(Change::Describe(description, seconds), &lines.join("\n"));
                }
                plan.trust(found, design);
            }
        }
        let missing = |(key, value): &(&String, &String)| before.tags.get(*key) != Some(*value);
        let tags: BTreeMap<_, _> =
            design.tags.iter().filter(missing).map(|(key, value)| (key.clone(), value.clone())).collect();
        if found.is_some() && !tags.is_empty() {
            let lines: Vec<_> = tags.iter().map(|(key, value)| format!("+ tag: {key}={value}")).collect();
            plan.add(Change::Tag(tags), &lines.join("\n"));
        }
        if let Some(permissions) = design.permissions.as_ref().map(|document| json!(document)) {
            let there = before.inline.get(POLICY_NAME);
            if !there.is_some_and(|there| difference::same(there, &permissions)) {
                let lines = difference::of_documents(there, Some(&permissions));
                plan.add(Change::Permissions, &format!("  inline policy {POLICY_NAME}:\n{lines}"));
            }
        }
        for arn in design.managed.iter().filter(|arn| !before.attached.contains(arn)) {
            plan.add(Change::Attach(arn.clone()), &format!("+ attached policy: {arn}"));
        }
        plan
    }

    /// Only whom the role trusts.
    pub fn of_trust(found: &FoundRole, design: &Design) -> Self {
        let mut plan = Self::default();
        plan.trust(found, design);
        plan
    }

    fn trust(&mut self, found: &FoundRole, design: &Design) {
        let trust = design.trust_document();
        if !difference::same(&found.trust, &trust) {
            let lines = difference::of_documents(Some(&found.trust), Some(&trust));
            self.add(Change::Trust, &format!("  trust policy:\n{lines}"));
        }
    }

    fn add(&mut self, change: Change, told: &str) {
        if !self.difference.is_empty() {
            self.difference.push('\n');
        }
        self.difference.push_str(told);
        self.changes.push(change);
    }

    /// What it comes to, for programs.
    pub fn to_json(&self, role_arn: &str) -> Value {
        let changes: Vec<_> = self.changes.iter().map(Change::name).collect();
        json!({"role_arn": role_arn, "changes": changes, "difference": self.difference})
    }

    /// Makes the changes, once they have been shown and agreed to.
    pub async fn carry_out(
        &self,
        iam: &Iam,
        design: &Design,
        screen: &Screen,
        confirmation: &Confirmation,
    ) -> Result<()> {
        let arn = iam.role_arn(&design.name).to_string();
        let told = format!("In the account {}, role {}:\n{}\n", iam.account, design.name, self.difference);
        confirmation.agree(screen, &self.to_json(&arn), &told, "Make these changes?")?;
        for change in &self.changes {
            make(iam, design, change, &arn).await?;
        }
        Ok(())
    }
}

/// Whether a role is one that this command or one of Drawbridge's forms has made.
pub(super) fn is_ours(found: &FoundRole) -> bool {
    [PROVIDER_TAG, PEOPLE_TAG].iter().any(|tag| found.tags.contains_key(*tag))
}

async fn make(iam: &Iam, design: &Design, change: &Change, arn: &str) -> Result<()> {
    let (client, name) = (&iam.client, design.name.as_str());
    let seconds = design.max_session_seconds.map(|it| i32::try_from(it).unwrap_or(i32::MAX));
    match change {
        Change::Create => {
            let create = client.create_role().role_name(name).set_tags(Some(tags(&design.tags)?));
            let create = create.set_description(design.description.clone()).set_max_session_duration(seconds);
            let made = create.assume_role_policy_document(design.trust.to_json()).send().await;
            made.map_err(|error| iam.failed(&Call::new("CreateRole", arn), &error))?;
        }
        Change::Describe(description, seconds) => {
            // Both: what it is not told, UpdateRole may set to its default. Source: IAM API Reference, UpdateRole.
            let seconds = i32::try_from(*seconds).unwrap_or(i32::MAX);
            let update = client.update_role().role_name(name).description(description);
            let made = update.max_session_duration(seconds).send().await;
            made.map_err(|error| iam.failed(&Call::new("UpdateRole", arn), &error))?;
        }
        Change::Trust => {
            let update = client.update_assume_role_policy().role_name(name);
            let made = update.policy_document(design.trust.to_json()).send().await;
            made.map_err(|error| iam.failed(&Call::new("UpdateAssumeRolePolicy", arn), &error))?;
        }
        Change::Permissions => {
            let document = design.permissions.as_ref().map(domain::policy::PolicyDocument::to_json);
            let put = client.put_role_policy().role_name(name).policy_name(POLICY_NAME);
            let made = put.set_policy_document(document).send().await;
            made.map_err(|error| iam.failed(&Call::new("PutRolePolicy", arn), &error))?;
        }
        Change::Attach(policy) => {
            let made = client.attach_role_policy().role_name(name).policy_arn(policy).send().await;
            made.map_err(|error| iam.failed(&Call::new("AttachRolePolicy", arn), &error))?;
        }
        Change::Tag(wanted) => {
            let made = client.tag_role().role_name(name).set_tags(Some(tags(wanted)?)).send().await;
            made.map_err(|error| iam.failed(&Call::new("TagRole", arn), &error))?;
        }
    }
    Ok(())
}

fn tags(wanted: &BTreeMap<String, String>) -> Result<Vec<aws_sdk_iam::types::Tag>> {
    let tags =
        wanted.iter().map(|(key, value)| aws_sdk_iam::types::Tag::builder().key(key).value(value).build());
    tags.collect::<std::result::Result<_, _>>().map_err(|error| Failure::usage(error.to_string()))
}

#[cfg(test)]
mod tests {
    use domain::policy::{TrustedPrincipal, permissions_policy, trust_policy};
    use domain::{Capability, CapabilitySet, Partition};

    use super::*;

    fn design() -> Design {
        let provider: domain::AccountId = "111111111111".parse().unwrap();
        let trusted = TrustedPrincipal::Account { provider: provider.clone() };
        let trust = trust_policy(Partition::Aws, &trusted, Some(&"an-external-id".parse().unwrap()));
        let set = CapabilitySet::new([Capability::Ec2Power]).unwrap();
        let permissions = permissions_policy(Partition::Aws, None, &set);
        Design::of_connection("drawbridge-a".parse().unwrap(), None, provider, trust, permissions)
    }

    /// The role as IAM has it once it is made.
    fn made(design: &Design) -> FoundRole {
        FoundRole {
            arn: "arn:aws:iam::222222222222:role/drawbridge-a".to_owned(),
            description: design.description.clone().unwrap_or_default(),
            max_session_seconds: design.max_session_seconds.unwrap_or(3600),
            trust: design.trust_document(),
            inline: [(POLICY_NAME.to_owned(), json!(design.permissions))].into(),
            attached: design.managed.clone(),
            tags: design.tags.clone(),
        }
    }

    #[test]
    fn nothing_changes_about_a_role_as_it_should_be() {
        let design = design();
        assert_eq!(Plan::new(Some(&made(&design)), &design).changes, []);
        let new = Plan::new(None, &design);
        assert_eq!(new.changes, [Change::Create, Change::Permissions]);
        assert!(new.difference.starts_with("+ the role drawbridge-a\n+ description: Lets Drawbridge"));
        assert!(new.difference.contains("+       \"Action\": \"sts:AssumeRole\""), "{}", new.difference);
    }

    #[test]
    fn each_thing_that_differs_is_shown_and_changed_and_nothing_else() {
        let design =
            Design { managed: vec!["arn:aws:iam::aws:policy/ReadOnlyAccess".to_owned()], ..design() };
        let mut found = made(&design);
        found.description = "mine".to_owned();
        found.trust["Statement"][0]["Condition"] = json!({});
        found.inline.insert("another".to_owned(), json!({}));
        found.attached = vec!["arn:aws:iam::aws:policy/Other".to_owned()];
        found.tags = [("team".to_owned(), "blue".to_owned())].into();
        let plan = Plan::new(Some(&found), &design);
        let names: Vec<_> = plan.changes.iter().map(Change::name).collect();
        assert_eq!(names, ["update_role", "update_trust", "tag_role", "attach_policy"]);
        for part in ["- description: mine", "+ tag: drawbridge:provider=111111111111", "sts:ExternalId"] {
            assert!(plan.difference.contains(part), "{part}: {}", plan.difference);
        }
        assert!(!plan.difference.contains("another") && !plan.difference.contains("Other"));
        assert_eq!(Plan::of_trust(&found, &design).changes, [Change::Trust]);
        assert!(!is_ours(&found) && is_ours(&made(&design)));
    }
}
