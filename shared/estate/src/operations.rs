//! Operations: one IAM action, carried out once in a customer's account.
//!
//! Each action has a file of its own with the input that it takes, under AWS's own parameter names,
//! what a session needs to carry it out, and how that is done. [`Request::read`] is the table of all
//! of them. An input's type says what may be asked: what it does not name, nobody can send.

pub(crate) mod attribute_value;
pub(crate) mod deadline;
pub(crate) mod dynamodb;
pub(crate) mod ec2;
mod outcome;

use access::CustomerSession;
use domain::policy::{PolicyDocument, Statement};
use domain::{AccountId, Action, Connection, Error, Partition, Region};
use serde_json::Value;

pub use ec2::Goal;
pub use outcome::{Outcome, failed, passes, passing, succeeded};
pub(crate) use outcome::{failed_by, not_begun, not_done, unanswered};

/// What an action that lasts calls its targets, under AWS's name.
pub const LASTING_TARGETS: &str = "InstanceIds";

/// Where an operation takes place.
#[derive(Debug, Clone)]
pub struct Place {
    /// The partition of the customer's account.
    pub partition: Partition,
    /// The customer's account.
    pub account: AccountId,
    /// The Region.
    pub region: Region,
}

impl Place {
    /// This Region of the connection's account.
    ///
    /// # Errors
    /// When the connection has no role.
    pub fn of(connection: &Connection, region: &Region) -> Result<Self, Error> {
        let role = connection
            .role_arn
            .as_ref()
            .ok_or_else(|| Error::internal(format!("{} has no role to act with", connection.id)))?;
        Ok(Self { partition: role.partition(), account: role.account().clone(), region: region.clone() })
    }

    /// The ARN of a table, an index of all of its own included where `suffix` says so.
    #[must_use]
    pub fn table(&self, name: &str, suffix: &str) -> String {
        let Self { partition, account, region } = self;
        format!("arn:{partition}:dynamodb:{region}:{account}:table/{name}{suffix}")
    }

    /// The ARN of an EC2 resource of the account's, such as `instance/i-0abc…`.
    #[must_use]
    pub fn ec2(&self, resource: &str) -> String {
        let Self { partition, account, region } = self;
        format!("arn:{partition}:ec2:{region}:{account}:{resource}")
    }

    /// The ARN of an EC2 resource of a kind whose ARNs name no account: images and snapshots.
    #[must_use]
    pub fn shared_ec2(&self, resource: &str) -> String {
        let Self { partition, region, .. } = self;
        format!("arn:{partition}:ec2:{region}::{resource}")
    }
}

/// One action's input: what it takes, what it needs, how it is carried out.
pub(crate) trait Carry: serde::de::DeserializeOwned {
    /// The IAM action.
    const ACTION: &'static str;

    /// Whether AWS can be asked if it would carry it out.
    const DRY_RUN: bool = true;

    /// The state that its targets are to reach, where AWS takes longer over it than an answer may wait.
    /// Such an action can be asked for again without harm.
    const GOAL: Option<Goal> = None;

    /// What it takes besides its own action and is refused for want of beforehand, with the pointer to what
    /// takes it. AWS may ask for more, and names that itself.
    fn companions(&self) -> Option<(&'static str, &'static str)> {
        None
    }

    /// Refuses what AWS would refuse, or what nobody should ask for, before anything is asked.
    fn check(&self) -> Result<(), Error> {
        Ok(())
    }

    /// Refuses what names another place: a resource of another account, partition or Region.
    fn belongs(&self, _place: &Place) -> Result<(), Error> {
        Ok(())
    }

    /// What the session may do, and nothing else: the action with its companions, on these resources.
    fn needs(&self, place: &Place) -> Vec<Statement>;

    /// What the session of a dry run may do: the same, where AWS itself can be asked if it would.
    fn needs_dry(&self, place: &Place) -> Vec<Statement> {
        self.needs(place)
    }

