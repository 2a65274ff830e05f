//! `dynamodb:RestoreTableFromBackup`. Sources: `DynamoDB` API Reference, `RestoreTableFromBackup`;
//! `DynamoDB` Developer Guide, "Using IAM with `DynamoDB` backup and restore" and "Restoring a `DynamoDB`
//! table from a backup".

use access::CustomerSession;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::operation::restore_table_from_backup::builders::RestoreTableFromBackupFluentBuilder;
use aws_sdk_dynamodb::types;
use domain::policy::{RESTORE_TAKES, Statement};
use domain::{Error, FieldError};
use serde::Deserialize;

use super::indexes::{GlobalSecondaryIndex, Indexes, LocalSecondaryIndex};
use super::shapes::{BillingMode, ProvisionedThroughput, words};
use super::{LOOK_UP, Named, asked, check_table, client, look_up_free, not_built, told};
use crate::operations::{Carry, Outcome, Place};

/// The action by which a dry run looks up the backup.
const LOOK_UP_BACKUP: &str = "dynamodb:DescribeBackup";

/// What `DynamoDB` does with a customer's own KMS key in the caller's name. Source: `DynamoDB` Developer
/// Guide, "`DynamoDB` encryption at rest: usage notes", "Authorizing use of a customer managed key".
const WITH_KEYS: [&str; 6] = [
    "kms:CreateGrant",
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:Encrypt",
    "kms:GenerateDataKey*",
    "kms:ReEncrypt*",
];

/// Makes a new table of a backup. `DynamoDB` answers at once, with a table whose `TableStatus` is
/// `CREATING`: `DescribeTable` tells when it is `ACTIVE`. Its tags, time to live, stream,
/// auto scaling and point-in-time recovery are not restored with it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct RestoreTableFromBackup {
    /// Which backup.
    backup_arn: String,
    /// The new table's name.
    target_table_name: String,
    /// How it is billed: as the table was, if nothing is said, as with all of these.
    #[serde(default)]
    billing_mode_override: Option<BillingMode>,
    /// What is provisioned for it.
    #[serde(default)]
    provisioned_throughput_override: Option<ProvisionedThroughput>,
    /// Which of its global secondary indexes it has: none, where the list is empty.
    #[serde(default)]
    global_secondary_index_override: Option<Vec<GlobalSecondaryIndex>>,
    /// Likewise, its local ones.
    #[serde(default)]
    local_secondary_index_override: Option<Vec<LocalSecondaryIndex>>,
    /// Under which key it is encrypted.
    #[serde(rename = "SSESpecificationOverride", default)]
    sse_specification_override: Option<SseSpecification>,
}

words! {
    /// `SSEType`.
    SseType {
        /// Under a key of KMS's.
        Kms = "KMS",
    }
}

/// `SSESpecification`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct SseSpecification {
    /// Whether it is a key of the account's; `DynamoDB`'s own otherwise.
    #[serde(default)]
    enabled: Option<bool>,
    /// `KMS`.
    #[serde(rename = "SSEType", default)]
    sse_type: Option<SseType>,
    /// Which key: `alias/aws/dynamodb`, if nothing is said.
    #[serde(rename = "KMSMasterKeyId", default)]
    kms_master_key_id: Option<String>,
}

fn invalid(at: &str, code: &'static str, detail: &str) -> Error {
    Error::invalid(FieldError::new(at, code, detail))
}

impl SseSpecification {
    fn check(&self) -> Result<(), Error> {
        const AT: &str = "/SSESpecificationOverride/KMSMasterKeyId";
        let letters = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'_' | b':');
        match &self.kms_master_key_id {
            Some(_) if self.enabled != Some(true) => {
                Err(invalid(AT, "invalid_kms_key", "a key stands where Enabled is true, and only there"))
            }
            Some(key) if !(1..=2048).contains(&key.len()) || !key.bytes().all(letters) => {
                Err(invalid(AT, "invalid_kms_key", "a KMS key is its id, its alias or its ARN"))
            }
            _ => Ok(()),
        }
    }

    fn sdk(&self) -> types::SseSpecification {
        types::SseSpecification::builder()
            .set_enabled(self.enabled)
            .set_sse_type(self.sse_type.map(Into::into))
            .set_kms_master_key_id(self.kms_master_key_id.clone())
            .build()
    }
}

impl RestoreTableFromBackup {
    /// A restore with everything as it was in the backup.
    pub(crate) fn as_it_was(backup_arn: String, target_table_name: String) -> Self {
        Self {
            backup_arn,
            target_table_name,
            billing_mode_override: None,
            provisioned_throughput_override: None,
            global_secondary_index_override: None,
            local_secondary_index_override: None,
            sse_specification_override: None,
        }
    }

