//! `drawbridge credentials`.

use clap::{Args, ValueEnum};

use crate::arguments::Options;
use crate::exit::Exit;
use crate::failure::Result;
use crate::screen::{Screen, pretty};
use crate::session::{FORGOTTEN, Session, SessionSource, Settings, variables};
use crate::shell::quoted;

/// Prints temporary credentials of a role in a customer's account, for some of what the connection is for.
#[derive(Debug, Args)]
#[command(after_help = "\
They are recorded with their reason, printed once, and kept nowhere. With --role-arn your own AWS
identity assumes a role that people use; Drawbridge's API has no part in it.

Examples:
  eval \"$(drawbridge credentials con_… --capability ec2-observe --reason 'ticket 1234')\"
  drawbridge credentials con_… --capability dynamodb-data --region eu-central-1 --duration 3600 \\
    --reason 'ticket 1234' --format json | jq -r .expires_at
  drawbridge credentials --role-arn arn:aws:iam::123456789012:role/support \\
    --mfa-serial arn:aws:iam::111111111111:mfa/alice --format process")]
pub struct Credentials {
    #[command(flatten)]
    source: SessionSource,
    /// How they are printed
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    format: Form,
}

/// How credentials are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum Form {
    /// Commands for a shell, to be evaluated.
    #[default]
    Env,
    /// JSON with all that is known of them.
    Json,
    /// JSON as AWS's tools want it of a `credential_process`.
    Process,
    /// A section for AWS's credentials file.
    Profile,
}

impl Credentials {
    /// Does it.
    pub async fn run(self, options: &Options, screen: &Screen) -> Result<Exit> {
        let session = self.source.session(&Settings::of(options)).await?;
        screen.write(&self.format.print(&session))?;
        if matches!(self.format, Form::Env | Form::Profile) {
            screen.note(&format!("session {}, good until {}", session.name, session.expires_at));
        }
        Ok(Exit::Done)
    }
}

impl Form {
    fn print(self, session: &Session) -> String {
        match self {
            Self::Json => pretty(&session.to_json()),
            Self::Process => session.to_process().to_string(),
            Self::Env => {
                let others = format!("unset {}", FORGOTTEN.join(" "));
                let variables = variables(session);
                let exports =
                    variables.iter().map(|(name, value)| format!("export {name}={}", quoted(value)));
                std::iter::once(others).chain(exports).collect::<Vec<_>>().join("\n")
            }
            Self::Profile => {
                let region = session.region.as_ref().map(|region| format!("\nregion = {region}"));
                format!(
                    "[{}]\naws_access_key_id = {}\naws_secret_access_key = {}\naws_session_token = {}{}",
                    session.name,
                    session.access_key_id,
                    session.secret_access_key,
                    session.session_token,
                    region.unwrap_or_default()
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_is_what_it_is_for() {
        let session = Session::sample();
        let env = Form::Env.print(&session);
        assert!(
            env.starts_with("unset AWS_PROFILE ") && env.contains("\nexport AWS_SESSION_TOKEN='the-token'")
        );
        let process: serde_json::Value = serde_json::from_str(&Form::Process.print(&session)).unwrap();
        assert_eq!(process, session.to_process());
        assert_eq!(
            Form::Profile.print(&session),
            "[drawbridge-crd_1]\naws_access_key_id = ASIAEXAMPLE\naws_secret_access_key = the-secret\n\
             aws_session_token = the-token\nregion = eu-central-1"
        );
        assert!(Form::Json.print(&session).contains("\"account_id\": \"222222222222\""));
    }
}
