//! EC2, asked with `DryRun`.

use std::fmt;

use access::CustomerSession;
use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{Filter, InstanceSpecification, InstanceType, Reservation, Subnet, Tag};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::Region;
use domain::check::{CheckMethod, CheckOutcome, Permission};
use domain::policy::{ABSENT_IMAGE, ABSENT_INSTANCE, ABSENT_SNAPSHOT};
use tokio::sync::OnceCell;

use super::answer::{Answer, Judged, Service};

/// Fewest results that this list takes as a page. Source: EC2 API Reference, `DescribeInstances`,
/// `MaxResults`.
const FEWEST: i32 = 5;

/// How many subnets are looked at for one that suits.
const SUBNETS: i32 = 100;

/// The one Availability Zone that has nothing as new as `INSTANCE_TYPE`: a launch there is
/// `Unsupported`, whoever asks. Its name differs from account to account, its id does not. Source: EC2
/// User Guide, "Regions and Zones", "AZ IDs"; EC2's own words, in ned1313/Getting-Started-Terraform
/// issue 44.
const OLD_ZONE: &str = "use1-az3";

/// What is launched to find out whether it could be: the smallest of the oldest generation that is
/// everywhere, with the processor of the image below.
const INSTANCE_TYPE: InstanceType = InstanceType::T3Micro;

/// Amazon's own image, which every account can launch, with whatever kernel it comes by now. Source:
/// Amazon Linux 2023 User Guide, "Naming and versioning".
const IMAGE_NAME: &str = "al2023-ami-2023.*-kernel-*-x86_64";

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

/// What a look-up came to: an id, if the role may see one, or that AWS did not say.
type Found = Result<Option<String>, Judged>;

/// What an action is tried on.
enum On<'a> {
    /// It names nothing.
    Nothing,
    /// This instance, if one was found.
    Instance(Option<&'a str>),
    /// It destroys, and names what does not exist.
    Absent,
}

/// EC2 in one Region of a customer's account.
pub(super) struct Ec2 {
    client: Client,
    instance_connect: aws_sdk_ec2instanceconnect::Client,
    /// An instance that exists, once somebody needs one.
    instance: OnceCell<Found>,
    /// An image and a subnet that a launch can be tried with, once somebody needs them.
    launch: OnceCell<(Found, Found)>,
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

    async fn instance(&self) -> Found {
        let states =
            Filter::builder().name("instance-state-name").values("running").values("stopped").build();
        let request = self.client.describe_instances().filters(states).max_results(FEWEST);
        let page = Box::pin(request.send()).await;
        let answer = Answer::of(&page);
        let Ok(page) = page else { return not_seen(&answer) };
        let mut instances = page.reservations().iter().flat_map(Reservation::instances);
        Ok(instances.find_map(|instance| instance.instance_id().map(str::to_owned)))
    }

    async fn image(&self) -> Found {
        let filter = |name: &str, value: &str| Filter::builder().name(name).values(value).build();
        let request = self
            .client
            .describe_images()
            .owners("amazon")
            .filters(filter("name", IMAGE_NAME))
            .filters(filter("state", "available"));
        let images = Box::pin(request.send()).await;
        let answer = Answer::of(&images);
        let Ok(images) = images else { return not_seen(&answer) };
        let newest = images.images().iter().max_by_key(|image| image.creation_date().map(str::to_owned));
        Ok(newest.and_then(|image| image.image_id().map(str::to_owned)))
    }

