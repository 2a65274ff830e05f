//! `ec2:DescribeRouteTables`. Source: EC2 API Reference, `DescribeRouteTables` and `RouteTable`.

use access::CustomerSession;
use aws_sdk_ec2::types::{Route, RouteTable};
use domain::Error;
use domain::policy::Statement;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Filter, check_filters, check_named, check_page, client, each, everywhere, filters, list, page_size, tags,
};
use crate::operations::{Carry, Outcome, Place};

/// Lists route tables with their routes, a page at a time.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct DescribeRouteTables {
    /// These alone; then there are no pages.
    route_table_ids: Option<Vec<String>>,
    /// Those that fit alone.
    filters: Option<Vec<Filter>>,
    /// Most of a page: 5 to 100, 100 unless said.
    max_results: Option<i32>,
    /// Where the page before ended.
    next_token: Option<String>,
}

impl Carry for DescribeRouteTables {
    const ACTION: &'static str = "ec2:DescribeRouteTables";

    fn check(&self) -> Result<(), Error> {
        check_named("/RouteTableIds", "rtb-", self.route_table_ids.as_deref())?;
        check_filters(self.filters.as_deref())?;
        check_page(self.max_results, 5..=100, self.next_token.as_deref(), self.route_table_ids.is_some())
    }

    /// EC2's lists can be limited to no resource.
    fn needs(&self, _place: &Place) -> Vec<Statement> {
        everywhere(Self::ACTION)
    }

    async fn carry(&self, session: &CustomerSession, place: &Place, dry_run: bool) -> Outcome {
        let request = client(session, place)
            .describe_route_tables()
            .set_route_table_ids(self.route_table_ids.clone())
            .set_filters(filters(self.filters.as_deref()))
            .set_max_results(page_size(self.max_results, self.route_table_ids.is_some()))
            .set_next_token(self.next_token.clone());
        list!(request, dry_run, |page| json!({
            "RouteTables": each(page.route_tables(), table),
            "NextToken": page.next_token(),
        }))
    }
}

fn table(table: &RouteTable) -> Value {
    json!({
        "RouteTableId": table.route_table_id(),
        "VpcId": table.vpc_id(),
        "OwnerId": table.owner_id(),
        "Routes": each(table.routes(), route),
        "Associations": each(table.associations(), |association| json!({
            "RouteTableAssociationId": association.route_table_association_id(),
            "Main": association.main(),
            "SubnetId": association.subnet_id(),
            "GatewayId": association.gateway_id(),
            "State": association.association_state().and_then(|state| state.state()).map(|state| state.as_str()),
        })),
        "Tags": tags(table.tags()),
    })
}

/// Where a route leads: of the gateways and the like, one is set.
fn route(route: &Route) -> Value {
    json!({
        "DestinationCidrBlock": route.destination_cidr_block(),
        "DestinationIpv6CidrBlock": route.destination_ipv6_cidr_block(),
        "DestinationPrefixListId": route.destination_prefix_list_id(),
        "GatewayId": route.gateway_id(),
        "NatGatewayId": route.nat_gateway_id(),
        "EgressOnlyInternetGatewayId": route.egress_only_internet_gateway_id(),
        "TransitGatewayId": route.transit_gateway_id(),
        "VpcPeeringConnectionId": route.vpc_peering_connection_id(),
        "NetworkInterfaceId": route.network_interface_id(),
        "InstanceId": route.instance_id(),
        "LocalGatewayId": route.local_gateway_id(),
        "CarrierGatewayId": route.carrier_gateway_id(),
        "CoreNetworkArn": route.core_network_arn(),
        "State": route.state().map(|state| state.as_str()),
        "Origin": route.origin().map(|origin| origin.as_str()),
    })
}
