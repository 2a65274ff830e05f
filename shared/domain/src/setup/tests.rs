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
        assert!(setup.cli.contains(&document.to_pretty_json()));
        assert!(setup.terraform.contains(&document.to_pretty_json()));
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
