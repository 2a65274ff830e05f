//! `ec2:DescribeInstanceTypes`. Source: EC2 API Reference, `DescribeInstanceTypes` and `InstanceTypeInfo`.

use access::CustomerSession;
use aws_sdk_ec2::types::{InstanceType, InstanceTypeInfo};
use domain::Error;
use domain::policy::Statement;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Filter, check_filters, check_page, client, each, everywhere, filters, invalid, list, page_size};
use crate::operations::{Carry, Outcome, Place};

/// Lists the instance types that the Region has, a page at a time.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct DescribeInstanceTypes {
    /// These alone, 1 to 100; then there are no pages.
    instance_types: Option<Vec<String>>,
    /// Those that fit alone.
    filters: Option<Vec<Filter>>,
    /// Most of a page: 5 to 100, 100 unless said.
    max_results: Option<i32>,
    /// Where the page before ended.
    next_token: Option<String>,
}

impl Carry for DescribeInstanceTypes {
    const ACTION: &'static str = "ec2:DescribeInstanceTypes";

    fn check(&self) -> Result<(), Error> {
        check_types(self.instance_types.as_deref())?;
        check_filters(self.filters.as_deref())?;
        check_page(self.max_results, 5..=100, self.next_token.as_deref(), self.instance_types.is_some())
    }

    /// EC2's lists can be limited to no resource.
    fn needs(&self, _place: &Place) -> Vec<Statement> {
        everywhere(Self::ACTION)
    }

    async fn carry(&self, session: &CustomerSession, place: &Place, dry_run: bool) -> Outcome {
        let kinds = self.instance_types.as_ref();
        let kinds = kinds.map(|kinds| kinds.iter().map(|kind| InstanceType::from(kind.as_str())).collect());
        let request = client(session, place)
            .describe_instance_types()
            .set_instance_types(kinds)
            .set_filters(filters(self.filters.as_deref()))
            .set_max_results(page_size(self.max_results, self.instance_types.is_some()))
            .set_next_token(self.next_token.clone());
        list!(request, dry_run, |page| json!({
            "InstanceTypes": each(page.instance_types(), kind),
            "NextToken": page.next_token(),
        }))
    }
}

/// Most types that EC2 lets one name.
const MOST_TYPES: usize = 100;

/// Whether this is written like the name of a type.
pub(super) fn is_type(kind: &str) -> bool {
    let letters = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-');
    (1..=64).contains(&kind.len()) && kind.bytes().all(letters)
}

fn check_types(kinds: Option<&[String]>) -> Result<(), Error> {
    let Some(kinds) = kinds else { return Ok(()) };
    if kinds.is_empty() || kinds.len() > MOST_TYPES {
        let detail = format!("name 1 to {MOST_TYPES}, or leave it out to list all");
        return Err(invalid("/InstanceTypes", "invalid_instance_types", detail));
    }
    match kinds.iter().position(|kind| !is_type(kind)) {
        None => Ok(()),
        Some(wrong) => {
            let at = format!("/InstanceTypes/{wrong}");
            Err(invalid(at, "invalid_instance_type", "an instance type is written like m7g.large"))
        }
    }
}

/// What people choose an instance type by.
fn kind(kind: &InstanceTypeInfo) -> Value {
    let (processor, network) = (kind.processor_info(), kind.network_info());
    json!({
        "InstanceType": kind.instance_type().map(InstanceType::as_str),
        "CurrentGeneration": kind.current_generation(),
        "BareMetal": kind.bare_metal(),
        "Hypervisor": kind.hypervisor().map(|hypervisor| hypervisor.as_str()),
        "ProcessorInfo": {
            "SupportedArchitectures": processor.map(|processor| {
                each(processor.supported_architectures(), |architecture| json!(architecture.as_str()))
            }),
            "SustainedClockSpeedInGhz": processor.and_then(|processor| processor.sustained_clock_speed_in_ghz()),
            "Manufacturer": processor.and_then(|processor| processor.manufacturer()),
        },
        "VCpuInfo": kind.v_cpu_info().map(|cpus| json!({
            "DefaultVCpus": cpus.default_v_cpus(),
            "DefaultCores": cpus.default_cores(),
            "DefaultThreadsPerCore": cpus.default_threads_per_core(),
        })),
        "MemoryInfo": kind.memory_info().map(|memory| json!({"SizeInMiB": memory.size_in_mib()})),
        "InstanceStorageInfo": kind.instance_storage_info().map(|storage| {
            json!({"TotalSizeInGB": storage.total_size_in_gb()})
        }),
        "GpuInfo": kind.gpu_info().map(|gpus| json!({
            "TotalGpuMemoryInMiB": gpus.total_gpu_memory_in_mib(),
            "Gpus": each(gpus.gpus(), |gpu| json!({
                "Name": gpu.name(),
                "Manufacturer": gpu.manufacturer(),
                "Count": gpu.count(),
            })),
        })),
        "NetworkInfo": {
            "NetworkPerformance": network.and_then(|network| network.network_performance()),
            "MaximumNetworkInterfaces": network.and_then(|network| network.maximum_network_interfaces()),
            "Ipv4AddressesPerInterface": network.and_then(|network| network.ipv4_addresses_per_interface()),
        },
        "SupportedUsageClasses": each(kind.supported_usage_classes(), |class| json!(class.as_str())),
        "SupportedBootModes": each(kind.supported_boot_modes(), |mode| json!(mode.as_str())),
        "HibernationSupported": kind.hibernation_supported(),
        "BurstablePerformanceSupported": kind.burstable_performance_supported(),
    })
}
