//! What callers see of operations.

use domain::operation::{Operation, OperationState, Target};
use domain::{Action, Region};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// One IAM action, carried out once in a customer's account.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OperationView {
    operation_id: String,
    connection_id: String,
    /// The IAM action.
    #[schema(value_type = String, example = "ec2:DescribeInstances")]
    action: Action,
    #[schema(value_type = String, example = "us-east-1")]
    region: Region,
    /// Whether AWS was only asked if it would.
    dry_run: bool,
    state: OperationState,
    /// What AWS answered, under AWS's own names. The first answer alone carries it.
    #[schema(value_type = Option<Object>)]
    output: Value,
    /// Whether there was an output that is not shown again.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    output_omitted: bool,
    /// What it is about, and what became of each.
    targets: Vec<Target>,
    /// Who asked for it.
    actor: String,
    /// Why, as the caller said.
    reason: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    started_at: jiff::Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    finished_at: Option<jiff::Timestamp>,
    /// The name of the session that carried it out.
    session_name: String,
    /// AWS's ids of the requests.
    request_ids: Vec<String>,
    /// Finds it in the customer's CloudTrail, run with the customer's credentials; null for what is done
    /// to items, which CloudTrail's event history does not hold.
    cloudtrail: Option<String>,
}

impl OperationView {
    /// An operation as it is read again: without its output.
    pub fn of(operation: Operation) -> Self {
        // Source: CloudTrail User Guide, "Working with event history": management events alone.
        let cloudtrail = (!operation.action.touches_items()).then(|| format!(
            "aws cloudtrail lookup-events --region {} --lookup-attributes AttributeKey=Username,AttributeValue={}",
            operation.region, operation.session_name
        ));
        Self {
            operation_id: operation.id.to_string(),
            connection_id: operation.connection_id.to_string(),
            action: operation.action,
            region: operation.region,
            dry_run: operation.dry_run,
            state: operation.state,
            output: Value::Null,
            output_omitted: operation.had_output,
            targets: operation.targets,
            actor: operation.actor.to_string(),
            reason: operation.reason,
            started_at: operation.started_at,
            finished_at: operation.finished_at,
            session_name: operation.session_name,
            request_ids: operation.request_ids,
            cloudtrail,
        }
    }

    /// The same with its output.
    pub fn with_output(self, output: Value) -> Self {
        Self { output, output_omitted: false, ..self }
    }
}

/// One page of operations.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OperationList {
    pub items: Vec<OperationView>,
    /// Pass it as `cursor` for the next page; null on the last.
    pub next_cursor: Option<String>,
}
