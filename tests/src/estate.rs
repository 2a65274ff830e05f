//! What a customer has in AWS, seen and made by the customer.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::{
    AttributeDefinition, BackupStatus, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
};
use aws_sdk_ec2::types::{InstanceType, ResourceType, Tag, TagSpecification};
use aws_types::region::Region;

use crate::customer::CustomerAccount;
use crate::stack::{Stack, eventually};

/// The image of Amazon's that instances are launched from; local AWS has this one.
const IMAGE: &str = "ami-0abcdef1234567890";

/// EC2 and DynamoDB in one Region of a customer's account.
#[derive(Debug, Clone)]
pub struct Estate {
    ec2: aws_sdk_ec2::Client,
    dynamodb: aws_sdk_dynamodb::Client,
}

impl Estate {
    /// What this account has in the Region.
    #[must_use]
    pub fn of(account: &CustomerAccount, region: &str) -> Self {
        Self::on(Stack::get(), account, region)
    }

    /// What this account has in the Region, in the AWS of another stack than the main one.
    #[must_use]
    pub fn on(stack: &Stack, account: &CustomerAccount, region: &str) -> Self {
        let config = stack.aws_as_root(&account.id).into_builder();
        let config = config.region(Region::new(region.to_owned())).build();
        Self { ec2: aws_sdk_ec2::Client::new(&config), dynamodb: aws_sdk_dynamodb::Client::new(&config) }
    }

    /// Launches an instance, and returns its id.
    pub async fn launch(&self) -> String {
        let tag = Tag::builder().key("kept").value("as it is").build();
        let tags = TagSpecification::builder().resource_type(ResourceType::Instance).tags(tag).build();
        let launched = self
            .ec2
            .run_instances()
            .image_id(IMAGE)
            .instance_type(InstanceType::T3Micro)
            .min_count(1)
            .max_count(1)
            .tag_specifications(tags)
            .send()
            .await
            .expect("the instance is launched");
        launched.instances()[0].instance_id().expect("an id").to_owned()
    }

    /// Makes an image of an instance, with its snapshots.
    pub async fn make_image(&self, instance: &str) {
        let image = self.ec2.create_image().instance_id(instance).name("kept");
        image.send().await.expect("the image is made");
    }

    /// Makes a table with one item, and a backup of it.
    pub async fn make_table(&self, name: &str) {
        self.make_bare_table(name).await;
        let value = aws_sdk_dynamodb::types::AttributeValue::S("kept".to_owned());
        self.dynamodb.put_item().table_name(name).item("pk", value).send().await.expect("the item is put");
        let backup = self.dynamodb.create_backup().table_name(name).backup_name("kept");
        let made = backup.send().await.expect("the backup is made").backup_details.expect("its details");
        eventually("the backup is available", async || {
            let told = self.dynamodb.describe_backup().backup_arn(&made.backup_arn).send().await;
            let backup = told.expect("the backup").backup_description.expect("its description");
            let details = backup.backup_details.expect("its details");
            (details.backup_status == BackupStatus::Available).then_some(())
        })
        .await;
    }

    /// Makes a table with nothing in it.
    pub async fn make_bare_table(&self, name: &str) {
        let key = KeySchemaElement::builder().attribute_name("pk").key_type(KeyType::Hash).build();
        let attribute = AttributeDefinition::builder()
            .attribute_name("pk")
            .attribute_type(ScalarAttributeType::S)
            .build();
        self.dynamodb
            .create_table()
            .table_name(name)
            .key_schema(key.expect("a key"))
            .attribute_definitions(attribute.expect("an attribute"))
            .billing_mode(BillingMode::PayPerRequest)
            .send()
            .await
            .expect("the table is made");
    }

    /// Deletes a table.
    pub async fn delete_table(&self, name: &str) {
        self.dynamodb.delete_table().table_name(name).send().await.expect("the table is deleted");
    }

    /// The names of all backups in the account, those of deleted tables too, in order.
    pub async fn backup_names(&self) -> Vec<String> {
        let (mut names, mut after) = (Vec::new(), None);
        loop {
            let page = self.dynamodb.list_backups().set_exclusive_start_backup_arn(after).send().await;
            let page = page.expect("backups");
            let backups = page.backup_summaries.unwrap_or_default().into_iter();
            names.extend(backups.filter_map(|backup| backup.backup_name));
            after = page.last_evaluated_backup_arn;
            if after.is_none() {
                break;
            }
        }
        names.sort();
        names
    }

