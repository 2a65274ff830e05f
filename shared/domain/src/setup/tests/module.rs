//! `infra/terraform/`, held against the documents without Terraform: its files are read as HCL, and
//! the expressions that make the role are evaluated here, with Terraform's functions as far as the
//! module uses them.

mod functions;

use std::path::{Path, PathBuf};

use functions::functions;
use hcl::eval::{Context, Evaluate as _};
use hcl::{Block, Body, Expression};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// Set to write the capabilities anew instead of holding the file against the table.
const WRITE: &str = "DRAWBRIDGE_WRITE_TERRAFORM";
const ACCOUNT: &str = "222222222222";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../infra/terraform")
}

fn body(file: &str) -> Body {
    hcl::parse(&std::fs::read_to_string(folder().join(file)).unwrap()).unwrap()
}

/// What a capability allows by itself, with Terraform's names for where it is.
fn statements(capability: Capability) -> Value {
    let account = "999999999999".parse().unwrap();
    let alone = CapabilitySet::new([capability]).unwrap();
    let document = policy::permissions_policy(Partition::Aws, Some(&account), &alone);
    let implied = capability.implies().filter(|implied| *implied != capability).map(Capability::title);
    let own = document.statements().iter().map(|statement| serde_json::to_value(statement).unwrap());
    let own: Vec<Value> =
        own.filter(|statement| implied.is_none_or(|implied| statement["Sid"] != implied)).collect();
    let text = serde_json::to_string(&own).unwrap();
    serde_json::from_str(&text.replace("arn:aws:", "arn:${partition}:").replace("999999999999", "${account}"))
        .unwrap()
}

fn table() -> String {
    let rows = Capability::ALL.into_iter().map(|capability| {
        let implies: Vec<_> = capability.implies().map(Capability::as_str).into_iter().collect();
        json!({"name": capability.as_str(), "implies": implies, "statements": statements(capability)})
    });
    let mut rows = Value::Array(rows.collect());
    // However serde_json is built.
    rows.sort_all_objects();
    format!("{rows:#}\n")
}

#[test]
fn the_modules_capabilities_are_the_table() {
    let path = folder().join("capabilities.json.tftpl");
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(&path, table()).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == table(), "{} is not the table; run this test with {WRITE}=1", path.display());
}

fn blocks<'a>(body: &'a Body, kind: &'a str) -> impl Iterator<Item = &'a Block> {
    body.blocks().filter(move |block| block.identifier() == kind)
}

fn attribute<'a>(body: &'a Body, name: &str) -> &'a Expression {
    let mut attributes = body.attributes();
    attributes
        .find(|attribute| attribute.key() == name)
        .unwrap_or_else(|| panic!("{name} is not there"))
        .expr()
}

/// The role that the module makes: its attributes, and its policy's.
fn made(variables: &Value, partition: Partition) -> (Value, Value) {
    let mut context = Context::new();
    functions(&mut context);
    let variables: hcl::Value = serde_json::from_value(variables.clone()).unwrap();
    context.declare_var("var", variables);
    let data: hcl::Value = serde_json::from_value(json!({
        "aws_partition": {"current": {"partition": partition.as_str()}},
        "aws_caller_identity": {"current": {"account_id": ACCOUNT}},
    }))
    .unwrap();
    context.declare_var("data", data);
    context.declare_var("path", hcl::value!({ "module" = (folder().to_str().unwrap()) }));
    context.declare_var("aws_iam_role", hcl::value!({ "drawbridge" = { "id" = "the-role" } }));
    let main = body("main.tf");
    let mut locals = hcl::Map::new();
    for local in blocks(&main, "locals").flat_map(|block| block.body().attributes()) {
        let value = local.expr().evaluate(&context).unwrap();
        locals.insert(local.key().to_owned(), value);
        context.declare_var("local", hcl::Value::Object(locals.clone()));
    }
    let resource = |kind: &str| {
        let mut resources = blocks(&main, "resource").filter(|block| block.labels()[0].as_str() == kind);
        let block = resources.next().unwrap();
        assert!(resources.next().is_none());
        let attributes = block.body().attributes();
        let values = attributes.map(|attribute| {
            let value = attribute.expr().evaluate(&context).unwrap();
            (attribute.key().to_owned(), serde_json::to_value(value).unwrap())
        });
        Value::Object(values.collect())
    };
    (resource("aws_iam_role"), resource("aws_iam_role_policy"))
}

