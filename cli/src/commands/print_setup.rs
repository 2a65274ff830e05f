//! `drawbridge connections setup`.

use clap::{Args, ValueEnum};
use serde_json::Value;

use crate::client::Client;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::screen::{Screen, pretty, raw};

/// Prints what the customer needs to create the role.
#[derive(Debug, Args)]
#[command(after_help = "\
The documents hold the connection's external ID: they are for its customer and for you.

Examples:
  drawbridge connections setup con_…
  drawbridge connections setup con_… --format cli > create-role.sh
  drawbridge connections setup con_… --format cloudformation > drawbridge-role.yaml
  drawbridge connections setup con_… --format console
  drawbridge connections setup con_… --only trust-policy > trust-policy.json
  drawbridge connections setup con_… --format json | jq -r .quick_create_url")]
pub struct PrintSetup {
    /// The connection's id
    #[arg(value_name = "ID", value_parser = super::id)]
    connection_id: String,
    /// Print all documents in this form
    #[arg(long, value_enum, value_name = "FORMAT")]
    format: Option<SetupFormat>,
    /// Print this document alone, as it is, to be piped into a file
    #[arg(long, value_enum, value_name = "DOCUMENT", conflicts_with = "format")]
    only: Option<Document>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum SetupFormat {
    /// All documents but the template
    Json,
    /// A CloudFormation template that deploys as it is
    Cloudformation,
    /// A Terraform configuration
    Terraform,
    /// AWS CLI commands for a POSIX shell
    Cli,
    /// What to do in the AWS console, step by step
    Console,
}

impl SetupFormat {
    /// As the API calls it.
    const fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Cloudformation => "cloudformation",
            Self::Terraform => "terraform",
            Self::Cli => "cli",
            Self::Console => "console",
        }
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Document {
    /// Whom the customer's role trusts
    TrustPolicy,
    /// What the customer's role allows
    PermissionsPolicy,
    /// What Drawbridge grants its own broker
    GrantPolicy,
    /// AWS CLI commands for a POSIX shell
    Cli,
    /// A Terraform configuration
    Terraform,
    /// What to do in the AWS console, step by step
    Console,
}

/// The documents with their headings, in the order in which a customer needs them.
const DOCUMENTS: [(&str, Document); 6] = [
    ("Trust policy", Document::TrustPolicy),
    ("Permissions policy", Document::PermissionsPolicy),
    ("Grant policy (on the provider's side)", Document::GrantPolicy),
    ("AWS CLI", Document::Cli),
    ("Terraform", Document::Terraform),
    ("In the AWS console", Document::Console),
];

impl Document {
    const fn field(self) -> &'static str {
        match self {
            Self::TrustPolicy => "trust_policy",
            Self::PermissionsPolicy => "permissions_policy",
            Self::GrantPolicy => "grant_policy",
            Self::Cli => "cli",
            Self::Terraform => "terraform",
            Self::Console => "console",
        }
    }

    /// The document's text: policies as JSON, the others as they are.
    fn of(self, setup: &Value) -> Option<String> {
        match setup.get(self.field())? {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            policy => Some(pretty(policy)),
        }
    }
}

impl PrintSetup {
    pub(super) async fn run(self, client: &Client, screen: &Screen) -> Result<Exit> {
        let path = ["v1", "connections", &self.connection_id, "setup"];
        let format = self.format.unwrap_or(SetupFormat::Json).name();
        let setup = client.get(&path, &[("format", format.to_owned())]).await?;
        match (self.only, self.format, setup.as_str()) {
            (Some(document), ..) => raw(&self.alone(document, &setup)?)?,
            (None, Some(_), Some(text)) => screen.write(text.trim_end_matches('\n'))?,
            (None, Some(_), None) => raw(&pretty(&setup))?,
            (None, None, _) => screen.show(&setup, view)?,
        }
        Ok(Exit::Done)
    }

    fn alone(&self, document: Document, setup: &Value) -> Result<String> {
        document.of(setup).ok_or_else(|| {
            let failure = Failure::unexpected(format!("this connection has no {} yet", document.field()));
            match document {
                Document::GrantPolicy => failure
                    .because(
                        "Drawbridge grants itself one role, and neither that nor its account is known yet",
                    )
                    .next(format!("`drawbridge connections submit-role {} ROLE_ARN`", self.connection_id)),
                _ => failure.next("the API may be older than this command: update it"),
            }
        })
    }
}

fn view(setup: &Value) -> String {
    let mut parts: Vec<String> = DOCUMENTS
        .into_iter()
        .filter_map(|(heading, document)| Some(format!("== {heading}\n{}", document.of(setup)?.trim_end())))
        .collect();
    if let Some(url) = setup.get("quick_create_url").and_then(Value::as_str) {
        parts.insert(0, format!("== Open in the customer's AWS console\n{url}"));
    }
    parts.join("\n\n")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::arguments::Format;
    use crate::test_server::{Answer, TestServer};

    fn setup() -> Value {
        json!({
            "trust_policy": {"Version": "2012-10-17", "Statement": []}, "permissions_policy": {},
            "grant_policy": null, "quick_create_url": null, "cli": "aws iam …\n", "terraform": "resource …\n",
            "console": "1. Sign in\n",
        })
    }

    #[test]
    fn one_document_stands_alone() {
        let command = PrintSetup { connection_id: "con_1".to_owned(), format: None, only: None };
        let alone = |document| command.alone(document, &setup());
        assert_eq!(alone(Document::Cli).unwrap(), "aws iam …\n");
        let trust = "{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": []\n}";
        assert_eq!(alone(Document::TrustPolicy).unwrap(), trust);
        let failure = alone(Document::GrantPolicy).unwrap_err();
        assert!(failure.next.as_ref().unwrap().contains("submit-role con_1"), "{failure}");
    }

    #[tokio::test]
    async fn a_form_of_its_own_is_printed_as_it_is() {
        let template = "Resources:\n  Role: {}\n";
        let answer = Answer::text(200, template).header("content-type: application/yaml");
        let server = TestServer::start([answer]).await;
        let screen = Screen::kept(Format::Table);
        let format = Some(SetupFormat::Cloudformation);
        let command = PrintSetup { connection_id: "con_1".to_owned(), format, only: None };
        command.run(&server.client(), &screen).await.unwrap();
        assert_eq!(screen.into_kept().output, template);
        assert_eq!(server.targets(), ["GET /v1/connections/con_1/setup?format=cloudformation"]);
    }

    #[test]
    fn all_documents_have_headings() {
        let text = view(&setup());
        let headings: Vec<_> = text.lines().filter(|line| line.starts_with("==")).collect();
        assert_eq!(
            headings,
            [
                "== Trust policy",
                "== Permissions policy",
                "== AWS CLI",
                "== Terraform",
                "== In the AWS console"
            ]
        );
    }
}
