//! `GET /v1/connections/{connection_id}/setup`

use axum::Json;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use domain::policy::PolicyDocument;
use domain::setup::{Setup, cloudformation};
use domain::{ConnectionId, Error, FieldError};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use web::caller::Operator;
use web::id::Id;
use web::list_query::QueryString;
use web::problem::Refused;

/// The forms that can be asked for.
const FORMATS: [&str; 5] = ["json", "cloudformation", "terraform", "cli", "console"];
const PLAIN: &str = "text/plain; charset=utf-8";

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
    /// What to do in the AWS console, step by step.
    console: String,
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
            console: setup.console,
        }
    }
}

/// Shows what the customer needs to make the role, in one form or in all but the template.
#[utoipa::path(
    get,
    path = "/v1/connections/{connection_id}/setup",
    tag = "connections",
    params(
        ("connection_id" = String, Path),
        (
            "format" = Option<String>,
            Query,
            description = "`json` (the default), `cloudformation` (a template that deploys as it is), `terraform`, \
                           `cli` or `console`"
        ),
    ),
    responses((
        status = 200,
        description = "The documents, or one form of them alone",
        content((SetupView = "application/json"), (String = "text/plain"), (String = "application/yaml"))
    ))
)]
pub(crate) async fn show_setup(
    State(app): State<App>,
    _: Operator,
    Id(connection): Id<ConnectionId>,
    query: QueryString,
) -> Result<Response, Refused> {
    let query = query.only(&["format"])?;
    let format = query.value("format").unwrap_or("json");
    if !FORMATS.contains(&format) {
        let detail = format!("the formats are {}", FORMATS.join(", "));
        return Err(Error::invalid(FieldError::new("/format", "invalid_format", detail)).into());
    }
    let connection = app.store.connection(connection).await?;
    let deployment = &app.deployment;
    let text = |media_type: &'static str, text: String| ([(CONTENT_TYPE, media_type)], text).into_response();
    Ok(match format {
        "cloudformation" => text("application/yaml", cloudformation(&connection, deployment)),
        "terraform" => text(PLAIN, Setup::of(&connection, deployment).terraform),
        "cli" => text(PLAIN, Setup::of(&connection, deployment).cli),
        "console" => text(PLAIN, Setup::of(&connection, deployment).console),
        _ => Json(SetupView::from(Setup::of(&connection, deployment))).into_response(),
    })
}
