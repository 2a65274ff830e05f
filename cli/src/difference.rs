//! What is different between two documents, line by line, for somebody who is about to agree to it.

use serde_json::{Map, Value};

/// Keys of a statement in the order in which people write them.
const ORDER: [&str; 7] = ["Version", "Sid", "Effect", "Principal", "Action", "Resource", "Condition"];

/// A policy document in the one form that all others of the same meaning have: lists in order, no list
/// of one string, no key before another that people write first.
///
/// Source: IAM User Guide, "IAM JSON policy elements reference": one string may stand for a list of one.
pub fn normal(policy: &Value) -> Value {
    match policy {
        Value::Object(fields) => {
            let known = ORDER.iter().filter_map(|name| fields.get_key_value(*name));
            let mut others: Vec<_> =
                fields.iter().filter(|(name, _)| !ORDER.contains(&name.as_str())).collect();
            others.sort_by_key(|(name, _)| *name);
            let all = known.chain(others.iter().map(|(name, value)| (*name, *value)));
            Value::Object(
                all.map(|(name, value)| {
                    let value = normal(value);
                    // A statement may stand without its list.
                    let alone = name == "Statement" && value.is_object();
                    (name.clone(), if alone { Value::Array(vec![value]) } else { value })
                })
                .collect::<Map<_, _>>(),
            )
        }
        Value::Array(items) => {
            let mut items: Vec<Value> = items.iter().map(normal).collect();
            if items.iter().all(Value::is_string) {
                items.sort_by(|one, other| one.as_str().cmp(&other.as_str()));
                items.dedup();
                if items.len() == 1 {
                    return items.remove(0);
                }
            } else {
                items.sort_by_key(ToString::to_string);
            }
            Value::Array(items)
        }
        // Conditions compare texts.
        Value::Bool(flag) => Value::String(flag.to_string()),
        other => other.clone(),
    }
}

/// Whether two policy documents say the same.
pub fn same(one: &Value, other: &Value) -> bool {
    normal(one) == normal(other)
}

/// From `before` to `after`, each line after a `-`, a `+` or a blank.
pub fn of_documents(before: Option<&Value>, after: Option<&Value>) -> String {
    let text = |document: Option<&Value>| document.map(|it| format!("{:#}", normal(it))).unwrap_or_default();
    of_lines(&text(before), &text(after))
}

/// The same of texts. What both have is found by their longest common sequence of lines.
fn of_lines(before: &str, after: &str) -> String {
    let (before, after): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    // common[i][j]: how long the sequence is of what follows line i of the one and j of the other.
    let mut common = vec![vec![0_u32; after.len() + 1]; before.len() + 1];
    for (i, old) in before.iter().enumerate().rev() {
        for (j, new) in after.iter().enumerate().rev() {
            common[i][j] =
                if old == new { common[i + 1][j + 1] + 1 } else { common[i + 1][j].max(common[i][j + 1]) };
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut lines = Vec::new();
    while i < before.len() || j < after.len() {
        if i < before.len() && j < after.len() && before[i] == after[j] {
            lines.push(format!("  {}", before[i]));
            (i, j) = (i + 1, j + 1);
        } else if j == after.len() || (i < before.len() && common[i + 1][j] >= common[i][j + 1]) {
            lines.push(format!("- {}", before[i]));
            i += 1;
        } else {
            lines.push(format!("+ {}", after[j]));
            j += 1;
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_means_the_same_is_the_same() {
        let one = json!({"Version": "2012-10-17", "Statement": [
            {"Action": ["ec2:B", "ec2:A"], "Effect": "Allow", "Resource": ["*"]},
            {"Effect": "Deny", "Action": "s3:*", "Resource": "*", "Condition": {"Bool": {"x": true}}},
        ]});
        let other = json!({"Statement": [
            {"Effect": "Deny", "Action": ["s3:*"], "Condition": {"Bool": {"x": "true"}}, "Resource": "*"},
            {"Effect": "Allow", "Resource": "*", "Action": ["ec2:A", "ec2:B", "ec2:A"]},
        ], "Version": "2012-10-17"});
        assert!(same(&one, &other));
        assert!(same(
            &json!({"Statement": {"Effect": "Allow"}}),
            &json!({"Statement": [{"Effect": "Allow"}]})
        ));
        let mut changed = other.clone();
        changed["Statement"][0]["Effect"] = json!("Allow");
        assert!(!same(&one, &changed));
    }

    #[test]
    fn a_difference_shows_what_goes_and_what_comes() {
        let before = json!({"Effect": "Allow", "Action": ["a", "b"], "Resource": "*"});
        let after = json!({"Resource": "*", "Effect": "Allow", "Action": ["a", "c"]});
        assert_eq!(
            of_documents(Some(&before), Some(&after)),
            "  {\n    \"Effect\": \"Allow\",\n    \"Action\": [\n      \"a\",\n-     \"b\"\n+     \"c\"\n    ],\n    \
             \"Resource\": \"*\"\n  }"
        );
        let made = of_documents(None, Some(&json!({"Effect": "Allow"})));
        assert_eq!(made, "+ {\n+   \"Effect\": \"Allow\"\n+ }");
        assert_eq!(of_documents(Some(&json!("x")), None), "- \"x\"");
        assert_eq!(of_documents(None, None), "");
    }
}
