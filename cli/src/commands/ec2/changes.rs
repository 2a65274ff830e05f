//! `drawbridge ec2 start`, `stop`, `reboot`, `tag`, `snapshot` and `image`.

use clap::Args;
use serde_json::{Map, Value, json};

use crate::client::Client;
use crate::commands::act::{Manner, Place, put, tag, tag_specifications, tags};
use crate::exit::Exit;
use crate::failure::Result;
use crate::screen::Screen;

/// Which instances, and how.
#[derive(Debug, Args)]
struct Instances {
    #[command(flatten)]
    place: Place,
    /// The instances' ids
    #[arg(value_name = "INSTANCE", required = true)]
    instance_ids: Vec<String>,
    #[command(flatten)]
    manner: Manner,
}

impl Instances {
    async fn run(
        self,
        client: &Client,
        screen: &Screen,
        action: &str,
        further: impl IntoIterator<Item = (&'static str, bool)>,
    ) -> Result<Exit> {
        let mut input = json!({ "InstanceIds": self.instance_ids });
        for (name, _) in further.into_iter().filter(|(_, wanted)| *wanted) {
            input[name] = json!(true);
        }
        self.place.change(client, screen, action, input, &self.manner).await
    }
}

/// Starts instances.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  drawbridge ec2 start con_… i-0123456789abcdef0 --region eu-central-1 --reason 'ticket 1234'")]
pub struct Start {
    #[command(flatten)]
    instances: Instances,
}

impl Start {
    pub(super) async fn run(self, client: &Client, screen: &Screen) -> Result<Exit> {
        self.instances.run(client, screen, "ec2:StartInstances", []).await
    }
}

/// Stops instances.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  drawbridge ec2 stop con_… i-0123456789abcdef0 --region eu-central-1 --reason 'ticket 1234'")]
pub struct Stop {
    #[command(flatten)]
    instances: Instances,
    /// Without waiting for the operating system, which may lose what it has not written yet
    #[arg(long)]
    force: bool,
    /// Keep what is in memory, if the instance was launched for that
    #[arg(long)]
    hibernate: bool,
}

impl Stop {
    pub(super) async fn run(self, client: &Client, screen: &Screen) -> Result<Exit> {
        let further = [("Force", self.force), ("Hibernate", self.hibernate)];
        self.instances.run(client, screen, "ec2:StopInstances", further).await
    }
}

/// Reboots instances.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  drawbridge ec2 reboot con_… i-0123456789abcdef0 --region eu-central-1 --dry-run")]
pub struct Reboot {
    #[command(flatten)]
    instances: Instances,
}

impl Reboot {
    pub(super) async fn run(self, client: &Client, screen: &Screen) -> Result<Exit> {
        self.instances.run(client, screen, "ec2:RebootInstances", []).await
    }
}

/// Tags instances, volumes, images and the like.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  drawbridge ec2 tag con_… i-0123456789abcdef0 vol-0123456789abcdef0 --region eu-central-1 --tag team=blue")]
pub struct TagResources {
    #[command(flatten)]
    place: Place,
    /// Their ids
    #[arg(value_name = "RESOURCE", required = true)]
    resources: Vec<String>,
    /// With what; may be repeated
    #[arg(long = "tag", value_name = "KEY=VALUE", required = true, value_parser = tag)]
    tags: Vec<(String, String)>,
    #[command(flatten)]
    manner: Manner,
}

impl TagResources {
    pub(super) async fn run(self, client: &Client, screen: &Screen) -> Result<Exit> {
        let input = json!({"Resources": self.resources, "Tags": tags(&self.tags)});
        self.place.change(client, screen, "ec2:CreateTags", input, &self.manner).await
    }
}

/// Makes a snapshot of each volume of an instance.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  drawbridge ec2 snapshot con_… i-0123456789abcdef0 --region eu-central-1 --description 'before the change'")]
pub struct Snapshot {
    #[command(flatten)]
    place: Place,
    /// The instance's id
    #[arg(value_name = "INSTANCE")]
    instance_id: String,
    /// What they are for
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// Without the volume that it boots from
    #[arg(long)]
    exclude_boot_volume: bool,
    /// Without this volume; may be repeated
    #[arg(long = "exclude-volume", value_name = "VOLUME")]
    excluded: Vec<String>,
    /// With the tags of its volume
    #[arg(long)]
    copy_tags: bool,
    /// With this tag; may be repeated
    #[arg(long = "tag", value_name = "KEY=VALUE", value_parser = tag)]
    tags: Vec<(String, String)>,
    #[command(flatten)]
    manner: Manner,
}

impl Snapshot {
    pub(super) async fn run(self, client: &Client, screen: &Screen) -> Result<Exit> {
        let mut instance = Map::from_iter([("InstanceId".to_owned(), json!(self.instance_id))]);
        put(&mut instance, "ExcludeBootVolume", self.exclude_boot_volume.then_some(true));
        put(&mut instance, "ExcludeDataVolumeIds", (!self.excluded.is_empty()).then_some(self.excluded));
        let mut input = Map::from_iter([("InstanceSpecification".to_owned(), Value::Object(instance))]);
        put(&mut input, "Description", self.description);
        put(&mut input, "CopyTagsFromSource", self.copy_tags.then_some("volume"));
        put(&mut input, "TagSpecifications", tag_specifications(&["snapshot"], &self.tags));
        self.place.change(client, screen, "ec2:CreateSnapshots", Value::Object(input), &self.manner).await
    }
}

/// Makes an image of an instance.
#[derive(Debug, Args)]
#[command(after_help = "\
The instance goes on running. With --reboot AWS reboots it, so that its volumes are as a clean
shutdown leaves them.

Example:
  drawbridge ec2 image con_… i-0123456789abcdef0 --region eu-central-1 --name web-2026-11-25")]
pub struct Image {
    #[command(flatten)]
    place: Place,
    /// The instance's id
    #[arg(value_name = "INSTANCE")]
    instance_id: String,
    /// The image's name
    #[arg(long, value_name = "NAME")]
    name: String,
    /// What it is for
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// Reboot the instance for it
    #[arg(long)]
    reboot: bool,
    /// With this tag, its snapshots too; may be repeated
    #[arg(long = "tag", value_name = "KEY=VALUE", value_parser = tag)]
    tags: Vec<(String, String)>,
    #[command(flatten)]
    manner: Manner,
}

impl Image {
    pub(super) async fn run(self, client: &Client, screen: &Screen) -> Result<Exit> {
        let mut input = Map::new();
        put(&mut input, "InstanceId", Some(self.instance_id));
        put(&mut input, "Name", Some(self.name));
        put(&mut input, "Description", self.description);
        put(&mut input, "NoReboot", self.reboot.then_some(false));
        put(&mut input, "TagSpecifications", tag_specifications(&["image", "snapshot"], &self.tags));
        self.place.change(client, screen, "ec2:CreateImage", Value::Object(input), &self.manner).await
    }
}
