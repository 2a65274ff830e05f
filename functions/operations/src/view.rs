//! What callers see of operations.

use domain::operation::{Operation, OperationState, Target};
use domain::plan::{Plan, PlanState, PlanTarget, Warning};
use domain::{Action, Region};
use serde::Serialize;
use serde_json::{Map, Value};
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
    /// What AWS answered, under AWS's own names. The first answer alone carries it. Of a restore it is the
    /// report of what the new table was given back and how it compares, which every later answer carries.
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
    /// The plan that it carries out.
    #[serde(skip_serializing_if = "Option::is_none")]
    plan_id: Option<String>,
    /// The backup that it restores or deletes.
    #[serde(skip_serializing_if = "Option::is_none")]
    backup_id: Option<String>,
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
    /// An operation as it is read again: without its output, unless that is a report of Drawbridge's own.
    pub fn of(operation: Operation) -> Self {
        // Source: CloudTrail User Guide, "Working with event history": management events alone.
        let cloudtrail = (!operation.action.touches_items()).then(|| format!(
            "aws cloudtrail lookup-events --region {} --lookup-attributes AttributeKey=Username,AttributeValue={}",
            operation.region, operation.session_name
        ));
        let output = operation.report().unwrap_or_default();
        Self {
            operation_id: operation.id.to_string(),
            connection_id: operation.connection_id.to_string(),
            action: operation.action,
            region: operation.region,
            dry_run: operation.dry_run,
            state: operation.state,
            output,
            output_omitted: operation.had_output,
            targets: operation.targets,
            actor: operation.actor.to_string(),
            reason: operation.reason,
            plan_id: operation.plan_id.map(|id| id.to_string()),
            backup_id: operation.backup_id.map(|id| id.to_string()),
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

/// What cannot be undone, shown before it is carried out.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PlanView {
    plan_id: String,
    connection_id: String,
    /// The IAM action.
    #[schema(value_type = String, example = "ec2:TerminateInstances")]
    action: Action,
    #[schema(value_type = String, example = "us-east-1")]
    region: Region,
    state: PlanState,
    /// What will be gone; of a restore, the table that will be there.
    targets: Vec<PlanTarget>,
    /// What goes with it, and what stays: numbers, and lists of at most 50.
    #[schema(value_type = Object)]
    blast_radius: Map<String, Value>,
    /// What should be known before it is applied.
    warnings: Vec<Warning>,
    /// The backup that it restores or deletes.
    #[serde(skip_serializing_if = "Option::is_none")]
    backup_id: Option<String>,
    /// Why, as the caller said.
    reason: Option<String>,
    /// Who planned it.
    actor: String,
    #[schema(value_type = String, format = DateTime)]
    created_at: jiff::Timestamp,
    /// Until when it can be applied.
    #[schema(value_type = String, format = DateTime)]
    expires_at: jiff::Timestamp,
    /// Who applied it.
    applied_by: Option<String>,
    #[schema(value_type = Option<String>, format = DateTime)]
    applied_at: Option<jiff::Timestamp>,
    /// What carries it out.
    operation_id: Option<String>,
    version: u64,
}

impl PlanView {
    /// A plan as it stands at `now`. Its input is not told, for it may hold what is in tables.
    pub fn of(plan: Plan, now: jiff::Timestamp) -> Self {
        let state = plan.state_at(now);
        Self {
            plan_id: plan.id.to_string(),
            connection_id: plan.connection_id.to_string(),
            action: plan.action,
            region: plan.region,
            state,
            targets: plan.targets,
            blast_radius: plan.blast_radius,
            warnings: plan.warnings,
            backup_id: plan.backup_id.map(|id| id.to_string()),
            reason: plan.reason,
            actor: plan.actor.to_string(),
            created_at: plan.created_at,
            expires_at: plan.lapses_at,
            applied_by: plan.applied_by.map(|actor| actor.to_string()),
            applied_at: plan.applied_at,
            operation_id: plan.operation_id.map(|id| id.to_string()),
            version: plan.version,
        }
    }
}
