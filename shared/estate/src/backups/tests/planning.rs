//! Which tables there are.

use super::*;

/// Source: Service Authorization Reference, Amazon `DynamoDB`: `ListTables` can be limited to no resource;
/// IAM User Guide, "AWS global condition context keys", `aws:RequestedRegion`.
#[test]
fn a_session_lists_this_regions_tables_and_reads_their_tags_if_it_must() {
    let here = json!({"StringEquals": {"aws:RequestedRegion": "eu-west-3"}});
    let with = |mut statement: Value| {
        statement["Condition"] = here.clone();
        statement
    };
    let listing = with(allow(&json!("dynamodb:ListTables"), &json!("*")));
    let tags = "arn:aws:dynamodb:eu-west-3:222222222222:table/*";
    let tags = with(allow(&json!("dynamodb:ListTagsOfResource"), &json!(tags)));
    assert_eq!(statements(&planning_policy(&place(), false)), json!([listing]));
    assert_eq!(statements(&planning_policy(&place(), true)), json!([listing, tags]));
}

#[tokio::test]
async fn tables_are_listed_a_page_at_a_time() {
    let page = json!({"TableNames": ["Forum", "Music"], "LastEvaluatedTableName": "Music"});
    let wire = Wire::new(move |_, _| Reply::Done(page.clone()));
    let opened = session(&wire).await;
    let names = vec!["Forum".to_owned(), "Music".to_owned()];
    let first = list_tables(&opened, &place(), None, 2).await;
    assert_eq!(first, Answer::Done(TablePage { names, last: Some("Music".to_owned()) }));
    list_tables(&opened, &place(), Some("Music"), 100).await;
    let list = |body| ("ListTables".to_owned(), body);
    let expected =
        [list(json!({"Limit": 2})), list(json!({"ExclusiveStartTableName": "Music", "Limit": 100}))];
    assert_eq!(asked(&wire), expected);
    let wire = Wire::new(|_, _| Reply::Done(json!({"TableNames": []})));
    let none = list_tables(&session(&wire).await, &place(), None, 2).await;
    assert_eq!(none, Answer::Done(TablePage::default()));
}

#[tokio::test]
async fn tags_are_read_to_their_end() {
    let wire = Wire::new(|_, call| {
        Reply::Done(match call.body["NextToken"].as_str() {
            None => json!({"Tags": [{"Key": "team", "Value": "blue"}], "NextToken": "more"}),
            Some(_) => json!({"Tags": [{"Key": "env", "Value": "prod"}]}),
        })
    });
    let found = tags(&session(&wire).await, &place(), "Music").await;
    let all = [("env", "prod"), ("team", "blue")].map(|(key, value)| (key.to_owned(), value.to_owned()));
    assert_eq!(found, Answer::Done(all.into()));
    let ask = |body| ("ListTagsOfResource".to_owned(), body);
    let expected =
        [ask(json!({"ResourceArn": TABLE})), ask(json!({"ResourceArn": TABLE, "NextToken": "more"}))];
    assert_eq!(asked(&wire), expected);
}

#[tokio::test]
async fn tags_that_have_no_end_select_nothing() {
    let wire = Wire::new(|_, _| Reply::Done(json!({"Tags": [], "NextToken": "more"})));
    let found = tags(&session(&wire).await, &place(), "Music").await;
    assert_eq!(found, Answer::Later { code: "too_many_pages".to_owned() });
    assert_eq!(wire.calls().len(), 10);
}

#[tokio::test]
async fn what_aws_does_not_list_is_told() {
    answers_as_every_request(async |session| list_tables(&session, &place(), None, 9).await).await;
    answers_as_every_request(async |session| tags(&session, &place(), "Music").await).await;
}
