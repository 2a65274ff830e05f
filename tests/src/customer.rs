//! A customer's AWS account.

use std::collections::BTreeMap;

use aws_sdk_iam::Client;
use aws_sdk_iam::types::PolicyScopeType;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use crate::api::Keys;
use crate::stack::Stack;

/// An account that nobody else uses.
#[derive(Debug, Clone)]
pub struct CustomerAccount {
    /// Its id.
    pub id: String,
    iam: Client,
}

impl Default for CustomerAccount {
    fn default() -> Self {
        Self::new()
    }
}

impl CustomerAccount {
    /// A new account, with nothing in it.
    #[must_use]
    pub fn new() -> Self {
        Self::on(Stack::get())
    }

    /// A new account, with nothing in it, in the AWS of another stack than the main one.
    #[must_use]
    pub fn on(stack: &Stack) -> Self {
        // Twelve digits, none of which the provider or the demonstration uses.
        let id = 400_000_000_000 + uuid::Uuid::new_v4().as_u128() % 500_000_000_000;
        let id = id.to_string();
        let iam = Client::new(&stack.aws_as_root(&id));
        Self { id, iam }
    }

    /// The ARN that a role of this name has, or would have.
    #[must_use]
    pub fn role_arn(&self, name: &str) -> String {
        format!("arn:aws:iam::{}:role/{name}", self.id)
    }

    /// Makes a role that may do whatever a connection can ask for, and returns its ARN.
    pub async fn make_role(&self, name: &str, trust: &Value) -> String {
        let arn = self.make_bare_role(name, trust).await;
        let everything = json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow",
            "Action": ["ec2:*", "ec2-instance-connect:*", "dynamodb:*", "kms:CreateGrant"],
            "Resource": "*",
        }]});
        self.permit(name, "everything", &everything).await;
        arn
    }

    /// Gives a role a permissions policy of this name, or another one in its place.
    pub async fn permit(&self, role: &str, name: &str, policy: &Value) {
        let put = self.iam.put_role_policy().role_name(role).policy_name(name);
        put.policy_document(policy.to_string()).send().await.expect("the policy is put");
    }

    /// Makes a role that may do nothing yet, and returns its ARN.
    pub async fn make_bare_role(&self, name: &str, trust: &Value) -> String {
        let role = self
            .iam
            .create_role()
            .role_name(name)
            .assume_role_policy_document(trust.to_string())
            .send()
            .await
            .expect("the role is made");
        role.role.expect("a role").arn
    }

    /// Changes whom a role trusts.
    pub async fn change_trust(&self, name: &str, trust: &Value) {
        self.iam
            .update_assume_role_policy()
            .role_name(name)
            .policy_document(trust.to_string())
            .send()
            .await
            .expect("the trust policy is changed");
    }

    /// Whom a role trusts.
    pub async fn trust(&self, name: &str) -> Value {
        let role = self.iam.get_role().role_name(name).send().await.expect("the role is there").role;
        document(&role.expect("a role").assume_role_policy_document.expect("a trust policy"))
    }

    /// What a role says of itself, and its tags by key.
    pub async fn description_and_tags(&self, name: &str) -> (String, BTreeMap<String, String>) {
        let role = self.iam.get_role().role_name(name).send().await.expect("the role is there").role;
        let role = role.expect("a role");
        let tags = role.tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value));
        (role.description.unwrap_or_default(), tags.collect())
    }

    /// Whether there is a role of this name.
    pub async fn has_role(&self, name: &str) -> bool {
        self.iam.get_role().role_name(name).send().await.is_ok()
    }

    /// The keys of the account's root, whom no policy binds.
    #[must_use]
    pub fn root(&self) -> Keys {
        Keys { access_key_id: self.id.clone(), secret_access_key: "root".to_owned() }
    }

    /// Makes a user of this name, who may do what the policy says if there is one, and returns their keys.
    pub async fn make_user(&self, name: &str, policy: Option<&Value>) -> Keys {
        self.iam.create_user().user_name(name).send().await.expect("the user is made");
        if let Some(policy) = policy {
            let put = self.iam.put_user_policy().user_name(name).policy_name("own");
            put.policy_document(policy.to_string()).send().await.expect("the policy is put");
        }
        let made = self.iam.create_access_key().user_name(name).send().await.expect("the key is made");
        let key = made.access_key.expect("a key");
        Keys { access_key_id: key.access_key_id, secret_access_key: key.secret_access_key }
    }

    /// Makes a group with these users in it.
    pub async fn make_group(&self, name: &str, users: &[&str]) {
        self.iam.create_group().group_name(name).send().await.expect("the group is made");
        for user in users {
            let add = self.iam.add_user_to_group().group_name(name).user_name(*user);
            add.send().await.expect("the user is added");
        }
    }

    /// The account's own managed policies under a path, by name: how many versions each has.
    pub async fn policies_under(&self, path: &str) -> BTreeMap<String, usize> {
        let listed = self.iam.list_policies().scope(PolicyScopeType::Local).path_prefix(path).send().await;
        let mut found = BTreeMap::new();
        for policy in listed.expect("policies can be listed").policies.unwrap_or_default() {
            let versions =
                self.iam.list_policy_versions().policy_arn(policy.arn.expect("an ARN")).send().await;
            let versions = versions.expect("versions can be listed").versions.unwrap_or_default();
            found.insert(policy.policy_name.expect("a name"), versions.len());
        }
        found
    }

    /// What a role allows, by its inline policy.
    pub async fn permissions(&self, name: &str) -> Value {
        let policy = self
            .iam
            .get_role_policy()
            .role_name(name)
            .policy_name("drawbridge")
            .send()
            .await
            .expect("the role has its policy");
        document(&policy.policy_document)
    }
}

/// A policy document as IAM gives it: URL-encoded JSON.
pub(crate) fn document(text: &str) -> Value {
    let text = percent_decode_str(text).decode_utf8().expect("the document is UTF-8");
    serde_json::from_str(&text).expect("the document is JSON")
}
