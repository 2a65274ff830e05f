//! A session of a role that people use, assumed with one's own AWS identity.
//!
//! Drawbridge's API has no part in it: no broker, no grant and no record but AWS's own. It is the way
//! that a provider's people go into an account of their own organization.

use aws_sdk_sts::Client;
use aws_sdk_sts::error::{DisplayErrorContext, ProvideErrorMetadata as _};
use jiff::Timestamp;

use super::Session;
use super::refused::refused;
use crate::caller::Caller;
use crate::exit::Exit;
use crate::failure::{Failure, Result};

/// Longest name of a session. Source: STS API Reference, `AssumeRole`, `RoleSessionName`.
const LONGEST_NAME: usize = 64;

/// What is asked of STS.
#[derive(Clone)]
pub struct Asked {
    /// The role.
    pub role_arn: String,
    /// What its trust policy asks for, if it does.
    pub external_id: Option<String>,
    /// The MFA device and its present code, if the trust policy asks for MFA.
    pub mfa: Option<(String, String)>,
    /// For how many seconds; an hour unless given.
    pub duration: Option<u32>,
    /// The Region that programs are told.
    pub region: Option<String>,
}

impl Asked {
    /// What AWS says, without what is nobody else's to read.
    pub fn without_secrets(&self, said: &str) -> String {
        let code = self.mfa.as_ref().map(|(_, code)| code);
        let secrets = self.external_id.iter().chain(code).filter(|secret| !secret.is_empty());
        secrets.fold(said.to_owned(), |said, secret| said.replace(secret.as_str(), "[redacted]"))
    }
}

/// Assumes the role.
pub async fn assume(caller: &Caller, asked: &Asked) -> Result<Session> {
    let sts = Client::from_conf(caller.sts().await?);
    let identity = sts.get_caller_identity().send().await;
    // Whoever may not even ask who they are will be told why by the answer to the next question.
    let own = identity.ok().and_then(|who| who.arn().map(str::to_owned)).unwrap_or_default();
    let (serial, code) = asked.mfa.clone().unzip();
    let name = session_name(&own);
    let answer = sts
        .assume_role()
        .role_arn(&asked.role_arn)
        .role_session_name(&name)
        .set_external_id(asked.external_id.clone())
        .set_serial_number(serial)
        .set_token_code(code)
        .set_duration_seconds(asked.duration.map(|seconds| i32::try_from(seconds).unwrap_or(i32::MAX)))
        .send()
        .await;
    let keys = match answer {
        Ok(answer) => answer.credentials,
        Err(error) => {
            let Some(said) = error.as_service_error() else {
                let why = asked.without_secrets(&DisplayErrorContext(&error).to_string());
                return Err(Failure::new(Exit::Unreachable, "AWS STS cannot be reached").because(why).next(
                    "check the network, and the Region (--region before the command, AWS_REGION, or the profile's)",
                ));
            };
            let message = asked.without_secrets(said.message().unwrap_or_default());
            return Err(refused(asked, &own, said.code().unwrap_or("no code"), &message));
        }
    };
    let read = keys.and_then(|keys| {
        let expires_at = Timestamp::from_second(keys.expiration().secs()).ok()?;
        Some(Session {
            access_key_id: keys.access_key_id,
            secret_access_key: keys.secret_access_key,
            session_token: keys.session_token,
            expires_at,
            role_arn: asked.role_arn.clone(),
            name,
            region: asked.region.clone(),
        })
    });
    read.ok_or_else(|| Failure::unexpected("AWS STS answered without credentials"))
}

/// What the session is called in the account's CloudTrail: after whoever assumes the role.
fn session_name(own_arn: &str) -> String {
    let who = own_arn.rsplit(['/', ':']).next().unwrap_or_default();
    let sound = |c: char| c.is_ascii_alphanumeric() || "_=,.@-".contains(c);
    let name: String = format!("drawbridge-{who}").chars().filter(|c| sound(*c)).take(LONGEST_NAME).collect();
    name.trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use aws_credential_types::Credentials;

    use super::*;
    use crate::test_server::{Answer, TestServer};

    fn asked() -> Asked {
        Asked {
            role_arn: "arn:aws:iam::222222222222:role/support".to_owned(),
            external_id: Some("an-external-id".to_owned()),
            mfa: Some(("arn:aws:iam::111111111111:mfa/alice".to_owned(), "123456".to_owned())),
            duration: Some(7200),
            region: Some("eu-west-1".to_owned()),
        }
    }

    fn who() -> Answer {
        Answer::text(
            200,
            "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::111111111111:user/alice</Arn>\
             </GetCallerIdentityResult></GetCallerIdentityResponse>",
        )
    }

    fn refusal(status: u16, code: &str, message: &str) -> Answer {
        Answer::text(
            status,
            format!(
                "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>\
                 </ErrorResponse>"
            ),
        )
    }

    async fn run(answer: Answer) -> (Result<Session>, TestServer) {
        let server = TestServer::start([who(), answer]).await;
        let caller = Caller::fixed(Credentials::for_tests(), "eu-central-1").asking(server.url());
        (assume(&caller, &asked()).await, server)
    }

    #[tokio::test]
    async fn a_role_is_assumed_as_whoever_asks() {
        let keys = "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIAEXAMPLE</AccessKeyId>\
             <SecretAccessKey>the-secret</SecretAccessKey><SessionToken>the-token</SessionToken>\
             <Expiration>2030-03-17T17:46:40Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>";
        let (session, server) = run(Answer::text(200, keys)).await;
        let session = session.unwrap();
        assert_eq!(
            (session.access_key_id.as_str(), session.name.as_str()),
            ("ASIAEXAMPLE", "drawbridge-alice")
        );
        assert_eq!((session.account(), session.region.as_deref()), ("222222222222", Some("eu-west-1")));
        let body = server.seen()[1].body.clone();
        for part in [
            "RoleArn=arn%3Aaws%3Aiam%3A%3A222222222222%3Arole%2Fsupport",
            "ExternalId=an-external-id",
            "SerialNumber=arn%3Aaws%3Aiam%3A%3A111111111111%3Amfa%2Falice",
            "TokenCode=123456",
            "DurationSeconds=7200",
            "RoleSessionName=drawbridge-alice",
        ] {
            assert!(body.contains(part), "{part}: {body}");
        }
    }

    #[tokio::test]
    async fn a_refusal_tells_the_side_and_no_secret() {
        let message = "Value 'an-external-id' with code 123456 failed";
        let (session, _) = run(refusal(400, "ValidationError", message)).await;
        let told = session.unwrap_err().to_string();
        assert!(told.contains("[redacted]"), "{told}");
        assert!(!told.contains("an-external-id") && !told.contains("123456"), "{told}");
    }

    #[test]
    fn sessions_are_called_after_people() {
        for (arn, name) in [
            ("arn:aws:iam::111111111111:user/path/alice", "drawbridge-alice"),
            ("arn:aws:sts::111111111111:assumed-role/Ops/alice@example.com", "drawbridge-alice@example.com"),
            ("arn:aws:iam::111111111111:root", "drawbridge-root"),
            ("", "drawbridge"),
        ] {
            assert_eq!(session_name(arn), name);
        }
        assert_eq!(session_name(&format!("x/{}", "y".repeat(90))).len(), LONGEST_NAME);
    }
}
