use super::*;
use crate::policy::grant_policy;
use proptest::prelude::*;
use std::collections::BTreeMap;

fn alice() -> Assumer {
    Assumer::new(Kind::User, "alice").unwrap()
}

fn role(name: &str) -> RoleArn {
    format!("arn:aws:iam::222222222222:role/{name}").parse().unwrap()
}

/// IAM, as far as these policies go.
#[derive(Debug, Default)]
struct Account(BTreeMap<u8, Held>);

impl Account {
    fn held(&self) -> Vec<Held> {
        self.0.values().cloned().collect()
    }

    fn quota(&self, others: usize) -> Quota {
        Quota {
            attachments: MAX_ATTACHMENTS,
            attached: others + self.0.values().filter(|held| held.attached).count(),
        }
    }

    fn take(&mut self, steps: Vec<Step>) {
        for step in steps {
            match step {
                Step::Create(number, roles) => {
                    assert!(self.0.insert(number, Held { number, roles, attached: false }).is_none());
                }
                Step::Rewrite(number, roles) => self.0.get_mut(&number).unwrap().roles = roles,
                Step::Attach(number) => self.0.get_mut(&number).unwrap().attached = true,
                Step::Remove(number) => assert!(self.0.remove(&number).is_some()),
            }
        }
    }

    fn allowed(&self) -> BTreeSet<RoleArn> {
        self.0.values().filter(|held| held.attached).flat_map(|held| held.roles.clone()).collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever is attached and detached: what should be allowed is, once, and within IAM's limits.
    #[test]
    fn policies_hold_what_they_should_within_the_limits(
        changes in prop::collection::vec((any::<bool>(), 0_u8..200, 10_usize..60), 1..200),
        others in 0_usize..=9,
    ) {
        let mut account = Account::default();
        let mut expected = BTreeSet::new();
        for (attaches, which, length) in changes {
            let role = role(&format!("{which:03}{}", "n".repeat(length)));
            if attaches {
                match attach(&account.held(), &role, account.quota(others)) {
                    Ok(steps) => {
                        account.take(steps);
                        expected.insert(role.clone());
                        // Once more changes nothing.
                        prop_assert_eq!(attach(&account.held(), &role, account.quota(others)).unwrap(), vec![]);
                    }
                    Err(error) => prop_assert_eq!(error.code, "attachments_exhausted"),
                }
            } else {
                account.take(detach(&account.held(), &role));
                expected.remove(&role);
                prop_assert_eq!(detach(&account.held(), &role), vec![]);
            }
            prop_assert_eq!(&account.allowed(), &expected);
            let named: usize = account.0.values().map(|held| held.roles.len()).sum();
            prop_assert_eq!(named, expected.len(), "nothing is named twice");
            prop_assert!(account.quota(others).attached <= MAX_ATTACHMENTS);
            for held in account.0.values() {
                let document = grant_policy(&held.roles).expect("none is empty");
                prop_assert!(document.to_json().len() <= MAX_POLICY_CHARACTERS);
                let read = roles_of(&serde_json::to_value(&document).unwrap());
                prop_assert_eq!(read.as_ref(), Some(&held.roles));
            }
        }
    }
}

#[test]
fn a_full_policy_is_followed_by_the_next_and_its_room_is_used_again() {
    let mut account = Account::default();
    let name = |n: usize| role(&format!("{n:03}{}", "n".repeat(17)));
    for n in 0..113 {
        let steps = attach(&account.held(), &name(n), account.quota(0)).unwrap();
        account.take(steps);
    }
    let sizes: Vec<_> = account.0.values().map(|held| held.roles.len()).collect();
    assert_eq!(sizes, [112, 1]);
    account.take(detach(&account.held(), &name(5)));
    let steps = attach(&account.held(), &name(200), account.quota(0)).unwrap();
    assert!(matches!(steps.as_slice(), [Step::Rewrite(1, roles)] if roles.len() == 112), "{steps:?}");
    assert_eq!(detach(&account.held(), &name(112)), [Step::Remove(2)]);
}

#[test]
fn what_was_left_behind_is_taken_up() {
    let (one, two) = (role("one"), role("two"));
    let left = Held { number: 1, roles: [one.clone()].into(), attached: false };
    let quota = Quota { attachments: 10, attached: 9 };
    let held = [left];
    assert_eq!(attach(&held, &one, quota).unwrap(), [Step::Attach(1)]);
    let steps = attach(&held, &two, quota).unwrap();
    assert_eq!(steps, [Step::Rewrite(1, [one.clone(), two].into()), Step::Attach(1)]);
    assert_eq!(detach(&held, &one), [Step::Remove(1)]);
    let full = Quota { attachments: 10, attached: 10 };
    assert_eq!(attach(&held, &one, full).unwrap_err().code, "attachments_exhausted");
}

#[test]
fn names_are_stable_distinct_and_short_enough() {
    assert_eq!(alice().policy_name(1), "assume-user-alice-1");
    let account: AccountId = "111111111111".parse().unwrap();
    let arn = alice().policy_arn(Partition::AwsCn, &account, 12);
    assert_eq!(arn, "arn:aws-cn:iam::111111111111:policy/drawbridge/people/assume-user-alice-12");
    assert_eq!(alice().number_of(&arn), Some(12));
    for other in
        ["assume-user-alice-0", "assume-user-alice-01", "assume-user-alice-2-1", "assume-role-alice-1"]
    {
        let arn = format!("arn:aws:iam::111111111111:policy/drawbridge/people/{other}");
        assert_eq!(alice().number_of(&arn), None, "{other}");
    }
    assert_eq!(alice().number_of("arn:aws:iam::111111111111:policy/assume-user-alice-1"), None);

    let long = |end: &str| Assumer::new(Kind::Group, &format!("{}{end}", "g".repeat(127))).unwrap();
    let names = [long("a").policy_name(99), long("b").policy_name(99)];
    assert_ne!(names[0], names[1]);
    assert!(long("a").lease_name().len() <= MAX_POLICY_NAME);
    assert_eq!(alice().number_of(&alice().lease_arn(Partition::Aws, &account)), None);
    assert!(names.iter().all(|name| name.len() <= MAX_POLICY_NAME), "{names:?}");
    for (kind, name) in
        [(Kind::User, ""), (Kind::User, "a/b"), (Kind::Role, "*"), (Kind::User, &"u".repeat(65))]
    {
        assert_eq!(Assumer::new(kind, name).unwrap_err().code, "invalid_principal_name");
    }
}

#[test]
fn what_somebody_else_wrote_is_not_ours_to_rewrite() {
    let sound = serde_json::json!({"Effect": "Allow", "Action": ["sts:AssumeRole"],
                                   "Resource": "arn:aws:iam::222222222222:role/one"});
    let of = |statement: &Value| roles_of(&serde_json::json!({"Statement": [statement]}));
    assert_eq!(of(&sound), Some([role("one")].into()));
    let mut several = sound.clone();
    several["Resource"] = serde_json::json!(["arn:aws:iam::222222222222:role/*"]);
    assert_eq!(of(&several), None);
    let mut conditional = sound.clone();
    conditional["Condition"] = serde_json::json!({});
    assert_eq!(of(&conditional), None);
    assert_eq!(roles_of(&serde_json::json!({"Statement": [sound.clone(), sound]})), None);
    assert_eq!(roles_of(&Value::Null), None);
}