    fn backup(&self) -> Result<Named<'_>, Error> {
        Named::backup(&self.backup_arn, "/BackupArn")
    }

    fn indexes(&self) -> Indexes<'_> {
        Indexes {
            globals: self.global_secondary_index_override.as_deref().unwrap_or_default(),
            locals: self.local_secondary_index_override.as_deref().unwrap_or_default(),
            at: ["/GlobalSecondaryIndexOverride", "/LocalSecondaryIndexOverride"],
        }
    }

    /// What is billed by request has nothing provisioned; what else goes together depends on the backup.
    fn check_capacity(&self) -> Result<(), Error> {
        const AT: &str = "/ProvisionedThroughputOverride";
        self.provisioned_throughput_override.map_or(Ok(()), |units| units.check(AT))?;
        let by_request = matches!(self.billing_mode_override, Some(BillingMode::PayPerRequest));
        if by_request && self.provisioned_throughput_override.is_some() {
            let detail = "what is billed by request has no ProvisionedThroughputOverride";
            return Err(invalid(AT, "invalid_throughput", detail));
        }
        self.indexes().check_capacity(self.billing_mode_override.filter(|_| by_request))
    }

    /// The request for it.
    pub(crate) fn request(&self, client: &Client) -> Result<RestoreTableFromBackupFluentBuilder, BuildError> {
        let globals = self.global_secondary_index_override.as_deref();
        let globals =
            globals.map(|indexes| indexes.iter().map(GlobalSecondaryIndex::sdk).collect::<Result<_, _>>());
        let locals = self.local_secondary_index_override.as_deref();
        let locals =
            locals.map(|indexes| indexes.iter().map(LocalSecondaryIndex::sdk).collect::<Result<_, _>>());
        Ok(client
            .restore_table_from_backup()
            .backup_arn(&self.backup_arn)
            .target_table_name(&self.target_table_name)
            .set_billing_mode_override(self.billing_mode_override.map(Into::into))
            .set_provisioned_throughput_override(
                self.provisioned_throughput_override.map(ProvisionedThroughput::sdk).transpose()?,
            )
            .set_global_secondary_index_override(globals.transpose()?)
            .set_local_secondary_index_override(locals.transpose()?)
            .set_sse_specification_override(
                self.sse_specification_override.as_ref().map(SseSpecification::sdk),
            ))
    }

    /// What a session needs for a backup in `source` that becomes a table in `place`. Who restores a table is
    /// asked for the right to read and write the new one, for it is in the caller's name that `DynamoDB` fills
    /// it; and for a key of the account's, if it is to be encrypted under one.
    pub(crate) fn needs_of(&self, source: &Place, place: &Place) -> Vec<Statement> {
        let Ok(backup) = self.backup() else { return Vec::new() };
        let target = place.table(&self.target_table_name, "");
        let filling = RESTORE_TAKES.map(|action| format!("dynamodb:{action}"));
        let restoring = Statement::allow([Self::ACTION], [backup.arn(source), target.clone()]);
        let encrypted = self.sse_specification_override.as_ref().is_some_and(|sse| sse.enabled == Some(true));
        let encrypting = encrypted.then(|| using_key("*", place));
        [restoring, Statement::allow(filling, [target])].into_iter().chain(encrypting).collect()
    }
}

/// What a session needs for `DynamoDB`, and nobody else, to use a KMS key in its name.
pub(crate) fn using_key(key: &str, place: &Place) -> Statement {
    let through_dynamodb = format!("dynamodb.{}.amazonaws.com*", place.region);
    Statement::allow(WITH_KEYS, [key]).on_condition("StringLike", "kms:ViaService", &through_dynamodb)
}

impl Carry for RestoreTableFromBackup {
    const ACTION: &'static str = "dynamodb:RestoreTableFromBackup";

    fn check(&self) -> Result<(), Error> {
        self.backup()?;
        check_table(&self.target_table_name, "/TargetTableName")?;
        self.indexes().check()?;
        self.check_capacity()?;
        self.sse_specification_override.as_ref().map_or(Ok(()), SseSpecification::check)
    }

    fn belongs(&self, place: &Place) -> Result<(), Error> {
        self.backup()?.is_in(place, "/BackupArn")
    }

    fn needs(&self, place: &Place) -> Vec<Statement> {
        self.needs_of(place, place)
    }

    fn needs_dry(&self, place: &Place) -> Vec<Statement> {
        let Ok(backup) = self.backup() else { return Vec::new() };
        let target = place.table(&self.target_table_name, "");
        vec![Statement::allow([LOOK_UP_BACKUP], [backup.arn(place)]), Statement::allow([LOOK_UP], [target])]
    }

    async fn carry(&self, session: &CustomerSession, place: &Place, dry_run: bool) -> Outcome {
        let target = || [self.target_table_name.clone()];
        let client = client(session, place);
        if !dry_run {
            return match self.request(&client) {
                Ok(request) => told!(request, target()),
                Err(error) => not_built(target(), &error),
            };
        }
        let (answer, _) = asked!(client.describe_backup().backup_arn(&self.backup_arn));
        let found = match answer {
            Ok(answer) => Outcome::done([], serde_json::Value::Null, &answer),
            Err(error) => return Outcome::refused(target(), &error),
        };
        let mut looked = look_up_free(session, place, &self.target_table_name).await;
        looked.request_ids.splice(0..0, found.request_ids);
        looked
    }
}
