//! The role that a provider asks for: by the link that the customer was given, or by the operator's API.
//!
//! Only values are taken from there: the role's name, who may assume it, the external ID, what it is
//! for. The documents are made here, and those that came along must say the same, so that no link can
//! have this command write a policy of another kind.

use domain::policy::{TrustedPrincipal, permissions_policy, trust_policy};
use domain::{AccountId, Capability, CapabilitySet, ExternalId, Partition, RoleArn};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::design::Design;
use crate::api_url::ApiUrl;
use crate::client::{Client, http};
use crate::difference;
use crate::exit::Exit;
use crate::failure::{Failure, Result, chain};

/// More is not read of an answer.
const LONGEST_ANSWER: usize = 1 << 20;

/// The link that a customer was given. Whoever has it can submit a role: it is never told.
#[derive(Clone)]
pub(super) struct Invite {
    api_url: ApiUrl,
    secret: String,
}

impl std::str::FromStr for Invite {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let not_one = || "not a link to an onboarding page; it looks like https://…/onboard/…".to_owned();
        let (api_url, secret) = text.trim().split_once("/onboard/").ok_or_else(not_one)?;
        let api_url: ApiUrl = api_url.parse().map_err(|_| not_one())?;
        let secret = secret.trim_end_matches('/');
        let sound = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        if secret.is_empty() || !secret.bytes().all(sound) {
            return Err(not_one());
        }
        if api_url.is_readable() {
            return Err("the link is not https, so that others could read it on its way".to_owned());
        }
        Ok(Self { api_url, secret: secret.to_owned() })
    }
}

impl Invite {
    /// The role that the provider asks for.
    pub async fn design(&self) -> Result<Design> {
        let status = self.ask(Method::GET, "status", None).await?;
        let setup = status.get("setup").cloned().unwrap_or_default();
        design(&status, &setup)
    }

    /// Submits the role that was made.
    pub async fn submit(&self, role_arn: &str) -> Result<Value> {
        self.ask(Method::PUT, "role", Some(json!({"role_arn": role_arn}))).await
    }

    async fn ask(&self, method: Method, what: &str, body: Option<Value>) -> Result<Value> {
        let url = self.api_url.at(&["onboard", &self.secret, what], &[]).map_err(|_| {
            Failure::usage("the link cannot be used").next("copy it again from where you were given it")
        })?;
        let mut request = http(&self.api_url)?.request(method, url);
        if let Some(body) = body {
            request = request.json(&body);
        }
        // What failed would name the link.
        let unreached = |error: reqwest::Error| {
            Failure::new(Exit::Unreachable, format!("{} cannot be reached", self.api_url))
                .because(chain(&error.without_url()))
                .next("check the network, and that the link is whole")
        };
        let mut answer = request.send().await.map_err(unreached)?;
        let status = answer.status();
        let mut text = Vec::new();
        while let Some(part) = answer.chunk().await.map_err(unreached)? {
            text.extend_from_slice(&part);
            if text.len() > LONGEST_ANSWER {
                return Err(Failure::unexpected("the answer behind the link is too long to be Drawbridge's"));
            }
        }
        let answer: Value = serde_json::from_slice(&text).unwrap_or_default();
        if status.is_success() && answer.is_object() {
            return Ok(answer);
        }
        Err(refused(status, &answer))
    }
}

fn refused(status: StatusCode, answer: &Value) -> Box<Failure> {
    let said = |name: &str| answer.get(name).and_then(Value::as_str).map(str::to_owned);
    let mut failure = Failure::unexpected(match status {
        StatusCode::NOT_FOUND => "the link leads nowhere".to_owned(),
        StatusCode::GONE => "the link has ended".to_owned(),
        _ => format!("the link's page answered {status}"),
    });
    failure.detail = said("detail");
    failure.code = said("code");
    failure.request_id = said("request_id");
    failure.next = Some(match status {
        StatusCode::NOT_FOUND => "copy it again, whole, from where you were given it".to_owned(),
        StatusCode::GONE => "ask your provider for a new one".to_owned(),
        StatusCode::TOO_MANY_REQUESTS => "try again in an hour".to_owned(),
        _ => "see what it says, or ask your provider".to_owned(),
    });
    failure
}

/// The role that an operator's connection asks for.
pub(super) async fn of_connection(client: &Client, id: &str) -> Result<Design> {
    let connection = client.get(&["v1", "connections", id], &[]).await?;
    let setup = client.get(&["v1", "connections", id, "setup"], &[("format", "json".to_owned())]).await?;
    design(&connection, &setup)
}

/// The design by what is told of a connection and the documents that came along.
fn design(told: &Value, setup: &Value) -> Result<Design> {
    let read = read(told, setup).ok_or_else(|| {
        Failure::unexpected("the answer does not tell what role is to be made")
            .next("this command may be older than the provider's Drawbridge: update it")
    })?;
    for (which, made) in
        [("trust_policy", json!(read.trust)), ("permissions_policy", json!(read.permissions))]
    {
        let given = setup.get(which).cloned().unwrap_or_default();
        if !difference::same(&given, &made) {
            let failure = Failure::unexpected(format!(
                "the {which} that the provider gives is not one that this command makes"
            ));
            return Err(failure.because(difference::of_documents(Some(&made), Some(&given))).next(
                "if you trust it nevertheless, make the role by another of the provider's forms; this command may also \
                 be older than the provider's Drawbridge",
            ));
        }
    }
    Ok(read)
}

