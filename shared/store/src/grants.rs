//! Who needs which role granted, and which grant names it.
//!
//! `ROLE#arn/GRANT` says which shard names a role and which connections need it there;
//! `GRANT#shard/META` holds the roles of one shard, and is the truth that its managed policy is a
//! projection of.

use std::collections::{BTreeSet, HashMap};

use aws_sdk_dynamodb::types::{Delete, TransactWriteItem, Update};
use domain::connection::Release;
use domain::grant::{self, Shard};
use domain::{Connection, ConnectionId, Error, ErrorKind, RoleArn};

use crate::Store;
use crate::connections::moved;
use crate::failure::Refusal;
use crate::item::{Key, attribute, number, set_of, text};

/// What one shard names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GrantShard {
    /// Its roles.
    pub roles: BTreeSet<RoleArn>,
    /// Counts the changes of `roles`.
    pub version: u64,
    /// How many characters they take, as [`grant::characters`] counts them.
    pub used: u64,
}

/// Which shard names a role, and for whom.
struct RoleGrant {
    shard: Shard,
    holders: BTreeSet<ConnectionId>,
}

/// How often a change is decided anew after others changed the same shard or role.
const ATTEMPTS: usize = 8;

impl Store {
    /// What `shard` names now.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn grant_shard(&self, shard: Shard) -> Result<GrantShard, Error> {
        let Some(item) = self.get(Key::grant_shard(shard)).await? else { return Ok(GrantShard::default()) };
        let count =
            |name: &str| item.get(name).and_then(|value| value.as_n().ok()?.parse().ok()).unwrap_or_default();
        let roles = match item.get("arns").map(|value| value.as_ss()) {
            Some(Ok(arns)) => {
                arns.iter().map(|arn| arn.parse()).collect::<Result<_, _>>().map_err(Error::internal)?
            }
            _ => BTreeSet::new(),
        };
        Ok(GrantShard { roles, version: count("version"), used: count("used") })
    }

    async fn role_grant(&self, role: &RoleArn) -> Result<Option<RoleGrant>, Error> {
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

    /// Notes that `connection` needs `role` granted, in one of `shards`, and returns which. It is
    /// one transaction with the connection, so that a late message grants nothing.
    ///
    /// # Errors
    /// 503 `grant_capacity_exhausted` when every shard is full, and 409 `concurrent_change` when
    /// the connection is no longer what was read.
    pub async fn hold_grant(
        &self,
        connection: &Connection,
        role: &RoleArn,
        brokers: u16,
    ) -> Result<Shard, Error> {
        for _ in 0..ATTEMPTS {
            let (shard, mut writes) = if let Some(held) = self.role_grant(role).await? {
                (held.shard, self.further_hold(connection.id, role, held.shard)?)
            } else {
                let shard = self.shard_with_room(role, brokers).await?;
                (shard, self.first_hold(connection.id, role, shard)?)
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

    async fn shard_with_room(&self, role: &RoleArn, brokers: u16) -> Result<Shard, Error> {
        for shard in Shard::all(brokers) {
            let used = self.grant_shard(shard).await?.used;
            if usize::try_from(used).unwrap_or(usize::MAX) + grant::characters(role) <= grant::CAPACITY {
                return Ok(shard);
            }
        }
        Err(Error::new(
            ErrorKind::Unavailable,
            "grant_capacity_exhausted",
            "every broker's policies are full; the installation needs another broker",
        ))
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
    ) -> Result<Vec<TransactWriteItem>, Error> {
        let mut item = Key::role_grant(role).into_item();
        item.insert("shard".to_owned(), attribute(shard)?);
        item.insert("holders".to_owned(), set_of(me.to_string()));
        let size = grant::characters(role) as u64;
        let room = (grant::CAPACITY as u64).saturating_sub(size);
        let add = Update::builder()
            .table_name(&self.table)
            .set_key(Some(Key::grant_shard(shard).into_item()))
            .update_expression("ADD arns :role, #used :size, version :one")
            .condition_expression("attribute_not_exists(#used) OR #used <= :room")
            .expression_attribute_names("#used", "used")
            .expression_attribute_values(":role", set_of(role.to_string()))
            .expression_attribute_values(":size", number(size))
            .expression_attribute_values(":room", number(room))
            .expression_attribute_values(":one", number(1))
            .build()
            .map_err(Error::internal)?;
        Ok(vec![
            self.put(item, Some("attribute_not_exists(pk)"), HashMap::new())?,
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
        for _ in 0..ATTEMPTS {
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
        let remove = Update::builder()
            .table_name(&self.table)
            .set_key(Some(Key::grant_shard(shard).into_item()))
            .update_expression("DELETE arns :roles ADD #used :less, version :one")
            .condition_expression("contains(arns, :role)")
            .expression_attribute_names("#used", "used")
            .expression_attribute_values(":roles", set_of(role.to_string()))
            .expression_attribute_values(":role", text(role.to_string()))
            .expression_attribute_values(
                ":less",
                aws_sdk_dynamodb::types::AttributeValue::N(format!("-{}", grant::characters(role))),
            )
            .expression_attribute_values(":one", number(1))
            .build()
            .map_err(Error::internal)?;
        Ok(vec![
            TransactWriteItem::builder().delete(forget).build(),
            TransactWriteItem::builder().update(remove).build(),
        ])
    }
}

#[cfg(test)]
mod tests;
