//! `drawbridge ec2 launch`.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Args;
use serde_json::{Map, Value, json};

use crate::client::Client;
use crate::commands::act::{Manner, Place, put, tag, tag_specifications};
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::screen::Screen;

/// Launches instances, once however often the request has to be sent.
#[derive(Debug, Args)]
#[command(after_help = "\
The metadata service of the instances asks for tokens (IMDSv2) unless --metadata-tokens says optional.
Whatever else RunInstances takes, `drawbridge operations run` sends.

Example:
  drawbridge ec2 launch con_… --region eu-central-1 --image-id ami-0123456789abcdef0 \\
    --instance-type t3.micro --subnet-id subnet-0123456789abcdef0 --tag Name=web --reason 'ticket 1234'")]
pub struct Launch {
    #[command(flatten)]
    place: Place,
    /// From which image
    #[arg(long, value_name = "IMAGE")]
    image_id: String,
    /// Of which type
    #[arg(long, value_name = "TYPE")]
    instance_type: String,
    /// How many
    #[arg(long, value_name = "N", default_value_t = 1)]
    count: u16,
    /// In which subnet
    #[arg(long, value_name = "SUBNET")]
    subnet_id: Option<String>,
    /// In which security group; may be repeated
    #[arg(long = "security-group-id", value_name = "GROUP")]
    security_group_ids: Vec<String>,
    /// With which key pair
    #[arg(long, value_name = "NAME")]
    key_name: Option<String>,
    /// A file with what the instance runs when it first starts
    #[arg(long, value_name = "FILE")]
    user_data: Option<PathBuf>,
    /// Whether the metadata service asks for tokens: required or optional
    #[arg(long, value_name = "WORD")]
    metadata_tokens: Option<String>,
    /// Protect them from being terminated
    #[arg(long)]
    disable_api_termination: bool,
    /// With this tag, their volumes too; may be repeated
    #[arg(long = "tag", value_name = "KEY=VALUE", value_parser = tag)]
    tags: Vec<(String, String)>,
    #[command(flatten)]
    manner: Manner,
}

/// Longest file that is read: AWS takes 16 KB.
const LONGEST: u64 = 1 << 20;

impl Launch {
    pub(super) async fn run(self, client: &Client, screen: &Screen) -> Result<Exit> {
        let input = self.input()?;
        self.place.change(client, screen, "ec2:RunInstances", input, &self.manner).await
    }

    fn input(&self) -> Result<Value> {
        let mut input = Map::new();
        put(&mut input, "ImageId", Some(self.image_id.clone()));
        put(&mut input, "InstanceType", Some(self.instance_type.clone()));
        put(&mut input, "MinCount", Some(self.count));
        put(&mut input, "MaxCount", Some(self.count));
        put(&mut input, "SubnetId", self.subnet_id.clone());
        let groups = self.security_group_ids.clone();
        put(&mut input, "SecurityGroupIds", (!groups.is_empty()).then_some(groups));
        put(&mut input, "KeyName", self.key_name.clone());
        put(&mut input, "UserData", self.user_data.as_deref().map(base64_of).transpose()?);
        let tokens = self.metadata_tokens.as_ref();
        put(&mut input, "MetadataOptions", tokens.map(|tokens| json!({ "HttpTokens": tokens })));
        put(&mut input, "DisableApiTermination", self.disable_api_termination.then_some(true));
        put(&mut input, "TagSpecifications", tag_specifications(&["instance", "volume"], &self.tags));
        Ok(Value::Object(input))
    }
}

/// A file as base64, which is how AWS takes user data.
fn base64_of(path: &Path) -> Result<String> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(LONGEST).read_to_end(&mut bytes));
    read.map_err(|error| Failure::usage(format!("--user-data: {} cannot be read: {error}", path.display())))?;
    Ok(STANDARD.encode(&bytes))
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::arguments::{Arguments, Command};
    use crate::commands::ec2::Ec2Command;

    #[test]
    fn what_is_typed_is_what_is_asked_for() {
        let typed = "drawbridge ec2 launch con_1 --region eu-west-1 --image-id ami-1 --instance-type t3.micro --count 2 \
                     --security-group-id sg-1 --security-group-id sg-2 --tag Name=web --metadata-tokens optional";
        let parsed = Arguments::try_parse_from(typed.split(' ').filter(|word| !word.is_empty())).unwrap();
        let Command::Ec2(Ec2Command::Launch(launch)) = parsed.command else { panic!() };
        let tags = json!([{"Key": "Name", "Value": "web"}]);
        assert_eq!(
            launch.input().unwrap(),
            json!({
                "ImageId": "ami-1", "InstanceType": "t3.micro", "MinCount": 2, "MaxCount": 2,
                "SecurityGroupIds": ["sg-1", "sg-2"], "MetadataOptions": {"HttpTokens": "optional"},
                "TagSpecifications": [
                    {"ResourceType": "instance", "Tags": tags}, {"ResourceType": "volume", "Tags": tags},
                ],
            })
        );
    }
}
