//! What the role may do, once its trust is proven: some Regions at a time, each written as it is
//! known, so that a crash asks again about those alone that it left open.
//!
//! What AWS throttles or fails to answer is asked again with the next step, a few times.

use domain::check::{self, Assessment, Inquiry, RegionChecks, assess};
use domain::proof::retry_delay;
use domain::verification::{Depth, Outcome, Verification};
use domain::{Connection, Error, RoleArn, policy};
use estate::Permissions;
use jiff::SignedDuration;
use runtime::{now, random};

use access::{CustomerSession, Opened};

use crate::app::App;
use crate::verify::{conclude, wait};

/// Regions that are asked at a time. Each keeps a few questions in flight.
const REGIONS_AT_A_TIME: usize = 4;

/// Asks what is still open, and ends the verification when nothing is.
///
/// # Errors
/// When the table or the queue failed, or a later verification has begun.
pub(crate) async fn check_permissions(
    app: &App,
    connection: &Connection,
    verification: &Verification,
) -> Result<(), Error> {
    let role = connection
        .role_arn
        .as_ref()
        .ok_or_else(|| Error::internal(format!("{} has no role to check", connection.id)))?;
    let mut known = app.store.checks(connection.id).await?;
    let open = |known: &[RegionChecks]| {
        let mut open =
            check::inquiries(verification, &connection.capabilities, &connection.regions, role, known);
        open.sort_by_key(|inquiry| inquiry.again);
        open
    };
    let mut inquiries = open(&known);
    let late = verification.steps.is_late(now());
    if !late {
        inquiries.truncate(REGIONS_AT_A_TIME);
    }
    if !inquiries.is_empty() {
        // Without a session nothing is asked, and nothing is known: the time is over.
        let permissions = if late {
            without_sessions(role)
        } else {
            open_sessions(app, connection, verification, role, &inquiries).await?
        };
        let answered = inquiries.iter().map(async |inquiry| {
            let before = known.iter().find(|checks| checks.region == inquiry.region);
            let answers = permissions.find_out(inquiry).await;
            let checks =
                RegionChecks::answered(before, &inquiry.region, role, verification.id, answers, now());
            app.store.put_checks(connection.id, &checks).await.map(|()| checks)
        });
        let answered = futures::future::try_join_all(answered).await?;
        known.retain(|checks| answered.iter().all(|new| new.region != checks.region));
        known.extend(answered);
    }
    let left = open(&known);
    if late || left.is_empty() {
        let assessment = assess(verification.id, &connection.capabilities, &connection.regions, role, &known);
        return accept(app, connection, assessment).await;
    }
    let delay = if left.iter().all(|inquiry| inquiry.again) {
        retry_delay(verification.steps.step)
    } else {
        SignedDuration::ZERO
    };
    wait(app, connection, verification, &[], delay).await
}

/// Ends the verification with what the role can do, unless another connection owns the role by now.
async fn accept(app: &App, connection: &Connection, assessment: Assessment) -> Result<(), Error> {
    match conclude(app, connection, &Outcome::Proven(assessment), &[]).await {
        Err(error) if error.code == "role_already_connected" => {
            conclude(app, connection, &Outcome::OwnedElsewhere, &[]).await
        }
        result => result,
    }
}

fn without_sessions(role: &RoleArn) -> Permissions {
    Permissions { role: role.clone(), ec2: None, dynamodb: None, random: random() }
}

/// Sessions of the role that may ask, and nothing else, for the services that have to be asked.
async fn open_sessions(
    app: &App,
    connection: &Connection,
    verification: &Verification,
    role: &RoleArn,
    inquiries: &[Inquiry],
) -> Result<Permissions, Error> {
    let asked = || inquiries.iter().flat_map(|inquiry| &inquiry.permissions);
    let all = check::permissions(&connection.capabilities, Depth::Full);
    let open = async |wanted: bool, policy: &policy::PolicyDocument| {
        if !wanted {
            return Ok(None);
        }
        let name = format!("drawbridge-{}", verification.id);
        let opened = Box::pin(app.sessions.open(connection, &name, policy)).await?;
        Ok::<Option<CustomerSession>, Error>(match opened {
            Opened::Open(session) => Some(session),
            shut @ (Opened::Shut(_) | Opened::TooLarge) => {
                let id = connection.id;
                tracing::warn!(connection_id = %id, ?shut, "AWS gave no session to look at permissions with");
                None
            }
        })
    };
    let (of_ec2, of_dynamodb) = (policy::trying_ec2(role, &all), policy::trying_dynamodb(role, &all));
    let (ec2, dynamodb) = futures::join!(
        open(Permissions::ask_ec2(asked()), &of_ec2),
        open(Permissions::ask_dynamodb(asked()), &of_dynamodb),
    );
    Ok(Permissions { ec2: ec2?, dynamodb: dynamodb?, ..without_sessions(role) })
}

#[cfg(test)]
mod tests;