    /// Carries it out, or asks AWS if it would.
    fn carry(
        &self,
        session: &CustomerSession,
        place: &Place,
        dry_run: bool,
    ) -> impl Future<Output = Outcome> + Send;
}

/// Makes the table of all operations: the request of each action, and what is done with it.
macro_rules! operations {
    ($($name:ident: $input:ty),* $(,)?) => {
        /// One operation that somebody asks for, its input read and checked.
        #[derive(Debug, Clone)]
        pub enum Request {
            $(
                #[doc = concat!("`", stringify!($name), "`.")]
                $name(Box<$input>),
            )*
        }

        impl Request {
            /// Reads the input of an action by `read`, which refuses fields that it does not know, to be
            /// carried out in `place`. `None` for an action that there is no operation for.
            ///
            /// # Errors
            /// What `read` refuses, and what the action's own rules do; 422 `foreign_resource` for what is
            /// not in `place`, and `too_many_resources` for more than one session can be limited to.
            pub fn read(
                action: Action,
                input: &Value,
                place: &Place,
                read: &impl Read,
            ) -> Option<Result<Self, Error>> {
                $(
                    if action.as_str() == <$input as Carry>::ACTION {
                        return Some(read.read::<$input>(input).and_then(|input| {
                            Carry::check(&input).map_err(|error| error.at("/input"))?;
                            Carry::belongs(&input, place).map_err(|error| error.at("/input"))?;
                            let request = Self::$name(Box::new(input));
                            for dry_run in [false, true] {
                                fits(&request.session_policy(place, dry_run))?;
                            }
                            Ok(request)
                        }));
                    }
                )*
                None
            }

            /// Refuses a dry run of what AWS has none of.
            ///
            /// # Errors
            /// 422 `dry_run_unsupported`.
            pub fn admit_dry_run(&self) -> Result<(), Error> {
                let supported = match self {
                    $(Self::$name(_) => <$input as Carry>::DRY_RUN,)*
                };
                let (code, detail) = outcome::NO_DRY_RUN;
                if supported { Ok(()) } else { Err(Error::refused(code, detail).at("/dry_run")) }
            }

            /// The state that its targets are to reach, if it lasts.
            #[must_use]
            pub fn goal(&self) -> Option<Goal> {
                match self {
                    $(Self::$name(_) => <$input as Carry>::GOAL,)*
                }
            }

            /// Refuses what takes more than a connection's capabilities hold.
            ///
            /// # Errors
            /// 403 `capability_missing`.
            pub fn admit_companions(&self, connection: &Connection) -> Result<(), Error> {
                let companions = match self {
                    $(Self::$name(input) => input.companions(),)*
                };
                let Some((action, at)) = companions else { return Ok(()) };
                let action = action.parse()?;
                connection.admit_companions(&[action]).map_err(|error| error.at(at).at("/input"))
            }

            /// What a session needs to carry it out, or for a dry run of it.
            #[must_use]
            pub fn session_policy(&self, place: &Place, dry_run: bool) -> PolicyDocument {
                PolicyDocument::new(match self {
                    $(
                        Self::$name(input) if dry_run => input.needs_dry(place),
                        Self::$name(input) => input.needs(place),
                    )*
                })
            }

            /// Carries it out, or asks AWS if it would.
            pub async fn carry(&self, session: &CustomerSession, place: &Place, dry_run: bool) -> Outcome {
                match self {
                    $(Self::$name(input) => Box::pin(input.carry(session, place, dry_run)).await,)*
                }
            }
        }

        /// The actions that there are operations for.
        pub const OFFERED: &[&str] = &[$(<$input as Carry>::ACTION),*];
    };
}

/// Longest session policy, in characters. Source: IAM User Guide, "IAM and AWS STS quotas".
const LONGEST_POLICY: usize = 2048;

/// Refuses what no session can be limited to.
pub(crate) fn fits(policy: &PolicyDocument) -> Result<(), Error> {
    if policy.to_json().len() <= LONGEST_POLICY {
        return Ok(());
    }
    Err(Error::refused(
        "too_many_resources",
        "the request names more resources than one session can be limited to; ask for fewer at once",
    )
    .at("/input"))
}

