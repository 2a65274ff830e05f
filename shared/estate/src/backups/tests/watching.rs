//! How a backup is, and that it is deleted.

use super::*;

const OTHER: &str = "arn:aws:dynamodb:eu-west-3:222222222222:table/Forum/backup/01489602797149-0000000a";

#[test]
fn a_session_looks_at_or_deletes_these_backups_and_no_others() {
    let looks = allow(&json!("dynamodb:DescribeBackup"), &json!([BACKUP, OTHER]));
    assert_eq!(statements(&looking_policy(&[BACKUP, OTHER])), json!([looks]));
    let deletes = allow(&json!("dynamodb:DeleteBackup"), &json!(BACKUP));
    assert_eq!(statements(&deleting_policy(&[BACKUP])), json!([deletes]));
}

fn described(status: &str) -> Value {
    json!({"BackupDescription": {"BackupDetails": {
        "BackupArn": BACKUP, "BackupName": NAME, "BackupStatus": status, "BackupType": "USER",
        "BackupSizeBytes": 42, "BackupCreationDateTime": 1_489_602_797.149,
    }}})
}

/// Source: `DynamoDB` API Reference, `BackupDetails`, `BackupStatus`.
#[rstest]
#[case("CREATING", Seen::Creating)]
#[case("AVAILABLE", Seen::Available { size_bytes: Some(42) })]
#[case("DELETED", Seen::Gone)]
#[tokio::test]
async fn a_backup_is_as_aws_says(#[case] status: &str, #[case] seen: Seen) {
    let answer = described(status);
    let wire = Wire::new(move |_, _| Reply::Done(answer.clone()));
    assert_eq!(describe(&session(&wire).await, &place(), BACKUP).await, Answer::Done(seen));
    assert_eq!(asked(&wire), [("DescribeBackup".to_owned(), json!({"BackupArn": BACKUP}))]);
}

#[tokio::test]
async fn what_aws_does_not_show_is_told() {
    let wire = Wire::new(|_, _| Reply::Error(400, "BackupNotFoundException", "Backup not found"));
    assert_eq!(describe(&session(&wire).await, &place(), BACKUP).await, Answer::Done(Seen::Gone));
    answers_as_every_request(async |session| describe(&session, &place(), BACKUP).await).await;
}

/// Source: `DynamoDB` API Reference, `DeleteBackup`, "Errors".
#[rstest]
#[case("BackupNotFoundException", Answer::Done(false))]
#[case("BackupInUseException", Answer::Later { code: "in_use".to_owned() })]
#[case("LimitExceededException", Answer::Later { code: "limit_exceeded".to_owned() })]
#[tokio::test]
async fn a_backup_that_is_not_deleted_is_gone_or_busy(
    #[case] code: &'static str,
    #[case] answer: Answer<bool>,
) {
    let wire = Wire::new(move |_, _| Reply::Error(400, code, "no"));
    assert_eq!(delete(&session(&wire).await, &place(), BACKUP).await, answer);
}

#[tokio::test]
async fn a_backup_is_deleted() {
    let wire = Wire::new(|_, _| Reply::Done(described("DELETED")));
    assert_eq!(delete(&session(&wire).await, &place(), BACKUP).await, Answer::Done(true));
    assert_eq!(asked(&wire), [("DeleteBackup".to_owned(), json!({"BackupArn": BACKUP}))]);
    answers_as_every_request(async |session| delete(&session, &place(), BACKUP).await).await;
}