fn read(told: &Value, setup: &Value) -> Option<Design> {
    let text = |name: &str| told.get(name).and_then(Value::as_str);
    let statement = setup.pointer("/trust_policy/Statement/0")?;
    let principal = statement.pointer("/Principal/AWS")?.as_str()?;
    let mut parts = principal.split(':');
    let partition: Partition = parts.nth(1)?.parse().ok()?;
    let provider: AccountId = parts.nth(2)?.parse().ok()?;
    let external_id: ExternalId =
        statement.pointer("/Condition/StringEquals/sts:ExternalId")?.as_str()?.parse().ok()?;
    let capabilities = told.get("capabilities")?.as_array()?.iter();
    let capabilities: Option<Vec<Capability>> =
        capabilities.map(|capability| capability.as_str()?.parse().ok()).collect();
    let capabilities = CapabilitySet::new(capabilities?).ok()?;
    // As the provider's documents do: a submitted role tells the account before it is proven.
    let account = match (text("role_arn"), text("account_id")) {
        (Some(arn), _) => Some(arn.parse::<RoleArn>().ok()?.account().clone()),
        (None, Some(account)) => Some(account.parse().ok()?),
        (None, None) => None,
    };
    let trusted = TrustedPrincipal::Account { provider: provider.clone() };
    let trust = trust_policy(partition, &trusted, Some(&external_id));
    let permissions = permissions_policy(partition, account.as_ref(), &capabilities);
    Some(Design::of_connection(text("role_name")?.parse().ok()?, account, provider, trust, permissions))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_server::{Answer, TestServer};

    /// What a provider answers.
    pub(crate) fn told() -> Value {
        let provider: AccountId = "111111111111".parse().unwrap();
        let trusted = TrustedPrincipal::Account { provider };
        let external_id = "an-external-id".parse().unwrap();
        let capabilities = CapabilitySet::new([Capability::Ec2Power]).unwrap();
        json!({
            "state": "pending_role", "role_name": "drawbridge-a", "account_id": null, "capabilities": ["ec2-power"],
            "setup": {
                "trust_policy": trust_policy(Partition::Aws, &trusted, Some(&external_id)),
                "permissions_policy": permissions_policy(Partition::Aws, None, &capabilities),
            },
        })
    }

    #[tokio::test]
    async fn a_link_leads_to_the_role_and_takes_its_arn() {
        let server = TestServer::start([Answer::ok(told()), Answer::new(202, told())]).await;
        let invite: Invite = format!("{}/onboard/a-Secret_1/", server.url()).parse().unwrap();
        let design = invite.design().await.unwrap();
        assert_eq!(design.name.as_str(), "drawbridge-a");
        assert_eq!(design.tags["drawbridge:provider"], "111111111111");
        invite.submit("arn:aws:iam::222222222222:role/drawbridge-a").await.unwrap();
        assert_eq!(server.targets(), ["GET /onboard/a-Secret_1/status", "PUT /onboard/a-Secret_1/role"]);
        assert_eq!(server.bodies()[1], json!({"role_arn": "arn:aws:iam::222222222222:role/drawbridge-a"}));
    }

    #[tokio::test]
    async fn no_link_has_another_kind_of_policy_written() {
        for (place, value) in [
            ("/setup/permissions_policy/Statement/1/Action", json!("iam:*")),
            ("/setup/trust_policy/Statement/0/Principal/AWS", json!("arn:aws:iam::333333333333:user/x")),
            ("/setup/trust_policy/Statement/0/Condition/ArnLike", json!({})),
            ("/capabilities", json!(["ec2-observe"])),
            ("/capabilities", json!(["from-the-future"])),
            ("/role_name", json!("a/b")),
            ("/setup", json!(null)),
        ] {
            let mut told = told();
            *told.pointer_mut(place).unwrap() = value;
            let server = TestServer::start([Answer::ok(told)]).await;
            let invite: Invite = format!("{}/onboard/secret", server.url()).parse().unwrap();
            assert_eq!(invite.design().await.unwrap_err().exit, Exit::Refused, "{place}");
        }
    }

    #[tokio::test]
    async fn a_link_that_has_ended_says_so_and_not_itself() {
        for (status, part) in [(404, "copy it again"), (410, "ask your provider"), (429, "in an hour")] {
            let server = TestServer::start([Answer::new(status, json!({"code": "x", "detail": "y"}))]).await;
            let invite: Invite = format!("{}/onboard/the-secret", server.url()).parse().unwrap();
            let told = invite.design().await.unwrap_err().to_string();
            assert!(told.contains(part) && !told.contains("the-secret"), "{told}");
        }
        for wrong in [
            "",
            "https://a.example/x",
            "https://a.example/onboard/",
            "https://a.example/onboard/a/b",
            "http://a.example/onboard/a",
            "ftp://a.example/onboard/a",
            "https://a.example/onboard/a?b",
        ] {
            let told = wrong.parse::<Invite>().err().unwrap();
            assert!(!told.contains("a.example"), "{told}");
        }
        let gone: Invite = "http://127.0.0.1:1/onboard/the-secret".parse().unwrap();
        let told = gone.design().await.unwrap_err();
        assert_eq!(told.exit, Exit::Unreachable);
        assert!(!told.to_string().contains("the-secret"), "{told}");
    }
}
