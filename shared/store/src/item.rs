//! Where items are in the table, and what every item looks like.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::invite::InviteHash;
use domain::{
    AccountId, BackupId, ConnectionId, CustomerId, Error, OperationId, PlanId, ReconciliationId, Region,
    RoleArn, RunId, ScheduleId,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// An item as the SDK has it.
pub(crate) type Item = HashMap<String, AttributeValue>;

/// The key of one item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Key {
    pub pk: String,
    pub sk: String,
}

impl Key {
    fn new(pk: String, sk: &str) -> Self {
        Self { pk, sk: sk.to_owned() }
    }

    pub fn customer(id: CustomerId) -> Self {
        Self::new(format!("CUSTOMER#{id}"), "META")
    }

    pub fn connection(id: ConnectionId) -> Self {
        Self::new(format!("CONNECTION#{id}"), "META")
    }

    pub fn role_owner(role: &RoleArn) -> Self {
        Self::new(format!("ROLE#{role}"), "OWNER")
    }

    pub fn role_grant(role: &RoleArn) -> Self {
        Self::new(format!("ROLE#{role}"), "GRANT")
    }

    pub fn grant_shard(shard: domain::grant::Shard) -> Self {
        Self::new(format!("GRANT#{shard}"), "META")
    }

    /// How full each grant is.
    pub fn grant_use() -> Self {
        Self::new("GRANTS".to_owned(), "USE")
    }

    pub fn invite(hash: &InviteHash) -> Self {
        Self::new(format!("INVITE#{hash}"), "META")
    }

    /// When the customer of a connection last asked for something by invite.
    pub fn invite_use(id: ConnectionId) -> Self {
        Self::new(format!("CONNECTION#{id}"), "INVITE_USE")
    }

    pub fn idempotency(hash: &str) -> Self {
        Self::new(format!("IDEMPOTENCY#{hash}"), "META")
    }

    pub fn operation(id: OperationId) -> Self {
        Self::new(format!("OPERATION#{id}"), "META")
    }

    pub fn plan(id: PlanId) -> Self {
        Self::new(format!("PLAN#{id}"), "META")
    }

    /// What a plan would carry out, which is kept as long as the plan can be applied.
    pub fn plan_input(id: PlanId) -> Self {
        Self::new(format!("PLAN#{id}"), "INPUT")
    }

    pub fn schedule(id: ScheduleId) -> Self {
        Self::new(format!("SCHEDULE#{id}"), "META")
    }

    pub fn run(id: RunId) -> Self {
        Self::new(format!("RUN#{id}"), "META")
    }

    /// One connection's part of a run.
    pub fn part(run: RunId, connection: ConnectionId) -> Self {
        Self::new(format!("RUN#{run}"), &format!("PART#{connection}"))
    }

    /// A chunk, which stands behind its part.
    pub fn chunk(run: RunId, connection: ConnectionId, number: u32) -> Self {
        Self::new(format!("RUN#{run}"), &format!("PART#{connection}#CHUNK#{number:07}"))
    }

    pub fn backup(connection: ConnectionId, region: &Region, resource: &str, id: BackupId) -> Self {
        Self::new(format!("CONNECTION#{connection}"), &format!("BACKUP#{region}#{resource}#{id}"))
    }

    /// A table that a drill has made.
    pub fn drill_table(connection: ConnectionId, region: &Region, target: &str) -> Self {
        Self::new(format!("CONNECTION#{connection}"), &format!("DRILL#{region}#{target}"))
    }

    /// What is remembered of an instance that is stopped and started.
    pub fn power(connection: ConnectionId, region: &Region, instance: &str) -> Self {
        Self::new(format!("CONNECTION#{connection}"), &format!("POWER#{region}#{instance}"))
    }

    /// Where a backup is found by its id.
    pub fn backup_pointer(id: BackupId) -> Self {
        Self::new(format!("BACKUP#{id}"), "META")
    }

    /// Until when the turns of one kind of call are taken.
    pub fn pace(account: &AccountId, region: &Region, call: &str) -> Self {
        Self::new(format!("PACE#{account}#{region}#{call}"), "META")
    }

    pub fn reconciliation(id: ReconciliationId) -> Self {
        Self::new(format!("RECONCILIATION#{id}"), "META")
    }

    pub fn into_item(self) -> Item {
        HashMap::from([("pk".to_owned(), text(self.pk)), ("sk".to_owned(), text(self.sk))])
    }
}

