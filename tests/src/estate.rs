//! What a customer has in AWS, seen and made by the customer.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
};
use aws_sdk_ec2::types::{InstanceType, ResourceType, Tag, TagSpecification};
use aws_types::region::Region;

use crate::customer::CustomerAccount;
use crate::stack::Stack;

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

    /// The same, of an account of another stack.
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

    /// The state that an instance is in.
    pub async fn instance_state(&self, id: &str) -> String {
        let found = self.ec2.describe_instances().instance_ids(id).send().await.expect("instances");
        let instance = &found.reservations()[0].instances()[0];
        instance.state().and_then(|state| state.name()).expect("its state").as_str().to_owned()
    }

    /// Makes an image of an instance, with its snapshots.
    pub async fn make_image(&self, instance: &str) {
        let image = self.ec2.create_image().instance_id(instance).name("kept");
        image.send().await.expect("the image is made");
    }

    /// Makes a table with one item, and a backup of it.
    pub async fn make_table(&self, name: &str) {
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
        let value = aws_sdk_dynamodb::types::AttributeValue::S("kept".to_owned());
        self.dynamodb.put_item().table_name(name).item("pk", value).send().await.expect("the item is put");
        let backup = self.dynamodb.create_backup().table_name(name).backup_name("kept");
        backup.send().await.expect("the backup is made");
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
