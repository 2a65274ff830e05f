use super::*;
use aws_sdk_scheduler::operation::create_schedule::{CreateScheduleInput, CreateScheduleOutput};
use aws_sdk_scheduler::operation::update_schedule::UpdateScheduleOutput;
use aws_sdk_scheduler::types::error::{
    ConflictException, ResourceNotFoundException, ServiceQuotaExceededException, ValidationException,
};
use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
use domain::kind::Kind;
use domain::schedule::ScheduleOrder;
use domain::selection::{Selection, SelectionParts};
use domain::{Capability, CapabilitySet, Connection, ConnectionState};
use std::sync::{Arc, Mutex};

use crate::sample::{NOW, full};

fn schedule() -> Schedule {
    let parts = SelectionParts { names: vec!["*".to_owned()], ..SelectionParts::default() };
    let order = ScheduleOrder {
        kind: Kind::DynamodbBackup,
        expression: "cron(0 2 * * ? *)".parse().unwrap(),
        timezone: "Europe/Berlin".parse().unwrap(),
        flexible_window_minutes: Some(15),
        regions: None,
        select: Selection::new(parts).unwrap(),
        retention: None,
        enabled: true,
        ec2_backup: None,
    };
    let capabilities = CapabilitySet::new([Capability::DynamodbBackup]).unwrap();
    let connection = Connection { state: ConnectionState::Active, capabilities, ..full() };
    let id = ScheduleId::new(NOW, [5; 10]);
    Schedule::create(id, order, &connection, &domain::sample::occasion()).unwrap().schedule
}

fn scheduler(rules: &[&Rule]) -> Scheduler {
    let client = mock_client!(aws_sdk_scheduler, RuleMode::MatchAny, rules, |config| {
        config.retry_config(aws_sdk_scheduler::config::retry::RetryConfig::disabled())
    });
    let projection = Projection {
        group: "drawbridge-customers".to_owned(),
        queue_arn: "arn:aws:sqs:eu-central-1:111111111111:runs".to_owned(),
        dead_letters_arn: "arn:aws:sqs:eu-central-1:111111111111:dead".to_owned(),
        role_arn: "arn:aws:iam::111111111111:role/scheduler".to_owned(),
    };
    Scheduler::with_client(client, projection)
}

fn absent() -> Rule {
    mock!(Client::get_schedule).then_error(|| {
        GetScheduleError::ResourceNotFoundException(
            ResourceNotFoundException::builder().message("no such schedule").build().unwrap(),
        )
    })
}

/// What EventBridge would tell of a schedule that was made so.
fn as_made(input: &CreateScheduleInput) -> GetScheduleOutput {
    GetScheduleOutput::builder()
        .set_schedule_expression(input.schedule_expression().map(str::to_owned))
        .set_schedule_expression_timezone(input.schedule_expression_timezone().map(str::to_owned))
        .set_state(input.state().cloned())
        .set_flexible_time_window(input.flexible_time_window().cloned())
        .set_target(input.target().cloned())
        .build()
}

/// A schedule is made as it is recorded, and what stands there as it should is left alone.
#[tokio::test]
async fn what_is_missing_is_made_and_what_stands_is_left_alone() {
    let sent = Arc::new(Mutex::new(None));
    let here = Arc::clone(&sent);
    let create = mock!(Client::create_schedule)
        .match_requests(move |input| {
            *here.lock().unwrap() = Some(input.clone());
            true
        })
        .then_output(|| CreateScheduleOutput::builder().schedule_arn("arn").build().unwrap());
    let made = scheduler(&[&absent(), &create]).publish(&schedule()).await.unwrap();
    assert_eq!(made, Published::Changed);
    let input: CreateScheduleInput = sent.lock().unwrap().clone().unwrap();
    assert_eq!(input.group_name(), Some("drawbridge-customers"));
    let target = input.target().unwrap();
    let body = target.input().unwrap();
    assert!(
        body.contains("<aws.scheduler.scheduled-time>") && body.contains("\"kind\":\"scheduled\""),
        "{body}"
    );
    assert_eq!(
        target.dead_letter_config().unwrap().arn(),
        Some("arn:aws:sqs:eu-central-1:111111111111:dead")
    );

    let told = as_made(&input);
    let get = mock!(Client::get_schedule).then_output(move || told.clone());
    // Writing it again would have a rate begin anew.
    assert_eq!(scheduler(&[&get]).publish(&schedule()).await.unwrap(), Published::AsItWas);

    let mut changed = schedule();
    changed.order.enabled = false;
    let told = as_made(&input);
    let get = mock!(Client::get_schedule).then_output(move || told.clone());
    let update = mock!(Client::update_schedule)
        .match_requests(|input| input.state() == Some(&ScheduleState::Disabled))
        .then_output(|| UpdateScheduleOutput::builder().schedule_arn("arn").build().unwrap());
    assert_eq!(scheduler(&[&get, &update]).publish(&changed).await.unwrap(), Published::Changed);
}

/// Source: EventBridge Scheduler API Reference, `CreateSchedule`, "Errors".
#[tokio::test]
async fn what_eventbridge_does_not_take_is_told_and_what_passes_is_tried_again() {
    let refusing = |error: fn() -> CreateScheduleError| mock!(Client::create_schedule).then_error(error);
    let invalid = refusing(|| {
        let error = ValidationException::builder().message("Invalid Schedule Expression").build().unwrap();
        CreateScheduleError::ValidationException(error)
    });
    match scheduler(&[&absent(), &invalid]).publish(&schedule()).await.unwrap() {
        Published::Refused(problem) => assert_eq!(problem.code, "schedule_refused"),
        other => panic!("{other:?}"),
    }
    let full = refusing(|| {
        let error = ServiceQuotaExceededException::builder().message("too many").build().unwrap();
        CreateScheduleError::ServiceQuotaExceededException(error)
    });
    match scheduler(&[&absent(), &full]).publish(&schedule()).await.unwrap() {
        Published::Refused(problem) => assert_eq!(problem.code, "schedule_quota_exceeded"),
        other => panic!("{other:?}"),
    }
    let conflict = refusing(|| {
        let error = ConflictException::builder().message("exists").build().unwrap();
        CreateScheduleError::ConflictException(error)
    });
    let error = scheduler(&[&absent(), &conflict]).publish(&schedule()).await.unwrap_err();
    assert_eq!(error.kind, domain::ErrorKind::Unavailable);
}

#[tokio::test]
async fn what_is_gone_is_removed_already() {
    let absent = mock!(Client::delete_schedule).then_error(|| {
        DeleteScheduleError::ResourceNotFoundException(
            ResourceNotFoundException::builder().message("no such schedule").build().unwrap(),
        )
    });
    assert!(!scheduler(&[&absent]).remove(schedule().id).await.unwrap());
}
