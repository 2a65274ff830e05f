//! The customer's role is the same in whichever form it is made: the template as it is printed, the AWS CLI
//! commands as they are printed, `drawbridge role create` by link, by connection and by hand. (Terraform's
//! is compared as documents, in `domain`.)

use blackbox::{Api, CustomerAccount, Keys, Stack, path_of};
use domain::Capability;
use serde_json::{Value, json};

use crate::customer_role::{deploy_as_it_is, statements};
use crate::people_roles::Person;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    CloudFormation,
    Commands,
    ByLink,
    ByConnection,
    ByHand,
}

const FORMS: [Form; 5] =
    [Form::CloudFormation, Form::Commands, Form::ByLink, Form::ByConnection, Form::ByHand];

/// Makes the role in an account.
async fn make(form: Form, account: &CustomerAccount, connection: &Value, link: &str) {
    let customer = Person::new(&account.root());
    let api = Api::operator();
    let id = connection["connection_id"].as_str().unwrap();
    let setup = format!("{}/setup?format=", path_of(connection));
    match form {
        Form::CloudFormation => {
            let template = api.get(&format!("{setup}cloudformation")).await.expect(200);
            let deployed = deploy_as_it_is(account, template.as_str().unwrap(), vec![]).await.unwrap();
            assert_eq!(deployed.status.as_str(), "CREATE_COMPLETE");
        }
        Form::Commands => {
            let commands = api.get(&format!("{setup}cli")).await.expect(200);
            // Again they change nothing, and print the ARN all the same.
            for _ in 0..2 {
                let arn = customer.done("sh", &["-c", commands.as_str().unwrap()]);
                assert_eq!(arn.trim(), account.role_arn(connection["role_name"].as_str().unwrap()));
            }
        }
        Form::ByLink => {
            let made = customer
                .json("drawbridge", &["role", "create", "--invite", link, "--yes", "--output", "json"]);
            assert_eq!(made["changes"], json!(["create_role", "put_permissions"]));
        }
        Form::ByConnection => {
            let Keys { access_key_id, secret_access_key } = &Stack::get().operator;
            let profile = format!(
                "[profile ops]\naws_access_key_id = {access_key_id}\naws_secret_access_key = {secret_access_key}\n"
            );
            std::fs::write(customer.config(), profile).unwrap();
            let arguments = ["role", "create", "--connection", id, "--sign-with", "ops", "--yes"];
            customer.done("drawbridge", &arguments);
        }
        Form::ByHand => {
            let file = customer.config().with_file_name("id.txt");
            std::fs::write(&file, connection["external_id"].as_str().unwrap()).unwrap();
            let mut arguments = vec!["role", "create", "--yes", "--external-id-file", file.to_str().unwrap()];
            arguments.extend(["--name", connection["role_name"].as_str().unwrap()]);
            arguments.extend(["--provider-account", &Stack::get().provider_account_id]);
            let capabilities = connection["capabilities"].as_array().unwrap();
            arguments.extend(capabilities.iter().flat_map(|one| ["--capability", one.as_str().unwrap()]));
            customer.done("drawbridge", &arguments);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_form_makes_the_same_role() {
    let api = Api::operator();
    let every: Vec<Capability> = Capability::ALL.into_iter().filter(|c| *c != Capability::Classic).collect();
    for capabilities in [every, vec![Capability::Classic]] {
        for form in FORMS {
            let account = CustomerAccount::new();
            let request =
                json!({"capabilities": capabilities, "regions": ["us-east-1"], "account_id": account.id});
            let (connection, path) = api.invite_to(request).await;
            let link = format!("{}{path}", Stack::get().api_url);
            make(form, &account, &connection, &link).await;

            let name = connection["role_name"].as_str().unwrap();
            let setup = api.setup(&connection).await;
            assert_eq!(
                statements(&account.trust(name).await),
                statements(&setup["trust_policy"]),
                "{form:?}"
            );
            let permissions = account.permissions(name).await;
            assert_eq!(statements(&permissions), statements(&setup["permissions_policy"]), "{form:?}");
            let (description, mut tags) = account.description_and_tags(name).await;
            tags.retain(|key, _| !key.starts_with("aws:"));
            assert_eq!(description, "Lets Drawbridge operate in this account.", "{form:?}");
            let provider = Stack::get().provider_account_id.clone();
            assert_eq!(tags, [("drawbridge:provider".to_owned(), provider)].into(), "{form:?}");

            // Whichever way it was made, `role create` finds nothing to change.
            let customer = Person::new(&account.root());
            let again =
                customer.json("drawbridge", &["role", "create", "--invite", &link, "--output", "json"]);
            assert_eq!(again["changes"], json!([]), "{form:?}: {}", again["difference"]);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_is_made_by_its_link_and_submitted_is_accepted() {
    let (api, account) = (Api::operator(), CustomerAccount::new());
    let wanted = json!({"capabilities": ["ec2-power"], "regions": ["us-east-1"]});
    let (connection, path) = api.invite_to(wanted).await;
    let link = format!("{}{path}", Stack::get().api_url);
    let customer = Person::new(&account.root());
    let mut create =
        customer.command("drawbridge", &["role", "create", "--submit", "--yes", "--output", "json"]);
    let made = create.env("DRAWBRIDGE_INVITE", &link).output().unwrap();
    let said = String::from_utf8_lossy(&made.stderr).into_owned();
    assert!(made.status.success(), "{said}");
    let answer: Value = serde_json::from_slice(&made.stdout).unwrap();
    assert_eq!(answer["submitted"], true);
    assert!(!said.contains(path.rsplit('/').next().unwrap()), "the link is told nowhere: {said}");
    let active = api.settled(&connection).await;
    assert_eq!(active["state"], "active", "{active:#}");
}
