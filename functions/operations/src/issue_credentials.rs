//! `POST /v1/connections/{connection_id}/credentials`
//!
//! In this order: what is wanted is admitted; that it is wanted is recorded; AWS is asked; that the
//! credentials are handed out is recorded, with the answer for whoever sends the request again; they
//! are handed out. So there is no session in the customer's CloudTrail whose reason is not on record,
//! nobody has credentials without a record that says so, and they are kept nowhere.

use std::time::Duration;

use access::{HandedOut, Issued};
use axum::Json;
use axum::extract::State;
use axum::http::header::CACHE_CONTROL;
use axum::http::{HeaderName, StatusCode};
use domain::credentials::{
    CredentialsOrder, Issue, Purpose, SessionLength, role_not_assumable, too_many_capabilities,
};
use domain::denial::Side;
use domain::{
    Actor, AuditEvent, Capability, CapabilitySet, ConnectionId, CredentialsId, Error, ErrorKind, FieldError,
    Region,
};
use runtime::random;
use serde::{Deserialize, Serialize};
use tokio::time::sleep;
use utoipa::ToSchema;
use web::body::{JsonBody, noted, required};
use web::caller::Operator;
use web::id::Id;
use web::idempotency::Idempotent;
use web::problem::Refused;

use crate::app::App;

/// How often it is tried to write that nothing came of a request.
const RECORDING_ATTEMPTS: u32 = 3;
const RECORDING_PAUSE: Duration = Duration::from_millis(300);

/// Most capabilities in one request: each could stand there once.
const MOST_CAPABILITIES: usize = Capability::ALL.len();

/// What the credentials are to be.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct IssueCredentialsRequest {
    /// What they are to be good for: capabilities of the connection, and the observe ones that they imply.
    #[schema(value_type = Vec<String>, example = json!(["ec2-observe"]))]
    capabilities: Option<Vec<String>>,
    /// The one Region where they are to be good; without it, every Region of the connection.
    #[schema(value_type = Option<String>, example = "us-east-1")]
    region: Option<String>,
    /// How long they are to last, in seconds; 900 unless given.
    #[schema(minimum = 900, maximum = 3600)]
    duration_seconds: Option<i64>,
    /// Why, for the record.
    #[schema(value_type = String, min_length = 1, max_length = 500, example = "ticket 1234")]
    reason: Option<String>,
}

impl IssueCredentialsRequest {
    /// What is asked for; every field that cannot be read is named at once.
    fn order(self) -> Result<CredentialsOrder, Error> {
        let mut errors = Vec::new();
        let names = required(self.capabilities, "capabilities", &mut errors);
        let capabilities = names.and_then(|names| read_capabilities(&names, &mut errors));
        let region = self.region.map(|text| noted(text.parse::<Region>(), "/region", &mut errors));
        let length = match self.duration_seconds {
            None => Some(SessionLength::SHORTEST),
            Some(seconds) => noted(SessionLength::of_seconds(seconds), "/duration_seconds", &mut errors),
        };
        let reason = required(self.reason, "reason", &mut errors);
        let reason = reason.and_then(|text| noted(text.parse::<Purpose>(), "/reason", &mut errors));
        match (capabilities, region, length, reason) {
            (Some(capabilities), region, Some(length), Some(reason)) if errors.is_empty() => {
                let capabilities =
                    CapabilitySet::new(capabilities).map_err(|error| error.at("/capabilities"))?;
                Ok(CredentialsOrder { capabilities, region: region.flatten(), length, reason })
            }
            _ => Err(Error::invalid_fields(errors)),
        }
    }
}

fn read_capabilities(names: &[String], errors: &mut Vec<FieldError>) -> Option<Vec<Capability>> {
    if names.len() > MOST_CAPABILITIES {
        let detail = format!("at most {MOST_CAPABILITIES} items");
        errors.push(FieldError::new("/capabilities", "too_many_items", detail));
        return None;
    }
    let read: Vec<_> = names
        .iter()
        .enumerate()
        .map(|(place, name)| noted(name.parse::<Capability>(), &format!("/capabilities/{place}"), errors))
        .collect();
    read.into_iter().collect()
}

/// Credentials of a customer's role. Neither printed nor kept: it is only ever an answer.
#[derive(Serialize, ToSchema)]
pub(crate) struct CredentialsView {
    credentials_id: String,
    connection_id: String,
    /// The access key's id.
    access_key_id: String,
    /// The secret of it. It is shown only now.
    secret_access_key: String,
    /// The session's token. It is shown only now.
    session_token: String,
    /// When they end.
    #[schema(value_type = String, format = DateTime)]
    expires_at: jiff::Timestamp,
    /// The account that they are good in.
    account_id: String,
    /// The role whose session they are.
    role_arn: String,
    /// What they are good for, as far as the role allows it.
    #[schema(value_type = Vec<String>)]
    capabilities: CapabilitySet,
    /// Where they are good, and nowhere else.
    #[schema(value_type = Vec<String>)]
    regions: Vec<Region>,
    /// Why they were asked for.
    #[schema(value_type = String)]
    reason: Purpose,
    /// The name of the session.
    session_name: String,
    /// Finds what was done with them in the customer's CloudTrail, a Region at a time, run with the
    /// customer's credentials. What is done to items is not in CloudTrail's event history.
    cloudtrail: Vec<String>,
}

