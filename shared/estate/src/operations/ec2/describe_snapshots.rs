//! `ec2:DescribeSnapshots`. Source: EC2 API Reference, `DescribeSnapshots` and `Snapshot`.

use access::CustomerSession;
use aws_sdk_ec2::types::Snapshot;
use domain::Error;
use domain::policy::Statement;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Filter, check_filters, check_named, check_owners, check_page, client, each, everywhere, filters, list,
    owners, page_size, tags,
};
use crate::operations::{Carry, Outcome, Place};

/// Lists snapshots, a page at a time. Without `OwnerIds`, `SnapshotIds` and `Filters` it lists the
/// account's own, as if `OwnerIds` were `self`: EC2 would list every public snapshot there is.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct DescribeSnapshots {
    /// These alone; then there are no pages.
    snapshot_ids: Option<Vec<String>>,
    /// Whose: accounts, `self` or `amazon`.
    owner_ids: Option<Vec<String>>,
    /// Those that fit alone.
    filters: Option<Vec<Filter>>,
    /// Most of a page: 5 to 1,000, 100 unless said.
    max_results: Option<i32>,
    /// Where the page before ended.
    next_token: Option<String>,
}

impl Carry for DescribeSnapshots {
    const ACTION: &'static str = "ec2:DescribeSnapshots";

    fn check(&self) -> Result<(), Error> {
        check_named("/SnapshotIds", "snap-", self.snapshot_ids.as_deref())?;
        check_owners("/OwnerIds", &["self", "amazon"], self.owner_ids.as_deref())?;
        check_filters(self.filters.as_deref())?;
        check_page(self.max_results, 5..=1000, self.next_token.as_deref(), self.snapshot_ids.is_some())
    }

    /// EC2's lists can be limited to no resource.
    fn needs(&self, _place: &Place) -> Vec<Statement> {
        everywhere(Self::ACTION)
    }

    async fn carry(&self, session: &CustomerSession, place: &Place, dry_run: bool) -> Outcome {
        let narrowed =
            self.snapshot_ids.is_some() || self.filters.as_ref().is_some_and(|filters| !filters.is_empty());
        let request = client(session, place)
            .describe_snapshots()
            .set_snapshot_ids(self.snapshot_ids.clone())
            .set_owner_ids(owners(self.owner_ids.as_deref(), narrowed))
            .set_filters(filters(self.filters.as_deref()))
            .set_max_results(page_size(self.max_results, self.snapshot_ids.is_some()))
            .set_next_token(self.next_token.clone());
        list!(request, dry_run, |page| json!({
            "Snapshots": each(page.snapshots(), snapshot),
            "NextToken": page.next_token(),
        }))
    }
}

fn snapshot(snapshot: &Snapshot) -> Value {
    json!({
        "SnapshotId": snapshot.snapshot_id(),
        "VolumeId": snapshot.volume_id(),
        "State": snapshot.state().map(|state| state.as_str()),
        "StateMessage": snapshot.state_message(),
        "Progress": snapshot.progress(),
        "StartTime": snapshot.start_time().map(ToString::to_string),
        "CompletionTime": snapshot.completion_time().map(ToString::to_string),
        "VolumeSize": snapshot.volume_size(),
        "FullSnapshotSizeInBytes": snapshot.full_snapshot_size_in_bytes(),
        "Encrypted": snapshot.encrypted(),
        "KmsKeyId": snapshot.kms_key_id(),
        "OwnerId": snapshot.owner_id(),
        "OwnerAlias": snapshot.owner_alias(),
        "Description": snapshot.description(),
        "StorageTier": snapshot.storage_tier().map(|tier| tier.as_str()),
        "Tags": tags(snapshot.tags()),
    })
}
