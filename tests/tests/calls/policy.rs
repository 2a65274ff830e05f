//! The rights that inline policies give, one by one.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::pattern::{names_action, names_resource};

/// One action on one resource, as a statement of a role gives it. Names are without what
/// `CloudFormation` adds to them, so that the rights of one template's stacks are equal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Right {
    pub role: String,
    /// Its `Sid`.
    pub statement: String,
    pub action: String,
    pub resource: String,
}

/// Rights of each role by its name, with the resource as it is deployed.
pub(crate) struct Policies(BTreeMap<String, Vec<(Right, String)>>);

impl Policies {
    /// Reads inline policies by role and policy name, parted by a space.
    pub fn of(documents: &BTreeMap<String, Value>) -> Self {
        let mut roles: BTreeMap<String, Vec<_>> = BTreeMap::new();
        for (name, document) in documents {
            let role = name.split(' ').next().unwrap();
            for statement in one_or_many(&document["Statement"]) {
                assert_eq!(statement["Effect"], "Allow", "{name}: only what allows is understood");
                let sid = statement["Sid"].as_str().unwrap_or_else(|| panic!("{name}: a Sid is missing"));
                assert!(statement["Resource"] != Value::Null, "{name} {sid}: NotResource is not understood");
                assert!(statement["Action"] != Value::Null, "{name} {sid}: NotAction is not understood");
                for action in one_or_many(&statement["Action"]) {
                    for resource in one_or_many(&statement["Resource"]) {
                        let resource = resource.as_str().unwrap();
                        let right = Right {
                            role: stem(role),
                            statement: sid.to_owned(),
                            action: action.as_str().unwrap().to_owned(),
                            resource: any_broker(&stem(resource)),
                        };
                        roles.entry(role.to_owned()).or_default().push((right, resource.to_owned()));
                    }
                }
            }
        }
        Self(roles)
    }

    /// Every right.
    pub fn rights(&self) -> impl Iterator<Item = Right> {
        self.0.values().flatten().map(|(right, _)| right.clone())
    }

    /// The rights by which a role, named by its ARN, may do this. Conditions are left aside.
    pub fn allowing(&self, role_arn: &str, action: &str, resource: &str) -> BTreeSet<Right> {
        let role = role_arn.rsplit('/').next().unwrap();
        let rights = self.0.get(role).map(Vec::as_slice).unwrap_or_default();
        rights
            .iter()
            .filter(|(right, pattern)| {
                names_action(&right.action, action) && names_resource(pattern, resource)
            })
            .map(|(right, _)| right.clone())
            .collect()
    }
}

fn one_or_many(value: &Value) -> &[Value] {
    value.as_array().map_or_else(|| std::slice::from_ref(value), Vec::as_slice)
}

/// A broker's ARN without its number: a statement that names one names all, and which of them serves
/// a role depends on how full the others are.
fn any_broker(resource: &str) -> String {
    match resource.split_once("role/drawbridge/broker-") {
        Some((head, number)) if number.bytes().all(|byte| byte.is_ascii_digit()) => {
            format!("{head}role/drawbridge/broker-…")
        }
        _ => resource.to_owned(),
    }
}

/// A name or an ARN without the random endings that `CloudFormation` gives: at least twelve capital
/// letters and digits behind a hyphen.
fn stem(text: &str) -> String {
    let parts = text.split_inclusive(['/', ':']).map(|part| {
        let (name, end) = part.split_at(part.trim_end_matches(['/', ':']).len());
        let random = |tail: &str| {
            tail.len() >= 12 && tail.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
        };
        let name = name.rsplit_once('-').filter(|(_, tail)| random(tail)).map_or(name, |(head, _)| head);
        format!("{name}{end}")
    });
    parts.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brokers_are_alike_and_nothing_else_is() {
        let broker = |end: &str| format!("arn:aws:iam::111111111111:role/drawbridge/broker-{end}");
        assert_eq!(any_broker(&broker("1")), any_broker(&broker("12")));
        for other in [broker("*"), broker("boundary"), "arn:aws:iam::111111111111:role/broker-1".to_owned()] {
            assert_eq!(any_broker(&other), other);
        }
    }
    use serde_json::json;

    fn policies() -> Policies {
        let document = json!({"Version": "2012-10-17", "Statement": [
            {"Sid": "Lists", "Effect": "Allow", "Action": "dynamodb:Query", "Resource": [
                "arn:aws:dynamodb:r:1:table/t-ABCDEF012345",
                "arn:aws:dynamodb:r:1:table/t-ABCDEF012345/index/*",
            ]},
        ]});
        Policies::of(&BTreeMap::from([("stack-Role-0123456789AB policy".to_owned(), document)]))
    }

    #[test]
    fn every_action_on_every_resource_is_a_right() {
        let rights: Vec<_> = policies().rights().map(|right| right.resource).collect();
        assert_eq!(rights, ["arn:aws:dynamodb:r:1:table/t", "arn:aws:dynamodb:r:1:table/t/index/*"]);
    }

    #[test]
    fn a_call_is_allowed_by_the_rights_that_name_it() {
        let role = "arn:aws:iam::1:role/stack-Role-0123456789AB";
        let allowing = |action, resource| policies().allowing(role, action, resource).len();
        assert_eq!(allowing("dynamodb:Query", "arn:aws:dynamodb:r:1:table/t-ABCDEF012345"), 1);
        assert_eq!(allowing("dynamodb:Query", "arn:aws:dynamodb:r:1:table/t-ABCDEF012345/index/i"), 1);
        assert_eq!(allowing("dynamodb:Scan", "arn:aws:dynamodb:r:1:table/t-ABCDEF012345"), 0);
        assert_eq!(allowing("dynamodb:Query", "arn:aws:dynamodb:r:1:table/another"), 0);
        assert!(policies().allowing("arn:aws:iam::1:role/another", "dynamodb:Query", "*").is_empty());
    }
}