/// Reads inputs, and refuses what they do not know.
pub trait Read {
    /// Reads an input.
    ///
    /// # Errors
    /// 400 `unknown_field`, `invalid_type`, with pointers below `/input`.
    fn read<T: serde::de::DeserializeOwned>(&self, input: &Value) -> Result<T, Error>;
}

operations! {
    DescribeInstances: ec2::describe_instances::DescribeInstances,
    DescribeVolumes: ec2::describe_volumes::DescribeVolumes,
    DescribeTags: ec2::describe_tags::DescribeTags,
    DescribeInstanceStatus: ec2::describe_instance_status::DescribeInstanceStatus,
    DescribeVolumeStatus: ec2::describe_volume_status::DescribeVolumeStatus,
    DescribeSecurityGroups: ec2::describe_security_groups::DescribeSecurityGroups,
    DescribeRouteTables: ec2::describe_route_tables::DescribeRouteTables,
    DescribeSubnets: ec2::describe_subnets::DescribeSubnets,
    DescribeVpcs: ec2::describe_vpcs::DescribeVpcs,
    DescribeImages: ec2::describe_images::DescribeImages,
    DescribeInstanceTypes: ec2::describe_instance_types::DescribeInstanceTypes,
    StartInstances: ec2::start_instances::StartInstances,
    StopInstances: ec2::stop_instances::StopInstances,
    RebootInstances: ec2::reboot_instances::RebootInstances,
    RunInstances: ec2::run_instances::RunInstances,
    CreateTags: ec2::create_tags::CreateTags,
    SendSshPublicKey: ec2::send_ssh_public_key::SendSshPublicKey,
    CreateSnapshots: ec2::create_snapshots::CreateSnapshots,
    DescribeSnapshots: ec2::describe_snapshots::DescribeSnapshots,
    TerminateInstances: ec2::terminate_instances::TerminateInstances,
    DeregisterImage: ec2::deregister_image::DeregisterImage,
    DeleteSnapshot: ec2::delete_snapshot::DeleteSnapshot,
    CreateImage: ec2::create_image::CreateImage,
    ListTables: dynamodb::list_tables::ListTables,
    DescribeTable: dynamodb::describe_table::DescribeTable,
    ListBackups: dynamodb::list_backups::ListBackups,
    DescribeBackup: dynamodb::describe_backup::DescribeBackup,
    CreateBackup: dynamodb::create_backup::CreateBackup,
    DescribeContinuousBackups: dynamodb::describe_continuous_backups::DescribeContinuousBackups,
    DescribeTimeToLive: dynamodb::describe_time_to_live::DescribeTimeToLive,
    ListTagsOfResource: dynamodb::list_tags_of_resource::ListTagsOfResource,
    RestoreTableFromBackup: dynamodb::restore_table_from_backup::RestoreTableFromBackup,
    BatchGetItem: dynamodb::batch_get_item::BatchGetItem,
    BatchWriteItem: dynamodb::batch_write_item::BatchWriteItem,
    PutItem: dynamodb::put_item::PutItem,
    UpdateItem: dynamodb::update_item::UpdateItem,
    GetItem: dynamodb::get_item::GetItem,
    Query: dynamodb::query::Query,
    Scan: dynamodb::scan::Scan,
    UpdateTimeToLive: dynamodb::update_time_to_live::UpdateTimeToLive,
    TagResource: dynamodb::tag_resource::TagResource,
    UpdateTable: dynamodb::update_table::UpdateTable,
    UpdateContinuousBackups: dynamodb::update_continuous_backups::UpdateContinuousBackups,
    CreateTable: dynamodb::create_table::CreateTable,
    DeleteTable: dynamodb::delete_table::DeleteTable,
    DeleteBackup: dynamodb::delete_backup::DeleteBackup,
    DeleteItem: dynamodb::delete_item::DeleteItem,
}

#[cfg(test)]
mod tests;
