//! `ec2:DescribeVpcs`. Source: EC2 API Reference, `DescribeVpcs` and `Vpc`.

use access::CustomerSession;
use aws_sdk_ec2::types::Vpc;
use domain::Error;
use domain::policy::Statement;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Filter, check_filters, check_named, check_page, client, each, everywhere, filters, list, page_size, tags,
};
use crate::operations::{Carry, Outcome, Place};

/// Lists VPCs, a page at a time.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct DescribeVpcs {
    /// These alone; then there are no pages.
    vpc_ids: Option<Vec<String>>,
    /// Those that fit alone.
    filters: Option<Vec<Filter>>,
    /// Most of a page: 5 to 1,000, 100 unless said.
    max_results: Option<i32>,
    /// Where the page before ended.
    next_token: Option<String>,
}

impl Carry for DescribeVpcs {
    const ACTION: &'static str = "ec2:DescribeVpcs";

    fn check(&self) -> Result<(), Error> {
        check_named("/VpcIds", "vpc-", self.vpc_ids.as_deref())?;
        check_filters(self.filters.as_deref())?;
        check_page(self.max_results, 5..=1000, self.next_token.as_deref(), self.vpc_ids.is_some())
    }

    /// EC2's lists can be limited to no resource.
    fn needs(&self, _place: &Place) -> Vec<Statement> {
        everywhere(Self::ACTION)
    }

    async fn carry(&self, session: &CustomerSession, place: &Place, dry_run: bool) -> Outcome {
        let request = client(session, place)
            .describe_vpcs()
            .set_vpc_ids(self.vpc_ids.clone())
            .set_filters(filters(self.filters.as_deref()))
            .set_max_results(page_size(self.max_results, self.vpc_ids.is_some()))
            .set_next_token(self.next_token.clone());
        list!(request, dry_run, |page| json!({
            "Vpcs": each(page.vpcs(), vpc),
            "NextToken": page.next_token(),
        }))
    }
}

fn vpc(vpc: &Vpc) -> Value {
    json!({
        "VpcId": vpc.vpc_id(),
        "OwnerId": vpc.owner_id(),
        "State": vpc.state().map(|state| state.as_str()),
        "CidrBlock": vpc.cidr_block(),
        "CidrBlockAssociationSet": each(vpc.cidr_block_association_set(), |block| json!({
            "AssociationId": block.association_id(),
            "CidrBlock": block.cidr_block(),
        })),
        "Ipv6CidrBlockAssociationSet": each(vpc.ipv6_cidr_block_association_set(), |block| json!({
            "AssociationId": block.association_id(),
            "Ipv6CidrBlock": block.ipv6_cidr_block(),
        })),
        "IsDefault": vpc.is_default(),
        "InstanceTenancy": vpc.instance_tenancy().map(|tenancy| tenancy.as_str()),
        "DhcpOptionsId": vpc.dhcp_options_id(),
        "Tags": tags(vpc.tags()),
    })
}
