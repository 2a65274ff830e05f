//! `ec2:DescribeVolumeStatus`. Source: EC2 API Reference, `DescribeVolumeStatus` and `VolumeStatusItem`.

use access::CustomerSession;
use aws_sdk_ec2::types::VolumeStatusItem;
use domain::Error;
use domain::policy::Statement;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Filter, check_filters, check_named, check_page, client, each, everywhere, filters, list, page_size,
};
use crate::operations::{Carry, Outcome, Place};

/// Tells how volumes are, a page at a time.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct DescribeVolumeStatus {
    /// These alone; then there are no pages.
    volume_ids: Option<Vec<String>>,
    /// Those that fit alone.
    filters: Option<Vec<Filter>>,
    /// Most of a page: 5 to 1,000, 100 unless said.
    max_results: Option<i32>,
    /// Where the page before ended.
    next_token: Option<String>,
}

impl Carry for DescribeVolumeStatus {
    const ACTION: &'static str = "ec2:DescribeVolumeStatus";

    fn check(&self) -> Result<(), Error> {
        check_named("/VolumeIds", "vol-", self.volume_ids.as_deref())?;
        check_filters(self.filters.as_deref())?;
        check_page(self.max_results, 5..=1000, self.next_token.as_deref(), self.volume_ids.is_some())
    }

    /// EC2's lists can be limited to no resource.
    fn needs(&self, _place: &Place) -> Vec<Statement> {
        everywhere(Self::ACTION)
    }

    async fn carry(&self, session: &CustomerSession, place: &Place, dry_run: bool) -> Outcome {
        let request = client(session, place)
            .describe_volume_status()
            .set_volume_ids(self.volume_ids.clone())
            .set_filters(filters(self.filters.as_deref()))
            .set_max_results(page_size(self.max_results, self.volume_ids.is_some()))
            .set_next_token(self.next_token.clone());
        list!(request, dry_run, |page| json!({
            "VolumeStatuses": each(page.volume_statuses(), status),
            "NextToken": page.next_token(),
        }))
    }
}

/// Whether a volume is well, what AWS plans for it, and what may be done.
fn status(item: &VolumeStatusItem) -> Value {
    json!({
        "VolumeId": item.volume_id(),
        "AvailabilityZone": item.availability_zone(),
        "VolumeStatus": item.volume_status().map(|status| json!({
            "Status": status.status().map(|status| status.as_str()),
            "Details": each(status.details(), |detail| json!({
                "Name": detail.name().map(|name| name.as_str()),
                "Status": detail.status(),
            })),
        })),
        "Events": each(item.events(), |event| json!({
            "EventId": event.event_id(),
            "EventType": event.event_type(),
            "Description": event.description(),
            "InstanceId": event.instance_id(),
            "NotBefore": event.not_before().map(ToString::to_string),
            "NotAfter": event.not_after().map(ToString::to_string),
        })),
        "Actions": each(item.actions(), |action| json!({
            "Code": action.code(),
            "Description": action.description(),
            "EventId": action.event_id(),
            "EventType": action.event_type(),
        })),
    })
}
