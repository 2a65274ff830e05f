//! Who needs which role granted, and which grant names it.
//!
//! `ROLE#arn/GRANT` says which shard names a role and which connections need it there;
//! `GRANT#shard/META` holds the roles of one shard, and is the truth that its managed policy is a
//! projection of; `GRANTS/USE` counts the characters of each, so that room is found by one read.

mod pause;
mod publish;
mod repair;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use aws_sdk_dynamodb::types::{AttributeValue, Delete, TransactWriteItem, Update};
use domain::connection::Release;
use domain::grant::{self, Capacity, Shard};
use domain::{Connection, ConnectionId, Error, RoleArn};

use crate::Store;
use crate::connections::moved;
use crate::failure::Refusal;
use crate::item::{Item, Key, attribute, key_of, number, set_of, text};

pub use publish::Marked;

/// What one shard names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GrantShard {
    /// Its roles.
    pub roles: BTreeSet<RoleArn>,
    /// Counts the changes of `roles`.
    pub version: u64,
    /// The version that IAM was last seen to have.
    pub published: u64,
    /// Whether somebody is publishing it.
    pub publishing: bool,
}

impl GrantShard {
    /// Whether IAM has what the table says, as far as is known.
    #[must_use]
    pub fn is_published(&self) -> bool {
        self.published >= self.version
    }

    fn read(item: &Item) -> Result<Self, Error> {
        let count =
            |name: &str| item.get(name).and_then(|value| value.as_n().ok()?.parse().ok()).unwrap_or_default();
        let roles = match item.get("arns").map(|value| value.as_ss()) {
            Some(Ok(arns)) => {
                arns.iter().map(|arn| arn.parse()).collect::<Result<_, _>>().map_err(Error::internal)?
            }
            _ => BTreeSet::new(),
        };
        let publishing = item.contains_key("publisher");
        Ok(Self { roles, version: count("version"), published: count("published"), publishing })
    }
}

/// How many characters of each shard are taken, as [`grant::characters`] counts them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GrantUse(BTreeMap<String, u64>);

impl GrantUse {
    /// How many of this one.
    #[must_use]
    pub fn of(&self, shard: Shard) -> u64 {
        self.0.get(&use_name(shard)).copied().unwrap_or_default()
    }
}

/// The attribute of `GRANTS/USE` that counts this shard.
fn use_name(shard: Shard) -> String {
    format!("shard_{shard}")
}

/// Which shard names a role, and for whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleGrant {
    /// The shard.
    pub shard: Shard,
    /// The connections that need it.
    pub holders: BTreeSet<ConnectionId>,
}

/// How often a change is decided anew after others changed the same shard or role.
const ATTEMPTS: usize = 12;

