//! What the sources themselves must keep: routes, loops, dependencies.

use std::collections::BTreeSet;
use std::process::Command;

use blackbox::Api;

pub(crate) const TEMPLATE: &str = include_str!("../../../infra/template.yaml");
const README: &str = include_str!("../../../README.md");
const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

#[tokio::test]
async fn the_template_routes_what_the_api_describes() {
    let document = Api::unsigned().get("/openapi.json").await.expect(200);
    let described: BTreeSet<(String, bool)> = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, item)| {
            item.as_object()
                .unwrap()
                .keys()
                .map(move |method| (format!("{} {path}", method.to_uppercase()), path.starts_with("/v1/")))
        })
        .collect();
    let resources = TEMPLATE.split("Type: AWS::ApiGatewayV2::Route").skip(1);
    let routed: BTreeSet<(String, bool)> = resources
        .map(|resource| {
            let value = |name: &str| {
                let line = resource.lines().find(|line| line.trim_start().starts_with(name)).unwrap();
                line.split_once(": ").unwrap().1.to_owned()
            };
            (value("RouteKey"), value("AuthorizationType") == "AWS_IAM")
        })
        .filter(|(route, _)| route != "$default")
        .collect();
    assert_eq!(routed, described, "each route with whether IAM guards it");
}

/// The functions of the template, each with all that stands below its type.
fn function_resources() -> Vec<String> {
    let resources = TEMPLATE.split("Type: AWS::Serverless::Function").skip(1);
    let body = |resource: &str| {
        let lines = resource.lines().take_while(|line| line.is_empty() || line.starts_with("    "));
        lines.collect::<Vec<_>>().join("\n")
    };
    resources.map(body).collect()
}

