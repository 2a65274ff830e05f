//! What a failure of any one call to AWS leaves behind.
//!
//! A workflow is first run clean, which tells the calls that the functions make for it. Then it is
//! run once for each of these calls and each way in which a call can fail, a row each, with only
//! that call failing and everything that is delivered or asked again running clean. However it
//! failed, the end must be the clean run's. A call that somebody adds to a function is covered
//! without anybody remembering.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that does not find what it needs is to fail there"
)]

mod backing_up;
mod backing_up_instances;
mod connected;
mod drilling;
mod looking;
mod observe;
mod offboarding;
mod onboarding;
mod operating;
mod ordering;
mod powering;
mod report;
mod reproof;
mod restoring;
mod row;
mod run;
mod scheduling;
mod switching;
mod user;
mod workflow;

#[tokio::test]
async fn onboarding_ends_the_same_whatever_fails() {
    run::every_row(&onboarding::Onboarding).await;
}

#[tokio::test]
async fn looking_for_a_role_ends_the_same_whatever_fails() {
    run::every_row(&looking::Looking).await;
}

#[tokio::test]
async fn offboarding_ends_the_same_whatever_fails() {
    run::every_row(&offboarding::Offboarding).await;
}

#[tokio::test]
async fn a_proof_that_comes_again_ends_the_same_whatever_fails() {
    run::every_row(&reproof::Reproof).await;
}

#[tokio::test]
async fn an_operation_ends_the_same_whatever_fails() {
    run::every_row(&operating::Operating).await;
}

#[tokio::test]
async fn an_operation_that_lasts_ends_the_same_whatever_fails() {
    run::every_row(&powering::Powering).await;
}

#[tokio::test]
async fn a_backup_ends_the_same_whatever_fails() {
    run::every_row(&backing_up::BackingUp).await;
}

#[tokio::test]
async fn stopping_for_the_night_ends_the_same_whatever_fails() {
    run::every_row(&switching::Switching).await;
}

#[tokio::test]
async fn a_backup_of_an_instance_ends_the_same_whatever_fails() {
    run::every_row(&backing_up_instances::BackingUpInstances).await;
}

#[tokio::test]
async fn a_run_that_finds_nothing_ends_the_same_whatever_fails() {
    run::every_row(&ordering::Ordering).await;
}

#[tokio::test]
async fn a_schedule_is_held_whatever_fails() {
    run::every_row(&scheduling::Scheduling).await;
}

#[tokio::test]
async fn a_schedule_is_deleted_whatever_fails() {
    run::every_row(&scheduling::Unscheduling).await;
}

#[tokio::test]
async fn a_restore_ends_the_same_whatever_fails() {
    run::every_row(&restoring::Restoring).await;
}

#[tokio::test]
async fn a_drill_survives_every_fault() {
    run::every_row(&drilling::Drilling).await;
}
