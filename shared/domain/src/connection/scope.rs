//! Changing what a connection is for.

use serde_json::{Map, json};

use super::{Change, Connection, Occasion, Scope, Start};
use crate::audit::EventType;
use crate::error::Error;
use crate::state::{ConnectionEvent, ConnectionState};

impl Connection {
    /// Another label, other capabilities, other Regions. What is asked of the role has changed
    /// then, so that a role that is there is verified again, and a running verification begins
    /// anew; where there is none, or it failed, it is only noted.
    ///
    /// `None` means that nothing is to be changed.
    ///
    /// # Errors
    /// `state_conflict` once it is being taken down.
    pub fn change_scope(
        &self,
        scope: Scope,
        start: Start,
        occasion: Occasion,
    ) -> Result<Option<Change>, Error> {
        let state = self.state.after(ConnectionEvent::ScopeChanged)?;
        let mut next = self.clone();
        let mut data = Map::new();
        if let Some(label) = scope.label.filter(|label| *label != self.label) {
            data.insert("label".to_owned(), json!(label));
            next.label = label;
        }
        let labelled = data.len();
        if let Some(capabilities) = scope.capabilities.filter(|set| *set != self.capabilities) {
            data.insert("capabilities".to_owned(), json!(capabilities));
            next.capabilities = capabilities;
        }
        if let Some(regions) = scope.regions.filter(|regions| *regions != self.regions) {
            data.insert("regions".to_owned(), json!(regions));
            next.regions = regions;
        }
        if data.is_empty() {
            return Ok(None);
        }
        let verifies =
            data.len() > labelled && !matches!(state, ConnectionState::PendingRole | ConnectionState::Failed);
        if !verifies {
            return Ok(Some(next.touched(EventType::Changed, data, occasion)));
        }
        // Nothing of the new scope has been looked at: if this verification tells nothing, the next one
        // by schedule looks at everything too.
        next.last_full_at = None;
        let mut change = next.verify_from(self.state, state, start, occasion);
        data.insert("verification_id".to_owned(), json!(start.id));
        change.event.kind = EventType::Changed;
        change.event.data = data;
        Ok(Some(change))
    }
}

#[cfg(test)]
mod tests;
