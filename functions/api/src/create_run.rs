//! `POST /v1/runs`

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use domain::ec2_backup::Ec2Backup;
use domain::retention::RetentionParts;
use domain::run::{MOST_CONNECTIONS, Run, RunOrder, Scope, Terms};
use domain::selection::SelectionParts;
use domain::{Connection, ConnectionId, Deployment, Error, FieldError, RunId};
use futures::stream::{self, StreamExt as _};
use runtime::{now, random};
use serde::Deserialize;
use utoipa::ToSchema;
use web::body::JsonBody;
use web::caller::Operator;
use web::idempotency::Idempotent;
use web::problem::Refused;

use crate::app::App;
use crate::carry_out::HEAD_START;
use crate::run_view::{ConnectionIds, RunView};
use crate::terms::Faults;

/// How many connections are read at a time.
const READ_AT_ONCE: usize = 10;

/// A new run.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct CreateRunRequest {
    /// Whose resources.
    #[schema(required, value_type = ConnectionIds)]
    connection_ids: Option<ConnectionIds>,
    /// What is done.
    #[schema(required, value_type = String, example = "dynamodb-backup")]
    kind: Option<String>,
    /// Where; in all Regions of each connection unless given.
    regions: Option<Vec<String>>,
    /// Which resources.
    #[schema(required, value_type = SelectionParts)]
    select: Option<SelectionParts>,
    /// What is kept of the backups that runs without a schedule have made; all unless given.
    retention: Option<RetentionParts>,
    /// Whose days, weeks and months retention counts; UTC unless given.
    timezone: Option<String>,
    /// Whether it is only told what would be done.
    dry_run: Option<bool>,
    /// How instances are backed up, by runs of the kind `ec2-backup`.
    ec2_backup: Option<Ec2Backup>,
}

/// Begins a run. What there is to do is found out next: poll the run, or read its jobs.
#[utoipa::path(
    post,
    path = "/v1/runs",
    tag = "runs",
    request_body = CreateRunRequest,
    responses((status = 202, description = "The run, which is being planned", body = RunView))
)]
pub(crate) async fn create_run(
    State(app): State<App>,
    Operator(actor): Operator,
    request_key: Idempotent,
    JsonBody(request): JsonBody<CreateRunRequest>,
) -> Result<(StatusCode, Json<RunView>), Refused> {
    let order = check(request, &app.deployment)?;
    order.admit()?;
    if let Scope::Connections(ids) = &order.scope {
        admit_each(&app, ids, &order).await?;
    }
    let now = now();
    let run = Run::begin(RunId::new(now, random()), order, None, actor, now);
    let view = RunView::from(run.clone());
    // A crash from here on leaves a message about a run that nobody knows, and never a run that waits for one.
    app.runs.send(&run.next_message(), HEAD_START).await?;
    let completion = request_key.completing(StatusCode::ACCEPTED, &view);
    if !app.store.begin_run(&run, completion.as_ref()).await? {
        return Err(Error::internal(format!("{} exists already", run.id)).into());
    }
    Ok((StatusCode::ACCEPTED, Json(view)))
}

/// Refuses an order that one of the connections that it names does not admit. All that are refused for the
/// same reason are named.
async fn admit_each(app: &App, ids: &[ConnectionId], order: &RunOrder) -> Result<(), Error> {
    let admissions = ids.iter().copied().enumerate().map(async |(place, id)| {
        let at = format!("/connection_ids/{place}");
        let connection = app.store.connection(id).await.map_err(|error| named(error, &at))?;
        admit(order, &connection, &at)
    });
    let admitted: Vec<_> = stream::iter(admissions).buffered(READ_AT_ONCE).collect().await;
    let mut refusals = admitted.into_iter().filter_map(Result::err);
    let Some(mut first) = refusals.next() else { return Ok(()) };
    let same = refusals.filter(|refusal| refusal.code == first.code).flat_map(|refusal| refusal.fields);
    first.fields.extend(same.collect::<Vec<_>>());
    Err(first)
}

fn admit(order: &RunOrder, connection: &Connection, at: &str) -> Result<(), Error> {
    order.admit_connection(connection).map_err(|mut error| {
        error.detail = format!("{}: {}", connection.id, error.detail);
        named(error, at)
    })
}

/// A refusal, said of the connection at `at`; a failure is nobody's fault.
fn named(mut error: Error, at: &str) -> Error {
    use domain::ErrorKind::{Internal, Unavailable};
    if matches!(error.kind, Internal | Unavailable) {
        return error;
    }
    error.fields.clear();
    error.at(at)
}

fn check(request: CreateRunRequest, deployment: &Deployment) -> Result<RunOrder, Error> {
    let mut faults = Faults::default();
    let connections = faults.required(request.connection_ids, "connection_ids");
    let scope = connections.and_then(|connections| scope(connections, &mut faults));
    let kind = faults.kind(request.kind);
    let regions = faults.regions(request.regions, deployment);
    let select = faults.required(request.select, "select").and_then(|parts| faults.selection(parts));
    let retention = faults.retention(request.retention);
    let timezone = faults.timezone(request.timezone);
    let ec2_backup = faults.ec2_backup(request.ec2_backup);
    faults.into_result()?;
    let (Some(scope), Some(kind), Some(select), Some(timezone)) = (scope, kind, select, timezone) else {
        return Err(Error::internal("a run lacks what it was not found to lack"));
    };
    let dry_run = request.dry_run.unwrap_or(false);
    let terms = Terms { kind, schedule_id: None, retention, timezone, dry_run, ec2_backup };
    Ok(RunOrder { scope, regions, select, terms })
}

fn scope(connections: ConnectionIds, faults: &mut Faults) -> Option<Scope> {
    const AT: &str = "/connection_ids";
    let mut wrong = |at: String, code, detail: &str| faults.note(FieldError::new(at, code, detail));
    let names = match connections {
        ConnectionIds::Word(word) if word == "all" => return Some(Scope::All),
        ConnectionIds::Word(_) => {
            wrong(AT.to_owned(), "invalid_connection_ids", "give a list of ids, or the word all");
            return None;
        }
        ConnectionIds::Named(names) => names,
    };
    if names.is_empty() || names.len() > MOST_CONNECTIONS {
        let detail = format!("name 1 to {MOST_CONNECTIONS} connections, or all of them with the word all");
        wrong(AT.to_owned(), "invalid_connection_ids", &detail);
        return None;
    }
    let mut known = BTreeSet::new();
    let mut ids = Vec::new();
    for (place, name) in names.iter().enumerate() {
        let at = format!("{AT}/{place}");
        let Some(id) = faults.read(name.parse::<ConnectionId>(), &at) else { continue };
        if known.insert(id) {
            ids.push(id);
        } else {
            faults.note(FieldError::new(at, "duplicate_connection", "this connection stands there twice"));
        }
    }
    Some(Scope::Connections(ids))
}

#[cfg(test)]
mod tests;