#[test]
fn readme_lists_the_environment_that_the_template_gives_each_function() {
    let given: BTreeSet<(String, String)> = function_resources()
        .iter()
        .flat_map(|body| {
            let (_, code) = body.split_once("CodeUri: ../functions/").unwrap();
            let function = code.lines().next().unwrap().to_owned();
            let (_, variables) = body.split_once("\n        Variables:\n").unwrap();
            let variables = variables.lines().take_while(|line| line.starts_with("          "));
            let names = variables
                .filter_map(|line| line.trim_start_matches(' ').split_once(':').map(|(name, _)| name));
            let names = names.filter(|name| name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_'));
            names.map(|name| (name.to_owned(), function.clone())).collect::<Vec<_>>()
        })
        .collect();
    let functions: BTreeSet<&str> = given.iter().map(|(_, function)| function.as_str()).collect();

    let (_, section) = README.split_once("\n### Environment of the functions\n").unwrap();
    let (section, _) = section.split_once("\n### ").unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    let listed: BTreeSet<(String, String)> = rows
        .flat_map(|row| {
            let cells: Vec<&str> = row.split(" | ").collect();
            let [names, whose, _] = cells[..] else { panic!("three columns: {row}") };
            let whose: Vec<&str> = if whose == "all" {
                functions.iter().copied().collect()
            } else {
                whose.split(", ").collect()
            };
            let names = names.split('`').skip(1).step_by(2);
            names
                .flat_map(move |name| {
                    whose.clone().into_iter().map(|function| (name.to_owned(), function.to_owned()))
                })
                .collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(listed, given);
}

#[test]
fn a_function_that_feeds_its_own_queue_is_allowed_to() {
    // Lambda stops such a function after about 16 rounds otherwise. Source: Lambda Developer Guide,
    // "Use Lambda recursive loop detection to prevent infinite loops".
    let mut loops = 0;
    for body in function_resources() {
        if body.contains("Type: SQS") && body.contains("_QUEUE_URL") {
            assert!(body.contains("RecursiveLoop: Allow"), "{body}");
            loops += 1;
        }
    }
    assert_eq!(loops, 3, "the onboarder, the planner and the worker");
}

/// The packages that a function is built from.
pub(crate) fn packages_of(function: &str) -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .args([
            "tree",
            "--locked",
            "--edges",
            "normal",
            "--prefix",
            "none",
            "--format",
            "{p}",
            "--package",
            function,
        ])
        .current_dir(ROOT)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}

#[test]
fn the_api_is_built_without_a_way_into_accounts() {
    let packages = packages_of("api");
    assert!(packages.contains("aws-sdk-dynamodb"), "{packages:?}");
    for forbidden in ["access", "estate", "aws-sdk-iam", "aws-sdk-ec2"] {
        assert!(!packages.contains(forbidden), "{forbidden}");
    }
}

#[test]
fn the_rules_are_built_without_aws() {
    let packages = packages_of("domain");
    let impure: Vec<_> = packages
        .iter()
        .filter(|name| name.starts_with("aws-") || ["tokio", "getrandom"].contains(&name.as_str()))
        .collect();
    assert_eq!(impure, Vec::<&String>::new());
}

/// Every file of this kind below a folder.
fn files(folder: &std::path::Path, ending: &str, found: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("target") {
            files(&path, ending, found);
        } else if path.to_string_lossy().ends_with(ending) {
            found.push(path);
        }
    }
}

/// The code of the product below these folders, by file, without its tests and their samples.
pub(crate) fn product_code(folder: &str) -> Vec<(String, String)> {
    let root = std::path::Path::new(ROOT);
    let mut found = Vec::new();
    files(&root.join(folder), ".rs", &mut found);
    let of_tests = |name: &str| {
        let parts: Vec<_> = name.split('/').collect();
        parts.contains(&"tests")
            || parts
                .last()
                .is_some_and(|file| ["tests.rs", "test_app.rs", "sample.rs", "scripted.rs"].contains(file))
    };
    let named = found.into_iter().map(|path| {
        let text = std::fs::read_to_string(&path).unwrap();
        let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap().to_owned();
        (path.strip_prefix(root).unwrap().to_string_lossy().into_owned(), code)
    });
    named.filter(|(name, _)| !of_tests(name)).collect()
}

/// What an external ID is made of: the operating system's randomness, and nothing that is known of
/// a customer.
#[test]
fn a_connections_external_id_is_made_of_randomness_alone() {
    let code: Vec<_> = ["functions", "shared"].into_iter().flat_map(product_code).collect();
    let mut makers = BTreeSet::new();
    for (file, text) in &code {
        for (place, _) in text.match_indices("ExternalId::new(") {
            let made = &text[place..];
            assert!(made.starts_with("ExternalId::new(random())"), "{file} makes one of something else");
            let imports =
                text.lines().any(|line| line.starts_with("use runtime::") && line.contains("random"));
            assert!(imports, "{file} has a randomness of its own");
            makers.insert(file.as_str());
        }
        // One is read where connections are, and nowhere else.
        if file != "shared/store/src/record.rs" {
            assert!(
                !text.lines().any(|line| line.contains("ExternalId") && line.contains("parse")),
                "{file}"
            );
        }
        // A new connection is given one that is made there and then.
        for (place, _) in text.match_indices("NewConnection {").filter(|_| !file.ends_with("change.rs")) {
            let fields = text[place..].split_once("};").unwrap().0;
            assert!(fields.contains("external_id: ExternalId::new(random()),"), "{file}");
        }
    }
    // The other one asks for a role with an ID that must be refused.
    let known = ["functions/api/src/create_connection.rs", "functions/onboarder/src/verify.rs"];
    assert_eq!(makers, known.into());
}

/// The documents say which test shows what; one that is renamed must be renamed there.
#[test]
fn every_test_that_a_document_names_is_there() {
    let root = std::path::Path::new(ROOT);
    let mut sources = Vec::new();
    for folder in ["cli", "functions", "shared", "tests"] {
        files(&root.join(folder), ".rs", &mut sources);
    }
    let mut functions = std::collections::BTreeSet::new();
    for source in sources {
        let text = std::fs::read_to_string(source).unwrap();
        functions.extend(
            text.lines()
                .filter_map(|line| line.split_once("fn ")?.1.split(['(', '<']).next())
                .map(str::to_owned),
        );
    }
    for document in ["docs/threat-model.md", "ARCHITECTURE.md"] {
        let text = std::fs::read_to_string(root.join(document)).unwrap();
        // Of the architecture, the table of invariants.
        let named_in = text.split("\n## Invariants\n").last().unwrap();
        let named_in =
            if text.contains("\n## Invariants\n") { named_in.split("\n## ").next().unwrap() } else { &text };
        let tables = named_in.lines().filter(|line| line.starts_with('|')).filter_map(|line| {
            // The last column names tests.
            line.trim_end_matches('|').rsplit('|').next()
        });
        let mut named = 0;
        for name in tables.flat_map(|cell| cell.split('`').skip(1).step_by(2).collect::<Vec<_>>()) {
            // A test's name is a sentence.
            if name.matches('_').count() >= 3 && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_') {
                assert!(functions.contains(name), "{document} names {name}, which is no test");
                named += 1;
            }
        }
        assert!(named > 20, "{document} names {named} tests");
    }
}