impl CredentialsView {
    fn of(issue: Issue, keys: &HandedOut) -> Self {
        // Source: CloudTrail User Guide, "Working with event history".
        let look = |region: &Region| {
            format!(
                "aws cloudtrail lookup-events --region {region} --lookup-attributes \
                 AttributeKey=Username,AttributeValue={}",
                issue.session_name
            )
        };
        Self {
            credentials_id: issue.id.to_string(),
            connection_id: issue.connection_id.to_string(),
            access_key_id: keys.access_key_id().to_owned(),
            secret_access_key: keys.secret_access_key().to_owned(),
            session_token: keys.session_token().to_owned(),
            expires_at: keys.expires_at(),
            account_id: issue.role_arn.account().to_string(),
            role_arn: issue.role_arn.to_string(),
            cloudtrail: issue.regions.iter().map(look).collect(),
            capabilities: issue.capabilities,
            regions: issue.regions.into_iter().collect(),
            reason: issue.reason,
            session_name: issue.session_name,
        }
    }
}

/// What the answer is: no cache keeps it.
type Answer = (StatusCode, [(HeaderName, &'static str); 1], Json<CredentialsView>);

/// Hands out credentials of the customer's role, for some of what the connection is for.
#[utoipa::path(
    post,
    path = "/v1/connections/{connection_id}/credentials",
    tag = "credentials",
    params(("connection_id" = String, Path)),
    request_body = IssueCredentialsRequest,
    responses((
        status = 201,
        description = "The credentials, once: sent again with its Idempotency-Key, the request is 409 `not_replayable`.",
        headers(("Cache-Control" = String, description = "no-store")),
        body = CredentialsView
    ))
)]
pub(crate) async fn issue_credentials(
    State(app): State<App>,
    Operator(actor): Operator,
    Id(connection): Id<ConnectionId>,
    request: Idempotent,
    JsonBody(body): JsonBody<IssueCredentialsRequest>,
) -> Result<Answer, Refused> {
    let order = body.order()?;
    let connection = app.store.connection(connection).await?;
    let occasion = App::occasion(actor.clone());
    let id = CredentialsId::new(occasion.now, random());
    let issue = Issue::admit(id, order, &connection, &occasion)?;

    app.store.record_event(&issue.requested(&occasion)).await?;
    let keys = match Box::pin(app.sessions.issue(&connection, &issue)).await? {
        Issued::Given(keys) => keys,
        refused => {
            let (error, side) = refusal(&issue, &refused);
            return Err(not_given(&app, &issue, actor, error, side).await);
        }
    };
    let issued = issue.issued(keys.expires_at(), &App::occasion(actor.clone()));
    if let Err(error) = app.store.hand_out(&connection, &issued, request.not_replayable().as_ref()).await {
        // The keys are dropped here, and nobody has had them.
        return Err(not_given(&app, &issue, actor, error, None).await);
    }
    tracing::info!(
        connection_id = %issue.connection_id,
        credentials_id = %issue.id,
        session_name = issue.session_name,
        "credentials are handed out"
    );
    let no_store = [(CACHE_CONTROL, "no-store")];
    Ok((StatusCode::CREATED, no_store, Json(CredentialsView::of(issue, &keys))))
}

/// Records that nothing is handed out, and says why.
async fn not_given(app: &App, issue: &Issue, actor: Actor, error: Error, side: Option<Side>) -> Refused {
    tracing::warn!(
        connection_id = %issue.connection_id,
        credentials_id = %issue.id,
        code = error.code,
        "no credentials are handed out"
    );
    record(app, &issue.refused(error.code, side, &App::occasion(actor))).await;
    error.into()
}

fn refusal(issue: &Issue, refused: &Issued) -> (Error, Option<Side>) {
    match refused {
        Issued::Refused(side) => (role_not_assumable(&issue.role_arn, *side), Some(*side)),
        Issued::TooLarge => (too_many_capabilities(), None),
        Issued::Given(_) | Issued::Unanswered => {
            (Error::unavailable("AWS neither gave nor refused a session of the customer's role"), None)
        }
    }
}

/// Writes that nothing came of it, if the table can be brought to take it. Nobody has anything in hand,
/// and that it was asked for stands there already.
async fn record(app: &App, event: &AuditEvent) {
    for attempt in 1..=RECORDING_ATTEMPTS {
        match app.store.record_event(event).await {
            Ok(()) => return,
            Err(error) if error.kind == ErrorKind::Unavailable && attempt < RECORDING_ATTEMPTS => {
                sleep(RECORDING_PAUSE).await;
            }
            Err(error) => {
                tracing::error!(event_id = %event.id, cause = error.chain(), "a refusal was not recorded");
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests;
