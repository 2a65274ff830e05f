//! What the sources themselves must keep: routes, loops, dependencies.

use std::collections::BTreeSet;
use std::process::Command;

use blackbox::Api;

const TEMPLATE: &str = include_str!("../../../infra/template.yaml");
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

#[test]
fn a_function_that_feeds_its_own_queue_is_allowed_to() {
    // Lambda stops such a function after about 16 rounds otherwise. Source: Lambda Developer Guide,
    // "Use Lambda recursive loop detection to prevent infinite loops".
    let resources: Vec<&str> = TEMPLATE.split("Type: AWS::Serverless::Function").skip(1).collect();
    let mut loops = 0;
    for resource in resources {
        let body: String = resource
            .lines()
            .take_while(|line| line.is_empty() || line.starts_with("    "))
            .collect::<Vec<_>>()
            .join("\n");
        if body.contains("Type: SQS") && body.contains("_QUEUE_URL") {
            assert!(body.contains("RecursiveLoop: Allow"), "{body}");
            loops += 1;
        }
    }
    assert_eq!(loops, 1, "the onboarder");
}

/// The packages that a function is built from.
fn packages_of(function: &str) -> BTreeSet<String> {
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
