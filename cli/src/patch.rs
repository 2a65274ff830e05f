//! The statements that mend a role's permissions, as a command ready to paste.

use serde_json::{Value, json};

use crate::text::{field, items, visible};

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
    let policy = json!({"Version": "2012-10-17", "Statement": statements});
    let what = if statements.len() == 1 { "this statement" } else { "these statements" };
    let account = match field(connection, "account_id") {
        account if account == crate::text::NOTHING => "the customer's account".to_owned(),
        account => format!("the customer's account {account}"),
    };
    let id = field(connection, "connection_id");
    // A name of its own for each version: an inline policy of an earlier patch is not overwritten.
    let version = field(connection, "version");
    Some(format!(
        "To mend it, add {what} where the role's permissions are kept (CloudFormation, Terraform), or as an inline\n\
         policy with this command, run in {account}. Then: drawbridge connections verify {id} --watch\n\n\
         aws iam put-role-policy --role-name {} --policy-name drawbridge-{name}-{version} --policy-document '{}'",
        role_name(connection),
        quoted(&policy),
    ))
}

/// The name of the role that was submitted; IAM's alphabet needs no quotes in a shell.
fn role_name(connection: &Value) -> String {
    let arn = field(connection, "role_arn");
    let name = arn.rsplit('/').next().unwrap_or_default();
    let is_name = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
    if arn.contains('/') && !name.is_empty() && name.chars().all(is_name) {
        name.to_owned()
    } else {
        "ROLE_NAME".to_owned()
    }
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
            "connection_id": "con_1", "account_id": "222222222222", "version": 7, "reasons": reasons,
            "role_arn": "arn:aws:iam::222222222222:role/vendors/drawbridge-a1b2",
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
    fn what_has_no_patch_has_no_command() {
        assert_eq!(patch(&connection(&[Value::Null]), "reasons"), None);
        assert_eq!(patch(&connection(&[json!({})]), "warnings"), None);
    }

    #[test]
    fn nothing_that_is_no_name_gets_into_the_command() {
        for arn in
            [json!(null), json!("role"), json!("arn:aws:iam::1:role/a;rm"), json!("arn:aws:iam::1:role/")]
        {
            let mut connection = connection(&[json!({"Action": "ec2:X"})]);
            connection["role_arn"] = arn.clone();
            let text = patch(&connection, "reasons").unwrap();
            assert!(text.contains("--role-name ROLE_NAME --policy-name"), "{arn}: {text}");
        }
    }
}
