//! The provider's AWS account: what Drawbridge has put there.

use std::collections::BTreeMap;

use aws_credential_types::Credentials;
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_iam::types::PolicyScopeType;
use aws_types::SdkConfig;
use serde_json::Value;

use crate::api::Keys;
use crate::customer::document;
use crate::schedules::Scheduler;
use crate::stack::Stack;

/// The provider's account, as its root user sees it.
#[derive(Debug, Clone)]
pub struct Provider {
    stack: &'static Stack,
    iam: aws_sdk_iam::Client,
    sts: aws_sdk_sts::Client,
    dynamodb: aws_sdk_dynamodb::Client,
    sqs: aws_sdk_sqs::Client,
    pub(crate) scheduler: Scheduler,
}

impl Default for Provider {
    fn default() -> Self {
        Self::new()
    }
}

impl Provider {
    /// The account of the stack.
    #[must_use]
    pub fn new() -> Self {
        Self::of(Stack::get())
    }

    /// The account of another stack than the main one.
    #[must_use]
    pub fn of(stack: &'static Stack) -> Self {
        let aws = stack.aws_as_root(&stack.provider_account_id);
        Self {
            stack,
            iam: aws_sdk_iam::Client::new(&aws),
            sts: aws_sdk_sts::Client::new(&aws),
            dynamodb: aws_sdk_dynamodb::Client::new(&aws),
            sqs: aws_sdk_sqs::Client::new(&aws),
            scheduler: Scheduler::new(&aws),
        }
    }

    /// Every customer managed policy under Drawbridge's path, by name.
    pub async fn policies(&self) -> BTreeMap<String, Value> {
        let listed =
            self.iam.list_policies().scope(PolicyScopeType::Local).path_prefix("/drawbridge/").send().await;
        let mut policies = BTreeMap::new();
        for policy in listed.expect("policies can be listed").policies.unwrap_or_default() {
            let (arn, version) = (policy.arn.expect("an ARN"), policy.default_version_id.expect("a version"));
            let found = self.iam.get_policy_version().policy_arn(arn).version_id(version).send().await;
            // Another test's grant may be gone by now.
            let Some(text) = found.ok().and_then(|found| found.policy_version?.document) else { continue };
            policies.insert(policy.policy_name.expect("a name"), document(&text));
        }
        policies
    }

    /// Every inline policy of the functions' roles, by role and policy name.
    pub async fn function_policies(&self) -> BTreeMap<String, Value> {
        let mut policies = BTreeMap::new();
        for role in self.iam.list_roles().send().await.expect("roles can be listed").roles {
            let names = self.iam.list_role_policies().role_name(&role.role_name).send().await;
            for name in names.expect("policies can be listed").policy_names {
                let policy =
                    self.iam.get_role_policy().role_name(&role.role_name).policy_name(&name).send().await;
                let text = policy.expect("the policy is there").policy_document;
                policies.insert(format!("{} {name}", role.role_name), document(&text));
            }
        }
        policies
    }

    /// The roles that the broker's attached grants name, from IAM.
    pub async fn granted_roles(&self) -> Vec<String> {
        let attached = self.iam.list_attached_role_policies().role_name("broker-1").send().await;
        let attached = attached.expect("the broker is there").attached_policies.unwrap_or_default();
        let policies = self.policies().await;
        let mut roles = Vec::new();
        for name in attached.into_iter().filter_map(|policy| policy.policy_name) {
            let Some(policy) = policies.get(&name) else { continue };
            for statement in policy["Statement"].as_array().into_iter().flatten() {
                roles.extend(strings(&statement["Resource"]));
            }
        }
        roles
    }

    /// The roles that the policy of this shard names in IAM.
    pub async fn granted_by(&self, shard: &str) -> Vec<String> {
        let arn = self.grant_arn(shard);
        let Ok(found) = self.iam.get_policy().policy_arn(&arn).send().await else { return vec![] };
        let version = found.policy.and_then(|policy| policy.default_version_id).expect("a version");
        let found = self.iam.get_policy_version().policy_arn(&arn).version_id(version).send().await;
        // Versions come and go while others publish.
        let Some(text) = found.ok().and_then(|found| found.policy_version?.document) else { return vec![] };
        let policy = document(&text);
        let statements = policy["Statement"].as_array().into_iter().flatten();
        statements.flat_map(|statement| strings(&statement["Resource"])).collect()
    }

    /// Whether this shard has a policy.
    pub async fn has_grant(&self, shard: &str) -> bool {
        self.iam.get_policy().policy_arn(self.grant_arn(shard)).send().await.is_ok()
    }

