//! What an instance is launched with besides its image, its network and its volumes.
//!
//! Sources: EC2 API Reference, `RunInstances` and the types of its parameters; EC2 User Guide, "Run
//! commands on your Linux instance at launch".

use std::fmt;

use aws_sdk_ec2::types;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::Error;
use serde::Deserialize;

use super::invalid;
use super::words::words;

/// Largest user data, in bytes, before it is base64.
const LARGEST_USER_DATA: usize = 16 * 1024;

/// Longest name of a placement group, of a key pair, and of an Availability Zone.
const LONGEST_NAME: usize = 255;

words! {
    /// `HttpTokensState`.
    HttpTokens as HttpTokensState {
        /// Version 1 of the metadata service answers too, which hands the instance's credentials to
        /// whoever makes a program of the instance fetch an address.
        Optional = "optional",
        /// Version 2 alone, which asks for a token first.
        Required = "required",
    }
}

words! {
    /// `InstanceMetadataEndpointState`.
    HttpEndpoint as InstanceMetadataEndpointState {
        /// There is none.
        Disabled = "disabled",
        /// There is one.
        Enabled = "enabled",
    }
}

words! {
    /// `InstanceMetadataProtocolState`.
    HttpProtocolIpv6 as InstanceMetadataProtocolState {
        /// Over IPv4 alone.
        Disabled = "disabled",
        /// Over IPv6 as well.
        Enabled = "enabled",
    }
}

words! {
    /// `InstanceMetadataTagsState`.
    InstanceMetadataTags as InstanceMetadataTagsState {
        /// The instance does not see its tags.
        Disabled = "disabled",
        /// It does.
        Enabled = "enabled",
    }
}

words! {
    /// `ShutdownBehavior`: what becomes of an instance that shuts itself down.
    ShutdownBehavior {
        /// It is stopped.
        Stop = "stop",
        /// It is terminated.
        Terminate = "terminate",
    }
}

words! {
    /// `Tenancy`.
    Tenancy {
        /// On hardware shared with others.
        Default = "default",
        /// On hardware of its own.
        Dedicated = "dedicated",
    }
}

/// `CpuCredits`, of burstable types.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum CpuCredits {
    /// What it has earned, and no more.
    Standard,
    /// More than that, for money.
    Unlimited,
}

/// `InstanceMetadataOptionsRequest`. Tokens are required unless the caller says otherwise.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct MetadataOptions {
    http_tokens: Option<HttpTokens>,
    http_put_response_hop_limit: Option<i32>,
    http_endpoint: Option<HttpEndpoint>,
    http_protocol_ipv6: Option<HttpProtocolIpv6>,
    instance_metadata_tags: Option<InstanceMetadataTags>,
}

