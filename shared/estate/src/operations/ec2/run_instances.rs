//! `ec2:RunInstances`. Sources: EC2 API Reference, `RunInstances`; EC2 Developer Guide, "Ensuring
//! idempotency in Amazon EC2 API requests"; Service Authorization Reference, Amazon EC2,
//! `RunInstances`; Amazon EBS User Guide, "Requirements for Amazon EBS encryption".

use access::CustomerSession;
use aws_sdk_ec2::operation::run_instances::RunInstancesOutput;
use aws_sdk_ec2::operation::run_instances::builders::RunInstancesFluentBuilder;
use aws_sdk_ec2::types::InstanceType;
use domain::Error;
use domain::policy::Statement;
use serde::Deserialize;
use serde_json::{Value, json};

use super::block_devices::{BlockDeviceMapping, check_devices, devices};
use super::describe_instance_types::is_type;
use super::launch_options::{
    CpuOptions, CreditSpecification, HibernationOptions, MetadataOptions, Monitoring, Placement,
    ShutdownBehavior, UserData, check_name,
};
use super::network_interfaces::{Interface, check_address, check_groups, check_interfaces};
use super::tagging::{
    TagSpecification, any, check_specifications, marked, named, needs_tagging, specifications, tagged,
};
use super::{MOST_INSTANCES, client, describe_instances, each, form, invalid, is_id};
use crate::operations::{Carry, Outcome, Place, not_done};

/// Launches instances, once however often it is sent: where the caller gives no `ClientToken`, the
/// operation's own name is one.
///
/// It takes no instance profile, which would give the instance rights that nobody gave Drawbridge, and
/// no launch template, which could bring one.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct RunInstances {
    /// From which image: its id.
    image_id: String,
    /// Of which type.
    instance_type: String,
    /// How many at least: 1 to 20, 1 unless said.
    #[serde(default)]
    min_count: Option<i32>,
    /// How many at most: as many as at least, unless said.
    #[serde(default)]
    max_count: Option<i32>,
    #[serde(default)]
    subnet_id: Option<String>,
    #[serde(default)]
    security_group_ids: Option<Vec<String>>,
    #[serde(default)]
    private_ip_address: Option<String>,
    #[serde(default)]
    network_interfaces: Option<Vec<Interface>>,
    #[serde(default)]
    key_name: Option<String>,
    #[serde(default)]
    block_device_mappings: Option<Vec<BlockDeviceMapping>>,
    #[serde(default)]
    ebs_optimized: Option<bool>,
    #[serde(default)]
    user_data: Option<UserData>,
    #[serde(default)]
    metadata_options: Option<MetadataOptions>,
    #[serde(default)]
    monitoring: Option<Monitoring>,
    #[serde(default)]
    placement: Option<Placement>,
    #[serde(default)]
    credit_specification: Option<CreditSpecification>,
    #[serde(default)]
    cpu_options: Option<CpuOptions>,
    #[serde(default)]
    hibernation_options: Option<HibernationOptions>,
    #[serde(default)]
    instance_initiated_shutdown_behavior: Option<ShutdownBehavior>,
    #[serde(default)]
    disable_api_termination: Option<bool>,
    #[serde(default)]
    disable_api_stop: Option<bool>,
    /// Of `instance`, `volume` and `network-interface`.
    #[serde(default)]
    tag_specifications: Option<Vec<TagSpecification>>,
    /// What makes this launch the same as another that was sent before.
    #[serde(default)]
    client_token: Option<String>,
    /// Known, so that it is refused by a name of its own.
    #[serde(default)]
    iam_instance_profile: Option<Value>,
}

/// What a launch makes, and can tag.
const MAKES: &[&str] = &["instance", "volume", "network-interface"];

/// What EC2 does with a customer's own KMS key in the caller's name, to make an encrypted volume. Nothing
/// of it can be done but through EC2, and not without the role's own right to it.
const WITH_KEYS: [&str; 5] = [
    "kms:CreateGrant",
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:ReEncrypt*",
];

impl Carry for RunInstances {
    const ACTION: &'static str = "ec2:RunInstances";

