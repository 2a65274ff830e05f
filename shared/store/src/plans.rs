//! Plans in the table. What a plan would carry out is kept apart from it, and only as long as it can
//! be applied: it may hold what is the customer's alone.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{Delete, TransactWriteItem};
use domain::operation::Operation;
use domain::plan::{Applied, Plan, Sealed, already_applied, expired};
use domain::{AuditEvent, Error, PlanId};

use crate::Store;
use crate::events::event_item;
use crate::failure::Refusal;
use crate::idempotency::{Completion, in_progress};
use crate::invites::expiry;
use crate::item::{Item, Key, from_item, number, text, to_item};
use crate::operations::{KEPT, operation_item};

/// The attribute that holds what is sealed, as JSON.
const INPUT: &str = "input";

fn item(plan: &Plan) -> Result<Item, Error> {
    let mut item = to_item(Key::plan(plan.id), plan)?;
    // As long as the operation that it became.
    item.insert("expires_at".to_owned(), expiry(plan.created_at + KEPT));
    Ok(item)
}

fn input_item(plan: &Plan, sealed: &Sealed) -> Result<Item, Error> {
    let mut item = Key::plan_input(plan.id).into_item();
    item.insert(INPUT.to_owned(), text(serde_json::to_string(sealed).map_err(Error::internal)?));
    item.insert("expires_at".to_owned(), expiry(plan.lapses_at));
    Ok(item)
}

impl Store {
    /// Writes a plan, what it would carry out, its event, and the answer to the request that made it.
    ///
    /// # Errors
    /// 409 `request_in_progress` when the same request is being answered elsewhere by now.
    pub async fn create_plan(
        &self,
        plan: &Plan,
        sealed: &Sealed,
        event: &AuditEvent,
        completion: Option<&Completion>,
    ) -> Result<(), Error> {
        let new = Some("attribute_not_exists(pk)");
        let mut writes = vec![
            self.put(item(plan)?, new, HashMap::new())?,
            self.put(input_item(plan, sealed)?, new, HashMap::new())?,
            self.put(event_item(event)?, None, HashMap::new())?,
        ];
        let answer_at = writes.len();
        writes.extend(completion.map(|completion| self.completing(completion)).transpose()?);
        self.transact(writes).await.map_err(|refusal| match refusal {
            Refusal::Conditions(places) if places == [answer_at] => in_progress(),
            Refusal::Conditions(_) => Error::internal(format!("{} exists already", plan.id)),
            Refusal::Busy => Error::unavailable("another transaction held the plan"),
            Refusal::Failed(error) => error,
        })?;
        completion.inspect(|completion| completion.written());
        Ok(())
    }

    /// The plan with this id.
    ///
    /// # Errors
    /// 404 when there is none.
    pub async fn plan(&self, id: PlanId) -> Result<Plan, Error> {
        let item = self.get(Key::plan(id)).await?;
        from_item(item.ok_or_else(|| Error::not_found("plan"))?)
    }

    /// What a plan would carry out.
    ///
    /// # Errors
    /// 410 `plan_expired` when it is no longer kept.
    pub async fn plan_input(&self, id: PlanId) -> Result<Sealed, Error> {
        let item = self.get(Key::plan_input(id)).await?.ok_or_else(expired)?;
        let input = item.get(INPUT).and_then(|input| input.as_s().ok());
        let input = input.ok_or_else(|| Error::internal(format!("the input of {id} cannot be read")))?;
        serde_json::from_str(input).map_err(Error::internal)
    }

    /// Applies a plan: in one transaction it is applied, its input is gone, the operation that carries
    /// it out is begun, and the request has its answer. Whatever happens next, it is not applied again.
    ///
    /// # Errors
    /// 409 `plan_already_applied` when somebody else did, 409 `request_in_progress` when the same
    /// request is being answered elsewhere by now.
    pub async fn apply_plan(
        &self,
        applied: &Applied,
        operation: &Operation,
        completion: Option<&Completion>,
    ) -> Result<(), Error> {
        let Applied { before, plan, event } = applied;
        let unchanged = HashMap::from([(":version".to_owned(), number(before.version))]);
        let mut writes = vec![
            self.put(item(plan)?, Some("version = :version"), unchanged)?,
            self.forgetting(plan.id)?,
            self.put(operation_item(operation)?, Some("attribute_not_exists(pk)"), HashMap::new())?,
            self.put(event_item(event)?, None, HashMap::new())?,
        ];
        let answer_at = writes.len();
        writes.extend(completion.map(|completion| self.completing(completion)).transpose()?);
        self.transact(writes).await.map_err(|refusal| match refusal {
            // Whoever took the request over has applied the plan as well.
            Refusal::Conditions(places) if places.contains(&answer_at) => in_progress(),
            Refusal::Conditions(places) if places.first() == Some(&0) => already_applied(None),
            Refusal::Conditions(_) => Error::internal(format!("{} exists already", operation.id)),
            // Two that apply it at once meet here; the other one is being carried out.
            Refusal::Busy => Error::unavailable("another transaction held the plan"),
            Refusal::Failed(error) => error,
        })?;
        completion.inspect(|completion| completion.written());
        Ok(())
    }

    /// The write that removes what a plan would carry out.
    fn forgetting(&self, id: PlanId) -> Result<TransactWriteItem, Error> {
        let delete = Delete::builder()
            .table_name(&self.table)
            .set_key(Some(Key::plan_input(id).into_item()))
            .build()
            .map_err(Error::internal)?;
        Ok(TransactWriteItem::builder().delete(delete).build())
    }
}

#[cfg(test)]
mod tests;
