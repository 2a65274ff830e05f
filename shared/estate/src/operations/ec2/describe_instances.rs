//! `ec2:DescribeInstances`. Source: EC2 API Reference, `DescribeInstances` and `Instance`.

use access::CustomerSession;
use aws_sdk_ec2::types::{Instance, Reservation};
use domain::Error;
use domain::policy::Statement;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Filter, check_filters, check_named, check_page, client, each, everywhere, filters, list, page_size, tags,
};
use crate::operations::{Carry, Outcome, Place};

/// Lists instances, a page at a time.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct DescribeInstances {
    /// These alone; then there are no pages.
    instance_ids: Option<Vec<String>>,
    /// Those that fit alone.
    filters: Option<Vec<Filter>>,
    /// Most of a page: 5 to 1,000, 100 unless said.
    max_results: Option<i32>,
    /// Where the page before ended.
    next_token: Option<String>,
}

impl Carry for DescribeInstances {
    const ACTION: &'static str = "ec2:DescribeInstances";

    fn check(&self) -> Result<(), Error> {
        check_named("/InstanceIds", "i-", self.instance_ids.as_deref())?;
        check_filters(self.filters.as_deref())?;
        check_page(self.max_results, 5..=1000, self.next_token.as_deref(), self.instance_ids.is_some())
    }

    /// EC2's lists can be limited to no resource.
    fn needs(&self, _place: &Place) -> Vec<Statement> {
        everywhere(Self::ACTION)
    }

    async fn carry(&self, session: &CustomerSession, place: &Place, dry_run: bool) -> Outcome {
        let request = client(session, place)
            .describe_instances()
            .set_instance_ids(self.instance_ids.clone())
            .set_filters(filters(self.filters.as_deref()))
            .set_max_results(page_size(self.max_results, self.instance_ids.is_some()))
            .set_next_token(self.next_token.clone());
        list!(request, dry_run, |page| json!({
            "Reservations": each(page.reservations(), reservation),
            "NextToken": page.next_token(),
        }))
    }
}

fn reservation(reservation: &Reservation) -> Value {
    json!({
        "ReservationId": reservation.reservation_id(),
        "OwnerId": reservation.owner_id(),
        "Instances": reservation.instances().iter().map(instance).collect::<Vec<_>>(),
    })
}

/// What people ask of an instance. User data and the like are not among what EC2 lists.
pub(super) fn instance(instance: &Instance) -> Value {
    let state = instance.state();
    let placement = instance.placement();
    json!({
        "InstanceId": instance.instance_id(),
        "InstanceType": instance.instance_type().map(|kind| kind.as_str()),
        "State": {
            "Code": state.and_then(|state| state.code()),
            "Name": state.and_then(|state| state.name()).map(|name| name.as_str()),
        },
        "StateReason": instance.state_reason().map(|reason| {
            json!({"Code": reason.code(), "Message": reason.message()})
        }),
        "ImageId": instance.image_id(),
        "LaunchTime": instance.launch_time().map(ToString::to_string),
        "Placement": {"AvailabilityZone": placement.and_then(|placement| placement.availability_zone())},
        "Architecture": instance.architecture().map(|architecture| architecture.as_str()),
        "PlatformDetails": instance.platform_details(),
        "VpcId": instance.vpc_id(),
        "SubnetId": instance.subnet_id(),
        "PrivateIpAddress": instance.private_ip_address(),
        "PublicIpAddress": instance.public_ip_address(),
        "PrivateDnsName": instance.private_dns_name(),
        "PublicDnsName": instance.public_dns_name(),
        "KeyName": instance.key_name(),
        "RootDeviceName": instance.root_device_name(),
        "BlockDeviceMappings": instance.block_device_mappings().iter().map(|mapping| {
            let volume = mapping.ebs();
            json!({
                "DeviceName": mapping.device_name(),
                "Ebs": {
                    "VolumeId": volume.and_then(|volume| volume.volume_id()),
                    "DeleteOnTermination": volume.and_then(|volume| volume.delete_on_termination()),
                    "Status": volume.and_then(|volume| volume.status()).map(|status| status.as_str()),
                },
            })
        }).collect::<Vec<_>>(),
        "SecurityGroups": instance.security_groups().iter().map(|group| {
            json!({"GroupId": group.group_id(), "GroupName": group.group_name()})
        }).collect::<Vec<_>>(),
        "Tags": tags(instance.tags()),
    })
}