    async fn subnet(&self) -> Found {
        let page = Box::pin(self.client.describe_subnets().max_results(SUBNETS).send()).await;
        let answer = Answer::of(&page);
        let Ok(page) = page else { return not_seen(&answer) };
        let subnet = page.subnets().iter().max_by_key(|subnet| suits(subnet));
        Ok(subnet.and_then(|subnet| subnet.subnet_id().map(str::to_owned)))
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
        let found = if NEEDS_INSTANCE.contains(&name) {
            match self.instance.get_or_init(|| self.instance()).await {
                Ok(found) => found.as_deref(),
                Err(unknown) => return unknown.clone(),
            }
        } else {
            None
        };
        let (instance, on_instance) = (found.unwrap_or(ABSENT_INSTANCE), On::Instance(found));
        let ec2 = &self.client;
        let (answer, on) = match name {
            "DescribeInstances" => (dry_run!(ec2.describe_instances()), On::Nothing),
            "DescribeVolumes" => (dry_run!(ec2.describe_volumes()), On::Nothing),
            "DescribeTags" => (dry_run!(ec2.describe_tags()), On::Nothing),
            "DescribeInstanceStatus" => (dry_run!(ec2.describe_instance_status()), On::Nothing),
            "DescribeVolumeStatus" => (dry_run!(ec2.describe_volume_status()), On::Nothing),
            "DescribeSecurityGroups" => (dry_run!(ec2.describe_security_groups()), On::Nothing),
            "DescribeRouteTables" => (dry_run!(ec2.describe_route_tables()), On::Nothing),
            "DescribeSubnets" => (dry_run!(ec2.describe_subnets()), On::Nothing),
            "DescribeVpcs" => (dry_run!(ec2.describe_vpcs()), On::Nothing),
            "DescribeImages" => (dry_run!(ec2.describe_images().owners("self")), On::Nothing),
            "DescribeInstanceTypes" => (dry_run!(ec2.describe_instance_types()), On::Nothing),
            "DescribeSnapshots" => (dry_run!(ec2.describe_snapshots().owner_ids("self")), On::Nothing),
            "StartInstances" => (dry_run!(ec2.start_instances().instance_ids(instance)), on_instance),
            "StopInstances" => (dry_run!(ec2.stop_instances().instance_ids(instance)), on_instance),
            "RebootInstances" => (dry_run!(ec2.reboot_instances().instance_ids(instance)), on_instance),
            "CreateTags" => {
                let tag = Tag::builder().key("drawbridge:probe").value("dry-run").build();
                (dry_run!(ec2.create_tags().resources(instance).tags(tag)), on_instance)
            }
            "CreateSnapshots" => {
                let of = InstanceSpecification::builder().instance_id(instance).build();
                (dry_run!(ec2.create_snapshots().instance_specification(of)), on_instance)
            }
            "CreateImage" => {
                let image = ec2.create_image().instance_id(instance).name("drawbridge-probe").no_reboot(true);
                (dry_run!(image), on_instance)
            }
            // From here on nothing that exists is named.
            "TerminateInstances" => {
                (dry_run!(ec2.terminate_instances().instance_ids(ABSENT_INSTANCE)), On::Absent)
            }
            "DeleteSnapshot" => (dry_run!(ec2.delete_snapshot().snapshot_id(ABSENT_SNAPSHOT)), On::Absent),
            "DeregisterImage" => (dry_run!(ec2.deregister_image().image_id(ABSENT_IMAGE)), On::Absent),
            _ => return Judged::not_asked("there is no known way to find out"),
        };
        match on {
            On::Nothing => answer.judged(CheckMethod::DryRun, Service::Ec2),
            On::Instance(Some(real)) => {
                answer.judged(CheckMethod::DryRun, Service::Ec2Resource).noted(|| {
                    format!(
                        "tried on {real}; a policy with conditions may decide otherwise on another resource"
                    )
                })
            }
            On::Instance(None) => {
                let why = "there is no instance to be seen that it could be tried on";
                answer.judged(CheckMethod::DryRun, Service::Ec2Resource).of_what_is_absent(why)
            }
            On::Absent => {
                let why = "it destroys, so it was tried on an id that nothing has";
                answer.judged(CheckMethod::DryRun, Service::Ec2Resource).of_what_is_absent(why)
            }
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
        // One after the other: how many questions are in flight is counted by those who ask.
        let look_up = async || (self.image().await, self.subnet().await);
        let (image, subnet) = match self.launch.get_or_init(look_up).await {
            (Ok(image), Ok(subnet)) => (image, subnet),
            (Err(unknown), _) | (_, Err(unknown)) => return unknown.clone(),
        };
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
        answer.judged(CheckMethod::DryRun, Service::Ec2Resource).noted(|| {
            format!("tried with {image} in {subnet}; a policy with conditions may decide otherwise on others")
        })
    }
}

/// Whether `INSTANCE_TYPE` is to be had in this subnet: not on an Outpost, nor in a Local or Wavelength
/// Zone, whose ids have a part more (`usw2-lax1-az1`). Source: EC2 User Guide, "Regions and Zones".
fn suits(subnet: &Subnet) -> bool {
    let zone = subnet.availability_zone_id();
    let in_region = zone.is_none_or(|id| id.matches('-').count() == 1 && id != OLD_ZONE);
    in_region && subnet.outpost_arn().is_none()
}

/// A look-up that came to nothing: the role may not look, unless AWS did not say.
fn not_seen(answer: &Answer) -> Found {
    let judged = answer.judged(CheckMethod::DryRun, Service::Ec2);
    if judged.outcome == CheckOutcome::Inconclusive { Err(judged) } else { Ok(None) }
}
