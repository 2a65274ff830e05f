//! Granting: the broker may assume the role.

use domain::{Connection, Error};

use crate::app::App;
use crate::publish::{Force, publish};

/// Notes in the table that the connection needs its role granted, then makes it true in IAM.
/// Returns the connection as it is then, and whether the grant is published; if not, somebody else
/// is about to publish it.
pub(crate) async fn grant(
    app: &App,
    mut connection: Connection,
    force: Force,
) -> Result<(Connection, bool), Error> {
    let shard = match (connection.shard, connection.role_to_grant().cloned()) {
        (Some(shard), _) => shard,
        (None, Some(role)) => {
            let _turn = app.granting.lock().await;
            let shard = app.store.hold_grant(&connection, &role, app.capacity).await?;
            connection.shard = Some(shard);
            connection.revision += 1;
            shard
        }
        (None, None) => return Err(Error::internal(format!("{} has no role to grant", connection.id))),
    };
    let published = publish(app, shard, force).await?;
    Ok((connection, published))
}
