//! `GET /v1/grants`

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use web::caller::Operator;
use web::problem::Refused;

/// How full the brokers' grants are.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct GrantsView {
    brokers: u16,
    grants_per_broker: u16,
    /// Longest grant, in characters without white space.
    characters_per_grant: usize,
    /// How much of everything is taken; at 100 no further role can be verified.
    used_percent: u64,
    /// The grants that something was ever put into.
    items: Vec<GrantView>,
}

/// One managed policy of roles that its broker may assume.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct GrantView {
    shard: u16,
    broker: u16,
    policy_name: String,
    /// How many roles it names.
    roles: usize,
    used_characters: u64,
    /// Whether IAM was seen to have what the table says.
    published: bool,
}

/// Shows how full the brokers' grants are.
#[utoipa::path(
    get,
    path = "/v1/grants",
    tag = "grants",
    responses((status = 200, description = "The grants", body = GrantsView))
)]
pub(crate) async fn show_grants(State(app): State<App>, _: Operator) -> Result<Json<GrantsView>, Refused> {
    let capacity = app.capacity;
    let (used, shards) =
        futures::try_join!(app.store.grant_use(), app.store.grant_shards(capacity.every_shard()))?;
    let items = shards.into_iter().map(|(shard, grant)| GrantView {
        shard: shard.number(),
        broker: shard.broker(),
        policy_name: shard.policy_name(),
        roles: grant.roles.len(),
        used_characters: used.of(shard),
        published: grant.is_published(),
    });
    Ok(Json(GrantsView {
        brokers: capacity.brokers,
        grants_per_broker: capacity.per_broker,
        characters_per_grant: capacity.characters,
        used_percent: capacity.used_percent(|shard| used.of(shard)),
        items: items.collect(),
    }))
}

#[cfg(test)]
mod tests;
