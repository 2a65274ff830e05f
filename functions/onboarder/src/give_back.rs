//! Giving back: grants that a connection no longer needs.

use domain::message::{OnboardingMessage, PublishGrant};
use domain::{Connection, Error};
use jiff::SignedDuration;

use crate::app::App;

/// Takes every role that the connection no longer needs out of its grant, unless somebody else
/// needs it, and has the grant published. Returns the connection as it is then.
///
/// What is to be given back stands in the table until it is done, so that a crash only delays it.
pub(crate) async fn give_back(app: &App, mut connection: Connection) -> Result<Connection, Error> {
    let mut place = 0;
    while let Some(release) = connection.releases.get(place).cloned() {
        let needed = connection.needs_grant_of(&release.role_arn);
        if needed && connection.shard.is_none() {
            // Its role came back, and is about to be granted again.
            place += 1;
            continue;
        }
        if !needed {
            app.store.release_grant(&connection, &release).await?;
            let message = PublishGrant { shard: release.shard, connection_id: connection.id };
            app.queue.send(&OnboardingMessage::Publish(message), SignedDuration::ZERO).await?;
        }
        let mut rest = connection.releases.clone();
        rest.remove(place);
        app.store.set_releases(&connection, &rest).await?;
        tracing::info!(
            connection_id = %connection.id,
            role_arn = %release.role_arn,
            needed,
            "gave back the grant of a role"
        );
        connection.releases = rest;
        connection.revision += 1;
    }
    Ok(connection)
}

#[cfg(test)]
mod tests;
