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

mod again;
mod observe;
mod onboarding;
mod report;
mod row;
mod run;
mod user;
mod workflow;

#[tokio::test]
#[ignore = "takes longer than the others together; run it after changes of onboarding, with --ignored"]
async fn onboarding_ends_the_same_whatever_fails() {
    run::every_row(&onboarding::Onboarding).await;
}

#[tokio::test]
async fn a_re_proof_ends_the_same_whatever_fails() {
    run::every_row(&again::ReProof).await;
}

#[tokio::test]
async fn offboarding_ends_the_same_whatever_fails() {
    run::every_row(&again::Offboarding).await;
}
