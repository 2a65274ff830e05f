//! Credentials for people and their tools: a session of a customer's role that is handed out, for a
//! while, for some of what the connection is for, and for a reason.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use crate::arn::RoleArn;
use crate::audit::{About, Actor, AuditEvent, EventType};
use crate::capability::{Capability, CapabilitySet};
use crate::connection::{Connection, Occasion};
use crate::denial::Side;
use crate::error::{Error, ErrorKind, FieldError};
use crate::id::{ConnectionId, CredentialsId};
use crate::operation::LONGEST_REASON;
use crate::place::Region;
use crate::policy::{self, PolicyDocument};

/// Longest session policy, in characters. Source: STS API Reference, `AssumeRole`, `Policy`.
pub const LONGEST_SESSION_POLICY: usize = 2048;

/// How long a session lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SessionLength(u16);

impl SessionLength {
    /// The shortest that STS gives. Source: STS API Reference, `AssumeRole`, `DurationSeconds`.
    pub const SHORTEST: Self = Self(900);
    /// The longest that a session of another session can have. Source: IAM User Guide, "Role chaining".
    pub const LONGEST: Self = Self(3600);

    /// So many seconds.
    ///
    /// # Errors
    /// 400 `invalid_duration` when no session of a customer's role can last so long, or so short.
    pub fn of_seconds(seconds: i64) -> Result<Self, Error> {
        let length = u16::try_from(seconds).map(Self).ok();
        length.filter(|length| (Self::SHORTEST..=Self::LONGEST).contains(length)).ok_or_else(|| {
            let (shortest, longest) = (Self::SHORTEST.seconds(), Self::LONGEST.seconds());
            let detail = format!("credentials last {shortest} to {longest} seconds");
            Error::invalid(FieldError::new("", "invalid_duration", detail))
        })
    }

    /// In seconds.
    #[must_use]
    pub const fn seconds(self) -> u16 {
        self.0
    }
}

/// Why somebody wants credentials: never empty, on one line, and not long.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Purpose(String);

impl std::str::FromStr for Purpose {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let trimmed = text.trim();
        let sound = !trimmed.is_empty()
            && trimmed.chars().count() <= LONGEST_REASON
            && !trimmed.chars().any(char::is_control);
        if sound {
            Ok(Self(trimmed.to_owned()))
        } else {
            let detail = format!("a reason is one line of 1 to {LONGEST_REASON} characters");
            Err(Error::invalid(FieldError::new("", "invalid_reason", detail)))
        }
    }
}

impl std::fmt::Display for Purpose {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a caller asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CredentialsOrder {
    /// What they are to be good for.
    pub capabilities: CapabilitySet,
    /// Where, if not in every Region of the connection.
    pub region: Option<Region>,
    /// For how long.
    pub length: SessionLength,
    /// Why.
    pub reason: Purpose,
}

/// Credentials that a connection admits. The keys themselves are no part of it: it is what may be
/// known of them, and is recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    /// Its id.
    pub id: CredentialsId,
    /// In whose account.
    pub connection_id: ConnectionId,
    /// Of which role.
    pub role_arn: RoleArn,
    /// What for.
    pub capabilities: CapabilitySet,
    /// Where, and nowhere else.
    pub regions: BTreeSet<Region>,
    /// For how long.
    pub length: SessionLength,
    /// Why, as the caller says.
    pub reason: Purpose,
    /// Who asked for them.
    pub actor: Actor,
    /// The name of the session, by which the customer's CloudTrail finds what was done with it.
    pub session_name: String,
    /// What they allow, at most.
    pub session_policy: PolicyDocument,
}

