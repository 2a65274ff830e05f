//! `ec2:DescribeInstanceStatus`. Source: EC2 API Reference, `DescribeInstanceStatus` and `InstanceStatus`.

use access::CustomerSession;
use aws_sdk_ec2::types::{InstanceStatus, InstanceStatusSummary};
use domain::Error;
use domain::policy::Statement;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Filter, check_filters, check_named, check_page, client, each, everywhere, filters, list, page_size,
};
use crate::operations::{Carry, Outcome, Place};

/// Tells how instances are, a page at a time: of those that run, unless all are asked for.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct DescribeInstanceStatus {
    /// These alone; then there are no pages.
    instance_ids: Option<Vec<String>>,
    /// Whether those that do not run are listed too.
    include_all_instances: Option<bool>,
    /// Those that fit alone.
    filters: Option<Vec<Filter>>,
    /// Most of a page: 5 to 1,000, 100 unless said.
    max_results: Option<i32>,
    /// Where the page before ended.
    next_token: Option<String>,
}

impl Carry for DescribeInstanceStatus {
    const ACTION: &'static str = "ec2:DescribeInstanceStatus";

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
            .describe_instance_status()
            .set_instance_ids(self.instance_ids.clone())
            .set_include_all_instances(self.include_all_instances)
            .set_filters(filters(self.filters.as_deref()))
            .set_max_results(page_size(self.max_results, self.instance_ids.is_some()))
            .set_next_token(self.next_token.clone());
        list!(request, dry_run, |page| json!({
            "InstanceStatuses": each(page.instance_statuses(), status),
            "NextToken": page.next_token(),
        }))
    }
}

/// Whether an instance is well, and what AWS plans for it.
fn status(status: &InstanceStatus) -> Value {
    let state = status.instance_state();
    json!({
        "InstanceId": status.instance_id(),
        "AvailabilityZone": status.availability_zone(),
        "InstanceState": {
            "Code": state.and_then(|state| state.code()),
            "Name": state.and_then(|state| state.name()).map(|name| name.as_str()),
        },
        "SystemStatus": status.system_status().map(summary),
        "InstanceStatus": status.instance_status().map(summary),
        "AttachedEbsStatus": status.attached_ebs_status().map(|status| json!({
            "Status": status.status().map(|status| status.as_str()),
        })),
        "Events": each(status.events(), |event| json!({
            "InstanceEventId": event.instance_event_id(),
            "Code": event.code().map(|code| code.as_str()),
            "Description": event.description(),
            "NotBefore": event.not_before().map(ToString::to_string),
            "NotAfter": event.not_after().map(ToString::to_string),
            "NotBeforeDeadline": event.not_before_deadline().map(ToString::to_string),
        })),
    })
}

fn summary(summary: &InstanceStatusSummary) -> Value {
    json!({
        "Status": summary.status().map(|status| status.as_str()),
        "Details": each(summary.details(), |detail| json!({
            "Name": detail.name().map(|name| name.as_str()),
            "Status": detail.status().map(|status| status.as_str()),
            "ImpairedSince": detail.impaired_since().map(ToString::to_string),
        })),
    })
}