fn parsed(text: &Value) -> Value {
    serde_json::from_str(text.as_str().unwrap()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// Any set of capabilities, in any partition: trust and permissions are the documents'.
    #[test]
    fn the_module_makes_the_role_that_the_documents_describe(
        chosen in prop::collection::btree_set(0_usize..13, 1..13),
        is_classic in prop::bool::weighted(0.1),
        partition in 0_usize..3,
    ) {
        let partition = Partition::ALL[partition];
        let chosen = chosen.into_iter().map(|place| Capability::ALL[place]);
        let chosen: Vec<_> = if is_classic { vec![Capability::Classic] } else { chosen.collect() };
        let connection = Connection {
            capabilities: CapabilitySet::new(chosen.clone()).unwrap(),
            account_id: Some(ACCOUNT.parse().unwrap()),
            ..created().connection
        };
        let setup = Setup::of(&connection, &Deployment { partition, ..deployment() });
        let name = connection.role_name().as_str();
        let variables = json!({
            "role_name": name,
            "external_id": connection.external_id.expose(),
            "provider_account_id": "111111111111",
            "capabilities": chosen.iter().map(|capability| capability.as_str()).collect::<Vec<_>>(),
            "tags": {"team": "platform"},
        });
        let (role, policy) = made(&variables, partition);
        prop_assert_eq!(parsed(&role["assume_role_policy"]), serde_json::to_value(&setup.trust_policy).unwrap());
        prop_assert_eq!(parsed(&policy["policy"]), serde_json::to_value(&setup.permissions_policy).unwrap());
        prop_assert_eq!(&policy["name"], POLICY_NAME);
        prop_assert_eq!(&policy["role"], "the-role");
        prop_assert_eq!(&role["name"], name);
        prop_assert_eq!(&role["description"], DESCRIPTION);
        prop_assert_eq!(&role["max_session_duration"], MAX_SESSION_SECONDS);
        prop_assert_eq!(&role["tags"], &json!({"team": "platform", PROVIDER_TAG: "111111111111"}));
    }
}

/// Whether every validation of a variable lets this value pass. `can(regex(…))` is not evaluated: the
/// pattern is looked at in the other test.
fn is_valid(variable: &str, value: &Value) -> bool {
    let variables = body("variables.tf");
    let mut context = Context::new();
    functions(&mut context);
    let all: hcl::Value = serde_json::from_value(json!({variable: value})).unwrap();
    context.declare_var("var", all);
    let block = blocks(&variables, "variable").find(|block| block.labels()[0].as_str() == variable).unwrap();
    let mut conditions = blocks(block.body(), "validation").map(|block| attribute(block.body(), "condition"));
    conditions.all(|condition| condition.evaluate(&context).unwrap() == hcl::Value::Bool(true))
}

#[test]
fn the_module_validates_capabilities() {
    let every = Capability::ALL.map(Capability::as_str);
    for capability in every {
        assert!(is_valid("capabilities", &json!([capability])), "{capability}");
    }
    assert!(is_valid("capabilities", &json!(every[..13])));
    for wrong in [json!([]), json!(["ec2-everything"]), json!(["classic", "ec2-power"])] {
        assert!(!is_valid("capabilities", &wrong), "{wrong}");
    }
}

#[test]
fn each_variable_is_typed_described_and_validated_and_the_example_gives_it() {
    let variables = body("variables.tf");
    let example = body("examples/customer/main.tf");
    let module = blocks(&example, "module").next().unwrap().body().clone();
    let given: Vec<_> = module.attributes().map(|attribute| attribute.key().to_owned()).collect();
    let readme = std::fs::read_to_string(folder().join("README.md")).unwrap();
    let names: Vec<_> =
        blocks(&variables, "variable").map(|block| block.labels()[0].as_str().to_owned()).collect();
    assert_eq!(names, ["role_name", "external_id", "provider_account_id", "capabilities", "tags"]);
    for block in blocks(&variables, "variable") {
        let name = block.labels()[0].as_str();
        attribute(block.body(), "type");
        attribute(block.body(), "description");
        let validations: Vec<_> = blocks(block.body(), "validation").collect();
        assert_eq!(validations.is_empty(), name == "tags", "{name}");
        for validation in validations {
            let message = attribute(validation.body(), "error_message");
            // Terraform takes sentences alone.
            assert!(matches!(message, Expression::String(text) if text.ends_with('.')), "{name}");
        }
        assert!(given.iter().any(|given| given == name), "the example does not give {name}");
        assert!(readme.contains(&format!("| `{name}` |")), "{name} is not in README.md");
    }
    assert_eq!(given.len(), names.len() + 1, "the example gives a source and the variables alone: {given:?}");
    for file in ["outputs.tf", "versions.tf"] {
        assert!(body(file).blocks().count() > 0);
    }
    for output in blocks(&body("outputs.tf"), "output") {
        assert!(readme.contains(&format!("| `{}` |", output.labels()[0].as_str())));
    }
}

/// The configuration with this connection's values in it is HCL, and makes the same role.
#[test]
fn the_printed_configuration_makes_the_role_that_the_documents_describe() {
    let setup = Setup::of(&connection(), &deployment());
    let printed = hcl::parse(&setup.terraform).unwrap();
    let context = Context::new();
    let of = |kind: &str, name: &str| {
        let mut resources = blocks(&printed, "resource").filter(|block| block.labels()[0].as_str() == kind);
        let value = attribute(resources.next().unwrap().body(), name).evaluate(&context).unwrap();
        serde_json::to_value(value).unwrap()
    };
    assert_eq!(parsed(&of("aws_iam_role", "assume_role_policy")), json!(setup.trust_policy));
    assert_eq!(parsed(&of("aws_iam_role_policy", "policy")), json!(setup.permissions_policy));
    assert_eq!(of("aws_iam_role", "name"), connection().role_name().as_str());
    assert_eq!(of("aws_iam_role", "tags"), json!({PROVIDER_TAG: "111111111111"}));
    assert_eq!(of("aws_iam_role", "max_session_duration"), MAX_SESSION_SECONDS);
}
