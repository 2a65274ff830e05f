//! `drawbridge connections create`.

use clap::Args;
use serde_json::{Map, Value, json};

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
        screen.show(&connection, |made| view(made, ExternalId::Hidden, screen.is_coloured()))?;
        let id = field(&connection, "connection_id");
        screen.note(&format!("\nnext: `drawbridge connections setup {id}` prints what the customer needs"));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_server::{Answer, TestServer};

    #[tokio::test]
    async fn what_was_typed_is_sent_signed() {
        let answer = Answer::new(201, json!({"connection_id": "con_1", "state": "pending_role"}));
        let server = TestServer::start([answer]).await;
        let command = CreateConnection {
            customer_id: "cus_1".to_owned(),
            capabilities: vec!["ec2-power".to_owned(), "dynamodb-backup".to_owned()],
            regions: vec!["eu-central-1".to_owned()],
            label: None,
            account_id: Some("123456789012".to_owned()),
            role_name: None,
        };
        command.send(&server.client()).await.unwrap();

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
