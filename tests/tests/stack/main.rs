//! Black-box tests against a deployed stack.
#![expect(clippy::unwrap_used, reason = "a test that does not find what it needs is to fail there")]

mod authorization;
mod command_line;
mod conventions;
mod customer_role;
mod least_privilege;
mod lists;
mod logs;
mod onboarding;
mod refusals;
mod sources;
