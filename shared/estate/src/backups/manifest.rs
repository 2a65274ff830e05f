//! What a table is like, as AWS describes it.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::operation::describe_continuous_backups::DescribeContinuousBackupsOutput;
use aws_sdk_dynamodb::operation::describe_time_to_live::DescribeTimeToLiveOutput;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, PointInTimeRecoveryStatus, Projection,
    ProvisionedThroughputDescription, SseStatus, TableDescription, TimeToLiveStatus,
};
use domain::manifest::{IndexManifest, KeyPart, Known, TableManifest};

/// Whether a table can be restored to a point in time.
pub(crate) fn point_in_time_recovery(answer: &DescribeContinuousBackupsOutput) -> bool {
    let recovery = answer
        .continuous_backups_description()
        .and_then(|backups| backups.point_in_time_recovery_description())
        .and_then(|recovery| recovery.point_in_time_recovery_status());
    recovery == Some(&PointInTimeRecoveryStatus::Enabled)
}

/// The attribute that a table's items expire by.
pub(crate) fn time_to_live(answer: &DescribeTimeToLiveOutput) -> Option<String> {
    let expiry = answer.time_to_live_description()?;
    let is_on =
        matches!(expiry.time_to_live_status(), Some(TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling));
    is_on.then(|| expiry.attribute_name().map(str::to_owned)).flatten()
}

/// What is kept of a table beside its backup.
pub(crate) fn manifest_of(
    table: &TableDescription,
    time_to_live: Known<Option<String>>,
    point_in_time_recovery: Known<bool>,
    tags: Known<BTreeMap<String, String>>,
) -> TableManifest {
    let attributes = table.attribute_definitions();
    // A table that was never billed by request has no summary of that.
    let billing = table.billing_mode_summary().and_then(|billing| billing.billing_mode());
    let billing_mode = billing.unwrap_or(&BillingMode::Provisioned);
    let units = table.provisioned_throughput().filter(|_| *billing_mode == BillingMode::Provisioned);
    let stream = table.stream_specification().filter(|stream| stream.stream_enabled());
    let encrypted = table.sse_description().filter(|sse| sse.status() == Some(&SseStatus::Enabled));
    TableManifest {
        seen_at: runtime::now(),
        table_id: table.table_id().map(str::to_owned),
        keys: keys(table.key_schema(), attributes),
        indexes: indexes(table, attributes),
        billing_mode: billing_mode.as_str().to_owned(),
        read_units: units.and_then(ProvisionedThroughputDescription::read_capacity_units),
        write_units: units.and_then(ProvisionedThroughputDescription::write_capacity_units),
        item_count: table.item_count().unwrap_or(0),
        size_bytes: table.table_size_bytes().unwrap_or(0),
        table_class: table
            .table_class_summary()
            .and_then(|class| class.table_class())
            .map(|class| class.as_str().to_owned()),
        kms_key: encrypted.and_then(|sse| sse.kms_master_key_arn()).map(str::to_owned),
        deletion_protection: table.deletion_protection_enabled() == Some(true),
        stream: stream.and_then(|stream| stream.stream_view_type()).map(|view| view.as_str().to_owned()),
        time_to_live,
        point_in_time_recovery,
        tags,
    }
}

fn indexes(table: &TableDescription, attributes: &[AttributeDefinition]) -> Vec<IndexManifest> {
    let globals = table.global_secondary_indexes().iter().map(|index| {
        index_manifest(index.index_name(), true, index.key_schema(), index.projection(), attributes)
    });
    let locals = table.local_secondary_indexes().iter().map(|index| {
        index_manifest(index.index_name(), false, index.key_schema(), index.projection(), attributes)
    });
    let mut indexes: Vec<_> = globals.chain(locals).collect();
    indexes.sort();
    indexes
}

fn index_manifest(
    name: Option<&str>,
    global: bool,
    schema: &[KeySchemaElement],
    projection: Option<&Projection>,
    attributes: &[AttributeDefinition],
) -> IndexManifest {
    let mut includes =
        projection.map(|projection| projection.non_key_attributes().to_vec()).unwrap_or_default();
    includes.sort();
    let kind = projection.and_then(|projection| projection.projection_type());
    IndexManifest {
        name: name.unwrap_or_default().to_owned(),
        global,
        keys: keys(schema, attributes),
        projection: kind.map_or("ALL", |kind| kind.as_str()).to_owned(),
        includes,
    }
}

fn keys(schema: &[KeySchemaElement], attributes: &[AttributeDefinition]) -> Vec<KeyPart> {
    let kind = |name: &str| {
        let defined = attributes.iter().find(|attribute| attribute.attribute_name() == name);
        defined.map_or_else(String::new, |defined| defined.attribute_type().as_str().to_owned())
    };
    schema
        .iter()
        .map(|part| KeyPart {
            name: part.attribute_name().to_owned(),
            role: part.key_type().as_str().to_owned(),
            kind: kind(part.attribute_name()),
        })
        .collect()
}
