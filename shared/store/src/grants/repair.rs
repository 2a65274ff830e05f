//! Mending the table's account of grants, where it does not agree with itself.

use aws_sdk_dynamodb::types::{ConditionCheck, TransactWriteItem, Update};
use domain::grant::{self, Shard};
use domain::{Error, RoleArn};

use super::{GrantShard, use_name};
use crate::Store;
use crate::connections::moved;
use crate::failure::Refusal;
use crate::item::{Key, attribute, number};

impl Store {
    /// Takes `role` out of `shard`, if nobody holds it there.
    ///
    /// # Errors
    /// 409 `concurrent_change` when somebody holds it by now.
    pub async fn remove_unheld(&self, role: &RoleArn, shard: Shard) -> Result<(), Error> {
        let unheld = ConditionCheck::builder()
            .table_name(&self.table)
            .set_key(Some(Key::role_grant(role).into_item()))
            .condition_expression("attribute_not_exists(pk) OR #shard <> :shard")
            .expression_attribute_names("#shard", "shard")
            .expression_attribute_values(":shard", attribute(shard)?)
            .build()
            .map_err(Error::internal)?;
        let mut writes = vec![TransactWriteItem::builder().condition_check(unheld).build()];
        writes.extend(self.removal(role, shard)?);
        self.repair(writes).await
    }

    /// Counts the characters of `shard` anew, as it was `seen`.
    ///
    /// # Errors
    /// 409 `concurrent_change` when it has moved on.
    pub async fn recount_shard(&self, shard: Shard, seen: &GrantShard) -> Result<(), Error> {
        let same = ConditionCheck::builder()
            .table_name(&self.table)
            .set_key(Some(Key::grant_shard(shard).into_item()))
            .condition_expression("attribute_not_exists(version) OR version = :version")
            .expression_attribute_values(":version", number(seen.version))
            .build()
            .map_err(Error::internal)?;
        let taken: usize = seen.roles.iter().map(grant::characters).sum();
        let count = Update::builder()
            .table_name(&self.table)
            .set_key(Some(Key::grant_use().into_item()))
            .update_expression("SET #used = :taken")
            .expression_attribute_names("#used", use_name(shard))
            .expression_attribute_values(":taken", number(taken as u64))
            .build()
            .map_err(Error::internal)?;
        self.repair(vec![
            TransactWriteItem::builder().condition_check(same).build(),
            TransactWriteItem::builder().update(count).build(),
        ])
        .await
    }

    async fn repair(&self, writes: Vec<TransactWriteItem>) -> Result<(), Error> {
        self.transact(writes).await.map_err(|refusal| match refusal {
            Refusal::Conditions(_) | Refusal::Busy => moved(),
            Refusal::Failed(error) => error,
        })
    }
}