impl MetadataOptions {
    pub(super) fn check(&self) -> Result<(), Error> {
        match self.http_put_response_hop_limit {
            Some(limit) if !(1..=64).contains(&limit) => {
                let detail = "HttpPutResponseHopLimit is 1 to 64";
                Err(invalid("/MetadataOptions/HttpPutResponseHopLimit", "out_of_range", detail))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn sdk(&self) -> types::InstanceMetadataOptionsRequest {
        types::InstanceMetadataOptionsRequest::builder()
            .http_tokens(self.http_tokens.unwrap_or(HttpTokens::Required).into())
            .set_http_put_response_hop_limit(self.http_put_response_hop_limit)
            .set_http_endpoint(self.http_endpoint.map(Into::into))
            .set_http_protocol_ipv6(self.http_protocol_ipv6.map(Into::into))
            .set_instance_metadata_tags(self.instance_metadata_tags.map(Into::into))
            .build()
    }
}

/// `Placement`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Placement {
    availability_zone: Option<String>,
    group_name: Option<String>,
    partition_number: Option<i32>,
    tenancy: Option<Tenancy>,
}

impl Placement {
    pub(super) fn check(&self) -> Result<(), Error> {
        if self.availability_zone.as_ref().is_some_and(|zone| !super::send_ssh_public_key::is_zone(zone)) {
            let detail = "an Availability Zone is written like eu-central-1a";
            return Err(invalid("/Placement/AvailabilityZone", "invalid_availability_zone", detail));
        }
        check_name(self.group_name.as_deref(), "/Placement/GroupName", "placement group")?;
        match self.partition_number {
            Some(number) if !(1..=7).contains(&number) => {
                Err(invalid("/Placement/PartitionNumber", "out_of_range", "PartitionNumber is 1 to 7"))
            }
            _ => Ok(()),
        }
    }

    /// The placement group.
    pub(super) fn group(&self) -> Option<&str> {
        self.group_name.as_deref()
    }

    pub(super) fn sdk(&self) -> types::Placement {
        types::Placement::builder()
            .set_availability_zone(self.availability_zone.clone())
            .set_group_name(self.group_name.clone())
            .set_partition_number(self.partition_number)
            .set_tenancy(self.tenancy.map(Into::into))
            .build()
    }
}

/// `CpuOptionsRequest`.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CpuOptions {
    core_count: i32,
    threads_per_core: i32,
}

impl CpuOptions {
    pub(super) fn check(self) -> Result<(), Error> {
        if self.core_count < 1 || self.core_count > 1024 {
            return Err(invalid("/CpuOptions/CoreCount", "out_of_range", "CoreCount is 1 to 1024"));
        }
        if !(1..=2).contains(&self.threads_per_core) {
            return Err(invalid("/CpuOptions/ThreadsPerCore", "out_of_range", "ThreadsPerCore is 1 or 2"));
        }
        Ok(())
    }

    pub(super) fn sdk(self) -> types::CpuOptionsRequest {
        types::CpuOptionsRequest::builder()
            .core_count(self.core_count)
            .threads_per_core(self.threads_per_core)
            .build()
    }
}

/// `CreditSpecificationRequest`.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CreditSpecification {
    cpu_credits: CpuCredits,
}

impl CreditSpecification {
    pub(super) fn sdk(self) -> types::CreditSpecificationRequest {
        let credits = match self.cpu_credits {
            CpuCredits::Standard => "standard",
            CpuCredits::Unlimited => "unlimited",
        };
        types::CreditSpecificationRequest::builder().cpu_credits(credits).build()
    }
}

/// `RunInstancesMonitoringEnabled`.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Monitoring {
    enabled: bool,
}

impl Monitoring {
    pub(super) fn sdk(self) -> types::RunInstancesMonitoringEnabled {
        types::RunInstancesMonitoringEnabled::builder().enabled(self.enabled).build()
    }
}

/// `HibernationOptionsRequest`.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct HibernationOptions {
    configured: bool,
}

impl HibernationOptions {
    pub(super) fn sdk(self) -> types::HibernationOptionsRequest {
        types::HibernationOptionsRequest::builder().configured(self.configured).build()
    }
}

/// What the instance is given to read and to run, in base64. It often holds passwords.
#[derive(Clone, Deserialize)]
pub(crate) struct UserData(String);

impl fmt::Debug for UserData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl UserData {
    pub(super) fn check(&self) -> Result<(), Error> {
        match STANDARD.decode(&self.0) {
            Ok(data) if data.len() <= LARGEST_USER_DATA => Ok(()),
            Ok(_) => Err(invalid("/UserData", "user_data_too_large", "user data is at most 16 KB")),
            Err(_) => Err(invalid("/UserData", "invalid_user_data", "user data is base64")),
        }
    }

    pub(super) fn sdk(&self) -> String {
        self.0.clone()
    }
}

/// Refuses what is no name of a key pair or a placement group, or holds what policies give a meaning to.
pub(super) fn check_name(name: Option<&str>, at: &str, what: &str) -> Result<(), Error> {
    let letters = |byte: u8| byte.is_ascii_alphanumeric() || b" ._-:/()#,@+=&;!".contains(&byte);
    match name {
        Some(name) if !(1..=LONGEST_NAME).contains(&name.len()) || !name.bytes().all(letters) => {
            let detail = format!(
                "a {what} is named by 1 to {LONGEST_NAME} letters, digits, blanks, and any of ._-:/()#,@+=&;!"
            );
            Err(invalid(at, "invalid_name", detail))
        }
        _ => Ok(()),
    }
}
