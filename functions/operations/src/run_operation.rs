//! `POST /v1/connections/{connection_id}/operations`

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use domain::operation::{Operation, Order};
use domain::{ConnectionId, Error, OperationId};
use runtime::random;
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use web::body::JsonBody;
use web::caller::Operator;
use web::id::Id;
use web::idempotency::Idempotent;
use web::problem::Refused;

use crate::app::App;
use crate::carry_out::{admit, carry_out};
use crate::order::read_order;
use crate::view::OperationView;

/// What is to be carried out.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct RunOperationRequest {
    /// The IAM action.
    #[schema(value_type = String, example = "ec2:DescribeInstances")]
    action: Option<String>,
    /// Where: one of the connection's Regions.
    #[schema(value_type = String, example = "us-east-1")]
    region: Option<String>,
    /// The action's parameters, under AWS's own names.
    #[schema(value_type = Option<Object>)]
    input: Option<Value>,
    /// Whether AWS is only to be asked if it would.
    dry_run: Option<bool>,
    /// Why, for the record.
    #[schema(max_length = 500)]
    reason: Option<String>,
}

impl RunOperationRequest {
    /// What is asked for, and its input.
    fn order(self) -> Result<(Order, Value), Error> {
        let order = read_order(self.action, self.region, self.dry_run.unwrap_or(false), self.reason)?;
        Ok((order, self.input.unwrap_or_else(|| Value::Object(Map::new()))))
    }
}

/// Carries out one action in the customer's account.
#[utoipa::path(
    post,
    path = "/v1/connections/{connection_id}/operations",
    tag = "operations",
    params(("connection_id" = String, Path)),
    request_body = RunOperationRequest,
    responses(
        (
            status = 200,
            description = "What became of it. What AWS refused is told by `state` and by each target's `code`.",
            body = OperationView
        ),
        (
            status = 202,
            description = "It takes AWS longer than an answer may wait. Read it again until it is no longer `running`.",
            body = OperationView
        )
    )
)]
pub(crate) async fn run_operation(
    State(app): State<App>,
    Operator(actor): Operator,
    Id(connection): Id<ConnectionId>,
    request: Idempotent,
    JsonBody(body): JsonBody<RunOperationRequest>,
) -> Result<(StatusCode, Json<OperationView>), Refused> {
    let (order, input) = body.order()?;
    let connection = app.store.connection(connection).await?;
    let occasion = App::occasion(actor);
    let id = OperationId::new(occasion.now, random());
    let operation = Operation::begin(id, order, &connection, &occasion)?;
    let admitted = admit(&operation, &connection, &input)?;
    match admitted.asked.needs_plan() {
        Some(refusal) if !operation.dry_run => Err(refusal.into()),
        _ => carry_out(&app, &connection, operation, &admitted, None, &request).await,
    }
}
