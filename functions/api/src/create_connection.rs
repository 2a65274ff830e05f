//! `POST /v1/customers/{customer_id}/connections`

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use domain::connection::NewConnection;
use domain::customer::{is_one_line, one_line_rule};
use domain::{
    AccountId, Capability, CapabilitySet, Connection, ConnectionId, CustomerId, Deployment, Error,
    ExternalId, FieldError, Region, RoleName,
};
use runtime::random;
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::app::App;
use crate::body::{JsonBody, noted, required};
use crate::caller::Operator;
use crate::id::Id;
use crate::problem::Refused;
use crate::view::ConnectionView;

/// Longest label, in characters.
const MAX_LABEL: usize = 200;
/// Most Regions of one connection: more than AWS has.
const MAX_REGIONS: usize = 64;
/// Most capabilities in one request: each could stand there once.
const MAX_CAPABILITIES: usize = Capability::ALL.len();

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

/// Makes a connection, with an external ID of its own, that waits for its customer's role.
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
    JsonBody(request): JsonBody<CreateConnectionRequest>,
) -> Result<(StatusCode, Json<ConnectionView>), Refused> {
    let sound = check(request, &app.deployment)?;
    let occasion = app.occasion(actor);
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
    };
    let change = Connection::create(new, &app.deployment, occasion)?;
    // Customers are never deleted, so this need not be one transaction with the write, in which
    // connections of one customer would get in each other's way.
    app.store.customer(customer_id).await?;
    app.store.create_connection(&change).await?;
    Ok((StatusCode::CREATED, Json(change.connection.into())))
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
    if request.label.as_deref().is_some_and(|label| !is_one_line(label, MAX_LABEL)) {
        errors.push(FieldError::new("/label", "invalid_label", one_line_rule("a label", MAX_LABEL)));
    }
    let account_id = request.account_id.and_then(|id| noted(id.parse(), "/account_id", &mut errors));
    let role_name = request.role_name.and_then(|name| noted(name.parse(), "/role_name", &mut errors));
    let names = required(request.capabilities, "capabilities", &mut errors);
    let capabilities =
        names.and_then(|names| read_list(&names, "/capabilities", MAX_CAPABILITIES, &mut errors));
    let names = required(request.regions, "regions", &mut errors);
    let regions = names.and_then(|names| read_list::<Region>(&names, "/regions", MAX_REGIONS, &mut errors));
    if let Some(regions) = &regions {
        if regions.is_empty() {
            let detail = "a connection needs at least one Region";
            errors.push(FieldError::new("/regions", "regions_empty", detail));
        }
        for (place, region) in regions.iter().enumerate() {
            if region.partition() != deployment.partition {
                let detail = format!("this installation reaches Regions of {} alone", deployment.partition);
                let pointer = format!("/regions/{place}");
                errors.push(FieldError::new(pointer, "region_partition_unsupported", detail));
            }
        }
    }
    match (capabilities, regions) {
        (Some(capabilities), Some(regions)) if errors.is_empty() => Ok(Sound {
            label: request.label,
            account_id,
            role_name,
            capabilities: CapabilitySet::new(capabilities).map_err(|error| error.at("/capabilities"))?,
            regions: regions.into_iter().collect(),
        }),
        _ => Err(Error::invalid_fields(errors)),
    }
}

fn read_list<T: std::str::FromStr<Err = Error>>(
    names: &[String],
    at: &str,
    most: usize,
    errors: &mut Vec<FieldError>,
) -> Option<Vec<T>> {
    if names.len() > most {
        errors.push(FieldError::new(at, "too_many_items", format!("at most {most} items")));
        return None;
    }
    let read: Vec<Option<T>> = names
        .iter()
        .enumerate()
        .map(|(place, name)| noted(name.parse(), &format!("{at}/{place}"), errors))
        .collect();
    read.into_iter().collect()
}

#[cfg(test)]
mod tests;
