//! `ec2:CreateTags`. Source: EC2 API Reference, `CreateTags`; EC2 User Guide, "Tag your Amazon EC2
//! resources", "Tag restrictions"; Service Authorization Reference, Amazon EC2, "Resource types".

use access::CustomerSession;
use domain::Error;
use domain::policy::Statement;
use serde::Deserialize;

use super::bisect::bisect;
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

/// One tag.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Tag {
    /// 1 to 127 characters.
    key: String,
    /// Up to 256 characters.
    #[serde(default)]
    value: String,
}

/// Most resources of one request: as many as a session policy of 2,048 characters can name one by
/// one. EC2 takes 1,000. Source: IAM User Guide, "IAM and AWS STS quotas".
const MOST_RESOURCES: usize = 15;

/// Most tags of a resource, and most characters of a key and of a value.
const MOST_TAGS: usize = 50;
const LONGEST_KEY: usize = 127;
const LONGEST_VALUE: usize = 256;

/// What an id's prefix says of the resource: its type in ARNs, and whether they name the account.
/// What is left out has an ARN that its id does not give, such as a key pair's, which holds its name.
const KINDS: &[(&str, &str, bool)] = &[
    ("i-", "instance", true),
    ("vol-", "volume", true),
    ("snap-", "snapshot", false),
    ("ami-", "image", false),
    ("subnet-", "subnet", true),
    ("vpc-", "vpc", true),
    ("sg-", "security-group", true),
    ("sgr-", "security-group-rule", true),
    ("rtb-", "route-table", true),
    ("eni-", "network-interface", true),
    ("igw-", "internet-gateway", true),
    ("nat-", "natgateway", true),
    ("acl-", "network-acl", true),
    ("eipalloc-", "elastic-ip", true),
    ("dopt-", "dhcp-options", true),
    ("lt-", "launch-template", true),
    ("pl-", "prefix-list", true),
    ("vpce-", "vpc-endpoint", true),
    ("pcx-", "vpc-peering-connection", true),
    ("tgw-", "transit-gateway", true),
    ("vgw-", "vpn-gateway", true),
    ("vpn-", "vpn-connection", true),
    ("cgw-", "customer-gateway", true),
    ("cr-", "capacity-reservation", true),
    ("h-", "dedicated-host", true),
    ("fl-", "vpc-flow-log", true),
];

fn kind(id: &str) -> Option<(&'static str, bool)> {
    KINDS.iter().find(|(prefix, ..)| is_id(id, prefix)).map(|(_, kind, owned)| (*kind, *owned))
}

impl Carry for CreateTags {
    const ACTION: &'static str = "ec2:CreateTags";

    fn check(&self) -> Result<(), Error> {
        if self.resources.is_empty() || self.resources.len() > MOST_RESOURCES {
            let detail = format!("name 1 to {MOST_RESOURCES} resources");
            return Err(invalid("/Resources", "invalid_resources", detail));
        }
        if let Some(wrong) = self.resources.iter().position(|id| kind(id).is_none()) {
            let known: Vec<_> = KINDS.iter().map(|(prefix, ..)| *prefix).collect();
            let known = known.join(", ");
            let detail =
                format!("such an id is one of {known}, and 8 or 17 hexadecimal digits in lower case");
            return Err(invalid(format!("/Resources/{wrong}"), "invalid_resource_id", detail));
        }
        check_once("/Resources", "invalid_resources", &self.resources)?;
        if self.tags.is_empty() || self.tags.len() > MOST_TAGS {
            return Err(invalid("/Tags", "invalid_tags", format!("give 1 to {MOST_TAGS} tags")));
        }
        for (place, tag) in self.tags.iter().enumerate() {
            check_tag(tag).map_err(|error| error.at(&format!("/Tags/{place}")))?;
            if self.tags.iter().take(place).any(|other| other.key == tag.key) {
                return Err(invalid(format!("/Tags/{place}/Key"), "invalid_tags", "it is given twice"));
            }
        }
        Ok(())
    }

    /// Those resources, each by its ARN.
    fn needs(&self, place: &Place) -> Vec<Statement> {
        let arn = |id: &String| {
            let (kind, owned) = kind(id)?;
            let resource = format!("{kind}/{id}");
            Some(if owned { place.ec2(&resource) } else { place.shared_ec2(&resource) })
        };
        vec![Statement::allow([Self::ACTION], self.resources.iter().filter_map(arn))]
    }

    async fn carry(&self, session: &CustomerSession, place: &Place, dry_run: bool) -> Outcome {
        let ec2 = client(session, place);
        let tag = |tag: &Tag| aws_sdk_ec2::types::Tag::builder().key(&tag.key).value(&tag.value).build();
        let tags: Vec<_> = self.tags.iter().map(tag).collect();
        let create = |ids| {
            let request = ec2.create_tags().set_resources(Some(ids)).set_tags(Some(tags.clone()));
            request.dry_run(dry_run).send()
        };
        let (_, outcome) = bisect(&self.resources, dry_run, create).await;
        outcome
    }
}

/// What Drawbridge marks its own with, and protects targets by: nobody else sets these tags.
const OURS: &str = "drawbridge:";

/// What AWS keeps for itself, in whatever case.
const AWS: &str = "aws:";

fn check_tag(tag: &Tag) -> Result<(), Error> {
    if tag.key.is_empty() || tag.key.chars().count() > LONGEST_KEY {
        let detail = format!("a tag's key is 1 to {LONGEST_KEY} characters");
        return Err(invalid("/Key", "invalid_tag_key", detail));
    }
    let begins =
        |prefix: &str| tag.key.get(..prefix.len()).is_some_and(|key| key.eq_ignore_ascii_case(prefix));
    if begins(OURS) || begins(AWS) {
        let detail = format!("keys that begin with {OURS} are Drawbridge's, and those with {AWS} are AWS's");
        return Err(Error::refused("reserved_tag_key", detail).at("/Key"));
    }
    if tag.value.chars().count() > LONGEST_VALUE {
        let detail = format!("a tag's value is at most {LONGEST_VALUE} characters");
        return Err(invalid("/Value", "invalid_tag_value", detail));
    }
    Ok(())
}