impl Store {
    /// What `shard` names now.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn grant_shard(&self, shard: Shard) -> Result<GrantShard, Error> {
        match self.get(Key::grant_shard(shard)).await? {
            Some(item) => GrantShard::read(&item),
            None => Ok(GrantShard::default()),
        }
    }

    /// How full every shard is.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn grant_use(&self) -> Result<GrantUse, Error> {
        let item = self.get(Key::grant_use()).await?.unwrap_or_default();
        let counts =
            item.into_iter().filter_map(|(name, value)| Some((name, value.as_n().ok()?.parse().ok()?)));
        Ok(GrantUse(counts.collect()))
    }

    /// What each of `shards` names now. One that nothing was ever put into is left out.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn grant_shards(
        &self,
        shards: impl IntoIterator<Item = Shard>,
    ) -> Result<Vec<(Shard, GrantShard)>, Error> {
        let shards: Vec<Shard> = shards.into_iter().collect();
        let keys = shards.iter().map(|shard| Key::grant_shard(*shard).into_item()).collect();
        let items = self.batch(keys).await?.into_iter().map(|item| {
            let key = key_of(&item);
            let shard = shards.iter().find(|shard| Some(Key::grant_shard(**shard).into_item()) == key);
            let shard =
                shard.ok_or_else(|| Error::internal("DynamoDB gave another item than was asked for"))?;
            Ok((*shard, GrantShard::read(&item)?))
        });
        items.collect()
    }

    /// Which shard names a role, and for whom, if one does.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn role_grant(&self, role: &RoleArn) -> Result<Option<RoleGrant>, Error> {
        let Some(item) = self.get(Key::role_grant(role)).await? else { return Ok(None) };
        let broken = || Error::internal(format!("the grant item of {role} cannot be read"));
        let shard = item.get("shard").cloned().ok_or_else(broken)?;
        let holders = item.get("holders").and_then(|value| value.as_ss().ok()).ok_or_else(broken)?;
        Ok(Some(RoleGrant {
            shard: serde_dynamo::aws_sdk_dynamodb_1::from_attribute_value(shard).map_err(Error::internal)?,
            holders: holders
                .iter()
                .map(|id| id.parse())
                .collect::<Result<_, _>>()
                .map_err(Error::internal)?,
        }))
    }

    /// Whether `role` could be granted now: some shard names it or has room for it.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn has_room(&self, role: &RoleArn, capacity: Capacity) -> Result<bool, Error> {
        let used = self.grant_use().await?;
        if capacity.shard_for(role, |shard| used.of(shard)).is_some() {
            return Ok(true);
        }
        Ok(self.role_grant(role).await?.is_some())
    }

    /// Notes that `connection` needs `role` granted, in one of the shards that `capacity` has, and
    /// returns which. It is one transaction with the connection, so that a late message grants
    /// nothing.
    ///
    /// # Errors
    /// 503 `grant_capacity_exhausted` when every shard is full, and 409 `concurrent_change` when
    /// the connection is no longer what was read.
    pub async fn hold_grant(
        &self,
        connection: &Connection,
        role: &RoleArn,
        capacity: Capacity,
    ) -> Result<Shard, Error> {
        for attempt in 0..ATTEMPTS {
            pause::before(attempt).await;
            let (shard, mut writes) = if let Some(held) = self.role_grant(role).await? {
                (held.shard, self.further_hold(connection.id, role, held.shard)?)
            } else {
                let used = self.grant_use().await?;
                let shard =
                    capacity.shard_for(role, |shard| used.of(shard)).ok_or_else(grant::capacity_exhausted)?;
                (shard, self.first_hold(connection.id, role, shard, capacity)?)
            };
            let owner = Update::builder()
                .table_name(&self.table)
                .set_key(Some(Key::connection(connection.id).into_item()))
                .update_expression("SET #shard = :shard, revision = :next")
                .condition_expression("revision = :revision")
                .expression_attribute_names("#shard", "shard")
                .expression_attribute_values(":shard", attribute(shard)?)
                .expression_attribute_values(":revision", number(connection.revision))
                .expression_attribute_values(":next", number(connection.revision + 1))
                .build()
                .map_err(Error::internal)?;
            writes.insert(0, TransactWriteItem::builder().update(owner).build());
            match self.transact(writes).await {
                Ok(()) => return Ok(shard),
                Err(Refusal::Conditions(places)) if places.contains(&0) => return Err(moved()),
                // Somebody else filled the shard, or joined or left the role: look again.
                Err(Refusal::Conditions(_) | Refusal::Busy) => {}
                Err(Refusal::Failed(error)) => return Err(error),
            }
        }
        Err(Error::unavailable(format!(
            "the grant of {role} was changed by others {ATTEMPTS} times in a row"
        )))
    }

    fn further_hold(
        &self,
        me: ConnectionId,
        role: &RoleArn,
        shard: Shard,
    ) -> Result<Vec<TransactWriteItem>, Error> {
        let join = Update::builder()
            .table_name(&self.table)
            .set_key(Some(Key::role_grant(role).into_item()))
            .update_expression("ADD holders :me")
            .condition_expression("#shard = :shard")
            .expression_attribute_names("#shard", "shard")
            .expression_attribute_values(":me", set_of(me.to_string()))
            .expression_attribute_values(":shard", attribute(shard)?)
            .build()
            .map_err(Error::internal)?;
        Ok(vec![TransactWriteItem::builder().update(join).build()])
    }

    fn first_hold(
        &self,
        me: ConnectionId,
        role: &RoleArn,
        shard: Shard,
        capacity: Capacity,
    ) -> Result<Vec<TransactWriteItem>, Error> {
        let mut item = Key::role_grant(role).into_item();
        item.insert("shard".to_owned(), attribute(shard)?);
        item.insert("holders".to_owned(), set_of(me.to_string()));
        let size = grant::characters(role) as u64;
        let room = (capacity.room() as u64).saturating_sub(size);
        let count = Update::builder()
            .table_name(&self.table)
            .set_key(Some(Key::grant_use().into_item()))
            .update_expression("ADD #used :size")
            .condition_expression("attribute_not_exists(#used) OR #used <= :room")
            .expression_attribute_names("#used", use_name(shard))
            .expression_attribute_values(":size", number(size))
            .expression_attribute_values(":room", number(room))
            .build()
            .map_err(Error::internal)?;
        let add = Update::builder()
            .table_name(&self.table)
            .set_key(Some(Key::grant_shard(shard).into_item()))
            .update_expression("ADD arns :role, version :one")
            .expression_attribute_values(":role", set_of(role.to_string()))
            .expression_attribute_values(":one", number(1))
            .build()
            .map_err(Error::internal)?;
        Ok(vec![
            self.put(item, Some("attribute_not_exists(pk)"), HashMap::new())?,
            TransactWriteItem::builder().update(count).build(),
            TransactWriteItem::builder().update(add).build(),
        ])
    }

    /// Notes that `connection` no longer needs what `release` names. The role leaves its shard when
    /// nobody else needs it. Saying so twice changes nothing.
    ///
    /// # Errors
    /// 409 `concurrent_change` when the connection is no longer what was read.
    pub async fn release_grant(&self, connection: &Connection, release: &Release) -> Result<(), Error> {
        let role_arn = &release.role_arn;
        for attempt in 0..ATTEMPTS {
            pause::before(attempt).await;
            let Some(held) = self.role_grant(role_arn).await? else { return Ok(()) };
            if !held.holders.contains(&connection.id) {
                return Ok(());
            }
            let mut writes = vec![self.unmoved(connection)?];
            if held.holders.len() == 1 {
                writes.extend(self.last_release(connection.id, role_arn, held.shard)?);
            } else {
                let leave = Update::builder()
                    .table_name(&self.table)
                    .set_key(Some(Key::role_grant(role_arn).into_item()))
                    .update_expression("DELETE holders :me")
                    .condition_expression("size(holders) > :one")
                    .expression_attribute_values(":me", set_of(connection.id.to_string()))
                    .expression_attribute_values(":one", number(1))
                    .build()
                    .map_err(Error::internal)?;
                writes.push(TransactWriteItem::builder().update(leave).build());
            }
            match self.transact(writes).await {
                Ok(()) => return Ok(()),
                Err(Refusal::Conditions(places)) if places.contains(&0) => return Err(moved()),
                Err(Refusal::Conditions(_) | Refusal::Busy) => {}
                Err(Refusal::Failed(error)) => return Err(error),
            }
        }
        Err(Error::unavailable(format!(
            "the grant of {role_arn} was changed by others {ATTEMPTS} times in a row"
        )))
    }

    /// The condition that `connection` is still what was read.
    fn unmoved(&self, connection: &Connection) -> Result<TransactWriteItem, Error> {
        let check = aws_sdk_dynamodb::types::ConditionCheck::builder()
            .table_name(&self.table)
            .set_key(Some(Key::connection(connection.id).into_item()))
            .condition_expression("revision = :revision")
            .expression_attribute_values(":revision", number(connection.revision))
            .build()
            .map_err(Error::internal)?;
        Ok(TransactWriteItem::builder().condition_check(check).build())
    }

    fn last_release(
        &self,
        me: ConnectionId,
        role: &RoleArn,
        shard: Shard,
    ) -> Result<Vec<TransactWriteItem>, Error> {
        let forget = Delete::builder()
            .table_name(&self.table)
            .set_key(Some(Key::role_grant(role).into_item()))
            .condition_expression("holders = :me")
            .expression_attribute_values(":me", set_of(me.to_string()))
            .build()
            .map_err(Error::internal)?;
        let mut writes = vec![TransactWriteItem::builder().delete(forget).build()];
        writes.extend(self.removal(role, shard)?);
        Ok(writes)
    }

    /// The writes that take a role out of its shard.
    fn removal(&self, role: &RoleArn, shard: Shard) -> Result<[TransactWriteItem; 2], Error> {
        let remove = Update::builder()
            .table_name(&self.table)
            .set_key(Some(Key::grant_shard(shard).into_item()))
            .update_expression("DELETE arns :roles ADD version :one")
            .condition_expression("contains(arns, :role)")
            .expression_attribute_values(":roles", set_of(role.to_string()))
            .expression_attribute_values(":role", text(role.to_string()))
            .expression_attribute_values(":one", number(1))
            .build()
            .map_err(Error::internal)?;
        let count = Update::builder()
            .table_name(&self.table)
            .set_key(Some(Key::grant_use().into_item()))
            .update_expression("ADD #used :less")
            .expression_attribute_names("#used", use_name(shard))
            .expression_attribute_values(":less", AttributeValue::N(format!("-{}", grant::characters(role))))
            .build()
            .map_err(Error::internal)?;
        Ok([
            TransactWriteItem::builder().update(remove).build(),
            TransactWriteItem::builder().update(count).build(),
        ])
    }
}

#[cfg(test)]
mod tests;
