//! `ec2:DescribeSubnets`. Source: EC2 API Reference, `DescribeSubnets` and `Subnet`.

use access::CustomerSession;
use aws_sdk_ec2::types::Subnet;
use domain::Error;
use domain::policy::Statement;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Filter, check_filters, check_named, check_page, client, each, everywhere, filters, list, page_size, tags,
};
use crate::operations::{Carry, Outcome, Place};

/// Lists subnets, a page at a time.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct DescribeSubnets {
    /// These alone; then there are no pages.
    subnet_ids: Option<Vec<String>>,
    /// Those that fit alone.
    filters: Option<Vec<Filter>>,
    /// Most of a page: 5 to 1,000, 100 unless said.
    max_results: Option<i32>,
    /// Where the page before ended.
    next_token: Option<String>,
}

impl Carry for DescribeSubnets {
    const ACTION: &'static str = "ec2:DescribeSubnets";

    fn check(&self) -> Result<(), Error> {
        check_named("/SubnetIds", "subnet-", self.subnet_ids.as_deref())?;
        check_filters(self.filters.as_deref())?;
        check_page(self.max_results, 5..=1000, self.next_token.as_deref(), self.subnet_ids.is_some())
    }

    /// EC2's lists can be limited to no resource.
    fn needs(&self, _place: &Place) -> Vec<Statement> {
        everywhere(Self::ACTION)
    }

    async fn carry(&self, session: &CustomerSession, place: &Place, dry_run: bool) -> Outcome {
        let request = client(session, place)
            .describe_subnets()
            .set_subnet_ids(self.subnet_ids.clone())
            .set_filters(filters(self.filters.as_deref()))
            .set_max_results(page_size(self.max_results, self.subnet_ids.is_some()))
            .set_next_token(self.next_token.clone());
        list!(request, dry_run, |page| json!({
            "Subnets": each(page.subnets(), subnet),
            "NextToken": page.next_token(),
        }))
    }
}

fn subnet(subnet: &Subnet) -> Value {
    json!({
        "SubnetId": subnet.subnet_id(),
        "VpcId": subnet.vpc_id(),
        "OwnerId": subnet.owner_id(),
        "State": subnet.state().map(|state| state.as_str()),
        "CidrBlock": subnet.cidr_block(),
        "Ipv6CidrBlocks": each(subnet.ipv6_cidr_block_association_set(), |block| json!(block.ipv6_cidr_block())),
        "AvailableIpAddressCount": subnet.available_ip_address_count(),
        "AvailabilityZone": subnet.availability_zone(),
        "AvailabilityZoneId": subnet.availability_zone_id(),
        "DefaultForAz": subnet.default_for_az(),
        "MapPublicIpOnLaunch": subnet.map_public_ip_on_launch(),
        "OutpostArn": subnet.outpost_arn(),
        "Tags": tags(subnet.tags()),
    })
}