    /// The roles that the policy of this shard is attached to.
    pub async fn attachments(&self, shard: &str) -> Vec<String> {
        let listed = self.iam.list_entities_for_policy().policy_arn(self.grant_arn(shard)).send().await;
        let roles = listed.ok().and_then(|listed| listed.policy_roles).unwrap_or_default();
        roles.into_iter().filter_map(|role| role.role_name).collect()
    }

    fn grant_arn(&self, shard: &str) -> String {
        format!("arn:aws:iam::{}:policy/drawbridge/grant-{shard}", self.stack.provider_account_id)
    }

    /// The permissions boundary of the first broker.
    pub async fn broker_boundary(&self) -> Option<String> {
        let role = self.iam.get_role().role_name("broker-1").send().await.expect("the broker is there").role;
        role?.permissions_boundary?.permissions_boundary_arn
    }

    /// A new role in the provider's own account, and its ARN.
    pub async fn make_role(&self, trust: &Value) -> String {
        let name = format!("role-{}", uuid::Uuid::new_v4().simple());
        let role = self
            .iam
            .create_role()
            .role_name(name)
            .assume_role_policy_document(trust.to_string())
            .send()
            .await;
        role.expect("the role is made").role.expect("a role").arn
    }

    /// A new IAM user with these managed policies.
    pub async fn make_user(&self, policies: &[&str]) -> Keys {
        let name = format!("user-{}", uuid::Uuid::new_v4().simple());
        self.iam.create_user().user_name(&name).send().await.expect("the user is made");
        for policy in policies {
            self.iam
                .attach_user_policy()
                .user_name(&name)
                .policy_arn(*policy)
                .send()
                .await
                .expect("it is attached");
        }
        let made = self.iam.create_access_key().user_name(&name).send().await.expect("the key is made");
        let key = made.access_key.expect("a key");
        Keys { access_key_id: key.access_key_id, secret_access_key: key.secret_access_key }
    }

    /// AWS settings of a session of one of the account's roles, whose name begins with `prefix`.
    /// The account's root opens it, as no person on AWS could; what the session may do from there
    /// is what the role may do.
    pub async fn session_of(&self, prefix: &str) -> SdkConfig {
        let roles = self.iam.list_roles().send().await.expect("roles can be listed").roles;
        let role =
            roles.into_iter().find(|role| role.role_name.starts_with(prefix)).expect("the role is there");
        let session = self.sts.assume_role().role_arn(role.arn).role_session_name("test").send().await;
        let keys = session.expect("the session is opened").credentials.expect("credentials");
        self.stack.aws(Credentials::from_keys(
            keys.access_key_id,
            keys.secret_access_key,
            Some(keys.session_token),
        ))
    }

    /// The items of one partition of the state table, by sort key.
    pub async fn items(&self, pk: &str) -> BTreeMap<String, BTreeMap<String, AttributeValue>> {
        let found = self
            .dynamodb
            .query()
            .table_name(&self.stack.table_name)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", AttributeValue::S(pk.to_owned()))
            .consistent_read(true)
            .send()
            .await;
        let items = found.expect("the table answers").items.unwrap_or_default();
        items
            .into_iter()
            .map(|item| {
                let sk = item["sk"].as_s().expect("a sort key is a string").clone();
                (sk, item.into_iter().collect())
            })
            .collect()
    }

    /// How many items of the state table have this attribute with this value.
    pub async fn count_items(&self, attribute: &str, value: &str) -> usize {
        let mut pages = self
            .dynamodb
            .scan()
            .table_name(&self.stack.table_name)
            .filter_expression("#attribute = :value")
            .expression_attribute_names("#attribute", attribute)
            .expression_attribute_values(":value", AttributeValue::S(value.to_owned()))
            .consistent_read(true)
            .into_paginator()
            .items()
            .send();
        let mut count = 0;
        while let Some(item) = pages.next().await {
            item.expect("the table answers");
            count += 1;
        }
        count
    }

    /// Keeps Drawbridge from looking at this connection by schedule.
    pub async fn put_off(&self, connection: &Value) {
        let id = connection["connection_id"].as_str().expect("a connection has an id");
        let never = "2999-01-01T00:00:00.000Z".to_owned();
        let written = self
            .dynamodb
            .update_item()
            .table_name(&self.stack.table_name)
            .key("pk", AttributeValue::S(format!("CONNECTION#{id}")))
            .key("sk", AttributeValue::S("META".to_owned()))
            .update_expression("SET due_at = :never")
            .expression_attribute_values(":never", AttributeValue::S(never))
            .send()
            .await;
        written.expect("the table takes it");
    }

