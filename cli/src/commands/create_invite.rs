//! `drawbridge connections invite`.

use clap::Args;
use serde_json::Value;

use crate::client::Client;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::screen::Screen;
use crate::text::{NOTHING, field, time};

/// Makes a new invite for the customer.
#[derive(Debug, Args)]
#[command(after_help = "\
The link that there was before ends. The new one is shown this once, and is a secret: whoever has
it sees the external ID and can submit a role for this connection.

Examples:
  drawbridge connections invite con_…
  drawbridge connections invite con_… --output json | jq -r .invite_url")]
pub struct CreateInvite {
    /// The connection's id
    #[arg(value_name = "ID", value_parser = super::id)]
    connection_id: String,
}

impl CreateInvite {
    pub(super) async fn run(self, client: &Client, screen: &Screen) -> Result<Exit> {
        let id = &self.connection_id;
        let path = ["v1", "connections", id, "invite"];
        let mut invite = client.post(&path, None).await?;
        if link(&invite, "expires_at").is_none() {
            // Where an answer was lost, the API repeats it without the link, which it does not keep.
            invite = client.post(&path, None).await?;
        }
        let Some(link) = link(&invite, "expires_at") else {
            return Err(Failure::unexpected("the API's answer holds no link")
                .because("a link is shown once, and that answer was lost on its way")
                .next(format!("`drawbridge connections invite {id}` makes another, which ends this one")));
        };
        screen.show(&invite, |_| link)?;
        screen.note(&format!("\n{}", hand_over(id)));
        Ok(Exit::Done)
    }
}

/// The link of an answer that has one, on a line of its own: cut into pieces it would be useless.
pub(super) fn link(answer: &Value, expires_at: &str) -> Option<String> {
    let url = Some(field(answer, "invite_url")).filter(|url| url != NOTHING)?;
    let until = match time(answer, expires_at) {
        at if at == NOTHING => String::new(),
        at => format!(", good until {at}"),
    };
    Some(format!("Invite link, shown this once{until}:\n{url}"))
}

/// What to do with a link.
pub(super) fn hand_over(id: &str) -> String {
    format!(
        "next: hand the link to this customer, and to nobody else: whoever has it sees the external ID and can \
         submit a role\n      `drawbridge connections revoke-invite {id}` ends it, \
         `drawbridge connections invite {id}` makes another"
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::arguments::Format;
    use crate::test_server::{Answer, TestServer};

    fn command() -> CreateInvite {
        CreateInvite { connection_id: "con_1".to_owned() }
    }

    #[tokio::test]
    async fn the_link_stands_alone_on_its_line() {
        let url = format!("https://api.example.com/onboard/{}", "s3cret".repeat(30));
        let invite = json!({"invite_url": url, "expires_at": "2026-11-29T02:04:35Z"});
        let replayed = Answer::new(201, json!({"expires_at": "2026-11-29T02:04:35Z"}));
        let server = TestServer::start([Answer::lost(), replayed, Answer::new(201, invite.clone())]).await;
        let screen = Screen::kept(Format::Table);
        assert_eq!(command().run(&server.client(), &screen).await.unwrap(), Exit::Done);
        let kept = screen.into_kept();
        assert_eq!(
            kept.output,
            format!("Invite link, shown this once, good until 2026-11-29 02:04:35Z:\n{url}\n")
        );
        assert!(kept.errors.contains("revoke-invite con_1") && !kept.errors.contains("s3cret"));
        let seen = server.seen();
        assert_eq!(server.targets(), ["POST /v1/connections/con_1/invite"; 3]);
        assert_eq!(seen[0].header("idempotency-key"), seen[1].header("idempotency-key"));
        assert_ne!(seen[0].header("idempotency-key"), seen[2].header("idempotency-key"));

        let server = TestServer::start([Answer::new(201, invite.clone())]).await;
        let screen = Screen::kept(Format::Json);
        command().run(&server.client(), &screen).await.unwrap();
        let kept = screen.into_kept();
        assert_eq!(serde_json::from_str::<Value>(&kept.output).unwrap(), invite);
        assert_eq!(kept.errors, "");
    }

    #[tokio::test]
    async fn an_answer_without_a_link_is_no_success() {
        let without = || Answer::new(201, json!({"expires_at": "2026-11-29T02:04:35Z"}));
        let server = TestServer::start([without(), without()]).await;
        let screen = Screen::kept(Format::Table);
        let failure = command().run(&server.client(), &screen).await.unwrap_err();
        assert!(failure.next.unwrap().contains("connections invite con_1"));
        assert_eq!(screen.into_kept().output, "");
    }
}
