//! What sessions may do.

use std::collections::BTreeSet;

use domain::capability::Action;
use proptest::prelude::*;

use super::*;
use crate::operations::OFFERED;

/// It names a backup and a table, and is looked at by itself.
const RESTORE: &str = "RestoreTableFromBackup";

const INDEX: &str = "arn:aws:dynamodb:eu-west-3:222222222222:table/Music/index/ByYear";

/// The actions and resources of a policy that allows, and does nothing else.
pub(super) fn allowed(policy: &Value) -> Vec<(Vec<String>, Vec<String>)> {
    let list = |value: &Value| match value {
        Value::Array(values) => values.iter().map(|value| value.as_str().unwrap().to_owned()).collect(),
        one => vec![one.as_str().unwrap().to_owned()],
    };
    let statements = policy["Statement"].as_array().unwrap();
    statements
        .iter()
        .map(|statement| {
            let keys: BTreeSet<_> = statement.as_object().unwrap().keys().map(String::as_str).collect();
            assert_eq!(keys, BTreeSet::from(["Action", "Effect", "Resource"]));
            assert_eq!(statement["Effect"], "Allow");
            (list(&statement["Action"]), list(&statement["Resource"]))
        })
        .collect()
}

pub(super) fn policy(request: &Request, dry_run: bool) -> Value {
    let json = request.session_policy(&place(), dry_run).to_json();
    assert!(json.len() <= 2048, "{json}");
    serde_json::from_str(&json).unwrap()
}

/// Source: Service Authorization Reference, "Actions defined by Amazon `DynamoDB`".
#[test]
fn a_session_may_do_the_one_action_on_the_one_resource() {
    for (action, input) in every_input().into_iter().filter(|(action, _)| *action != RESTORE) {
        let request = read(action, &input).unwrap();
        let resource = match action {
            // Neither can be limited to a resource.
            "ListTables" | "ListBackups" => "*",
            "DescribeBackup" | "DeleteBackup" => BACKUP,
            "Query" | "Scan" => INDEX,
            _ => TABLE,
        };
        let mut actions = vec![format!("dynamodb:{action}")];
        if action == "CreateTable" {
            actions.push("dynamodb:TagResource".to_owned());
        }
        assert_eq!(allowed(&policy(&request, false)), [(actions, vec![resource.to_owned()])], "{action}");
    }
}

/// A dry run could write nothing, whatever was sent.
#[test]
fn a_session_of_a_dry_run_may_only_look_up() {
    for (action, input) in every_input().into_iter().filter(|(action, _)| *action != RESTORE) {
        let request = read(action, &input).unwrap();
        let (actions, resource): (&[&str], _) = match action {
            "ListTables" => (&["dynamodb:ListTables"], "*"),
            "ListBackups" => (&["dynamodb:ListBackups"], "*"),
            "DescribeBackup" | "DeleteBackup" => (&["dynamodb:DescribeBackup"], BACKUP),
            "CreateBackup" => (&["dynamodb:DescribeTable", "dynamodb:DescribeContinuousBackups"], TABLE),
            _ => (&["dynamodb:DescribeTable"], TABLE),
        };
        let actions: Vec<_> = actions.iter().map(ToString::to_string).collect();
        assert!(actions.iter().all(|action| action.parse::<Action>().unwrap().reads()), "{actions:?}");
        assert_eq!(allowed(&policy(&request, true)), [(actions, vec![resource.to_owned()])], "{action}");
    }
}

/// What has no tags and no index needs no right to tag, and none to an index.
#[test]
fn companions_are_there_only_where_they_are_needed() {
    let table = |action: &str, input: &Value| {
        let policy = policy(&read(action, input).unwrap(), false);
        assert_eq!(allowed(&policy), [(vec![format!("dynamodb:{action}")], vec![TABLE.to_owned()])]);
    };
    let mut untagged = whole_table();
    untagged["Tags"] = json!([]);
    table("CreateTable", &untagged);
    untagged.as_object_mut().unwrap().remove("Tags");
    table("CreateTable", &untagged);
    table("Scan", &json!({"TableName": "Music"}));
    table("Query", &json!({"TableName": "Music", "KeyConditionExpression": "a = b"}));
}

#[test]
fn every_table_of_a_batch_is_named() {
    let input = json!({"RequestItems": {
        "Music": {"Keys": [{"a": {"S": "b"}}]}, "Reply": {"Keys": [{"a": {"S": "b"}}]},
    }});
    let request = read("BatchGetItem", &input).unwrap();
    let tables = vec![TABLE.to_owned(), TABLE.replace("Music", "Reply")];
    for (dry_run, action) in [(false, "dynamodb:BatchGetItem"), (true, "dynamodb:DescribeTable")] {
        assert_eq!(allowed(&policy(&request, dry_run)), [(vec![action.to_owned()], tables.clone())]);
    }
}

/// More tables than a session policy has room for are refused before a session is asked for.
#[test]
fn a_batch_of_too_many_tables_is_refused() {
    let tables = |number: usize| {
        let keys = json!({"Keys": [{"a": {"S": "b"}}]});
        let named = (0..number).map(|place| (format!("{place:0>255}"), keys.clone()));
        json!({"RequestItems": named.collect::<serde_json::Map<_, _>>()})
    };
    assert!(read("BatchGetItem", &tables(6)).is_ok());
    let error = read("BatchGetItem", &tables(7)).unwrap_err();
    assert_eq!((error.code, error.fields[0].pointer.as_str()), ("too_many_resources", "/input"));
}

