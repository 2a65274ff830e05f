//! A customer's account on moto, reached as the product reaches it: through a broker, with a session
//! of the connection's role.

use std::collections::BTreeMap;

use access::{Brokers, CustomerSession, Opened, Sessions};
use aws_credential_types::Credentials;
use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{Filter, InstanceType};
use aws_smithy_async::time::SystemTimeSource;
use blackbox::Stack;
use domain::grant::Shard;
use domain::policy::{PolicyDocument, trying_ec2};
use domain::sample::{created, deployment, submitted};
use domain::{Connection, RoleArn};

/// Where everything is.
pub const REGION: &str = "eu-west-3";

/// An account that nobody else uses.
#[derive(Debug)]
pub struct Account {
    connection: Connection,
    sessions: Sessions,
}

impl Account {
    /// A new account. moto makes no difference between an account that exists and another, and gives
    /// out a session of any role; what is made with it belongs to the role's account.
    pub async fn new() -> Self {
        let stack = Stack::get();
        let url = stack.moto_url.as_ref();
        let url = url.unwrap_or_else(|| {
            panic!("moto answers nowhere: start the stack with --moto, as `make test` does")
        });
        let config = stack.aws(Credentials::from_keys("function", "secret", None)).into_builder();
        let config = config.endpoint_url(url).time_source(SystemTimeSource::new()).build();
        let sessions = Sessions::new(Brokers::new(config, deployment()));
        let role = blackbox::CustomerAccount::new().role_arn("customer");
        let change = submitted(&created().connection, &role);
        let account = Self { connection: Connection { shard: Shard::new(1), ..change.connection }, sessions };
        // moto makes an account's defaults, such as its VPC, when it is first looked at.
        account.state().await;
        account
    }

    /// The role that the customer made.
    pub fn role(&self) -> RoleArn {
        self.connection.role_arn.clone().unwrap()
    }

    /// A session of the role's.
    pub async fn session(&self, policy: &PolicyDocument) -> CustomerSession {
        let opened = Box::pin(self.sessions.open(&self.connection, "drawbridge-test", policy)).await;
        match opened.unwrap() {
            Opened::Open(session) => session,
            shut => panic!("moto gave no session: {shut:?}"),
        }
    }

    /// A client that does what it is told.
    pub async fn ec2(&self) -> Client {
        let session = self.session(&trying_ec2(&self.role(), &super::everything())).await;
        Client::new(&session.in_region(&REGION.parse().unwrap()))
    }

    /// Launches an instance in a subnet of its own, and returns its id.
    pub async fn launch_instance_in_new_subnet(&self) -> String {
        let ec2 = self.ec2().await;
        let vpc = ec2.create_vpc().cidr_block("10.0.0.0/16").send().await.unwrap().vpc.unwrap();
        let subnet = ec2.create_subnet().vpc_id(vpc.vpc_id.unwrap()).cidr_block("10.0.1.0/24");
        let subnet = subnet.send().await.unwrap().subnet.unwrap();
        let named = Filter::builder().name("name").values("al2023-ami-2023.*-x86_64").build();
        let images = ec2.describe_images().owners("amazon").filters(named).send().await.unwrap();
        let image = images.images().first().unwrap().image_id().unwrap();
        let launched = ec2
            .run_instances()
            .image_id(image)
            .instance_type(InstanceType::T3Micro)
            .subnet_id(subnet.subnet_id.unwrap())
            .min_count(1)
            .max_count(1)
            .send()
            .await
            .unwrap();
        let instance = launched.instances().first().unwrap().instance_id().unwrap().to_owned();
        let tag = aws_sdk_ec2::types::Tag::builder().key("Name").value("precious").build();
        ec2.create_tags().resources(&instance).tags(tag).send().await.unwrap();
        instance
    }

    /// Makes an image of an instance, and with it snapshots of its volumes.
    pub async fn back_up(&self, instance: &str) {
        self.ec2().await.create_image().instance_id(instance).name("precious").send().await.unwrap();
    }

    /// All that EC2 has in the account, kind by kind. moto answers in one page.
    pub async fn state(&self) -> BTreeMap<&'static str, String> {
        let ec2 = self.ec2().await;
        macro_rules! all {
            ($request:expr, $list:ident) => {{
                let page = $request.send().await.unwrap();
                let mut each: Vec<_> = page.$list().iter().map(|one| format!("{one:?}")).collect();
                each.sort();
                each.join("\n")
            }};
        }
        BTreeMap::from([
            ("instances", all!(ec2.describe_instances(), reservations)),
            ("volumes", all!(ec2.describe_volumes(), volumes)),
            ("snapshots", all!(ec2.describe_snapshots().owner_ids("self"), snapshots)),
            ("images", all!(ec2.describe_images().owners("self"), images)),
            ("tags", all!(ec2.describe_tags(), tags)),
            ("vpcs", all!(ec2.describe_vpcs(), vpcs)),
            ("subnets", all!(ec2.describe_subnets(), subnets)),
            ("security groups", all!(ec2.describe_security_groups(), security_groups)),
            ("route tables", all!(ec2.describe_route_tables(), route_tables)),
            ("network interfaces", all!(ec2.describe_network_interfaces(), network_interfaces)),
            ("addresses", all!(ec2.describe_addresses(), addresses)),
            ("key pairs", all!(ec2.describe_key_pairs(), key_pairs)),
            ("launch templates", all!(ec2.describe_launch_templates(), launch_templates)),
        ])
    }
}
