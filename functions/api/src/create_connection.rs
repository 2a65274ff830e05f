//! `POST /v1/customers/{customer_id}/connections`

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use domain::connection::NewConnection;
use domain::{
    AccountId, CapabilitySet, Connection, ConnectionId, CustomerId, Deployment, Error, ExternalId,
    FieldError, Region, RoleName,
};
use runtime::random;
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::app::App;
use crate::scope::{capability_set, check_label, read_capabilities, read_regions};
use crate::view::ConnectionView;
use web::body::{JsonBody, noted, required};
use web::caller::Operator;
use web::id::Id;
use web::idempotency::Idempotent;
use web::problem::Refused;

/// A new connection.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct CreateConnectionRequest {
    /// What people call it.
    label: Option<String>,
    /// The customer's AWS account, if it is known; a role of another one is then refused.
    account_id: Option<String>,
    /// The name that the customer's role must have; a ready-made one unless given.
    role_name: Option<String>,
    /// What is asked for, such as `ec2-power`.
    #[schema(required, value_type = Vec<String>)]
    capabilities: Option<Vec<String>>,
    /// Where, such as `eu-central-1`.
    #[schema(required, value_type = Vec<String>)]
    regions: Option<Vec<String>>,
    /// Known only to be refused in its own words.
    #[schema(ignore)]
    external_id: Option<Value>,
}

/// The fields of a request, once they are sound.
struct Sound {
    label: Option<String>,
    account_id: Option<AccountId>,
    role_name: Option<RoleName>,
    capabilities: CapabilitySet,
    regions: BTreeSet<Region>,
}

/// Makes a connection, with an external ID of its own, that waits for its customer's role. Hand
/// `invite_url` to the customer; it is shown only now.
#[utoipa::path(
    post,
    path = "/v1/customers/{customer_id}/connections",
    tag = "connections",
    params(("customer_id" = String, Path)),
    request_body = CreateConnectionRequest,
    responses((status = 201, description = "The connection", body = ConnectionView))
)]
pub(crate) async fn create_connection(
    State(app): State<App>,
    Operator(actor): Operator,
    Id(customer_id): Id<CustomerId>,
    request_key: Idempotent,
    JsonBody(request): JsonBody<CreateConnectionRequest>,
) -> Result<(StatusCode, Json<ConnectionView>), Refused> {
    let sound = check(request, &app.deployment)?;
    let occasion = app.occasion(actor);
    let (invite_url, invite) = app.invite(occasion.now);
    let new = NewConnection {
        id: ConnectionId::new(occasion.now, random()),
        customer_id,
        label: sound.label,
        account_id: sound.account_id,
        announced_role_name: sound.role_name,
        ready_made_role_name: RoleName::ready_made(random()),
        external_id: ExternalId::new(random()),
        capabilities: sound.capabilities,
        regions: sound.regions,
        invite,
    };
    let change = Connection::create(new, &app.deployment, occasion)?;
    // Customers are never deleted, so this need not be one transaction with the write, in which
    // connections of one customer would get in each other's way.
    app.store.customer(customer_id).await?;
    let view = ConnectionView::from(change.connection.clone()).with_invite(invite_url);
    let completion = request_key.completing(StatusCode::CREATED, &view);
    app.store.create_connection(&change, completion.as_ref()).await?;
    Ok((StatusCode::CREATED, Json(view)))
}

/// Reads every field, so that one answer names all that are wrong.
fn check(request: CreateConnectionRequest, deployment: &Deployment) -> Result<Sound, Error> {
    if request.external_id.is_some() {
        return Err(Error::invalid(FieldError::new(
            "/external_id",
            "external_id_not_accepted",
            "Drawbridge makes the external ID itself, one for each connection; leave the field out",
        )));
    }
    let mut errors = Vec::new();
    check_label(request.label.as_deref(), &mut errors);
    let account_id = request.account_id.and_then(|id| noted(id.parse(), "/account_id", &mut errors));
    let role_name = request.role_name.and_then(|name| noted(name.parse(), "/role_name", &mut errors));
    let names = required(request.capabilities, "capabilities", &mut errors);
    let capabilities = names.and_then(|names| read_capabilities(&names, &mut errors));
    let names = required(request.regions, "regions", &mut errors);
    let regions = names.and_then(|names| read_regions(&names, deployment, &mut errors));
    match (capabilities, regions) {
        (Some(capabilities), Some(regions)) if errors.is_empty() => Ok(Sound {
            label: request.label,
            account_id,
            role_name,
            capabilities: capability_set(capabilities)?,
            regions,
        }),
        _ => Err(Error::invalid_fields(errors)),
    }
}

#[cfg(test)]
mod tests;