    fn check(&self) -> Result<(), Error> {
        if self.iam_instance_profile.is_some() {
            let detail = "Drawbridge launches without an instance profile: it would give the instance the rights of a \
                          role, which takes iam:PassRole, and no capability holds that";
            return Err(Error::refused("instance_profile_refused", detail).at("/IamInstanceProfile"));
        }
        if self.image_id.starts_with("resolve:ssm:") {
            let detail =
                "name the image by its id: which one a parameter leads to is decided by whoever may write it";
            return Err(Error::refused("image_reference_refused", detail).at("/ImageId"));
        }
        if !is_id(&self.image_id, "ami-") {
            return Err(invalid("/ImageId", "invalid_image_id", form("ami-")));
        }
        if !is_type(&self.instance_type) {
            let detail = "an instance type is written like m7g.large";
            return Err(invalid("/InstanceType", "invalid_instance_type", detail));
        }
        self.check_counts()?;
        self.check_network()?;
        check_name(self.key_name.as_deref(), "/KeyName", "key pair")?;
        check_devices(self.block_device_mappings.as_deref())?;
        self.user_data.as_ref().map_or(Ok(()), UserData::check)?;
        self.metadata_options.as_ref().map_or(Ok(()), MetadataOptions::check)?;
        self.placement.as_ref().map_or(Ok(()), Placement::check)?;
        self.cpu_options.map_or(Ok(()), CpuOptions::check)?;
        check_specifications(self.tag_specifications.as_deref(), MAKES)?;
        match &self.client_token {
            Some(token)
                if !(1..=64).contains(&token.len()) || !token.bytes().all(|b| b.is_ascii_graphic()) =>
            {
                let detail = "a client token is 1 to 64 visible ASCII characters";
                Err(invalid("/ClientToken", "invalid_client_token", detail))
            }
            _ => Ok(()),
        }
    }

    /// What is launched and made for it has no name yet; what it is made of is named, where the caller
    /// does. An image's snapshots are the image's to name.
    fn needs(&self, place: &Place) -> Vec<Statement> {
        let interfaces = self.network_interfaces.as_deref().unwrap_or_default();
        let mut resources = vec![any(place, "instance"), any(place, "volume"), any(place, "snapshot")];
        resources.push(named(place, "image", &self.image_id));
        // A launch without an interface of its own makes one.
        if interfaces.is_empty() || interfaces.iter().any(|interface| interface.attached().is_none()) {
            resources.push(any(place, "network-interface"));
        }
        resources.extend(
            interfaces.iter().filter_map(|one| Some(named(place, "network-interface", one.attached()?))),
        );
        // What one interface leaves out is the account's default, whatever another names.
        let made = || interfaces.iter().filter(|interface| interface.attached().is_none());
        if made().any(|interface| interface.subnet().is_none()) {
            resources.push(any(place, "subnet"));
        }
        if made().any(|interface| interface.groups().is_none()) {
            resources.push(any(place, "security-group"));
        }
        let subnets = self.subnet_id.iter().map(String::as_str);
        let subnets = subnets.chain(interfaces.iter().filter_map(Interface::subnet));
        extend(&mut resources, place, "subnet", subnets);
        let groups = self.security_group_ids.iter().flatten();
        let groups = groups.chain(interfaces.iter().filter_map(Interface::groups).flatten());
        extend(&mut resources, place, "security-group", groups.map(String::as_str));
        resources.extend(self.key_name.iter().map(|name| named(place, "key-pair", name)));
        let group = self.placement.as_ref().and_then(Placement::group);
        resources.extend(group.map(|name| named(place, "placement-group", name)));

        let through_ec2 = format!("ec2.{}.amazonaws.com*", place.region);
        let launching = Statement::allow([Self::ACTION], resources);
        let encrypting = Statement::allow(WITH_KEYS, ["*"]);
        let tagging = needs_tagging(place, "RunInstances", tagged(self.tag_specifications.as_deref()));
        let encrypting = encrypting.on_condition("StringLike", "kms:ViaService", &through_ec2);
        [launching].into_iter().chain(tagging).chain([encrypting]).collect()
    }

    async fn carry(&self, session: &CustomerSession, place: &Place, dry_run: bool) -> Outcome {
        // EC2 launches once for one token, so that an answer that was lost can be asked for again.
        let session = session.asking_again();
        let token = self.client_token.as_deref().unwrap_or(session.name());
        let request = self.request(client(&session, place).run_instances()).client_token(token);
        match request.dry_run(dry_run).send().await {
            Ok(launched) => launched_as_told(&launched),
            Err(error) => not_done(dry_run, [Self::ACTION.to_owned()], &error),
        }
    }
}

/// These by their ids, or whichever the account has for a default.
fn extend<'a>(resources: &mut Vec<String>, place: &Place, kind: &str, ids: impl Iterator<Item = &'a str>) {
    let mut named: Vec<_> = ids.map(|id| named(place, kind, id)).collect();
    named.sort_unstable();
    named.dedup();
    let default = any(place, kind);
    if named.is_empty() && !resources.contains(&default) {
        named.push(default);
    }
    resources.append(&mut named);
}