    /// Has items of a table expire by an attribute.
    pub async fn expire_by(&self, table: &str, attribute: &str) {
        let specification = aws_sdk_dynamodb::types::TimeToLiveSpecification::builder()
            .attribute_name(attribute)
            .enabled(true)
            .build()
            .expect("a specification");
        let update = self.dynamodb.update_time_to_live().table_name(table);
        update.time_to_live_specification(specification).send().await.expect("it is set");
    }

    /// The tags of a table, in order.
    pub async fn tags_of(&self, table: &str) -> Vec<(String, String)> {
        let found = self.dynamodb.describe_table().table_name(table).send().await.expect("the table").table;
        let arn = found.and_then(|table| table.table_arn).expect("its ARN");
        let tags =
            self.dynamodb.list_tags_of_resource().resource_arn(arn).send().await.expect("its tags").tags;
        let mut tags: Vec<_> = tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)).collect();
        tags.sort();
        tags
    }

    /// The attribute that items of a table expire by, if they do.
    pub async fn expires_by(&self, table: &str) -> Option<String> {
        let told = self.dynamodb.describe_time_to_live().table_name(table).send().await.expect("its TTL");
        let expiry = told.time_to_live_description?;
        let is_on = expiry.time_to_live_status?.as_str().starts_with("ENABL");
        expiry.attribute_name.filter(|_| is_on)
    }

    /// Deletes a backup.
    pub async fn delete_backup(&self, arn: &str) {
        self.dynamodb.delete_backup().backup_arn(arn).send().await.expect("the backup is deleted");
    }

    /// The state that an instance is in; none if EC2 no longer tells of it.
    pub async fn state_of(&self, instance: &str) -> Option<String> {
        let found = self.ec2.describe_instances().instance_ids(instance).send().await.ok()?;
        let one = found.reservations().first()?.instances().first()?;
        Some(one.state()?.name()?.as_str().to_owned())
    }

    /// Stops an instance.
    pub async fn stop(&self, instance: &str) {
        self.ec2.stop_instances().instance_ids(instance).send().await.expect("the instance is stopped");
    }

    /// The ids of the volumes of an instance.
    pub async fn volumes_of(&self, instance: &str) -> Vec<String> {
        let volumes = self.ec2.describe_volumes().send().await.expect("volumes").volumes.unwrap_or_default();
        let is_its = |volume: &aws_sdk_ec2::types::Volume| {
            volume.attachments().iter().any(|attachment| attachment.instance_id() == Some(instance))
        };
        volumes.into_iter().filter(is_its).filter_map(|volume| volume.volume_id).collect()
    }

    /// Gives an instance another volume, as this device, and returns the volume's id.
    pub async fn attach_volume(&self, instance: &str, device: &str) -> String {
        let found = self.ec2.describe_instances().instance_ids(instance).send().await.expect("the instance");
        let placement = found.reservations()[0].instances()[0].placement().expect("its placement");
        let zone = placement.availability_zone().expect("its zone");
        let made = self.ec2.create_volume().availability_zone(zone).size(3).send().await;
        let volume = made.expect("the volume is made").volume_id.expect("its id");
        let attached = self.ec2.attach_volume().volume_id(&volume).instance_id(instance).device(device);
        attached.send().await.expect("the volume is attached");
        volume
    }

    /// Each of the account's snapshots, with its tags.
    pub async fn tags_of_snapshots(&self) -> BTreeMap<String, BTreeMap<String, String>> {
        let found = self.ec2.describe_snapshots().owner_ids("self").send().await.expect("snapshots");
        let told = |tag: &Tag| Some((tag.key()?.to_owned(), tag.value()?.to_owned()));
        let one = |one: &aws_sdk_ec2::types::Snapshot| {
            Some((one.snapshot_id()?.to_owned(), one.tags().iter().filter_map(told).collect()))
        };
        found.snapshots().iter().filter_map(one).collect()
    }

    /// The instances that were launched from an image, each with its type and its tags.
    pub async fn launched_from(&self, image: &str) -> Vec<(String, BTreeMap<String, String>)> {
        let found = self.ec2.describe_instances().send().await.expect("instances");
        let instances = found.reservations().iter().flat_map(aws_sdk_ec2::types::Reservation::instances);
        let told = |tag: &Tag| Some((tag.key()?.to_owned(), tag.value()?.to_owned()));
        let of_image = instances.filter(|one| one.image_id() == Some(image));
        of_image
            .filter_map(|one| {
                let tags = one.tags().iter().filter_map(told).collect();
                Some((one.instance_type()?.as_str().to_owned(), tags))
            })
            .collect()
    }

    /// Sets a tag of an EC2 resource.
    pub async fn tag(&self, resource: &str, key: &str, value: &str) {
        let tag = Tag::builder().key(key).value(value).build();
        self.ec2.create_tags().resources(resource).tags(tag).send().await.expect("it is tagged");
    }

    /// The ids of the account's images.
    pub async fn images(&self) -> Vec<String> {
        let images = self.ec2.describe_images().owners("self").send().await.expect("images");
        images.images.unwrap_or_default().into_iter().filter_map(|image| image.image_id).collect()
    }

    /// The ids of the account's snapshots.
    pub async fn snapshots(&self) -> Vec<String> {
        let snapshots = self.ec2.describe_snapshots().owner_ids("self").send().await.expect("snapshots");
        snapshots.snapshots.unwrap_or_default().into_iter().filter_map(|one| one.snapshot_id).collect()
    }

    /// The names of the account's tables.
    pub async fn tables(&self) -> Vec<String> {
        self.dynamodb.list_tables().send().await.expect("tables").table_names.unwrap_or_default()
    }

    /// Tags a table.
    pub async fn tag_table(&self, name: &str, key: &str, value: &str) {
        let table = self.dynamodb.describe_table().table_name(name).send().await.expect("the table").table;
        let arn = table.and_then(|table| table.table_arn).expect("its ARN");
        let tag = aws_sdk_dynamodb::types::Tag::builder().key(key).value(value).build().expect("a tag");
        self.dynamodb.tag_resource().resource_arn(arn).tags(tag).send().await.expect("it is tagged");
    }

    /// The ARNs of the backups of a table.
    pub async fn backups_of(&self, table: &str) -> Vec<String> {
        let backups = self.dynamodb.list_backups().table_name(table).send().await.expect("backups");
        let backups = backups.backup_summaries.unwrap_or_default().into_iter();
        backups.filter_map(|backup| backup.backup_arn).collect()
    }

    /// Puts an item with this key and this note.
    pub async fn put_item(&self, table: &str, key: &str, note: &str) {
        let text = |value: &str| aws_sdk_dynamodb::types::AttributeValue::S(value.to_owned());
        let put = self.dynamodb.put_item().table_name(table).item("pk", text(key)).item("note", text(note));
        put.send().await.expect("the item is put");
    }

    /// The keys of a table's items, in order.
    pub async fn keys(&self, table: &str) -> Vec<String> {
        let items = self.dynamodb.scan().table_name(table).send().await.expect("its items").items;
        let keys =
            items.unwrap_or_default().into_iter().filter_map(|item| item.get("pk")?.as_s().ok().cloned());
        let mut keys: Vec<_> = keys.collect();
        keys.sort();
        keys
    }

    /// Everything that is there, with all that AWS tells of it.
    pub async fn state(&self) -> BTreeMap<&'static str, String> {
        let instances = self.ec2.describe_instances().send().await.expect("instances");
        let volumes = self.ec2.describe_volumes().send().await.expect("volumes");
        let snapshots = self.ec2.describe_snapshots().owner_ids("self").send().await.expect("snapshots");
        let images = self.ec2.describe_images().owners("self").send().await.expect("images");
        let tags = self.ec2.describe_tags().send().await.expect("tags");
        let subnets = self.ec2.describe_subnets().send().await.expect("subnets");
        let groups = self.ec2.describe_security_groups().send().await.expect("groups");
        let backups = self.dynamodb.list_backups().send().await.expect("backups");
        let names = self.dynamodb.list_tables().send().await.expect("tables").table_names.unwrap_or_default();
        let mut tables = String::new();
        for name in names {
            let table = self.dynamodb.describe_table().table_name(&name).send().await.expect("a table").table;
            let ttl = self.dynamodb.describe_time_to_live().table_name(&name).send().await.expect("its TTL");
            let recovery = self.dynamodb.describe_continuous_backups().table_name(&name).send().await;
            let items = self.dynamodb.scan().table_name(&name).send().await.expect("its items").items;
            let recovery = recovery.expect("its recovery").continuous_backups_description;
            let ttl = ttl.time_to_live_description;
            let told = format!("{table:?} {ttl:?} {recovery:?} {items:?}");
            tables.push_str(&told);
        }
        BTreeMap::from([
            ("instances", format!("{:?}", instances.reservations)),
            ("volumes", format!("{:?}", volumes.volumes)),
            ("snapshots", format!("{:?}", snapshots.snapshots)),
            ("images", format!("{:?}", images.images)),
            ("tags", format!("{:?}", tags.tags)),
            ("subnets", format!("{:?}", subnets.subnets)),
            ("groups", format!("{:?}", groups.security_groups)),
            ("backups", format!("{:?}", backups.backup_summaries)),
            ("tables", tables),
        ])
    }
}
