//! The capability table, walked: whatever a customer can allow can be asked for, and says what it is by.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use domain::Action;

use super::OFFERED;

/// What EC2 does with a customer's key by itself, in the name of whoever starts an instance: nobody asks
/// for it alone.
const NEVER: &[&str] = &["kms:CreateGrant"];

#[test]
fn every_action_of_the_capability_table_can_be_asked_for() {
    let table: BTreeSet<_> = Action::all().map(Action::as_str).collect();
    let offered: BTreeSet<_> = OFFERED.iter().copied().collect();
    assert_eq!(offered.len(), OFFERED.len(), "each once");
    let never: BTreeSet<_> = NEVER.iter().copied().collect();
    assert!(offered.is_disjoint(&never), "strike them from the list");
    let known: BTreeSet<_> = offered.union(&never).copied().collect();
    assert_eq!(known, table);
}

/// The file of an action, which is named after it.
fn file_of(action: &str) -> PathBuf {
    let (service, name) = action.split_once(':').unwrap();
    let service = if service == "dynamodb" { "dynamodb" } else { "ec2" };
    let mut file = String::new();
    let mut before = '_';
    for letter in name.replace("SSH", "Ssh").chars() {
        if letter.is_ascii_uppercase() && before != '_' {
            file.push('_');
        }
        file.push(letter.to_ascii_lowercase());
        before = letter;
    }
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("src/operations/{service}/{file}.rs"))
}

#[test]
fn every_operation_says_by_which_document_it_is_made() {
    for action in OFFERED {
        let path = file_of(action);
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let doc: String = text.lines().take_while(|line| line.starts_with("//!")).collect();
        assert!(doc.starts_with(&format!("//! `{action}`. Source")), "{action}: {doc}");
        let name = action.split_once(':').unwrap().1;
        assert!(doc.contains("API Reference") && doc.contains(name), "{action}: {doc}");
        // What its session may do is said in its own file, and by no other's.
        assert!(text.contains("fn needs(&self"), "{action} has no session policy");
    }
}

/// A session policy that allows nothing, or everything, is none.
#[test]
fn every_operation_has_tests_of_what_its_session_may_do() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/operations");
    let read = |file: &str| fs::read_to_string(here.join(file)).unwrap();
    let ec2 = read("ec2/tests/policies.rs") + &read("ec2/tests/limits.rs");
    let dynamodb = read("dynamodb/tests.rs");
    for action in OFFERED {
        let (service, name) = action.split_once(':').unwrap();
        let looked_at = match service {
            "dynamodb" => dynamodb.contains(&format!("\"{name}\"")),
            _ => name.starts_with("Describe") || ec2.contains(&format!("\"{action}\"")),
        };
        assert!(looked_at, "nobody has looked at what a session of {action} may do");
    }
}

/// Whoever reads what there is finds all of it.
#[test]
fn every_operation_is_listed_for_those_who_call() {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md");
    let readme = fs::read_to_string(readme).unwrap();
    let (_, rest) = readme.split_once("\n### Operations\n").unwrap();
    let section = rest.split("\n### ").next().unwrap();
    for action in OFFERED {
        let name = action.split_once(':').unwrap().1;
        let listed = section.contains(name) || (name.starts_with("Describe") && action.starts_with("ec2:"));
        assert!(listed, "{action} is not in the section Operations");
    }
}
