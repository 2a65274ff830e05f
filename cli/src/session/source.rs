//! Where credentials are to come from, as it is typed: a connection, or a role that people use.

use clap::Args;

use super::Session;
use super::assume::{Asked, assume};
use super::issue::{Wanted, issue};
use crate::arguments::Options;
use crate::caller::Caller;
use crate::client::Client;
use crate::failure::{Failure, Result};
use crate::settings;
use crate::terminal;

/// Whose credentials, what they are for, and why.
#[derive(Debug, Clone, Default, Args)]
pub struct SessionSource {
    /// The connection's id
    #[arg(
        value_name = "ID",
        value_parser = crate::commands::id,
        required_unless_present = "role_arn",
        conflicts_with = "role_arn"
    )]
    pub connection_id: Option<String>,
    /// What the credentials are to be good for: a capability of the connection; repeat it for more
    #[arg(
        long = "capability",
        value_name = "NAME",
        required_unless_present = "role_arn",
        conflicts_with = "role_arn"
    )]
    pub capabilities: Vec<String>,
    /// The one Region they are to be good in; by default every Region of the connection
    ///
    /// With --role-arn it is the Region that programs are told, and limits nothing.
    #[arg(long = "region", id = "in_region", value_name = "REGION")]
    pub region: Option<String>,
    /// How long they are to last: 900 (by default) to 3600, with --role-arn as long as the role allows
    #[arg(long, value_name = "SECONDS")]
    pub duration: Option<u32>,
    /// Why, for the record
    #[arg(long, value_name = "TEXT", required_unless_present = "role_arn", conflicts_with = "role_arn")]
    pub reason: Option<String>,
    /// A role that people use, assumed with your own AWS identity instead of by Drawbridge
    #[arg(long, value_name = "ARN", value_parser = role_arn)]
    pub role_arn: Option<String>,
    /// The external ID that the role's trust policy asks for
    #[arg(long, value_name = "TEXT", requires = "role_arn")]
    pub external_id: Option<String>,
    /// Your MFA device: its serial number or ARN, where the role's trust policy asks for MFA
    #[arg(long, value_name = "SERIAL", requires = "role_arn")]
    pub mfa_serial: Option<String>,
    /// The device's present code; you are asked for it if it is not given
    #[arg(long, value_name = "CODE", requires = "mfa_serial")]
    pub mfa_code: Option<String>,
}

/// What holds for every command, as far as credentials need it.
#[derive(Debug)]
pub struct Settings<'a> {
    /// The options.
    pub options: &'a Options,
    /// The code of an MFA device, asked for at the terminal.
    pub ask: fn(&str) -> Result<String>,
}

impl<'a> Settings<'a> {
    /// Those of this process.
    pub fn of(options: &'a Options) -> Self {
        Self { options, ask: terminal::ask }
    }
}

impl SessionSource {
    /// Fetches credentials.
    pub async fn session(&self, settings: &Settings<'_>) -> Result<Session> {
        match (&self.role_arn, self.wanted()) {
            (Some(role_arn), _) => {
                let caller = Caller::of_person(settings.options).await?;
                self.assumed(role_arn, &caller, settings.ask).await
            }
            (None, Some(wanted)) => issue(&self.client(settings.options).await?, &wanted).await,
            (None, None) => Err(Failure::usage("neither a connection nor --role-arn is given")),
        }
    }

    /// What is to be asked of the API.
    pub fn wanted(&self) -> Option<Wanted> {
        Some(Wanted {
            connection_id: self.connection_id.clone()?,
            capabilities: self.capabilities.clone(),
            region: self.region.clone(),
            duration: self.duration,
            reason: self.reason.clone().unwrap_or_default(),
        })
    }

    /// The same as it would be typed again, but for what is good once.
    pub fn words(&self) -> Vec<String> {
        let mut words: Vec<String> = self.connection_id.iter().cloned().collect();
        let capabilities = self.capabilities.iter().map(|name| ("--capability", name.clone()));
        let duration = self.duration.map(|seconds| seconds.to_string());
        let others = [
            ("--region", &self.region),
            ("--duration", &duration),
            ("--reason", &self.reason),
            ("--role-arn", &self.role_arn),
            ("--external-id", &self.external_id),
            ("--mfa-serial", &self.mfa_serial),
        ];
        let others = others.into_iter().filter_map(|(option, value)| Some((option, value.clone()?)));
        // One word each, so that a value that begins with a dash is no option.
        words.extend(capabilities.chain(others).map(|(option, value)| format!("{option}={value}")));
        words
    }

    async fn client(&self, options: &Options) -> Result<Client> {
        Client::connect(&settings::Settings::resolve(options)?).await
    }

    async fn assumed(
        &self,
        role_arn: &str,
        caller: &Caller,
        ask: fn(&str) -> Result<String>,
    ) -> Result<Session> {
        let mfa = match (&self.mfa_serial, &self.mfa_code) {
            (None, _) => None,
            (Some(serial), Some(code)) => Some((serial.clone(), code.clone())),
            (Some(serial), None) => Some((serial.clone(), ask(&format!("MFA code of {serial}: "))?)),
        };
        let asked = Asked {
            role_arn: role_arn.to_owned(),
            external_id: self.external_id.clone(),
            mfa,
            duration: self.duration,
            region: self.region.clone(),
        };
        assume(caller, &asked).await
    }
}

/// A role's ARN as it is typed; AWS says whether there is such a role.
fn role_arn(text: &str) -> std::result::Result<String, String> {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let is_role = matches!(parts.as_slice(), ["arn", partition, "iam", "", account, resource]
        if partition.starts_with("aws")
            && account.len() == 12
            && account.bytes().all(|byte| byte.is_ascii_digit())
            && resource.strip_prefix("role/").is_some_and(|name| !name.is_empty())
            && resource.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/_+=,.@-".contains(&byte)));
    if is_role {
        Ok(text.to_owned())
    } else {
        Err("not the ARN of a role, such as arn:aws:iam::123456789012:role/support".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_told_from_what_is_none() {
        for arn in ["arn:aws:iam::123456789012:role/a", "arn:aws-cn:iam::123456789012:role/path/a+=,.@_-b"] {
            assert_eq!(role_arn(arn).as_deref(), Ok(arn));
        }
        for wrong in [
            "",
            "con_1",
            "arn:aws:iam::123456789012:user/a",
            "arn:aws:iam::12345678901:role/a",
            "arn:aws:iam::123456789012:role/",
            "arn:aws:iam::123456789012:role/*",
            "arn:aws:iam::123456789012:role/a'b",
            "arn:aws:sts::123456789012:assumed-role/a/b",
        ] {
            assert!(role_arn(wrong).is_err(), "{wrong}");
        }
    }
}
