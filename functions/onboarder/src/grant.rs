//! Granting: the broker may assume the role.

use domain::grant::Shard;
use domain::{Connection, Error};

use crate::app::App;

/// How often a shard is published again because it moved while it was published.
const ATTEMPTS: usize = 10;

/// Notes in the table that the connection needs its role granted, then makes it true in IAM.
/// Returns the connection as it is then.
pub(crate) async fn grant(app: &App, mut connection: Connection) -> Result<Connection, Error> {
    let shard = match (connection.shard, connection.role_arn.clone()) {
        (Some(shard), _) => shard,
        (None, Some(role)) => {
            let shard = app.store.hold_grant(&connection, &role, app.brokers).await?;
            connection.shard = Some(shard);
            connection.revision += 1;
            shard
        }
        (None, None) => return Err(Error::internal(format!("{} has no role to grant", connection.id))),
    };
    publish(app, shard).await?;
    Ok(connection)
}

/// Makes the shard's policy what the table says. Two at once may leave the older one's roles, so
/// whoever publishes reads the table again afterwards, and publishes once more if it has moved.
pub(crate) async fn publish(app: &App, shard: Shard) -> Result<(), Error> {
    let mut wanted = app.store.grant_shard(shard).await?;
    for _ in 0..ATTEMPTS {
        app.grants.publish(shard, &wanted.roles).await?;
        let now = app.store.grant_shard(shard).await?;
        if now.version == wanted.version {
            return Ok(());
        }
        wanted = now;
    }
    Err(Error::unavailable(format!("grant {shard} moved {ATTEMPTS} times while it was published")))
}
