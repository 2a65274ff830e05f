//! `infra/customer-role.yaml`: the role that a customer deploys is the one that the documents
//! describe, and it is accepted.

use std::collections::BTreeSet;

use aws_sdk_cloudformation::Client;
use aws_sdk_cloudformation::types::{Capability as Acknowledged, Parameter, StackStatus};
use blackbox::{Api, CustomerAccount, Stack, eventually};
use domain::Capability;
use serde_json::{Value, json};

const TEMPLATE: &str = include_str!("../../../infra/customer-role.yaml");

pub(crate) struct Deployed {
    pub status: StackStatus,
    pub role_arn: Option<String>,
}

/// Deploys the template into an account, and waits until it is done or refused.
async fn deploy(
    account: &CustomerAccount,
    connection: &Value,
    capabilities: &[Capability],
) -> Option<Deployed> {
    let stack = Stack::get();
    let fixed = [
        ("RoleName", connection["role_name"].as_str().unwrap()),
        ("ExternalId", connection["external_id"].as_str().unwrap()),
        ("ProviderAccountId", stack.provider_account_id.as_str()),
    ];
    let chosen = capabilities.iter().map(|capability| (capability.title(), "true"));
    let parameters = fixed
        .into_iter()
        .chain(chosen)
        .map(|(key, value)| Parameter::builder().parameter_key(key).parameter_value(value).build());
    deploy_as_it_is(account, TEMPLATE, parameters.collect()).await
}

/// Deploys a template with these parameters, and waits until it is done or refused.
pub(crate) async fn deploy_as_it_is(
    account: &CustomerAccount,
    template: &str,
    parameters: Vec<Parameter>,
) -> Option<Deployed> {
    let client = Client::new(&Stack::get().aws_as_root(&account.id));
    let made = client
        .create_stack()
        .stack_name("drawbridge-role")
        .template_body(template)
        .set_parameters(Some(parameters))
        .capabilities(Acknowledged::CapabilityNamedIam)
        .send()
        .await;
    made.ok()?;
    let done = eventually("the customer's stack is deployed", async || {
        let stacks = client.describe_stacks().stack_name("drawbridge-role").send().await.ok()?.stacks?;
        let stack = stacks.into_iter().next()?;
        (!stack.stack_status.as_ref()?.as_str().ends_with("_IN_PROGRESS")).then_some(stack)
    })
    .await;
    let role_arn = done
        .outputs()
        .iter()
        .find(|output| output.output_key() == Some("RoleArn"))
        .and_then(|output| output.output_value().map(str::to_owned));
    Some(Deployed { status: done.stack_status.unwrap(), role_arn })
}

/// A policy as a set of statements, without their order, their keys' and their actions' order.
pub(crate) fn statements(policy: &Value) -> BTreeSet<String> {
    let set = |value: &Value| match value {
        Value::String(one) => BTreeSet::from([one.clone()]),
        Value::Array(many) => many.iter().map(|one| one.as_str().unwrap().to_owned()).collect(),
        other => panic!("not a string or a list: {other}"),
    };
    let flat = |statement: &Value| {
        let mut flat = json!({
            "Sid": statement["Sid"],
            "Effect": statement["Effect"],
            "Principal": statement.get("Principal"),
            "Action": set(&statement["Action"]),
            "Resource": statement.get("Resource").map(set),
            "Condition": statement.get("Condition"),
        });
        flat.sort_all_objects();
        flat.to_string()
    };
    policy["Statement"].as_array().unwrap().iter().map(flat).collect()
}

#[tokio::test]
async fn every_capability_deploys_the_role_that_setup_describes() {
    let api = Api::operator();
    let every: Vec<Capability> = Capability::ALL.into_iter().filter(|c| *c != Capability::Classic).collect();
    let single = Capability::ALL.map(|capability| vec![capability]);
    for capabilities in single.into_iter().chain([every]) {
        let account = CustomerAccount::new();
        let connection = api
            .new_connection_for(json!({
                "capabilities": capabilities, "regions": ["us-east-1"], "account_id": account.id,
            }))
            .await;
        let name = connection["role_name"].as_str().unwrap();
        let deployed = deploy(&account, &connection, &capabilities).await.expect("the template is accepted");
        assert_eq!(deployed.status, StackStatus::CreateComplete);
        assert_eq!(deployed.role_arn, Some(account.role_arn(name)));

        let setup = api.setup(&connection).await;
        assert_eq!(statements(&account.trust(name).await), statements(&setup["trust_policy"]));
        assert_eq!(
            statements(&account.permissions(name).await),
            statements(&setup["permissions_policy"]),
            "{capabilities:?}"
        );
    }
}

#[tokio::test]
async fn a_deployed_role_is_accepted() {
    let (api, account) = (Api::operator(), CustomerAccount::new());
    let request = json!({"capabilities": ["ec2-power", "dynamodb-backup"], "regions": ["us-east-1"]});
    let connection = api.new_connection_for(request).await;
    let deployed =
        deploy(&account, &connection, &[Capability::Ec2Power, Capability::DynamodbBackup]).await.unwrap();
    let active = api.onboard(&connection, &deployed.role_arn.unwrap()).await;
    assert_eq!(active["state"], "active", "{active:#}");
}

#[tokio::test]
async fn a_role_without_capabilities_or_with_mixed_ones_is_refused() {
    let (api, account) = (Api::operator(), CustomerAccount::new());
    let connection = api.new_connection().await;
    for capabilities in [&[][..], &[Capability::Classic, Capability::Ec2Power][..]] {
        let deployed = deploy(&account, &connection, capabilities).await;
        let accepted = deployed.is_some_and(|deployed| deployed.status == StackStatus::CreateComplete);
        assert!(!accepted, "{capabilities:?}");
    }
}
