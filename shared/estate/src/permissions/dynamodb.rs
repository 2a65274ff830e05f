//! `DynamoDB`, asked about tables and backups that do not exist.

use std::fmt::{self, Write as _};

use access::CustomerSession;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::types::{
    AttributeValue, BillingMode, KeysAndAttributes, PointInTimeRecoverySpecification, PutRequest, Tag,
    TimeToLiveSpecification, WriteRequest,
};
use domain::check::{CheckMethod, CheckOutcome, Permission};
use domain::policy::{ABSENT_DRILL_TABLE, ABSENT_TABLE};
use domain::{Region, RoleArn};

use super::answer::{Answer, Judged, Service};

/// Whether `DynamoDB` can be asked about this action with what does not exist.
pub(super) fn knows(name: &str) -> bool {
    matches!(
        name,
        "DescribeTable"
            | "DescribeBackup"
            | "CreateBackup"
            | "DeleteBackup"
            | "DescribeContinuousBackups"
            | "DescribeTimeToLive"
            | "ListTagsOfResource"
            | "RestoreTableFromBackup"
            | "BatchGetItem"
            | "BatchWriteItem"
            | "GetItem"
            | "PutItem"
            | "UpdateItem"
            | "DeleteItem"
            | "Query"
            | "Scan"
            | "UpdateTimeToLive"
            | "TagResource"
            | "UpdateTable"
            | "UpdateContinuousBackups"
            | "DeleteTable"
    )
}

/// `DynamoDB` in one Region of a customer's account.
pub(super) struct DynamoDb {
    client: Client,
    /// What the ARNs of tables begin with.
    tables: String,
    suffix: String,
}

impl fmt::Debug for DynamoDb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DynamoDb")
    }
}

/// Sends a request, and says what was heard. Each future of the SDK is on the heap: side by side
/// they would make one of theirs all together.
macro_rules! heard {
    ($request:expr) => {
        Answer::of(&Box::pin($request.send()).await)
    };
}

impl DynamoDb {
    pub fn new(session: &CustomerSession, region: &Region, role: &RoleArn, random: [u8; 8]) -> Self {
        let mut suffix = String::new();
        for byte in random {
            let _ = write!(suffix, "{byte:02x}");
        }
        let (partition, account) = (role.partition(), role.account());
        Self {
            client: Client::new(&session.in_region(region)),
            tables: format!("arn:{partition}:dynamodb:{region}:{account}:table/"),
            suffix,
        }
    }

    /// Asks whether the role may do this.
    pub async fn ask(&self, permission: Permission) -> Judged {
        let name = permission.action.name();
        if matches!(name, "ListTables" | "ListBackups") {
            return self.list(name).await.judged(CheckMethod::Call, Service::DynamoDb);
        }
        let prefix = if permission.drill { ABSENT_DRILL_TABLE } else { ABSENT_TABLE };
        let table = format!("{prefix}{}", self.suffix);
        let answer = match self.try_on(name, &table).await {
            Ok(answer) => answer,
            Err(error) => {
                tracing::error!(error = %error, action = name, "a question could not be built");
                Answer::Nothing
            }
        };
        let judged = answer.judged(CheckMethod::AbsentResource, Service::DynamoDb);
        match judged.outcome {
            CheckOutcome::Denied if !judged.refused_by_region => {
                let said = judged.detail.clone().unwrap_or_default();
                let detail = format!(
                    "{said}; tried on the table {table}, which does not exist: a policy that allows tables by name \
                     may refuse this name alone"
                );
                Judged { detail: Some(detail), ..judged }
            }
            _ => judged,
        }
    }

    /// The smallest page of a list: it reads names, and no more than one.
    async fn list(&self, name: &str) -> Answer {
        match name {
            "ListTables" => heard!(self.client.list_tables().limit(1)),
            _ => heard!(self.client.list_backups().limit(1)),
        }
    }

    /// Asks for this to be done to a table that does not exist, or to a backup of it.
    async fn try_on(&self, name: &str, table: &str) -> Result<Answer, BuildError> {
        let dynamodb = &self.client;
        let table_arn = format!("{}{table}", self.tables);
        // The form of a backup's id. Source: DynamoDB Developer Guide, "Backing up a table".
        let backup = format!("{table_arn}/backup/01489602797149-73d8d5bc");
        let value = || AttributeValue::S("drawbridge-probe".to_owned());
        let item = || std::collections::HashMap::from([("pk".to_owned(), value())]);
        Ok(match name {
            "DescribeTable" => heard!(dynamodb.describe_table().table_name(table)),
            "DescribeBackup" => heard!(dynamodb.describe_backup().backup_arn(backup)),
            "CreateBackup" => {
                heard!(dynamodb.create_backup().table_name(table).backup_name("drawbridge-probe"))
            }
            "DeleteBackup" => heard!(dynamodb.delete_backup().backup_arn(backup)),
            "DescribeContinuousBackups" => heard!(dynamodb.describe_continuous_backups().table_name(table)),
            "DescribeTimeToLive" => heard!(dynamodb.describe_time_to_live().table_name(table)),
            "ListTagsOfResource" => heard!(dynamodb.list_tags_of_resource().resource_arn(table_arn)),
            "RestoreTableFromBackup" => {
                heard!(dynamodb.restore_table_from_backup().backup_arn(backup).target_table_name(table))
            }
            "BatchGetItem" => {
                let keys = KeysAndAttributes::builder().keys(item()).build()?;
                heard!(dynamodb.batch_get_item().request_items(table, keys))
            }
            "BatchWriteItem" => {
                let put = PutRequest::builder().set_item(Some(item())).build()?;
                let write = WriteRequest::builder().put_request(put).build();
                heard!(dynamodb.batch_write_item().request_items(table, vec![write]))
            }
            "GetItem" => heard!(dynamodb.get_item().table_name(table).key("pk", value())),
            "PutItem" => heard!(dynamodb.put_item().table_name(table).item("pk", value())),
            "UpdateItem" => heard!(dynamodb.update_item().table_name(table).key("pk", value())),
            "DeleteItem" => heard!(dynamodb.delete_item().table_name(table).key("pk", value())),
            "Query" => heard!(
                dynamodb
                    .query()
                    .table_name(table)
                    .key_condition_expression("pk = :pk")
                    .expression_attribute_values(":pk", value())
                    .limit(1)
            ),
            "Scan" => heard!(dynamodb.scan().table_name(table).limit(1)),
            "UpdateTimeToLive" => {
                let ttl =
                    TimeToLiveSpecification::builder().enabled(true).attribute_name("expires_at").build()?;
                heard!(dynamodb.update_time_to_live().table_name(table).time_to_live_specification(ttl))
            }
            "TagResource" => {
                let tag = Tag::builder().key("drawbridge:probe").value("absent-resource").build()?;
                heard!(dynamodb.tag_resource().resource_arn(table_arn).tags(tag))
            }
            "UpdateTable" => {
                heard!(dynamodb.update_table().table_name(table).billing_mode(BillingMode::PayPerRequest))
            }
            "UpdateContinuousBackups" => {
                let recovery = PointInTimeRecoverySpecification::builder()
                    .point_in_time_recovery_enabled(true)
                    .build()?;
                heard!(
                    dynamodb
                        .update_continuous_backups()
                        .table_name(table)
                        .point_in_time_recovery_specification(recovery)
                )
            }
            "DeleteTable" => heard!(dynamodb.delete_table().table_name(table)),
            _ => Answer::Nothing,
        })
    }
}
