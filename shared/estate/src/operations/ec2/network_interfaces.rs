//! `InstanceNetworkInterfaceSpecification`: the network interfaces that an instance is launched with.
//!
//! Source: EC2 API Reference, `InstanceNetworkInterfaceSpecification` and `RunInstances`.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use aws_sdk_ec2::types;
use domain::Error;
use serde::Deserialize;

use super::{form, invalid, is_id};

/// Most interfaces of a request. The largest instances take 15; few take more than these.
const MOST_INTERFACES: usize = 8;

/// Most security groups of an interface, unless the account has had its quota raised. Source: Amazon VPC
/// User Guide, "Amazon VPC quotas".
pub(super) const MOST_GROUPS: usize = 5;

/// Longest description.
const LONGEST_DESCRIPTION: usize = 255;

/// `InstanceNetworkInterfaceSpecification`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Interface {
    /// Where it is attached: 0 is the primary one.
    device_index: i32,
    /// An interface that there is already.
    #[serde(default)]
    network_interface_id: Option<String>,
    /// In which subnet one is made.
    #[serde(default)]
    subnet_id: Option<String>,
    /// With which security groups.
    #[serde(default)]
    groups: Option<Vec<String>>,
    /// Whether it has a public address.
    #[serde(default)]
    associate_public_ip_address: Option<bool>,
    /// Whether it goes with the instance.
    #[serde(default)]
    delete_on_termination: Option<bool>,
    /// What it is for.
    #[serde(default)]
    description: Option<String>,
    /// With which private address.
    #[serde(default)]
    private_ip_address: Option<String>,
}

/// Refuses groups that are none, or too many. They stand at `at`.
pub(super) fn check_groups(groups: Option<&[String]>, at: &str) -> Result<(), Error> {
    let Some(groups) = groups else { return Ok(()) };
    if groups.is_empty() || groups.len() > MOST_GROUPS {
        let detail = format!("name 1 to {MOST_GROUPS} security groups, or leave it out");
        return Err(invalid(at, "invalid_group_ids", detail));
    }
    match groups.iter().position(|id| !is_id(id, "sg-")) {
        None => super::check_once(at, "invalid_group_ids", groups),
        Some(wrong) => Err(invalid(format!("{at}/{wrong}"), "invalid_group_id", form("sg-"))),
    }
}

/// Refuses what is no private address of version 4.
pub(super) fn check_address(address: Option<&str>, at: &str) -> Result<(), Error> {
    match address {
        Some(address) if address.parse::<Ipv4Addr>().is_err() => {
            Err(invalid(at, "invalid_ip_address", "an address is written like 10.0.0.5"))
        }
        _ => Ok(()),
    }
}

/// Refuses interfaces that EC2 refuses.
pub(super) fn check_interfaces(given: &[Interface]) -> Result<(), Error> {
    const AT: &str = "/NetworkInterfaces";
    if given.is_empty() || given.len() > MOST_INTERFACES {
        let detail = format!("name 1 to {MOST_INTERFACES} network interfaces, or leave it out");
        return Err(invalid(AT, "invalid_network_interfaces", detail));
    }
    let mut seen = BTreeSet::new();
    for (place, interface) in given.iter().enumerate() {
        let at = format!("{AT}/{place}");
        interface.check().map_err(|error| error.at(&at))?;
        if !seen.insert(interface.device_index) {
            let detail = "each interface has an index of its own";
            return Err(invalid(format!("{at}/DeviceIndex"), "invalid_device_index", detail));
        }
    }
    Ok(())
}

impl Interface {
    fn check(&self) -> Result<(), Error> {
        if !(0..100).contains(&self.device_index) {
            return Err(invalid("/DeviceIndex", "invalid_device_index", "an index is 0 to 99"));
        }
        if let Some(id) = &self.network_interface_id {
            if !is_id(id, "eni-") {
                return Err(invalid("/NetworkInterfaceId", "invalid_network_interface_id", form("eni-")));
            }
            let made = [
                self.subnet_id.is_some(),
                self.groups.is_some(),
                self.associate_public_ip_address.is_some(),
                self.description.is_some(),
                self.private_ip_address.is_some(),
            ];
            if made.contains(&true) {
                let detail = "an interface that there is keeps its subnet, groups, addresses and description";
                return Err(invalid("/NetworkInterfaceId", "invalid_network_interface", detail));
            }
        }
        if self.subnet_id.as_ref().is_some_and(|id| !is_id(id, "subnet-")) {
            return Err(invalid("/SubnetId", "invalid_subnet_id", form("subnet-")));
        }
        check_groups(self.groups.as_deref(), "/Groups")?;
        check_address(self.private_ip_address.as_deref(), "/PrivateIpAddress")?;
        if self.description.as_ref().is_some_and(|text| text.chars().count() > LONGEST_DESCRIPTION) {
            let detail = format!("a description is at most {LONGEST_DESCRIPTION} characters");
            return Err(invalid("/Description", "invalid_description", detail));
        }
        Ok(())
    }

    /// The interface that there is already.
    pub(super) fn attached(&self) -> Option<&str> {
        self.network_interface_id.as_deref()
    }

    /// In which subnet one is made, if that is said.
    pub(super) fn subnet(&self) -> Option<&str> {
        self.subnet_id.as_deref()
    }

    /// With which security groups, if that is said.
    pub(super) fn groups(&self) -> Option<&[String]> {
        self.groups.as_deref()
    }

    /// Whether an address is asked for, which one instance alone can have.
    pub(super) fn is_for_one(&self) -> bool {
        self.network_interface_id.is_some() || self.private_ip_address.is_some()
    }

    pub(super) fn sdk(&self) -> types::InstanceNetworkInterfaceSpecification {
        types::InstanceNetworkInterfaceSpecification::builder()
            .device_index(self.device_index)
            .set_network_interface_id(self.network_interface_id.clone())
            .set_subnet_id(self.subnet_id.clone())
            .set_groups(self.groups.clone())
            .set_associate_public_ip_address(self.associate_public_ip_address)
            .set_delete_on_termination(self.delete_on_termination)
            .set_description(self.description.clone())
            .set_private_ip_address(self.private_ip_address.clone())
            .build()
    }
}
