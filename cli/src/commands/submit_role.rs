//! `drawbridge connections submit-role`.

use clap::Args;
use serde_json::json;

use super::watch_connection::{Following, follow_or_show};
use crate::client::Client;
use crate::exit::Exit;
use crate::failure::Result;
use crate::screen::Screen;

/// Submits the ARN of the customer's role.
#[derive(Debug, Args)]
#[command(after_help = "\
Another ARN replaces the role; the same one is verified again.
Exit code with --watch: 0 when it ends in active or degraded, 4 in failed or suspended.

Examples:
  drawbridge connections submit-role con_… arn:aws:iam::123456789012:role/customer-role
  drawbridge connections submit-role con_… arn:aws:iam::123456789012:role/customer-role --watch")]
pub struct SubmitRole {
    /// The connection's id
    #[arg(value_name = "ID", value_parser = super::id)]
    connection_id: String,
    /// The role's ARN, as IAM shows it in the customer's account
    #[arg(value_name = "ROLE_ARN")]
    role_arn: String,
    #[command(flatten)]
    following: Following,
}

impl SubmitRole {
    pub(super) async fn run(self, client: &Client, screen: &Screen) -> Result<Exit> {
        let path = ["v1", "connections", &self.connection_id, "role"];
        let connection = client.put(&path, &json!({"role_arn": self.role_arn})).await?;
        follow_or_show(client, screen, &self.connection_id, connection, &self.following).await
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::arguments::Format;
    use crate::test_server::{Answer, TestServer};

    #[tokio::test]
    async fn a_refusal_is_final_and_says_why() {
        let problem = json!({
            "title": "Conflict", "status": 409, "detail": "another connection has proven that it holds this role",
            "code": "role_already_connected", "request_id": "req-9", "errors": [],
        });
        let server = TestServer::start([Answer::new(409, problem)]).await;
        let command = SubmitRole {
            connection_id: "con_1".to_owned(),
            role_arn: "arn:aws:iam::123456789012:role/a".to_owned(),
            following: Following::default(),
        };
        let failure = command.run(&server.client(), &Screen::new(Format::Json)).await.unwrap_err();
        assert_eq!(failure.exit, Exit::Refused);
        assert!(failure.to_string().contains("drawbridge connections setup con_1"), "{failure}");

        let [request] = &server.seen()[..] else { panic!() };
        assert_eq!(request.target, "PUT /v1/connections/con_1/role");
        let sent: Value = serde_json::from_str(&request.body).unwrap();
        assert_eq!(sent, json!({"role_arn": "arn:aws:iam::123456789012:role/a"}));
    }
}
