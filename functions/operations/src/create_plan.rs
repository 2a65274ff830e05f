//! `POST /v1/connections/{connection_id}/plans`

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use domain::operation::{Operation, Order};
use domain::plan::{LARGEST_INPUT, Plan, Sealed, Seen};
use domain::{Actor, ConnectionId, Error, OperationId, PlanId};
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
use crate::carry_out::admit;
use crate::look::look;
use crate::order::read_order;
use crate::view::PlanView;

/// What is to be planned.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct CreatePlanRequest {
    /// The IAM action: one that destroys something.
    #[schema(value_type = String, example = "ec2:TerminateInstances")]
    action: Option<String>,
    /// Where: one of the connection's Regions.
    #[schema(value_type = String, example = "us-east-1")]
    region: Option<String>,
    /// The action's parameters, under AWS's own names; at most 256 KB.
    #[schema(value_type = Option<Object>)]
    input: Option<Value>,
    /// Why, for the record.
    #[schema(max_length = 500)]
    reason: Option<String>,
}

impl CreatePlanRequest {
    /// What is asked for, and its input.
    fn order(self) -> Result<(Order, Value), Error> {
        let order = read_order(self.action, self.region, false, self.reason)?;
        let input = self.input.unwrap_or_else(|| Value::Object(Map::new()));
        if input.to_string().len() > LARGEST_INPUT {
            let detail = "a plan's input has 256 KB at most";
            return Err(Error::refused("input_too_large", detail).at("/input"));
        }
        Ok((order, input))
    }
}

/// Plans what cannot be undone: looks up what would be gone, and carries nothing out.
#[utoipa::path(
    post,
    path = "/v1/connections/{connection_id}/plans",
    tag = "plans",
    params(("connection_id" = String, Path)),
    request_body = CreatePlanRequest,
    responses((
        status = 201,
        description = "What would be gone. It can be applied until `expires_at`.",
        body = PlanView
    ))
)]
pub(crate) async fn create_plan(
    State(app): State<App>,
    Operator(actor): Operator,
    Id(connection): Id<ConnectionId>,
    request: Idempotent,
    JsonBody(body): JsonBody<CreatePlanRequest>,
) -> Result<(StatusCode, Json<PlanView>), Refused> {
    let (order, input) = body.order()?;
    let connection = app.store.connection(connection).await?;
    let asked_at = App::occasion(actor.clone());
    let id = PlanId::new(asked_at.now, random());
    // What the connection does not admit as an operation, it does not as a plan.
    let would = Operation::begin(OperationId::new(asked_at.now, random()), order, &connection, &asked_at)?;
    let admitted = admit(&would, &connection, &input)?;
    let sealed = sealed(input);
    let seen = look(&app, &connection, id, &admitted, &sealed.salt).await?;
    write(&app, id, &would, seen, &sealed, actor, &request).await
}

/// Writes a plan of this operation, and answers with it.
pub(crate) async fn write(
    app: &App,
    id: PlanId,
    would: &Operation,
    seen: Seen,
    sealed: &Sealed,
    actor: Actor,
    request: &Idempotent,
) -> Result<(StatusCode, Json<PlanView>), Refused> {
    // Its time begins when there is something to look at.
    let occasion = App::occasion(actor);
    let (plan, event) = Plan::create(id, would, seen, app.plan_lifetime, &occasion);
    let view = PlanView::of(plan.clone(), occasion.now);
    let completion = request.completing(StatusCode::CREATED, &view);
    app.store.create_plan(&plan, sealed, &event, completion.as_ref()).await?;
    tracing::info!(
        connection_id = %plan.connection_id,
        plan_id = %plan.id,
        action = %plan.action,
        targets = plan.targets.len(),
        "a plan was made"
    );
    Ok((StatusCode::CREATED, Json(view)))
}

/// What a plan keeps of this input until it is applied.
pub(crate) fn sealed(input: Value) -> Sealed {
    Sealed { input, salt: format!("{:032x}", u128::from_be_bytes(random())) }
}
