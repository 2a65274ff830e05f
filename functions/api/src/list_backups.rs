//! `GET /v1/connections/{connection_id}/backups`

use std::str::FromStr;

use axum::Json;
use axum::extract::State;
use domain::{ConnectionId, Error};
use store::BackupFilter;
use web::caller::Operator;
use web::id::Id;
use web::list_query::QueryString;
use web::problem::Refused;

use crate::app::App;
use crate::backup_view::BackupList;

/// Lists the backups that Drawbridge has made in a connection's account, by Region, resource and time. Those
/// that are gone stay listed, with the state `deleted`.
#[utoipa::path(
    get,
    path = "/v1/connections/{connection_id}/backups",
    tag = "backups",
    params(
        ("connection_id" = String, Path),
        ("kind" = Option<String>, Query, description = "Those of this kind alone"),
        ("resource" = Option<String>, Query, description = "Those of this table alone"),
        ("region" = Option<String>, Query, description = "Those in this Region alone"),
        ("limit" = Option<u8>, Query, minimum = 1, maximum = 100, description = "Items of a page, 25 unless given"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before"),
    ),
    responses((status = 200, description = "One page; it may be short though more follow", body = BackupList))
)]
pub(crate) async fn list_backups(
    State(app): State<App>,
    _: Operator,
    Id(connection): Id<ConnectionId>,
    query: QueryString,
) -> Result<Json<BackupList>, Refused> {
    let query = query.only(&["kind", "resource", "region", "limit", "cursor"])?;
    let filter = BackupFilter {
        kind: read(&query, "kind")?,
        region: read(&query, "region")?,
        resource: query.value("resource").map(str::to_owned),
    };
    let page = query.page()?;
    let (_, page) =
        futures::try_join!(app.store.connection(connection), app.store.backups(connection, &filter, &page))?;
    Ok(Json(BackupList {
        items: page.items.into_iter().map(Into::into).collect(),
        next_cursor: page.next_cursor,
    }))
}

fn read<T: FromStr<Err = Error>>(query: &QueryString, name: &str) -> Result<Option<T>, Error> {
    let value = query.value(name);
    value.map(|text| text.parse().map_err(|error: Error| error.at(&format!("/{name}")))).transpose()
}

#[cfg(test)]
mod tests;
