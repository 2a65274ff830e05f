//! How instances are that are to be started or stopped, and the request that does it.

use access::CustomerSession;
use aws_sdk_ec2::types::{DeviceType, Filter, Instance, Reservation};
use domain::operation::Target;
use domain::policy::PolicyDocument;
use domain::power::{Powered, Wanted};
use jiff::{SignedDuration, Timestamp};

use super::list::listing_policy;
use crate::backups::{Answer, heard};
use crate::operations::ec2::client;
use crate::operations::ec2::start_instances::StartInstances;
use crate::operations::ec2::stop_instances::StopInstances;
use crate::operations::{Goal, Place, Request};

/// The tag by which an Auto Scaling group marks its instances. Source: EC2 Auto Scaling User Guide, "Tag Auto
/// Scaling groups and instances".
const GROUP: &str = "aws:autoscaling:groupName";

/// Most pages of one look.
const MOST_PAGES: usize = 20;

/// An instance that is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watched {
    /// Its id.
    pub id: String,
    /// How long ago AWS took the request for it, if it has.
    pub taken: Option<SignedDuration>,
}

/// An instance as it was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Its id.
    pub id: String,
    /// How it is, if it is there.
    pub instance: Option<Powered>,
    /// What became of the request for it, if AWS has taken one.
    pub became: Option<Target>,
}

/// The state that the instances of an operation are to reach.
const fn goal(wanted: Wanted) -> Goal {
    match wanted {
        Wanted::Running => Goal::Running,
        Wanted::Stopped => Goal::Stopped,
    }
}

/// The request that starts or stops these, at most 20.
#[must_use]
pub fn power_request(wanted: Wanted, ids: Vec<String>) -> Request {
    match wanted {
        Wanted::Running => Request::StartInstances(Box::new(StartInstances::of(ids))),
        Wanted::Stopped => Request::StopInstances(Box::new(StopInstances::of(ids))),
    }
}

/// What a session may do that looks how instances are, and carries out this request.
#[must_use]
pub fn powering_policy(place: &Place, request: Option<&Request>) -> PolicyDocument {
    let mut statements = listing_policy(place).statements().to_vec();
    if let Some(request) = request {
        statements.extend_from_slice(request.session_policy(place, false).statements());
    }
    PolicyDocument::new(statements)
}

/// Looks how these are, all at once.
pub async fn look_at_power(
    session: &CustomerSession,
    place: &Place,
    wanted: Wanted,
    watched: &[Watched],
) -> Answer<Vec<Seen>> {
    // By a filter, because one id that is gone would fail the request by its name.
    let ids = watched.iter().map(|one| one.id.clone()).collect();
    let named = Filter::builder().name("instance-id").set_values(Some(ids)).build();
    let client = client(session, place);
    let (mut reservations, mut next) = (Vec::new(), None);
    // So few come in one page, or in some that are shorter.
    for _ in 0..MOST_PAGES {
        let asked = client.describe_instances().filters(named.clone()).set_next_token(next).send();
        match heard(session, asked).await {
            Ok(page) => {
                reservations.extend(page.reservations.unwrap_or_default());
                next = page.next_token.filter(|token| !token.is_empty());
            }
            Err(unheard) => return unheard.answer("DescribeInstances"),
        }
        if next.is_none() {
            break;
        }
    }
    let instances: Vec<_> = reservations.iter().flat_map(Reservation::instances).collect();
    let seen = |one: &Watched| {
        let found = instances.iter().copied().find(|found| found.instance_id() == Some(one.id.as_str()));
        let became = |taken| goal(wanted).became(one.id.clone(), found, taken);
        Seen { id: one.id.clone(), instance: found.map(powered), became: one.taken.map(became) }
    };
    Answer::Done(watched.iter().map(seen).collect())
}

fn powered(instance: &Instance) -> Powered {
    let group = instance.tags().iter().find(|tag| tag.key() == Some(GROUP));
    let reason = instance.state_reason().and_then(|reason| reason.code());
    let launched_at = instance.launch_time().and_then(|at| Timestamp::from_second(at.secs()).ok());
    Powered {
        state: instance.state().and_then(|state| state.name()).map_or("", |name| name.as_str()).into(),
        launched_at,
        group: group.and_then(|tag| tag.value()).map(str::to_owned),
        on_instance_store: instance.root_device_type() == Some(&DeviceType::InstanceStore),
        reason: reason.filter(|reason| !reason.is_empty()).map(str::to_owned),
    }
}

#[cfg(test)]
mod tests;
