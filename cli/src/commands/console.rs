//! `drawbridge console`.
//!
//! Source: IAM User Guide, "Enable custom identity broker access to the AWS console".

use std::process::{Command, Stdio};
use std::time::Duration;

use clap::Args;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};

use crate::arguments::Options;
use crate::exit::Exit;
use crate::failure::{Failure, Result, chain};
use crate::screen::Screen;
use crate::session::{Session, SessionSource, Settings};

/// Opens the AWS console in a browser, signed in with temporary credentials of a role.
#[derive(Debug, Args)]
#[command(after_help = "\
Whoever has the address is signed in: it is good for 15 minutes, the console for as long as the
credentials last. Where there is no terminal it is printed and no browser opened.

Examples:
  drawbridge console con_… --capability ec2-observe --region eu-central-1 --reason 'ticket 1234'
  drawbridge console --role-arn arn:aws:iam::123456789012:role/support --print")]
pub struct Console {
    #[command(flatten)]
    source: SessionSource,
    /// Print the address instead of opening it
    #[arg(long)]
    print: bool,
}

/// Where a partition's people sign in, and where its console is.
struct Place {
    sign_in: &'static str,
    console: &'static str,
}

impl Place {
    fn of(partition: &str) -> Option<Self> {
        let (sign_in, console) = match partition {
            "aws" => ("https://signin.aws.amazon.com/federation", "https://console.aws.amazon.com"),
            "aws-cn" => ("https://signin.amazonaws.cn/federation", "https://console.amazonaws.cn"),
            "aws-us-gov" => {
                ("https://signin.amazonaws-us-gov.com/federation", "https://console.amazonaws-us-gov.com")
            }
            _ => return None,
        };
        Some(Self { sign_in, console })
    }
}

impl Console {
    /// Does it.
    pub async fn run(self, options: &Options, screen: &Screen) -> Result<Exit> {
        let session = self.source.session(&Settings::of(options)).await?;
        let place = Place::of(session.partition())
            .ok_or_else(|| Failure::usage("where this role's partition signs in is not known"))?;
        let token = sign_in_token(place.sign_in, &session).await?;
        let address = address(&place, &session, &token);
        screen.note(&format!("session {}, good until {}", session.name, session.expires_at));
        if self.print || !screen.can_ask() {
            screen.write(&address)?;
        } else if !open(&address) {
            screen.note("no browser could be opened; open this address:");
            screen.write(&address)?;
        }
        Ok(Exit::Done)
    }
}

/// Exchanges the session for a token that signs a browser in. The session goes in the body, for
/// addresses are written to logs; it says nothing of how long, which AWS refuses of sessions that another
/// session has made.
async fn sign_in_token(endpoint: &str, session: &Session) -> Result<String> {
    let failed = |why: String| {
        Failure::new(Exit::Unreachable, format!("{endpoint} cannot be reached"))
            .because(why)
            .next("try again")
    };
    let unnamed = |error: reqwest::Error| failed(chain(&error.without_url()));
    let http = reqwest::Client::builder()
        .timeout(Duration::from_secs(30))
        .redirect(reqwest::redirect::Policy::none())
        .https_only(!cfg!(test))
        .build()
        .map_err(unnamed)?;
    let keys = json!({
        "sessionId": session.access_key_id,
        "sessionKey": session.secret_access_key,
        "sessionToken": session.session_token,
    });
    let body = format!("Action=getSigninToken&Session={}", encoded(&keys.to_string()));
    let request = http.post(endpoint).header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(body);
    let answer = request.send().await.map_err(unnamed)?;
    let status = answer.status();
    let answer: Value = answer.json().await.unwrap_or_default();
    answer.get("SigninToken").and_then(Value::as_str).map(str::to_owned).ok_or_else(|| {
        Failure::unexpected(format!("AWS's sign-in answered {status}, and no token"))
            .next("see that the credentials work (`drawbridge exec … -- aws sts get-caller-identity`), then try again")
    })
}

fn address(place: &Place, session: &Session, token: &str) -> String {
    let region = session.region.as_ref().map(|region| format!("?region={region}")).unwrap_or_default();
    let destination = format!("{}/console/home{region}", place.console);
    format!(
        "{}?Action=login&Destination={}&SigninToken={}",
        place.sign_in,
        encoded(&destination),
        encoded(token)
    )
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

/// Opens an address in the person's browser, if there is a program that does.
fn open(address: &str) -> bool {
    let program = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let silent = |command: &mut Command| {
        command.arg(address).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status()
    };
    silent(&mut Command::new(program)).is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_server::{Answer, TestServer};

    #[tokio::test]
    async fn the_session_goes_in_the_body_and_a_token_comes_back() {
        let server = TestServer::start([Answer::ok(json!({"SigninToken": "a token"}))]).await;
        let endpoint = format!("{}/federation", server.url());
        assert_eq!(sign_in_token(&endpoint, &Session::sample()).await.unwrap(), "a token");
        assert_eq!(server.targets(), ["POST /federation"]);
        let body = server.seen()[0].body.clone();
        assert!(body.starts_with("Action=getSigninToken&Session=%7B%22sessionId%22"), "{body}");
        assert!(body.contains("the%2Dtoken") && !body.contains("Duration"), "{body}");

        let server = TestServer::start([Answer::text(400, "Bad request: the-secret")]).await;
        let failure =
            sign_in_token(&format!("{}/federation", server.url()), &Session::sample()).await.unwrap_err();
        let told = failure.to_string();
        assert!(told.contains("400") && !told.contains("the-secret"), "{told}");
    }

    #[test]
    fn each_partition_signs_in_at_its_own_place() {
        for (partition, host) in [
            (
                "aws",
                "https://signin.aws.amazon.com/federation?Action=login&Destination=https%3A%2F%2Fconsole%2Eaws%2Eamazon%2Ecom",
            ),
            (
                "aws-cn",
                "https://signin.amazonaws.cn/federation?Action=login&Destination=https%3A%2F%2Fconsole%2Eamazonaws%2Ecn",
            ),
            ("aws-us-gov", "https://signin.amazonaws-us-gov.com/federation?Action=login"),
        ] {
            let session = Session {
                role_arn: format!("arn:{partition}:iam::222222222222:role/a"),
                ..Session::sample()
            };
            let address = address(&Place::of(session.partition()).unwrap(), &session, "a token");
            assert!(address.starts_with(host), "{address}");
            assert!(address.ends_with("home%3Fregion%3Deu%2Dcentral%2D1&SigninToken=a%20token"), "{address}");
            assert!(!address.contains("the-secret") && !address.contains("the-token"));
        }
        assert!(Place::of("aws-iso").is_none());
    }
}