    /// The bodies of messages among the dead letters, some of them if they are many. They stay
    /// there.
    pub async fn dead_letters(&self) -> Vec<String> {
        let mut bodies = Vec::new();
        for url in [&self.stack.dlq_url, &self.stack.jobs_dlq_url, &self.stack.runs_dlq_url] {
            let queue = self.sqs.receive_message().queue_url(url);
            let found = queue.max_number_of_messages(10).visibility_timeout(0).send().await;
            let messages = found.expect("the queue answers").messages.unwrap_or_default();
            bodies.extend(messages.into_iter().filter_map(|message| message.body));
        }
        bodies
    }

    /// Detaches the policy of this shard from its broker.
    pub async fn detach_grant(&self, shard: &str) {
        for role in self.attachments(shard).await {
            let detached =
                self.iam.detach_role_policy().role_name(role).policy_arn(self.grant_arn(shard)).send().await;
            detached.expect("it is detached");
        }
    }

    /// Has the policy of this shard name another role.
    pub async fn rewrite_grant(&self, shard: &str, role_arn: &str) {
        let document = serde_json::json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": role_arn}
        ]});
        let version = self.iam.create_policy_version().policy_arn(self.grant_arn(shard));
        let version = version.policy_document(document.to_string()).set_as_default(true).send().await;
        version.expect("the policy is rewritten");
    }

    /// Deletes the policy of this shard.
    pub async fn delete_grant(&self, shard: &str) {
        let deleted = self.iam.delete_policy().policy_arn(self.grant_arn(shard)).send().await;
        deleted.expect("the policy is deleted");
    }

    /// Makes a policy for a shard that has none behind Drawbridge's back, and attaches it to this
    /// broker.
    pub async fn make_grant(&self, shard: &str, role_arn: &str, broker: &str) {
        let document = serde_json::json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": role_arn}
        ]});
        let made = self.iam.create_policy().path("/drawbridge/").policy_name(format!("grant-{shard}"));
        made.policy_document(document.to_string()).send().await.expect("the policy is made");
        self.attach_grant(shard, broker).await;
    }

    /// Attaches the policy of this shard to this broker, be it its own or another.
    pub async fn attach_grant(&self, shard: &str, broker: &str) {
        let attached = self.iam.attach_role_policy().role_name(broker).policy_arn(self.grant_arn(shard));
        attached.send().await.expect("it is attached");
    }

    /// Lets the first broker assume a role behind Drawbridge's back, and returns the policy's ARN.
    pub async fn attach_to_broker(&self, role_arn: &str) -> String {
        let document = serde_json::json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": role_arn}
        ]});
        let name = format!("foreign-{}", uuid::Uuid::new_v4().simple());
        let made = self.iam.create_policy().policy_name(name).policy_document(document.to_string());
        let policy = made.send().await.expect("the policy is made").policy.and_then(|policy| policy.arn);
        let arn = policy.expect("an ARN");
        let attached = self.iam.attach_role_policy().role_name("broker-1").policy_arn(&arn).send().await;
        attached.expect("it is attached");
        arn
    }

    /// Undoes [`Provider::attach_to_broker`].
    pub async fn detach_from_broker(&self, policy_arn: &str) {
        let detached =
            self.iam.detach_role_policy().role_name("broker-1").policy_arn(policy_arn).send().await;
        detached.expect("it is detached");
    }

    /// This text attribute of all items whose partition begins like this.
    pub async fn partitions_with(&self, prefix: &str, attribute: &str) -> Vec<String> {
        let mut pages = self
            .dynamodb
            .scan()
            .table_name(&self.stack.table_name)
            .filter_expression("begins_with(pk, :prefix)")
            .expression_attribute_values(":prefix", AttributeValue::S(prefix.to_owned()))
            .consistent_read(true)
            .into_paginator()
            .items()
            .send();
        let mut found = Vec::new();
        while let Some(item) = pages.next().await {
            let item = item.expect("the table answers");
            found.extend(item.get(attribute).and_then(|value| value.as_s().ok()).cloned());
        }
        found
    }

    /// Puts a message on the onboarding queue.
    pub async fn send_message(&self, body: &str) {
        self.send_to(&self.stack.onboarding_queue_url, body).await;
    }

    /// Puts a message on the queue of what is done in customers' accounts.
    pub async fn send_job(&self, body: &str) {
        self.send_to(&self.stack.jobs_queue_url, body).await;
    }

    pub(crate) fn stack(&self) -> &'static Stack {
        self.stack
    }

    pub(crate) async fn send_to(&self, queue: &str, body: &str) {
        self.sqs.send_message().queue_url(queue).message_body(body).send().await.expect("the queue takes it");
    }
}

/// One string or a list of them.
fn strings(value: &Value) -> Vec<String> {
    match value {
        Value::String(one) => vec![one.clone()],
        Value::Array(many) => many.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => vec![],
    }
}
