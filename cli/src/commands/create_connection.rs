//! `drawbridge connections create`.

use clap::Args;
use serde_json::{Map, Value, json};

use super::create_invite::{hand_over, link};
use crate::client::Client;
use crate::connection_view::{ExternalId, view, without_external_id};
use crate::exit::Exit;
use crate::failure::Result;
use crate::screen::Screen;
use crate::text::field;

/// Makes a connection, which then waits for the customer's role.
#[derive(Debug, Args)]
#[command(after_help = "\
Capabilities:
  ec2-observe  ec2-power  ec2-launch  ec2-terminate  ec2-connect  ec2-backup  ec2-kms
  dynamodb-observe  dynamodb-backup  dynamodb-restore  dynamodb-drill  dynamodb-data  dynamodb-tables
  classic (the actions of the manual procedure; stands alone)

The answer holds an invite link, shown this once. Whoever has it sees the external ID and can submit
a role: it is for this customer alone.

Examples:
  drawbridge connections create --customer cus_… --capability dynamodb-backup --region eu-central-1
  drawbridge connections create --customer cus_… --capability ec2-power --capability ec2-backup \\
    --region eu-central-1 --region eu-west-1 --label production --account-id 123456789012")]
pub struct CreateConnection {
    /// The customer whose account it is
    #[arg(long = "customer", value_name = "ID", value_parser = super::id)]
    customer_id: String,
    /// What the role is to allow; may be given several times
    #[arg(long = "capability", value_name = "NAME", required = true)]
    capabilities: Vec<String>,
    /// A Region to work in; may be given several times
    #[arg(long = "region", id = "regions", value_name = "REGION", required = true)]
    pub(crate) regions: Vec<String>,
    /// What people call the connection
    #[arg(long)]
    label: Option<String>,
    /// The customer's account, if it is known; a role in another one is then refused
    #[arg(long, value_name = "ACCOUNT")]
    account_id: Option<String>,
    /// The name that the customer's role must have; by default one is made up, and any is accepted
    #[arg(long, value_name = "NAME")]
    role_name: Option<String>,
}

impl CreateConnection {
    pub(super) async fn run(self, client: &Client, screen: &Screen) -> Result<Exit> {
        let connection = without_external_id(self.send(client).await?);
        let link = link(&connection, "invite_expires_at");
        let next = next(&field(&connection, "connection_id"), link.is_some());
        screen.show(&connection, |made| {
            let made = view(made, ExternalId::Hidden, screen.is_coloured());
            [Some(made), link].into_iter().flatten().collect::<Vec<_>>().join("\n\n")
        })?;
        screen.note(&format!("\n{next}"));
        Ok(Exit::Done)
    }

    async fn send(&self, client: &Client) -> Result<Value> {
        let path = ["v1", "customers", &self.customer_id, "connections"];
        client.post(&path, Some(&self.body())).await
    }

    fn body(&self) -> Value {
        let mut body = Map::new();
        let given =
            [("label", &self.label), ("account_id", &self.account_id), ("role_name", &self.role_name)];
        for (name, value) in given {
            body.extend(value.as_ref().map(|value| (name.to_owned(), json!(value))));
        }
        body.insert("capabilities".to_owned(), json!(self.capabilities));
        body.insert("regions".to_owned(), json!(self.regions));
        body.into()
    }
}

fn next(id: &str, has_link: bool) -> String {
    let setup = format!("`drawbridge connections setup {id}` prints what the customer needs");
    if has_link {
        format!("{}\n      {setup}, for customers without the link", hand_over(id))
    } else {
        format!("next: {setup}, `drawbridge connections invite {id}` makes a link to hand over")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arguments::Format;
    use crate::test_server::{Answer, TestServer};

    fn command() -> CreateConnection {
        CreateConnection {
            customer_id: "cus_1".to_owned(),
            capabilities: vec!["ec2-power".to_owned(), "dynamodb-backup".to_owned()],
            regions: vec!["eu-central-1".to_owned()],
            label: None,
            account_id: Some("123456789012".to_owned()),
            role_name: None,
        }
    }

    async fn printed(format: Format, made: Value) -> (String, String) {
        let server = TestServer::start([Answer::new(201, made)]).await;
        let screen = Screen::kept(format);
        assert_eq!(command().run(&server.client(), &screen).await.unwrap(), Exit::Done);
        let kept = screen.into_kept();
        (kept.output, kept.errors)
    }

    #[tokio::test]
    async fn the_link_is_printed_and_the_external_id_is_not() {
        let made = json!({
            "connection_id": "con_1", "state": "pending_role", "external_id": "xid-secret",
            "invite_url": "https://api.example.com/onboard/s3cret", "invite_expires_at": "2026-11-29T02:04:35Z",
        });
        let (output, errors) = printed(Format::Table, made.clone()).await;
        let end = "\n\nInvite link, shown this once, good until 2026-11-29 02:04:35Z:\n\
                   https://api.example.com/onboard/s3cret\n";
        assert!(output.ends_with(end), "{output}");
        assert!(!output.contains("xid-secret") && !errors.contains("s3cret"));
        assert!(errors.contains("hand the link") && errors.contains("connections setup con_1"), "{errors}");

        let (output, errors) = printed(Format::Json, made).await;
        let printed: Value = serde_json::from_str(&output).unwrap();
        assert_eq!(printed["invite_url"], "https://api.example.com/onboard/s3cret");
        assert_eq!((printed.get("external_id"), &errors[..]), (None, ""));
    }

    #[tokio::test]
    async fn without_a_link_the_way_to_one_is_named() {
        let made = json!({"connection_id": "con_1", "state": "pending_role", "invite_url": null});
        let (output, errors) = printed(Format::Table, made).await;
        assert!(!output.contains("Invite link"));
        assert!(errors.contains("drawbridge connections invite con_1"), "{errors}");
    }

    #[tokio::test]
    async fn what_was_typed_is_sent_signed() {
        let answer = Answer::new(201, json!({"connection_id": "con_1", "state": "pending_role"}));
        let server = TestServer::start([answer]).await;
        command().send(&server.client()).await.unwrap();

        let [request] = &server.seen()[..] else { panic!() };
        assert_eq!(request.target, "POST /v1/customers/cus_1/connections");
        assert_eq!(
            serde_json::from_str::<Value>(&request.body).unwrap(),
            json!({
                "account_id": "123456789012",
                "capabilities": ["ec2-power", "dynamodb-backup"],
                "regions": ["eu-central-1"],
            })
        );
        assert_eq!(request.header("content-type"), Some("application/json"));
        assert_eq!(request.header("x-amz-security-token"), Some("token"));
        let date = request.header("x-amz-date").unwrap();
        let authorization = request.header("authorization").unwrap();
        let expected = format!(
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/{}/eu-central-1/execute-api/aws4_request, \
             SignedHeaders=content-type;host;x-amz-date;x-amz-security-token, Signature=",
            &date[..8]
        );
        let signature = authorization.strip_prefix(&expected).unwrap();
        assert!(signature.len() == 64 && signature.bytes().all(|b| b.is_ascii_hexdigit()));
    }
}