#[test]
fn every_action_of_dynamodbs_has_an_input_here() {
    let here: Vec<_> = every_input().into_iter().map(|(action, _)| format!("dynamodb:{action}")).collect();
    let offered: BTreeSet<_> =
        OFFERED.iter().filter(|action| action.starts_with("dynamodb:")).copied().collect();
    assert_eq!(here.iter().map(String::as_str).collect::<BTreeSet<_>>(), offered);
    // What destroys takes a plan, and nothing else does.
    for (action, input) in every_input() {
        let destroys = format!("dynamodb:{action}").parse::<Action>().unwrap().destroys();
        let needs_plan = read(action, &input).unwrap().needs_plan().is_some();
        assert_eq!(needs_plan, destroys || action == "BatchWriteItem", "{action}");
    }
}

/// Each input that names a table, with this name.
fn naming(name: &str) -> Vec<(&'static str, Value)> {
    let inputs = every_input().into_iter().filter_map(|(action, mut input)| {
        if input.get("RequestItems").is_some() {
            let items = input["RequestItems"].as_object_mut().unwrap();
            let music = items.remove("Music").unwrap();
            items.insert(name.to_owned(), music);
        } else if input.get("ResourceArn").is_some() {
            input["ResourceArn"] = json!(TABLE.replace("Music", name));
        } else if input.get("BackupArn").is_some() {
            input["BackupArn"] = json!(BACKUP.replace("Music", name));
        } else if input.get("TableName").is_some() {
            input["TableName"] = json!(name);
        } else {
            return None;
        }
        Some((action, input))
    });
    inputs.collect()
}

/// What may stand in an ARN between a table's name and the end, and means that alone.
fn is_plain(resource: &str) -> bool {
    resource.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.:/".contains(&byte))
}

/// Names that would mean more than one table in a policy, or end a string in it.
fn hostile() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-zA-Z0-9_.-]{0,8}[*?${}\"'\\\\/: \\n\\u{0}ä,\\[\\]][a-zA-Z0-9*?_.-]{0,8}",
        "[a-z]{0,2}",
        "[a-z]{256,300}",
        Just("${aws:username}".to_owned()),
        Just("Music/index/*".to_owned()),
        Just("Music\",\"*".to_owned()),
        ".*",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// A name is refused, or means itself and nothing else.
    #[test]
    fn no_hostile_table_name_reaches_a_policy(name in hostile()) {
        for (action, input) in naming(&name) {
            let well_formed = (3..=255).contains(&name.len())
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte));
            match read(action, &input) {
                Err(error) => prop_assert!(
                    !well_formed && ["invalid_table_name", "invalid_arn"].contains(&error.code), "{action}: {error}"
                ),
                Ok(request) => {
                    prop_assert!(well_formed, "{action} took {name:?}");
                    for dry_run in [false, true] {
                        for (_, resources) in allowed(&policy(&request, dry_run)) {
                            prop_assert!(resources.iter().all(|it| is_plain(it) || action == "ListBackups"));
                        }
                    }
                }
            }
        }
    }

    /// The name of an index is refused, or is one.
    #[test]
    fn no_hostile_index_name_reaches_a_policy(name in hostile()) {
        for action in ["Query", "Scan"] {
            let input = json!({"TableName": "Music", "IndexName": name, "KeyConditionExpression": "a"});
            let mut input = input;
            if action == "Scan" {
                input.as_object_mut().unwrap().remove("KeyConditionExpression");
            }
            match read(action, &input) {
                Err(error) => prop_assert_eq!(error.code, "invalid_index_name"),
                Ok(request) => {
                    let resources = &allowed(&policy(&request, false))[0].1;
                    prop_assert!(is_plain(&resources[0]), "{resources:?}");
                    prop_assert_eq!(resources[0].matches('/').count(), 3);
                }
            }
        }
    }

    /// A backup's ARN is refused, or is one of the account's.
    #[test]
    fn no_hostile_backup_arn_reaches_a_policy(
        partition in "aws|aws-cn|\\*|", region in "eu-west-3|us-east-1|\\*", account in "222222222222|333333333333|\\*|",
        table in "Music|\\*|Mu\\?ic|a/b", id in "[0-9]{14}-[0-9a-f]{8}|\\*|[a-z*?]{1,4}|[a-z]/backup/[a-z]|"
    ) {
        let arn = format!("arn:{partition}:dynamodb:{region}:{account}:table/{table}/backup/{id}");
        match read("DescribeBackup", &json!({"BackupArn": arn})) {
            Err(error) => prop_assert!(["invalid_arn", "foreign_resource"].contains(&error.code), "{error}"),
            Ok(request) => {
                prop_assert_eq!(&allowed(&policy(&request, false))[0].1, std::slice::from_ref(&arn));
                prop_assert!(arn.starts_with("arn:aws:dynamodb:eu-west-3:222222222222:table/Music/backup/"));
                prop_assert!(is_plain(&arn));
            }
        }
    }

    /// Nor does text of any kind that begins like one.
    #[test]
    fn no_text_passes_for_an_arn(text in ".*") {
        for (action, parameter, whole) in
            [("DescribeBackup", "BackupArn", BACKUP), ("ListTagsOfResource", "ResourceArn", TABLE)]
        {
            let input = json!({parameter: text});
            prop_assert_eq!(read(action, &input).unwrap_err().code, "invalid_arn");
            // With more after it, it is another one or none.
            let longer = format!("{whole}{text}");
            if let Ok(request) = read(action, &json!({parameter: longer})) {
                prop_assert_eq!(&allowed(&policy(&request, false))[0].1, std::slice::from_ref(&longer));
                prop_assert!(is_plain(&longer));
            }
        }
    }
}
