//! Backups of instances on another EC2 than the stack's: what is asked for is what it takes, and what was made is
//! found again by its name and goes. Of images moto knows too little: it fails where their snapshots are tagged.

use domain::ec2_backup::Ec2Backup;
use estate::backups::Answer;
use estate::instances::backups::{
    Looked, Made, Taken, create, deleting_policy, find, look, making_policy, remove, tagged_snapshots,
};
use estate::operations::Place;

use crate::account::{Account, REGION};

const NAME: &str = "drawbridge-job_0123456789abcdef";

fn place(account: &Account) -> Place {
    let role = account.role();
    Place { partition: role.partition(), account: role.account().clone(), region: REGION.parse().unwrap() }
}

/// A backup of an instance, which is found again as whoever comes after a crash looks for it.
async fn made(account: &Account, instance: &str, how: Ec2Backup) -> Taken {
    let place = place(account);
    let session = account.session(&making_policy(&place, &[instance], how, true)).await;
    let seen = match look(&session, &place, instance, how).await {
        Answer::Done(Looked::Ready(seen)) => seen,
        other => panic!("{instance} can be backed up: {other:?}"),
    };
    let before = find(&session, &place, NAME, how, Some(&seen.manifest)).await;
    assert_eq!(before, Answer::Done(None));
    let taken = match create(&session, &place, (instance, NAME), how, &seen).await {
        Made::Taken(taken) => taken,
        other => panic!("EC2 takes it: {other:?}"),
    };
    match find(&session, &place, NAME, how, Some(&seen.manifest)).await {
        Answer::Done(Some(found)) => assert_eq!(found.aws_id, taken.aws_id),
        other => panic!("it is found: {other:?}"),
    }
    taken
}

async fn remove_all(account: &Account, ids: &[&str]) {
    let place = place(account);
    let session = account.session(&deleting_policy(&place, ids)).await;
    for id in ids {
        assert_eq!(remove(&session, &place, id).await, Answer::Done(true), "{id}");
        assert_eq!(remove(&session, &place, id).await, Answer::Done(false), "{id} is gone already");
    }
}

#[tokio::test]
async fn snapshots_of_an_instance_are_made_found_and_deleted() {
    let account = Account::new().await;
    let instance = account.launch_instance_in_new_subnet().await;
    let taken = made(&account, &instance, Ec2Backup::default()).await;
    assert_eq!(taken.snapshots.len(), 1, "{taken:?}");
    let place = place(&account);
    let session = account.session(&deleting_policy(&place, &[])).await;
    match tagged_snapshots(&session, &place, NAME).await {
        Answer::Done(tagged) => assert_eq!(tagged[0].snapshot_id, taken.aws_id),
        other => panic!("it is tagged: {other:?}"),
    }
    remove_all(&account, &[&taken.aws_id]).await;
}
