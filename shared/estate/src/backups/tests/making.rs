//! A backup is asked for, and found again.

use std::time::Duration;

use super::*;

const SINCE: i64 = 1_489_602_000;

fn made_at() -> jiff::Timestamp {
    jiff::Timestamp::from_millisecond(1_489_602_797_149).unwrap()
}

/// Source: Service Authorization Reference, "Actions defined by Amazon `DynamoDB`".
#[test]
fn a_session_makes_backups_of_these_tables_and_reads_what_the_capabilities_hold() {
    let forum = "arn:aws:dynamodb:eu-west-3:222222222222:table/Forum";
    let policy = |capability, finding| {
        statements(&making_policy(&place(), &["Music", "Forum"], &of(&[capability]), finding))
    };
    let all = allow(
        &json!([
            "dynamodb:CreateBackup",
            "dynamodb:DescribeTable",
            "dynamodb:DescribeContinuousBackups",
            "dynamodb:DescribeTimeToLive",
            "dynamodb:ListTagsOfResource",
        ]),
        &json!([TABLE, forum]),
    );
    assert_eq!(policy(Capability::DynamodbBackup, false), json!([all]));
    // ListBackups can be limited to no resource, and is allowed only where a backup must be found.
    let finding = allow(&json!("dynamodb:ListBackups"), &json!("*"));
    assert_eq!(policy(Capability::DynamodbBackup, true), json!([all, finding]));
    let least = allow(&json!(["dynamodb:CreateBackup", "dynamodb:DescribeTable"]), &json!([TABLE, forum]));
    assert_eq!(policy(Capability::DynamodbObserve, false), json!([least]));
}

#[tokio::test]
async fn a_backup_is_made() {
    let wire = Wire::new(|_, _| {
        Reply::Done(json!({"BackupDetails": {
            "BackupArn": BACKUP, "BackupName": NAME, "BackupStatus": "CREATING", "BackupType": "USER",
            "BackupCreationDateTime": 1_489_602_797.149,
        }}))
    });
    let made = create(&session(&wire).await, &place(), "Music", NAME).await;
    let request_id = Some("request-0".to_owned());
    assert_eq!(made, Made::Taken(Taken { arn: BACKUP.to_owned(), created_at: made_at(), request_id }));
    let body = json!({"TableName": "Music", "BackupName": NAME});
    assert_eq!(asked(&wire), [("CreateBackup".to_owned(), body)]);
}

/// Source: `DynamoDB` API Reference, `CreateBackup`, "Errors", and "Common errors".
#[rstest]
#[case("ThrottlingException", "throttled", true)]
#[case("ProvisionedThroughputExceededException", "throttled", true)]
#[case("LimitExceededException", "limit_exceeded", true)]
#[case("BackupInUseException", "in_use", true)]
#[case("TableInUseException", "in_use", true)]
#[case("ContinuousBackupsUnavailableException", "unavailable", true)]
#[case("TableNotFoundException", "not_found", false)]
#[case("AccessDeniedException", "access_denied", false)]
#[case("UnrecognizedClientException", "region_unavailable", false)]
#[case("ValidationException", "invalid_input", false)]
#[tokio::test]
async fn what_aws_refuses_was_not_made(#[case] code: &'static str, #[case] told: &str, #[case] later: bool) {
    let wire = Wire::new(move |_, _| Reply::Error(400, code, "no"));
    match create(&session(&wire).await, &place(), "Music", NAME).await {
        Made::NotTaken { code, detail, later: may } => {
            assert_eq!((code.as_str(), may), (told, later));
            assert!(!detail.is_empty());
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(wire.calls().len(), 1, "it is asked for once");
}

#[tokio::test]
async fn what_aws_did_not_answer_may_have_been_made() {
    let answers: [fn(usize, &Call) -> Reply; 4] = [
        |_, _| Reply::Reset,
        |_, _| Reply::Error(500, "InternalServerError", "no"),
        |_, _| Reply::Error(503, "ServiceUnavailable", "no"),
        |_, _| Reply::Done(json!({})),
    ];
    for answer in answers {
        let wire = Wire::new(answer);
        let made = create(&session(&wire).await, &place(), "Music", NAME).await;
        assert_eq!((made, wire.calls().len()), (Made::Unknown, 1), "it is asked for once");
    }
}

#[tokio::test]
async fn what_there_is_no_time_for_is_not_asked_for() {
    let wire = Wire::new(|_, _| Reply::Reset);
    let over = session(&wire).await.until(Instant::now() + Duration::from_millis(10));
    let made = create(&over, &place(), "Music", NAME).await;
    assert!(
        matches!(made, Made::NotTaken { ref code, later: true, .. } if code == "not_attempted"),
        "{made:?}"
    );
    assert_eq!(wire.calls().len(), 0);
}

fn summary(name: &str) -> Value {
    json!({
        "BackupArn": BACKUP, "BackupName": name, "BackupStatus": "AVAILABLE", "TableName": "Music",
        "BackupCreationDateTime": 1_489_602_797.149,
    })
}

async fn found(wire: &Wire) -> Answer<Option<Taken>> {
    let since = jiff::Timestamp::from_second(SINCE).unwrap();
    find(&session(wire).await, &place(), "Music", NAME, since).await
}

#[tokio::test]
async fn a_backup_is_found_by_its_name_on_whatever_page() {
    let wire = Wire::new(|_, call| {
        Reply::Done(match call.body["ExclusiveStartBackupArn"].as_str() {
            None => json!({"BackupSummaries": [summary("another")], "LastEvaluatedBackupArn": BACKUP}),
            Some(_) => json!({"BackupSummaries": [summary("drawbridge-job_12"), summary(NAME)]}),
        })
    });
    let request_id = Some("request-1".to_owned());
    let taken = Taken { arn: BACKUP.to_owned(), created_at: made_at(), request_id };
    assert_eq!(found(&wire).await, Answer::Done(Some(taken)));
    let ask = |start: Option<&str>| {
        let mut body = json!({"TableName": "Music", "BackupType": "USER", "TimeRangeLowerBound": SINCE});
        if let Some(start) = start {
            body["ExclusiveStartBackupArn"] = json!(start);
        }
        ("ListBackups".to_owned(), body)
    };
    assert_eq!(asked(&wire), [ask(None), ask(Some(BACKUP))]);
}

#[tokio::test]
async fn one_that_is_not_there_is_not_found_and_too_many_say_nothing() {
    let wire = Wire::new(|_, _| Reply::Done(json!({"BackupSummaries": [summary("another")]})));
    assert_eq!(found(&wire).await, Answer::Done(None));
    let wire = Wire::new(|_, _| {
        Reply::Done(json!({"BackupSummaries": [summary("another")], "LastEvaluatedBackupArn": BACKUP}))
    });
    assert_eq!(found(&wire).await, Answer::Later { code: "too_many_backups".to_owned() });
    assert_eq!(wire.calls().len(), 20);
    answers_as_every_request(async |session| {
        find(&session, &place(), "Music", NAME, jiff::Timestamp::UNIX_EPOCH).await
    })
    .await;
}
