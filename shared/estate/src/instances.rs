//! Instances: what runs ask of EC2 in a customer's account.
//!
//! Sources: EC2 API Reference; Service Authorization Reference, "Actions, resources, and condition keys for
//! Amazon EC2".

pub mod backups;
mod list;
mod power;

pub use list::{
    InstancePage, Listed, list_all_instances, list_instances, list_named_instances, listing_policy,
};
pub use power::{Seen, Watched, look_at_power, power_request, powering_policy};