impl Issue {
    /// Admits an order, if `connection` does.
    ///
    /// # Errors
    /// 409 `connection_not_active`, 403 `capability_missing`, 422 `region_not_connected`, 422
    /// `too_many_capabilities` when no session policy holds them.
    pub fn admit(
        id: CredentialsId,
        order: CredentialsOrder,
        connection: &Connection,
        occasion: &Occasion,
    ) -> Result<Self, Error> {
        connection.admit_work("credentials")?;
        let role_arn = connection
            .role_arn
            .clone()
            .ok_or_else(|| Error::internal(format!("{} has no role to act with", connection.id)))?;
        let held = connection.capabilities.effective();
        let missing: Vec<_> = order
            .capabilities
            .requested()
            .filter(|asked| !held.contains(asked))
            .map(Capability::as_str)
            .collect();
        if !missing.is_empty() {
            let detail = format!(
                "the connection is not for {}; add it with PATCH, and have the customer's role allow it",
                missing.join(", ")
            );
            return Err(Error::new(ErrorKind::Forbidden, "capability_missing", detail).at("/capabilities"));
        }
        let regions = match order.region {
            None => connection.regions.clone(),
            Some(region) if connection.regions.contains(&region) => BTreeSet::from([region]),
            Some(_) => {
                let known: Vec<_> = connection.regions.iter().map(Region::as_str).collect();
                return Err(Error::refused(
                    "region_not_connected",
                    format!("the connection is for {}; add the Region with PATCH", known.join(", ")),
                )
                .at("/region"));
            }
        };
        let session_policy = policy::session_policy(&role_arn, &order.capabilities, &regions);
        if session_policy.to_json().len() > LONGEST_SESSION_POLICY {
            return Err(too_many_capabilities());
        }
        Ok(Self {
            id,
            connection_id: connection.id,
            role_arn,
            capabilities: order.capabilities,
            regions,
            length: order.length,
            reason: order.reason,
            actor: occasion.actor.clone(),
            session_name: format!("drawbridge-{id}"),
            session_policy,
        })
    }

    /// The entry of the audit list that stands before AWS is asked: whatever happens then, whoever
    /// finds the session in CloudTrail finds here whose it was.
    #[must_use]
    pub fn requested(&self, occasion: &Occasion) -> AuditEvent {
        let until = occasion.now + SignedDuration::from_secs(self.length.seconds().into());
        self.event(EventType::CredentialsRequested, json!({"expires_at": until}), occasion)
    }

    /// The entry without which nothing is handed out.
    #[must_use]
    pub fn issued(&self, expires_at: Timestamp, occasion: &Occasion) -> AuditEvent {
        self.event(EventType::CredentialsIssued, json!({"expires_at": expires_at}), occasion)
    }

    /// The entry that tells that AWS gave none, under the code that the caller was told.
    #[must_use]
    pub fn refused(&self, code: &str, side: Option<Side>, occasion: &Occasion) -> AuditEvent {
        self.event(EventType::CredentialsRefused, json!({"code": code, "refused_by": side}), occasion)
    }

    fn event(&self, kind: EventType, more: Value, occasion: &Occasion) -> AuditEvent {
        let data = json!({
            "credentials_id": self.id,
            "capabilities": self.capabilities,
            "regions": self.regions,
            "duration_seconds": self.length.seconds(),
            "reason": self.reason,
            "session_name": self.session_name,
        });
        let parts = [data, more].into_iter().filter_map(|part| match part {
            Value::Object(map) => Some(map),
            _ => None,
        });
        AuditEvent {
            id: occasion.event_id,
            kind,
            at: occasion.now,
            actor: self.actor.clone(),
            about: About::Connection(self.connection_id),
            data: parts.flatten().collect::<Map<_, _>>(),
        }
    }
}

/// What no session policy holds: it is too long, or AWS cannot pack it.
#[must_use]
pub fn too_many_capabilities() -> Error {
    Error::refused(
        "too_many_capabilities",
        "AWS limits the policy of a session, and no policy within that limit holds so much; ask for fewer \
         capabilities, or for one Region",
    )
    .at("/capabilities")
}

/// AWS refused the role to the broker: the connection is not as it was when it was last verified.
#[must_use]
pub fn role_not_assumable(role: &RoleArn, side: Side) -> Error {
    Error::conflict(
        "role_not_assumable",
        format!(
            "AWS refused (AccessDenied) to let Drawbridge's broker assume {role} with this connection's external ID. \
             {} Verify the connection to have it looked at whole.",
            side.detail()
        ),
    )
}

#[cfg(test)]
mod tests;
