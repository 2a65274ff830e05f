//! EC2, asked with `DryRun`.

use std::fmt;

use access::CustomerSession;
use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{Filter, InstanceSpecification, InstanceType, Tag};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::Region;
use domain::check::{CheckMethod, Permission};
use domain::policy::{ABSENT_IMAGE, ABSENT_INSTANCE, ABSENT_SNAPSHOT};

use tokio::sync::OnceCell;

use super::answer::{Answer, Judged, Service};

/// Fewest results that these lists take as a page. Source: EC2 API Reference, `DescribeInstances`
/// and `DescribeSubnets`, `MaxResults`.
const FEWEST: i32 = 5;

/// What is launched to find out whether it could be: the smallest of the oldest generation that is
/// everywhere, with the processor of the image below.
const INSTANCE_TYPE: InstanceType = InstanceType::T3Micro;

/// Amazon's own image, which every account can launch. Source: Amazon Linux 2023 User Guide, "AL2023
/// on Amazon EC2".
const IMAGE_NAME: &str = "al2023-ami-2023.*-kernel-6.1-x86_64";

/// A public key in the form that EC2 Instance Connect takes, whose private half nobody has: its
/// point is all ones. No instance ever gets it.
fn public_key() -> String {
    let mut key = Vec::new();
    for part in [b"ssh-ed25519".as_slice(), &[1; 32]] {
        key.extend(u32::try_from(part.len()).unwrap_or_default().to_be_bytes());
        key.extend_from_slice(part);
    }
    format!("ssh-ed25519 {} drawbridge-probe", STANDARD.encode(key))
}

/// Whether EC2 can be asked about this action.
pub(super) fn knows(name: &str) -> bool {
    matches!(
        name,
        "DescribeInstances"
            | "DescribeVolumes"
            | "DescribeTags"
            | "DescribeInstanceStatus"
            | "DescribeVolumeStatus"
            | "DescribeSecurityGroups"
            | "DescribeRouteTables"
            | "DescribeSubnets"
            | "DescribeVpcs"
            | "DescribeImages"
            | "DescribeInstanceTypes"
            | "DescribeSnapshots"
            | "StartInstances"
            | "StopInstances"
            | "RebootInstances"
            | "CreateTags"
            | "CreateSnapshots"
            | "CreateImage"
            | "RunInstances"
            | "TerminateInstances"
            | "DeleteSnapshot"
            | "DeregisterImage"
    )
}

/// What is tried on an instance that exists, if there is one: nothing of it destroys.
const NEEDS_INSTANCE: &[&str] =
    &["StartInstances", "StopInstances", "RebootInstances", "CreateTags", "CreateSnapshots", "CreateImage"];

/// EC2 in one Region of a customer's account.
pub(super) struct Ec2 {
    client: Client,
    instance_connect: aws_sdk_ec2instanceconnect::Client,
    /// An instance that exists, once somebody needs one.
    instance: OnceCell<Option<String>>,
    /// An image and a subnet that a launch can be tried with, once somebody needs them.
    launch: OnceCell<(Option<String>, Option<String>)>,
}

impl fmt::Debug for Ec2 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ec2")
    }
}

/// Sends a request as a dry run, and says what was heard. Each future of the SDK is on the heap:
/// side by side they would make one of theirs all together.
macro_rules! dry_run {
    ($request:expr) => {
        Answer::of(&Box::pin($request.dry_run(true).send()).await)
    };
}

impl Ec2 {
    pub fn new(session: &CustomerSession, region: &Region) -> Self {
        let config = session.in_region(region);
        Self {
            client: Client::new(&config),
            instance_connect: aws_sdk_ec2instanceconnect::Client::new(&config),
            instance: OnceCell::new(),
            launch: OnceCell::new(),
        }
    }

    /// An instance that is there to stay, or one that nobody has. What the role may not see is not
    /// there.
    async fn some_instance(&self) -> &str {
        let found = self.instance.get_or_init(|| self.instance()).await;
        found.as_deref().unwrap_or(ABSENT_INSTANCE)
    }

    async fn instance(&self) -> Option<String> {
        let states =
            Filter::builder().name("instance-state-name").values("running").values("stopped").build();
        let request = self.client.describe_instances().filters(states).max_results(FEWEST);
        let page = Box::pin(request.send()).await.ok()?;
        let mut instances = page.reservations().iter().flat_map(|reservation| reservation.instances());
        instances.find_map(|instance| instance.instance_id().map(str::to_owned))
    }

    async fn image(&self) -> Option<String> {
        let filter = |name: &str, value: &str| Filter::builder().name(name).values(value).build();
        let request = self
            .client
            .describe_images()
            .owners("amazon")
            .filters(filter("name", IMAGE_NAME))
            .filters(filter("state", "available"));
        let images = Box::pin(request.send()).await.ok()?;
        let newest = images.images().iter().max_by_key(|image| image.creation_date().map(str::to_owned))?;
        newest.image_id().map(str::to_owned)
    }

    async fn subnet(&self) -> Option<String> {
        let page = Box::pin(self.client.describe_subnets().max_results(FEWEST).send()).await.ok()?;
        page.subnets().iter().find_map(|subnet| subnet.subnet_id().map(str::to_owned))
    }

