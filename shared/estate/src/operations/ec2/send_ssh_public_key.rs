//! `ec2-instance-connect:SendSSHPublicKey`. Source: EC2 Instance Connect API Reference,
//! `SendSSHPublicKey`; EC2 User Guide, "Grant IAM permissions for EC2 Instance Connect".

use access::CustomerSession;
use aws_sdk_ec2instanceconnect::Client;
use domain::Error;
use domain::policy::Statement;
use serde::Deserialize;
use serde_json::json;

use super::{form, invalid, is_id, public_key};
use crate::operations::{Carry, Outcome, Place, failed};

/// Lets whoever has the private half of a key log in to an instance as one of its users, if they do
/// so within 60 seconds.
///
/// AWS has no dry run of it, and no other call tells if it would: a dry run is refused.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct SendSshPublicKey {
    /// Which instance.
    instance_id: String,
    /// As whom, such as `ec2-user`.
    #[serde(rename = "InstanceOSUser")]
    instance_os_user: String,
    /// The key: `ssh-ed25519` or `ssh-rsa`, on one line.
    #[serde(rename = "SSHPublicKey")]
    ssh_public_key: String,
    /// Where the instance was launched.
    #[serde(default)]
    availability_zone: Option<String>,
}

/// How long the key is good for. Source: the API Reference, `SendSSHPublicKey`.
const SECONDS: u32 = 60;

impl Carry for SendSshPublicKey {
    const ACTION: &'static str = "ec2-instance-connect:SendSSHPublicKey";
    const DRY_RUN: bool = false;

    fn check(&self) -> Result<(), Error> {
        if !is_id(&self.instance_id, "i-") {
            return Err(invalid("/InstanceId", "invalid_instance_id", form("i-")));
        }
        if !is_user(&self.instance_os_user) {
            let detail = "a user is 1 to 32 letters, digits, and any of @._-, and begins with a letter or _";
            return Err(invalid("/InstanceOSUser", "invalid_os_user", detail));
        }
        if let Some(wrong) = public_key::wrong(&self.ssh_public_key) {
            return Err(invalid("/SSHPublicKey", "invalid_public_key", wrong));
        }
        match &self.availability_zone {
            Some(zone) if !is_zone(zone) => {
                let detail = "an Availability Zone is written like eu-central-1a";
                Err(invalid("/AvailabilityZone", "invalid_availability_zone", detail))
            }
            _ => Ok(()),
        }
    }

    /// That instance, as that user alone.
    fn needs(&self, place: &Place) -> Vec<Statement> {
        let instance = place.ec2(&format!("instance/{}", self.instance_id));
        let user = &self.instance_os_user;
        vec![Statement::allow([Self::ACTION], [instance]).on_condition("StringEquals", "ec2:osuser", user)]
    }

    async fn carry(&self, session: &CustomerSession, place: &Place, dry_run: bool) -> Outcome {
        let instance = || [self.instance_id.clone()];
        if dry_run {
            return Outcome::without_dry_run(instance());
        }
        let request = Client::new(&session.in_region(&place.region))
            .send_ssh_public_key()
            .instance_id(&self.instance_id)
            .instance_os_user(&self.instance_os_user)
            .ssh_public_key(&self.ssh_public_key)
            .set_availability_zone(self.availability_zone.clone());
        match request.send().await {
            Ok(sent) => {
                let output = json!({"Success": sent.success(), "ExpiresInSeconds": SECONDS});
                let mut outcome = Outcome::done(instance(), output, &sent);
                if !sent.success() {
                    let detail = "AWS answered, and says that the key was not sent. Send it again.";
                    outcome.targets = vec![failed(self.instance_id.clone(), "refused", detail)];
                    outcome.output = json!({"Success": false});
                }
                outcome
            }
            Err(error) => Outcome::refused(instance(), &error),
        }
    }
}

/// `^[A-Za-z_][A-Za-z0-9@._-]{0,30}[A-Za-z0-9$_-]?$` is what the API takes. `$` is left out: it begins
/// variables in policies, and no user of Linux needs it.
fn is_user(user: &str) -> bool {
    let first = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
    let middle = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'@' | b'.' | b'_' | b'-');
    let last = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    match user.as_bytes() {
        [only] => first(*only),
        [begin, rest @ .., end] if user.len() < 32 => {
            first(*begin) && rest.iter().copied().all(middle) && middle(*end)
        }
        [begin, rest @ .., end] if user.len() == 32 => {
            first(*begin) && rest.iter().copied().all(middle) && last(*end)
        }
        _ => false,
    }
}

/// `^(\w+-){2,3}\d+\w+$`, 6 to 32 characters.
pub(super) fn is_zone(zone: &str) -> bool {
    let parts: Vec<_> = zone.split('-').collect();
    let word = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let last = parts.last().copied().unwrap_or_default();
    (6..=32).contains(&zone.len())
        && matches!(parts.len(), 3 | 4)
        && parts.iter().all(|part| word(part))
        && last.len() > 1
        && last.starts_with(|letter: char| letter.is_ascii_digit())
}
