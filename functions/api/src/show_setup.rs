//! `GET /v1/connections/{connection_id}/setup`

use axum::Json;
use axum::extract::State;
use domain::policy::PolicyDocument;
use domain::setup::Setup;
use domain::{ConnectionId, Error, FieldError};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use web::caller::Operator;
use web::id::Id;
use web::list_query::QueryString;
use web::problem::Refused;

/// What the customer needs to make the role, with this connection's values filled in.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SetupView {
    /// The trust policy of the customer's role.
    #[schema(value_type = Object)]
    trust_policy: PolicyDocument,
    /// What the role allows.
    #[schema(value_type = Object)]
    permissions_policy: PolicyDocument,
    /// What Drawbridge grants its broker; null until the account or the role is known.
    #[schema(value_type = Option<Object>)]
    grant_policy: Option<PolicyDocument>,
    /// Opens CloudFormation with every parameter filled in; null where the installation has not
    /// published its template.
    quick_create_url: Option<String>,
    /// AWS CLI commands for a POSIX shell.
    cli: String,
    /// A Terraform configuration.
    terraform: String,
}

impl From<Setup> for SetupView {
    fn from(setup: Setup) -> Self {
        Self {
            trust_policy: setup.trust_policy,
            permissions_policy: setup.permissions_policy,
            grant_policy: setup.grant_policy,
            quick_create_url: setup.quick_create_url,
            cli: setup.cli,
            terraform: setup.terraform,
        }
    }
}

/// Shows what the customer needs to make the role.
#[utoipa::path(
    get,
    path = "/v1/connections/{connection_id}/setup",
    tag = "connections",
    params(
        ("connection_id" = String, Path),
        ("format" = Option<String>, Query, description = "`json`, which is also the default"),
    ),
    responses((status = 200, description = "The documents", body = SetupView))
)]
pub(crate) async fn show_setup(
    State(app): State<App>,
    _: Operator,
    Id(connection): Id<ConnectionId>,
    query: QueryString,
) -> Result<Json<SetupView>, Refused> {
    let query = query.only(&["format"])?;
    if !matches!(query.value("format"), None | Some("json")) {
        let detail = "the only format is json";
        return Err(Error::invalid(FieldError::new("/format", "invalid_format", detail)).into());
    }
    let connection = app.store.connection(connection).await?;
    Ok(Json(Setup::of(&connection, &app.deployment).into()))
}