    /// Asks whether the role may do this.
    pub async fn ask(&self, permission: Permission) -> Judged {
        let name = permission.action.name();
        if name == "SendSSHPublicKey" {
            return self.ask_instance_connect().await;
        }
        if name == "RunInstances" {
            return self.ask_to_launch().await;
        }
        let instance =
            if NEEDS_INSTANCE.contains(&name) { self.some_instance().await } else { ABSENT_INSTANCE };
        let ec2 = &self.client;
        let (answer, on) = match name {
            "DescribeInstances" => (dry_run!(ec2.describe_instances()), None),
            "DescribeVolumes" => (dry_run!(ec2.describe_volumes()), None),
            "DescribeTags" => (dry_run!(ec2.describe_tags()), None),
            "DescribeInstanceStatus" => (dry_run!(ec2.describe_instance_status()), None),
            "DescribeVolumeStatus" => (dry_run!(ec2.describe_volume_status()), None),
            "DescribeSecurityGroups" => (dry_run!(ec2.describe_security_groups()), None),
            "DescribeRouteTables" => (dry_run!(ec2.describe_route_tables()), None),
            "DescribeSubnets" => (dry_run!(ec2.describe_subnets()), None),
            "DescribeVpcs" => (dry_run!(ec2.describe_vpcs()), None),
            "DescribeImages" => (dry_run!(ec2.describe_images().owners("self")), None),
            "DescribeInstanceTypes" => (dry_run!(ec2.describe_instance_types()), None),
            "DescribeSnapshots" => (dry_run!(ec2.describe_snapshots().owner_ids("self")), None),
            "StartInstances" => (dry_run!(ec2.start_instances().instance_ids(instance)), Some(instance)),
            "StopInstances" => (dry_run!(ec2.stop_instances().instance_ids(instance)), Some(instance)),
            "RebootInstances" => (dry_run!(ec2.reboot_instances().instance_ids(instance)), Some(instance)),
            "CreateTags" => {
                let tag = Tag::builder().key("drawbridge:probe").value("dry-run").build();
                (dry_run!(ec2.create_tags().resources(instance).tags(tag)), Some(instance))
            }
            "CreateSnapshots" => {
                let of = InstanceSpecification::builder().instance_id(instance).build();
                (dry_run!(ec2.create_snapshots().instance_specification(of)), Some(instance))
            }
            "CreateImage" => {
                let image = ec2.create_image().instance_id(instance).name("drawbridge-probe").no_reboot(true);
                (dry_run!(image), Some(instance))
            }
            // From here on nothing that exists is named.
            "TerminateInstances" => {
                (dry_run!(ec2.terminate_instances().instance_ids(ABSENT_INSTANCE)), Some(ABSENT_INSTANCE))
            }
            "DeleteSnapshot" => {
                (dry_run!(ec2.delete_snapshot().snapshot_id(ABSENT_SNAPSHOT)), Some(ABSENT_SNAPSHOT))
            }
            "DeregisterImage" => {
                (dry_run!(ec2.deregister_image().image_id(ABSENT_IMAGE)), Some(ABSENT_IMAGE))
            }
            _ => return Judged::not_asked("there is no known way to find out"),
        };
        let judged = answer.judged(CheckMethod::DryRun, Service::Ec2);
        match on {
            Some(absent) if absent.ends_with(&ABSENT_INSTANCE[2..]) => judged.noted(|| {
                "tried on an id that nothing has, for nothing that exists may be named here".to_owned()
            }),
            Some(real) => judged.noted(|| {
                format!("tried on {real}; a policy with conditions may decide otherwise on another resource")
            }),
            None => judged,
        }
    }

    /// `SendSSHPublicKey` to an instance that does not exist.
    async fn ask_instance_connect(&self) -> Judged {
        let request = self
            .instance_connect
            .send_ssh_public_key()
            .instance_id(ABSENT_INSTANCE)
            .instance_os_user("ec2-user")
            .ssh_public_key(public_key());
        let answer = Answer::of(&Box::pin(request.send()).await);
        answer.judged(CheckMethod::AbsentResource, Service::InstanceConnect)
    }

    async fn ask_to_launch(&self) -> Judged {
        let look_up = async || futures::join!(self.image(), self.subnet());
        let (image, subnet) = self.launch.get_or_init(look_up).await;
        let Some(image) = image else {
            return Judged::not_asked(
                "there is no image of Amazon's to be seen that a launch could be tried with",
            );
        };
        let Some(subnet) = subnet else {
            return Judged::not_asked("there is no subnet to be seen that a launch could be tried in");
        };
        let request = self
            .client
            .run_instances()
            .image_id(image)
            .instance_type(INSTANCE_TYPE)
            .subnet_id(subnet)
            .min_count(1)
            .max_count(1);
        let answer = dry_run!(request);
        answer.judged(CheckMethod::DryRun, Service::Ec2).noted(|| {
            format!("tried with {image} in {subnet}; a policy with conditions may decide otherwise on others")
        })
    }
}
