//! The statements that mend a role's permissions, as a command ready to paste.

use serde_json::{Map, Value, json};

use crate::text::{NOTHING, field, items, visible};

/// What the statements of these reasons add to the role, and how; nothing where none has any.
///
/// `name` is the list's: `reasons` or `warnings`.
pub fn patch(connection: &Value, name: &str) -> Option<String> {
    let mut statements: Vec<&Value> = Vec::new();
    for reason in items(connection, name) {
        let statement = reason.get("patch").filter(|patch| !patch.is_null());
        statements.extend(statement.filter(|statement| !statements.contains(statement)));
    }
    if statements.is_empty() {
        return None;
    }
    let in_order: Vec<Value> = statements.iter().copied().map(in_order).collect();
    let policy = json!({"Version": "2012-10-17", "Statement": in_order});
    let what = if statements.len() == 1 { "this statement" } else { "these statements" };
    let arn = field(connection, "role_arn");
    let account = arn.split(':').nth(4).filter(|account| !account.is_empty());
    let account = account.map(|account| format!(" {account}")).unwrap_or_default();
    // What is only warned of does not wait for a verification.
    let (purpose, then) = if name == "warnings" {
        ("To allow it", String::new())
    } else {
        let id = field(connection, "connection_id");
        ("To mend it", format!("\nThen: drawbridge connections verify {id} --watch"))
    };
    // A name of its own for each version: an inline policy of an earlier patch is not overwritten.
    let version = field(connection, "version");
    Some(format!(
        "{purpose}, add {what} where the role's permissions are kept (CloudFormation, Terraform), or as\n\
         an inline policy with this command, run in the customer's account{account}.{then}\n\n\
         aws iam put-role-policy --role-name {} --policy-name drawbridge-{name}-{version} --policy-document '{}'",
        role_name(connection),
        quoted(&policy),
    ))
}

/// The statement as people write one; the API's objects have no order.
fn in_order(statement: &Value) -> Value {
    const ORDER: [&str; 5] = ["Sid", "Effect", "Action", "Resource", "Condition"];
    let Some(fields) = statement.as_object() else { return statement.clone() };
    let known = ORDER.iter().filter_map(|name| fields.get_key_value(*name));
    let others = fields.iter().filter(|(name, _)| !ORDER.contains(&name.as_str()));
    Value::Object(
        known.chain(others).map(|(name, value)| (name.clone(), value.clone())).collect::<Map<_, _>>(),
    )
}

/// The role's name, the one that it is to have before it was submitted. IAM's alphabet needs no
/// quotes in a shell, and nothing else gets there.
fn role_name(connection: &Value) -> String {
    let name = field(connection, "role_name");
    let is_of_a_name = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
    let is_name = name != NOTHING && name.chars().all(is_of_a_name);
    if is_name { name } else { "ROLE_NAME".to_owned() }
}

/// A document that stays what it is between single quotes.
fn quoted(policy: &Value) -> String {
    visible(&format!("{policy:#}")).replace('\'', "\\u0027")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connection(patches: &[Value]) -> Value {
        let reasons: Vec<_> =
            patches.iter().map(|patch| json!({"code": "permission_missing", "patch": patch})).collect();
        json!({
            "connection_id": "con_1", "version": 7, "reasons": reasons, "warnings": reasons,
            "role_arn": "arn:aws:iam::222222222222:role/vendors/drawbridge-a1b2", "role_name": "drawbridge-a1b2",
        })
    }

    #[test]
    fn a_patch_is_a_command_with_a_whole_policy() {
        let (one, two) = (
            json!({"Effect": "Allow", "Action": "ec2:StartInstances", "Resource": "*"}),
            json!({"Effect": "Allow", "Action": "ec2:it's", "Resource": "*"}),
        );
        let text =
            patch(&connection(&[one.clone(), Value::Null, two.clone(), one.clone()]), "reasons").unwrap();
        let command = "aws iam put-role-policy --role-name drawbridge-a1b2 --policy-name drawbridge-reasons-7 \
                       --policy-document '";
        let (said, rest) = text.split_once(command).unwrap();
        assert!(said.contains("account 222222222222"), "{said}");
        assert!(said.contains("drawbridge connections verify con_1 --watch"), "{said}");
        // Between its quotes stands one document, with no quote of its own.
        let document = rest.strip_suffix('\'').unwrap();
        assert!(!document.contains('\''));
        let policy: Value = serde_json::from_str(document).unwrap();
        assert_eq!(policy, json!({"Version": "2012-10-17", "Statement": [one, two]}));
    }

    #[test]
    fn a_statement_reads_as_people_write_one() {
        let mixed = json!({"Later": 1, "Resource": "*", "Action": "ec2:StartInstances", "Effect": "Allow"});
        let text = patch(&connection(&[mixed]), "reasons").unwrap();
        let at =
            ["Effect", "Action", "Resource", "Later"].map(|name| text.find(&format!("{name:?}")).unwrap());
        assert!(at.is_sorted(), "{text}");
    }

    #[test]
    fn what_has_no_patch_has_no_command() {
        assert_eq!(patch(&connection(&[Value::Null]), "reasons"), None);
        assert_eq!(patch(&json!({"reasons": [{"code": "x"}], "version": 7}), "reasons"), None);
        assert_eq!(patch(&connection(&[]), "warnings"), None);
    }

    #[test]
    fn nothing_that_is_no_name_gets_into_the_command() {
        for name in [json!(null), json!(""), json!("a;rm"), json!("a b"), json!("$(x)"), json!("a'b")] {
            let mut connection = connection(&[json!({"Action": "ec2:X"})]);
            connection["role_name"] = name.clone();
            let text = patch(&connection, "reasons").unwrap();
            assert!(text.contains("--role-name ROLE_NAME --policy-name"), "{name}: {text}");
        }
    }

    #[test]
    fn a_warning_waits_for_no_verification() {
        let mut connection = connection(&[json!({"Action": "ec2:X"})]);
        connection["role_arn"] = Value::Null;
        let text = patch(&connection, "warnings").unwrap();
        assert!(text.starts_with("To allow it, add this statement") && !text.contains("verify"), "{text}");
        assert!(text.contains("in the customer's account.\n"), "{text}");
        assert!(text.contains("--policy-name drawbridge-warnings-7 "), "{text}");
    }
}
