//! `drawbridge connections revoke-invite`.

use clap::Args;

use crate::client::Client;
use crate::exit::Exit;
use crate::failure::Result;
use crate::screen::Screen;

/// Ends the invite of a connection.
#[derive(Debug, Args)]
#[command(after_help = "\
The link leads nowhere any more. A role that was submitted with it stays.

Example:
  drawbridge connections revoke-invite con_…")]
pub struct RevokeInvite {
    /// The connection's id
    #[arg(value_name = "ID", value_parser = super::id)]
    connection_id: String,
}

impl RevokeInvite {
    pub(super) async fn run(self, client: &Client, screen: &Screen) -> Result<Exit> {
        let id = &self.connection_id;
        client.delete(&["v1", "connections", id, "invite"]).await?;
        // The API answers with nothing, and so does the command.
        screen.note(&format!(
            "the invite of {id} is revoked\n\nnext: `drawbridge connections invite {id}` makes another"
        ));
        Ok(Exit::Done)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::arguments::Format;
    use crate::test_server::{Answer, TestServer};

    #[tokio::test]
    async fn an_invite_is_revoked_however_often_it_takes() {
        let down =
            Answer::new(503, json!({"title": "Service Unavailable", "code": "dependency_unavailable"}));
        let server = TestServer::start([down.header("retry-after: 0"), Answer::nothing()]).await;
        let screen = Screen::kept(Format::Table);
        let command = RevokeInvite { connection_id: "con_1".to_owned() };
        assert_eq!(command.run(&server.client(), &screen).await.unwrap(), Exit::Done);
        assert_eq!(server.targets(), ["DELETE /v1/connections/con_1/invite"; 2]);
        let kept = screen.into_kept();
        assert!(kept.errors.starts_with("the invite of con_1 is revoked") && kept.output.is_empty());
    }

    #[tokio::test]
    async fn who_may_not_is_told_who_may() {
        let server = TestServer::start([Answer::new(403, json!({"message": "Forbidden"}))]).await;
        let command = RevokeInvite { connection_id: "con_1".to_owned() };
        let failure = command.run(&server.client(), &Screen::kept(Format::Table)).await.unwrap_err();
        assert!(failure.to_string().contains("drawbridge-operator"), "{failure}");
    }
}