/// A string attribute.
pub(crate) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

/// A number attribute.
pub(crate) fn number(value: u64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// A set of one string.
pub(crate) fn set_of(value: impl Into<String>) -> AttributeValue {
    AttributeValue::Ss(vec![value.into()])
}

/// `record` as an item at `key`.
pub(crate) fn to_item<T: Serialize>(key: Key, record: T) -> Result<Item, Error> {
    let mut item: Item = serde_dynamo::aws_sdk_dynamodb_1::to_item(record).map_err(Error::internal)?;
    item.extend(key.into_item());
    Ok(item)
}

/// The record that an item holds.
pub(crate) fn from_item<T: DeserializeOwned>(item: Item) -> Result<T, Error> {
    serde_dynamo::aws_sdk_dynamodb_1::from_item(item).map_err(Error::internal)
}

/// One attribute's value.
pub(crate) fn attribute<T: Serialize>(value: T) -> Result<AttributeValue, Error> {
    serde_dynamo::aws_sdk_dynamodb_1::to_attribute_value(value).map_err(Error::internal)
}

/// The key of the item that an index's entry stands for.
pub(crate) fn key_of(entry: &Item) -> Option<Item> {
    ["pk", "sk"].into_iter().map(|name| Some((name.to_owned(), entry.get(name)?.clone()))).collect()
}

/// A list that one of the table's indexes holds. All have the range key `list_id`, the id of what
/// is listed, which sorts by creation. Indexes hold keys alone, so that a step of a verification
/// rewrites none of them, and no external ID stands there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listing {
    /// Every customer.
    Customers,
    /// Every connection.
    Connections,
    /// The connections of one customer.
    OfCustomer(CustomerId),
    /// The connections in one state.
    InState(domain::ConnectionState),
    /// The operations of one connection.
    Operations(ConnectionId),
    /// Every run.
    Runs,
    /// The runs that one connection is part of: what is listed are its parts.
    RunsOf(ConnectionId),
    /// Every schedule, deleted ones too.
    Schedules,
    /// The schedules of one connection.
    SchedulesOf(ConnectionId),
    /// What has no backup as new as it was promised, of all connections.
    Stale,
}

impl Listing {
    /// The index, its hash key, and the value of that.
    pub(crate) fn index(&self) -> (&'static str, &'static str, String) {
        match self {
            Self::Customers => ("list", "list_key", "customers".to_owned()),
            Self::Connections => ("list", "list_key", "connections".to_owned()),
            Self::Operations(id) => ("list", "list_key", format!("operations#{id}")),
            Self::Runs => ("list", "list_key", "runs".to_owned()),
            Self::RunsOf(id) => ("list", "list_key", format!("runs#{id}")),
            Self::SchedulesOf(id) => ("list", "list_key", format!("schedules#{id}")),
            Self::Stale => ("list", "list_key", "stale".to_owned()),
            Self::Schedules => ("by-state", "state_key", "schedules".to_owned()),
            Self::OfCustomer(id) => ("by-customer", "customer_key", id.to_string()),
            Self::InState(state) => ("by-state", "state_key", state.as_str().to_owned()),
        }
    }

    /// The key of the item `id` in the index: the index's own keys and the table's.
    pub(crate) fn key_of(&self, id: &str) -> Item {
        let (_, hash, value) = self.index();
        if *self == Self::Stale {
            // Its id is made of both keys.
            let (connection, rest) = id.split_once('#').unwrap_or((id, ""));
            let key = Key::new(format!("CONNECTION#{connection}"), &format!("FRESHNESS#{rest}"));
            let mut item = key.into_item();
            item.extend([(hash.to_owned(), text(value)), ("list_id".to_owned(), text(id))]);
            return item;
        }
        let kind = match self {
            Self::Customers => "CUSTOMER",
            Self::Operations(_) => "OPERATION",
            Self::Runs | Self::RunsOf(_) => "RUN",
            Self::Schedules | Self::SchedulesOf(_) => "SCHEDULE",
            Self::Connections | Self::OfCustomer(_) | Self::InState(_) | Self::Stale => "CONNECTION",
        };
        let sk = match self {
            Self::RunsOf(connection) => format!("PART#{connection}"),
            _ => "META".to_owned(),
        };
        let mut item = Key::new(format!("{kind}#{id}"), &sk).into_item();
        item.extend([(hash.to_owned(), text(value)), ("list_id".to_owned(), text(id))]);
        item
    }
}
