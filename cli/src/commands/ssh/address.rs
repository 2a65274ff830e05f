//! Where an instance is reached.

use serde_json::Value;

use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::text::{NOTHING, field, items};

/// Where an instance is reached.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Address {
    /// A name, or an IP address.
    pub host: String,
    /// Whether only its own network knows it.
    pub is_private: bool,
}

impl Address {
    /// The address that `DescribeInstances` tells: the public name, else the public address, else the
    /// private one. A name that is not given is an empty text.
    ///
    /// Source: EC2 API Reference, `Instance`.
    pub(super) fn of(instance_id: &str, output: &Value) -> Result<Self> {
        let refused = |what: String| Failure::new(Exit::NotAccepted, what);
        let mut all = items(output, "Reservations").iter().flat_map(|one| items(one, "Instances"));
        let instance = all
            .find(|one| field(one, "InstanceId") == instance_id)
            .ok_or_else(|| refused(format!("AWS does not tell of {instance_id}")))?;
        let state = instance.get("State").map_or_else(|| NOTHING.to_owned(), |state| field(state, "Name"));
        if state != "running" {
            return Err(refused(format!("{instance_id} is {state}: nobody can log in"))
                .next("`drawbridge ec2 start` starts what is stopped"));
        }
        let known = [("PublicDnsName", false), ("PublicIpAddress", false), ("PrivateIpAddress", true)];
        let found = known.iter().find_map(|(name, is_private)| {
            let host = field(instance, name);
            is_host(&host).then_some(Self { host, is_private: *is_private })
        });
        found.ok_or_else(|| {
            refused(format!("{instance_id} has no address that AWS tells of"))
                .next("name one with --address HOST")
        })
    }
}

/// Whether ssh can take it for nothing but a host.
fn is_host(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".:-".contains(&byte))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(state: &str, names: &Value) -> Result<Address> {
        let mut instance = names.clone();
        instance["InstanceId"] = json!("i-1");
        instance["State"] = json!({ "Name": state });
        let other =
            json!({"InstanceId": "i-2", "PublicIpAddress": "192.0.2.9", "State": {"Name": "running"}});
        Address::of("i-1", &json!({"Reservations": [{"Instances": [other]}, {"Instances": [instance]}]}))
    }

    #[test]
    fn the_public_address_goes_first() {
        let mut names = json!({
            "PublicDnsName": "ec2-192-0-2-1.eu-central-1.compute.amazonaws.com", "PublicIpAddress": "192.0.2.1",
            "PrivateIpAddress": "10.0.0.1",
        });
        let (host, is_private) = ("ec2-192-0-2-1.eu-central-1.compute.amazonaws.com".to_owned(), false);
        assert_eq!(told("running", &names).unwrap(), Address { host, is_private });
        names["PublicDnsName"] = json!("");
        assert_eq!(
            told("running", &names).unwrap(),
            Address { host: "192.0.2.1".to_owned(), is_private: false }
        );
        names["PublicIpAddress"] = Value::Null;
        assert_eq!(
            told("running", &names).unwrap(),
            Address { host: "10.0.0.1".to_owned(), is_private: true }
        );
        names["PrivateIpAddress"] = json!("-oProxyCommand=x");
        assert!(told("running", &names).unwrap_err().to_string().contains("--address"));
    }

    #[test]
    fn nobody_logs_in_to_what_does_not_run() {
        let stopped = told("stopped", &json!({"PrivateIpAddress": "10.0.0.1"})).unwrap_err();
        assert!(stopped.what.contains("i-1 is stopped"), "{stopped}");
        assert!(Address::of("i-1", &json!({"Reservations": []})).is_err());
    }
}
