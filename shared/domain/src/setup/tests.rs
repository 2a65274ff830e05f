use super::*;
use crate::capability::{Capability, CapabilitySet};
use crate::place::Partition;
use crate::sample::{created, deployment};

fn connection() -> Connection {
    let capabilities = CapabilitySet::new([Capability::Ec2Power, Capability::DynamodbDrill]).unwrap();
    Connection { capabilities, ..created().connection }
}

#[test]
fn every_form_holds_the_same_two_documents() {
    let setup = Setup::of(&connection(), &deployment());
    for document in [&setup.trust_policy, &setup.permissions_policy] {
        for form in [&setup.cli, &setup.terraform, &setup.console] {
            assert!(form.contains(&document.to_pretty_json()), "{form}");
        }
    }
    // What a role is known by is the same too.
    let name = connection().role_name().to_string();
    let template = cloudformation(&connection(), &deployment());
    for form in [&setup.cli, &setup.terraform, &setup.console, &template] {
        for part in [DESCRIPTION, PROVIDER_TAG, POLICY_NAME, "111111111111", &name] {
            assert!(form.contains(part), "{part}: {form}");
        }
    }
    // Terraform would read these as its own.
    assert!(!setup.terraform.contains("${") && !setup.terraform.contains("%{"));
}

#[test]
fn the_grant_is_shown_once_the_role_can_be_known() {
    let mut connection = connection();
    assert_eq!(Setup::of(&connection, &deployment()).grant_policy, None);

    connection.account_id = Some("222222222222".parse().unwrap());
    let announced = Setup::of(&connection, &deployment()).grant_policy.unwrap().to_json();
    assert!(announced.contains("arn:aws:iam::222222222222:role/drawbridge-"), "{announced}");

    connection.role_arn = Some("arn:aws:iam::222222222222:role/path/own".parse().unwrap());
    let submitted = Setup::of(&connection, &deployment()).grant_policy.unwrap().to_json();
    assert!(submitted.contains("\"arn:aws:iam::222222222222:role/path/own\""), "{submitted}");
}

#[test]
fn the_steps_lead_from_the_role_to_verified_access() {
    let mut connection = connection();
    connection.account_id = Some("222222222222".parse().unwrap());
    let setup = Setup::of(&connection, &deployment());
    let way = [
        "Create role",
        "Custom trust policy",
        "Another AWS account",
        "Require\n   external ID",
        "Add permissions",
        "Add new tag",
        "Create inline policy",
        "Edit trust policy",
        "grants the role in the source account 111111111111",
        "aws sts assume-role --role-arn arn:aws:iam::222222222222:role/drawbridge-",
        "verifies",
        "\"Delete\"",
    ];
    let mut rest = setup.console.as_str();
    for part in way {
        let (_, after) = rest.split_once(part).unwrap_or_else(|| panic!("{part:?} is not in its place"));
        rest = after;
    }
    assert!(setup.console.matches(connection.external_id.expose()).count() >= 3);
    assert!(setup.console.lines().all(|line| line.chars().count() <= 130), "{}", setup.console);
}

/// The parameters and their defaults, by the template's own shape.
fn defaults(template: &str) -> Vec<(&str, &str)> {
    let (_, rest) = template.split_once("\nParameters:\n").unwrap();
    let (parameters, _) = rest.split_once("\nRules:\n").unwrap();
    let mut name = "";
    let mut found = Vec::new();
    for line in parameters.lines() {
        if line.starts_with("  ") && !line.starts_with("   ") && line.ends_with(':') {
            name = line.trim().trim_end_matches(':');
        } else if let Some(value) = line.strip_prefix("    Default: ") {
            found.push((name, value.trim_matches('\'')));
        }
    }
    found
}

#[test]
fn the_template_deploys_as_it_is() {
    let connection = connection();
    let template = cloudformation(&connection, &deployment());
    let defaults = defaults(&template);
    assert_eq!(defaults.len(), 3 + Capability::ALL.len(), "each parameter has one default: {defaults:?}");
    let id = connection.external_id.expose();
    let fixed = [("RoleName", connection.role_name().as_str()), ("ExternalId", id)];
    assert_eq!(defaults[..2], fixed);
    assert_eq!(defaults[2], ("ProviderAccountId", "111111111111"));
    for (name, value) in &defaults[3..] {
        assert_eq!(*value, (["Ec2Power", "DynamodbDrill"].contains(name)).to_string(), "{name}");
    }
    // All else is the file that is published.
    let without = |text: &str| {
        let lines = text.lines().filter(|line| !line.starts_with("    Default:"));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(without(&template), without(include_str!("../../../../infra/customer-role.yaml")));
}

/// Browsers and what is between take 2,000 characters everywhere.
#[test]
fn a_quick_create_link_with_everything_is_short_enough() {
    let every = Capability::ALL.into_iter().filter(|capability| *capability != Capability::Classic);
    for capabilities in [CapabilitySet::new(every), CapabilitySet::new([Capability::Classic])] {
        let connection = Connection {
            capabilities: capabilities.unwrap(),
            announced_role_name: Some(format!("1{}", "+".repeat(63)).parse().unwrap()),
            ..connection()
        };
        let template = format!("https://s3.ap-southeast-99.amazonaws.com/{}", "b".repeat(200));
        let deployment = Deployment { customer_template_url: Some(template), ..deployment() };
        let link = Setup::of(&connection, &deployment).quick_create_url.unwrap();
        assert!(link.len() <= 2000, "{}", link.len());
        assert!(link.contains("&stackName=drawbridge-1---"), "{link}");
        for capability in Capability::ALL {
            let asked = connection.capabilities.requested().any(|requested| requested == capability);
            let parameter = format!("&param_{}=true", capability.title());
            assert_eq!(link.contains(&parameter), asked, "{capability}");
        }
    }
}

#[test]
fn the_quick_create_link_fills_in_every_parameter() {
    let connection = connection();
    assert_eq!(Setup::of(&connection, &deployment()).quick_create_url, None);

    let deployment = Deployment {
        partition: Partition::AwsUsGov,
        customer_template_url: Some("https://bucket.s3.amazonaws.com/role.yaml".to_owned()),
        ..deployment()
    };
    let link = Setup::of(&connection, &deployment).quick_create_url.unwrap();
    let name = connection.role_name();
    let id = connection.external_id.expose();
    assert_eq!(
        link,
        format!(
            "https://console.amazonaws-us-gov.com/cloudformation/home?region=eu-central-1#/stacks/create/review\
             ?templateURL=https%3A%2F%2Fbucket.s3.amazonaws.com%2Frole.yaml&stackName={name}\
             &param_RoleName={name}&param_ExternalId={id}&param_ProviderAccountId=111111111111\
             &param_Ec2Power=true&param_DynamodbDrill=true"
        )
    );
}

mod module;