impl RunInstances {
    /// Marks what is launched as Drawbridge's own doing: nobody else sets such tags.
    pub(crate) fn mark(&mut self, key: &str, value: &str) {
        self.tag_specifications = Some(marked(self.tag_specifications.take(), key, value));
    }

    fn counts(&self) -> (i32, i32) {
        let least = self.min_count.unwrap_or(1);
        (least, self.max_count.unwrap_or(least))
    }

    fn check_counts(&self) -> Result<(), Error> {
        let most = i32::try_from(MOST_INSTANCES).unwrap_or(i32::MAX);
        let (least, at_most) = self.counts();
        for (name, count) in [("MinCount", least), ("MaxCount", at_most)] {
            if !(1..=most).contains(&count) {
                return Err(invalid(format!("/{name}"), "out_of_range", format!("{name} is 1 to {most}")));
            }
        }
        if at_most < least {
            return Err(invalid("/MaxCount", "out_of_range", "MaxCount is MinCount at least"));
        }
        let interfaces = self.network_interfaces.as_deref().unwrap_or_default();
        let for_one = self.private_ip_address.is_some() || interfaces.iter().any(Interface::is_for_one);
        if for_one && at_most > 1 {
            let detail = "an address, or an interface that there is, is for one instance";
            return Err(invalid("/MaxCount", "out_of_range", detail));
        }
        Ok(())
    }

    fn check_network(&self) -> Result<(), Error> {
        if let Some(interfaces) = &self.network_interfaces {
            let elsewhere = [
                ("SubnetId", self.subnet_id.is_some()),
                ("SecurityGroupIds", self.security_group_ids.is_some()),
                ("PrivateIpAddress", self.private_ip_address.is_some()),
            ];
            if let Some((name, _)) = elsewhere.into_iter().find(|(_, said)| *said) {
                let detail = "beside NetworkInterfaces it stands in there";
                return Err(invalid(format!("/{name}"), "invalid_network_interfaces", detail));
            }
            check_interfaces(interfaces)?;
        }
        if self.subnet_id.as_ref().is_some_and(|id| !is_id(id, "subnet-")) {
            return Err(invalid("/SubnetId", "invalid_subnet_id", form("subnet-")));
        }
        check_groups(self.security_group_ids.as_deref(), "/SecurityGroupIds")?;
        check_address(self.private_ip_address.as_deref(), "/PrivateIpAddress")
    }

    fn request(&self, request: RunInstancesFluentBuilder) -> RunInstancesFluentBuilder {
        let (least, at_most) = self.counts();
        let interfaces = self.network_interfaces.as_deref();
        request
            .image_id(&self.image_id)
            .instance_type(InstanceType::from(self.instance_type.as_str()))
            .min_count(least)
            .max_count(at_most)
            .set_subnet_id(self.subnet_id.clone())
            .set_security_group_ids(self.security_group_ids.clone())
            .set_private_ip_address(self.private_ip_address.clone())
            .set_network_interfaces(
                interfaces.map(|interfaces| interfaces.iter().map(Interface::sdk).collect()),
            )
            .set_key_name(self.key_name.clone())
            .set_block_device_mappings(devices(self.block_device_mappings.as_deref()))
            .set_ebs_optimized(self.ebs_optimized)
            .set_user_data(self.user_data.as_ref().map(UserData::sdk))
            .metadata_options(self.metadata_options.clone().unwrap_or_default().sdk())
            .set_monitoring(self.monitoring.map(Monitoring::sdk))
            .set_placement(self.placement.as_ref().map(Placement::sdk))
            .set_credit_specification(self.credit_specification.map(CreditSpecification::sdk))
            .set_cpu_options(self.cpu_options.map(CpuOptions::sdk))
            .set_hibernation_options(self.hibernation_options.map(HibernationOptions::sdk))
            .set_instance_initiated_shutdown_behavior(
                self.instance_initiated_shutdown_behavior.map(Into::into),
            )
            .set_disable_api_termination(self.disable_api_termination)
            .set_disable_api_stop(self.disable_api_stop)
            .set_tag_specifications(specifications(self.tag_specifications.as_deref()))
    }
}

/// The targets are the instances that were launched: by them the record leads to what there is now.
fn launched_as_told(launched: &RunInstancesOutput) -> Outcome {
    let ids = launched.instances().iter().filter_map(|instance| instance.instance_id()).map(str::to_owned);
    let output = json!({
        "ReservationId": launched.reservation_id(),
        "OwnerId": launched.owner_id(),
        "Instances": each(launched.instances(), describe_instances::instance),
    });
    Outcome::done(ids, output, launched)
}
