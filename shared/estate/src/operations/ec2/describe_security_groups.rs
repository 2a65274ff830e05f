//! `ec2:DescribeSecurityGroups`. Source: EC2 API Reference, `DescribeSecurityGroups` and `SecurityGroup`.

use access::CustomerSession;
use aws_sdk_ec2::types::{IpPermission, SecurityGroup};
use domain::Error;
use domain::policy::Statement;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Filter, check_filters, check_named, check_page, client, each, everywhere, filters, list, page_size, tags,
};
use crate::operations::{Carry, Outcome, Place};

/// Lists security groups with their rules, a page at a time.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct DescribeSecurityGroups {
    /// These alone; then there are no pages.
    group_ids: Option<Vec<String>>,
    /// Those that fit alone.
    filters: Option<Vec<Filter>>,
    /// Most of a page: 5 to 1,000, 100 unless said.
    max_results: Option<i32>,
    /// Where the page before ended.
    next_token: Option<String>,
}

impl Carry for DescribeSecurityGroups {
    const ACTION: &'static str = "ec2:DescribeSecurityGroups";

    fn check(&self) -> Result<(), Error> {
        check_named("/GroupIds", "sg-", self.group_ids.as_deref())?;
        check_filters(self.filters.as_deref())?;
        check_page(self.max_results, 5..=1000, self.next_token.as_deref(), self.group_ids.is_some())
    }

    /// EC2's lists can be limited to no resource.
    fn needs(&self, _place: &Place) -> Vec<Statement> {
        everywhere(Self::ACTION)
    }

    async fn carry(&self, session: &CustomerSession, place: &Place, dry_run: bool) -> Outcome {
        let request = client(session, place)
            .describe_security_groups()
            .set_group_ids(self.group_ids.clone())
            .set_filters(filters(self.filters.as_deref()))
            .set_max_results(page_size(self.max_results, self.group_ids.is_some()))
            .set_next_token(self.next_token.clone());
        list!(request, dry_run, |page| json!({
            "SecurityGroups": each(page.security_groups(), group),
            "NextToken": page.next_token(),
        }))
    }
}

fn group(group: &SecurityGroup) -> Value {
    json!({
        "GroupId": group.group_id(),
        "GroupName": group.group_name(),
        "Description": group.description(),
        "VpcId": group.vpc_id(),
        "OwnerId": group.owner_id(),
        "IpPermissions": each(group.ip_permissions(), permission),
        "IpPermissionsEgress": each(group.ip_permissions_egress(), permission),
        "Tags": tags(group.tags()),
    })
}

/// What a group lets in or out, with what.
fn permission(permission: &IpPermission) -> Value {
    json!({
        "IpProtocol": permission.ip_protocol(),
        "FromPort": permission.from_port(),
        "ToPort": permission.to_port(),
        "IpRanges": each(permission.ip_ranges(), |range| json!({
            "CidrIp": range.cidr_ip(),
            "Description": range.description(),
        })),
        "Ipv6Ranges": each(permission.ipv6_ranges(), |range| json!({
            "CidrIpv6": range.cidr_ipv6(),
            "Description": range.description(),
        })),
        "PrefixListIds": each(permission.prefix_list_ids(), |list| json!({
            "PrefixListId": list.prefix_list_id(),
            "Description": list.description(),
        })),
        "UserIdGroupPairs": each(permission.user_id_group_pairs(), |pair| json!({
            "GroupId": pair.group_id(),
            "UserId": pair.user_id(),
            "VpcId": pair.vpc_id(),
            "VpcPeeringConnectionId": pair.vpc_peering_connection_id(),
            "Description": pair.description(),
        })),
    })
}
