//! What a backup consists of is deleted.
//!
//! Sources: EC2 API Reference, `DeregisterImage`, `DeleteSnapshot`, and "Error codes".

use access::CustomerSession;
use aws_sdk_ec2::types::Filter;
use domain::policy::{PolicyDocument, Statement};

use super::make::images_by;
use super::reading;
use crate::backups::{Answer, fits, heard};
use crate::operations::Place;
use crate::operations::ec2::{client, is_id};

const IMAGE: &str = "ami-";
const SNAPSHOT: &str = "snap-";

/// What a session may do that deletes these images and snapshots.
#[must_use]
pub fn deleting_policy(place: &Place, ids: &[&str]) -> PolicyDocument {
    let of = |prefix: &'static str, kind: &'static str| {
        let ids: Vec<_> = ids.iter().filter(|id| is_id(id, prefix)).collect();
        ids.into_iter().map(|id| place.shared_ec2(&format!("{kind}/{id}"))).collect::<Vec<_>>()
    };
    let (images, snapshots) = (of(IMAGE, "image"), of(SNAPSHOT, "snapshot"));
    // What AWS says of an image that is gone it says of others' images as well.
    let deregistering = (!images.is_empty()).then(|| {
        [Statement::allow(["ec2:DeregisterImage"], images), reading(place, &["ec2:DescribeImages"])]
    });
    let deleting = (!snapshots.is_empty()).then(|| Statement::allow(["ec2:DeleteSnapshot"], snapshots));
    PolicyDocument::new(deregistering.into_iter().flatten().chain(deleting).collect())
}

/// These in parts, each of as many as one session can be limited to.
#[must_use]
pub fn fitting<'a>(place: &Place, ids: &[&'a str]) -> Vec<Vec<&'a str>> {
    let mut parts: Vec<Vec<&str>> = Vec::new();
    for id in ids {
        let has_room = |part: &Vec<&str>| {
            let all: Vec<&str> = part.iter().copied().chain([*id]).collect();
            fits(&deleting_policy(place, &all))
        };
        match parts.last_mut() {
            Some(part) if has_room(part) => part.push(id),
            _ => parts.push(vec![id]),
        }
    }
    parts
}

/// Deregisters an image or deletes a snapshot, and tells whether it was there. Asking again does no harm.
pub async fn remove(session: &CustomerSession, place: &Place, id: &str) -> Answer<bool> {
    if is_id(id, IMAGE) {
        return deregister(session, place, id).await;
    }
    if !is_id(id, SNAPSHOT) {
        let detail = format!("{id} is neither an image nor a snapshot.");
        return Answer::Refused { code: "invalid_id".to_owned(), detail };
    }
    match heard(session, client(session, place).delete_snapshot().snapshot_id(id).send()).await {
        Ok(_) => Answer::Done(true),
        Err(unheard) => match unheard.code() {
            Some("InvalidSnapshot.NotFound") => Answer::Done(false),
            _ => unheard.answer(id),
        },
    }
}

async fn deregister(session: &CustomerSession, place: &Place, id: &str) -> Answer<bool> {
    let asked = client(session, place).deregister_image().image_id(id).send();
    let Err(unheard) = heard(session, asked).await else { return Answer::Done(true) };
    match unheard.code() {
        Some("InvalidAMIID.NotFound") => Answer::Done(false),
        // An image that is gone is nobody's own any more.
        Some("InvalidAMIID.Unavailable" | "AuthFailure") => {
            let by_id = Filter::builder().name("image-id").values(id).build();
            match images_by(session, place, by_id).await {
                Answer::Done(found) if found.is_empty() => Answer::Done(false),
                Answer::Done(_) => unheard.answer(id),
                other => other.map(|_| false),
            }
        }
        _ => unheard.answer(id),
    }
}
