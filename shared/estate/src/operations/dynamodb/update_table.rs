//! `dynamodb:UpdateTable`. Source: `DynamoDB` API Reference, `UpdateTable`.

use access::CustomerSession;
use domain::policy::Statement;
use domain::{Error, FieldError};
use serde::Deserialize;

use super::shapes::{BillingMode, ProvisionedThroughput, StreamSpecification, TableClass, check_billing};
use super::{check_table, client, look_up, look_ups, not_built, told};
use crate::operations::{Carry, Outcome, Place};

/// Changes a table's billing, throughput, stream, class or protection.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct UpdateTable {
    /// Which table.
    table_name: String,
    /// How it is billed.
    #[serde(default)]
    billing_mode: Option<BillingMode>,
    /// What is provisioned for it.
    #[serde(default)]
    provisioned_throughput: Option<ProvisionedThroughput>,
    /// Whether it has a stream, and what that tells.
    #[serde(default)]
    stream_specification: Option<StreamSpecification>,
    /// Its class.
    #[serde(default)]
    table_class: Option<TableClass>,
    /// Whether it can be deleted.
    #[serde(default)]
    deletion_protection_enabled: Option<bool>,
}

impl Carry for UpdateTable {
    const ACTION: &'static str = "dynamodb:UpdateTable";

    fn check(&self) -> Result<(), Error> {
        check_table(&self.table_name, "/TableName")?;
        check_billing(self.billing_mode, self.provisioned_throughput, "")?;
        if let Some(stream) = self.stream_specification {
            stream.check("")?;
        }
        let changes = [
            self.billing_mode.is_some(),
            self.provisioned_throughput.is_some(),
            self.stream_specification.is_some(),
            self.table_class.is_some(),
            self.deletion_protection_enabled.is_some(),
        ];
        if changes.contains(&true) {
            return Ok(());
        }
        let detail = "nothing is named that is to be changed";
        Err(Error::invalid(FieldError::new("", "nothing_to_change", detail)))
    }

    fn needs(&self, place: &Place) -> Vec<Statement> {
        vec![Statement::allow([Self::ACTION], [place.table(&self.table_name, "")])]
    }

    fn needs_dry(&self, place: &Place) -> Vec<Statement> {
        look_ups(place, [self.table_name.as_str()])
    }

    async fn carry(&self, session: &CustomerSession, place: &Place, dry_run: bool) -> Outcome {
        if dry_run {
            return look_up(session, place, [self.table_name.as_str()]).await;
        }
        let table = [self.table_name.clone()];
        let throughput = self.provisioned_throughput.map(ProvisionedThroughput::sdk).transpose();
        let stream = self.stream_specification.map(StreamSpecification::sdk).transpose();
        let (throughput, stream) = match (throughput, stream) {
            (Ok(throughput), Ok(stream)) => (throughput, stream),
            (Err(error), _) | (_, Err(error)) => return not_built(table, &error),
        };
        let request = client(session, place)
            .update_table()
            .table_name(&self.table_name)
            .set_billing_mode(self.billing_mode.map(Into::into))
            .set_provisioned_throughput(throughput)
            .set_stream_specification(stream)
            .set_table_class(self.table_class.map(Into::into))
            .set_deletion_protection_enabled(self.deletion_protection_enabled);
        told!(request, table)
    }
}
