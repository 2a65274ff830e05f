//! Black-box tests against a deployed stack.
#![expect(clippy::unwrap_used, reason = "a test that does not find what it needs is to fail there")]

mod alarms;
mod authorization;
mod capacity;
mod changes;
mod command_line;
mod command_settings;
mod command_views;
mod conventions;
mod credentials;
mod customer_role;
mod deleting;
mod idempotency;
mod invites;
mod lasting;
mod launching;
mod least_privilege;
mod lists;
mod logging_in;
mod logs;
mod offboarding;
mod onboarding;
mod operations;
mod people_roles;
mod permissions;
mod plans;
mod proof;
mod races;
mod readme_walk;
mod reconcile;
mod refusals;
mod restores;
mod runs;
mod schedules;
mod sources;
mod terminals;
