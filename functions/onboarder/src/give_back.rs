//! Giving back: grants that a connection no longer needs.

use domain::{Connection, Error};

use crate::app::App;
use crate::grant::publish;

/// Takes every role that the connection no longer needs from its broker, unless somebody else
/// needs it. Returns the connection as it is then.
///
/// What is to be given back stands in the table until it is done, so that a crash only delays it.
pub(crate) async fn give_back(app: &App, mut connection: Connection) -> Result<Connection, Error> {
    while let Some(release) = connection.releases.first().cloned() {
        app.store.release_grant(&connection, &release).await?;
        publish(app, release.shard).await?;
        let rest = connection.releases[1..].to_vec();
        app.store.set_releases(&connection, &rest).await?;
        tracing::info!(
            connection_id = %connection.id,
            role_arn = %release.role_arn,
            "gave back the grant of a role that is no longer needed"
        );
        connection.releases = rest;
        connection.revision += 1;
    }
    Ok(connection)
}
