//! `ec2:CreateTags`. Source: EC2 API Reference, `CreateTags`; Service Authorization Reference, Amazon
//! EC2, "Resource types".

use access::CustomerSession;
use domain::Error;
use domain::policy::Statement;
use serde::Deserialize;

use super::bisect::bisect;
use super::tagging::{Tag, check_tags, named};
use super::{check_once, client, invalid, is_id};
use crate::operations::{Carry, Outcome, Place};

/// Tags resources, and overwrites the values of tags that they have.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct CreateTags {
    /// Which, 1 to 15 ids.
    resources: Vec<String>,
    /// With what, 1 to 50.
    tags: Vec<Tag>,
}

/// Most resources of one request: as many as a session policy of 2,048 characters can name one by
/// one. EC2 takes 1,000. Source: IAM User Guide, "IAM and AWS STS quotas".
const MOST_RESOURCES: usize = 15;

/// What an id's prefix says of the resource: its type in ARNs. What is left out has an ARN that its id
/// does not give, such as a key pair's, which holds its name.
const KINDS: &[(&str, &str)] = &[
    ("i-", "instance"),
    ("vol-", "volume"),
    ("snap-", "snapshot"),
    ("ami-", "image"),
    ("subnet-", "subnet"),
    ("vpc-", "vpc"),
    ("sg-", "security-group"),
    ("sgr-", "security-group-rule"),
    ("rtb-", "route-table"),
    ("eni-", "network-interface"),
    ("igw-", "internet-gateway"),
    ("nat-", "natgateway"),
    ("acl-", "network-acl"),
    ("eipalloc-", "elastic-ip"),
    ("dopt-", "dhcp-options"),
    ("lt-", "launch-template"),
    ("pl-", "prefix-list"),
    ("vpce-", "vpc-endpoint"),
    ("pcx-", "vpc-peering-connection"),
    ("tgw-", "transit-gateway"),
    ("vgw-", "vpn-gateway"),
    ("vpn-", "vpn-connection"),
    ("cgw-", "customer-gateway"),
    ("cr-", "capacity-reservation"),
    ("h-", "dedicated-host"),
    ("fl-", "vpc-flow-log"),
];

fn kind(id: &str) -> Option<&'static str> {
    KINDS.iter().find(|(prefix, _)| is_id(id, prefix)).map(|(_, kind)| *kind)
}

impl Carry for CreateTags {
    const ACTION: &'static str = "ec2:CreateTags";

    fn check(&self) -> Result<(), Error> {
        if self.resources.is_empty() || self.resources.len() > MOST_RESOURCES {
            let detail = format!("name 1 to {MOST_RESOURCES} resources");
            return Err(invalid("/Resources", "invalid_resources", detail));
        }
        if let Some(wrong) = self.resources.iter().position(|id| kind(id).is_none()) {
            let known: Vec<_> = KINDS.iter().map(|(prefix, _)| *prefix).collect();
            let known = known.join(", ");
            let detail =
                format!("such an id is one of {known}, and 8 or 17 hexadecimal digits in lower case");
            return Err(invalid(format!("/Resources/{wrong}"), "invalid_resource_id", detail));
        }
        check_once("/Resources", "invalid_resources", &self.resources)?;
        check_tags(&self.tags)
    }

    /// Those resources, each by its ARN.
    fn needs(&self, place: &Place) -> Vec<Statement> {
        let arn = |id: &String| Some(named(place, kind(id)?, id));
        vec![Statement::allow([Self::ACTION], self.resources.iter().filter_map(arn))]
    }

    async fn carry(&self, session: &CustomerSession, place: &Place, dry_run: bool) -> Outcome {
        let ec2 = client(session, place);
        let tags: Vec<_> = self.tags.iter().map(Tag::sdk).collect();
        let create = |ids| {
            let request = ec2.create_tags().set_resources(Some(ids)).set_tags(Some(tags.clone()));
            request.dry_run(dry_run).send()
        };
        let (_, outcome) = bisect(session, &self.resources, dry_run, create).await;
        outcome
    }
}
