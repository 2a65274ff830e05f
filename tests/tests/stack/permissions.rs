//! What a role can really do: found out without changing anything, told exactly, and mended by the
//! patch as it is given.

use std::collections::BTreeSet;

use blackbox::{Api, CustomerAccount, Estate, Stack};
use domain::{Action, Capability};
use futures::{StreamExt as _, stream};
use serde_json::{Value, json};

const HOME: &str = "us-east-1";
/// A Region that accounts have to enable first.
const OPT_IN: &str = "ap-east-1";

/// Actions that nothing tells about, and why is told in their rows.
const UNTOLD: [&str; 2] = ["dynamodb:CreateTable", "kms:CreateGrant"];

const RESTORE: &str = "dynamodb:RestoreTableFromBackup";
/// What restoring a table takes besides, so that it is refused too. Source: DynamoDB Developer Guide,
/// "Using IAM with DynamoDB backup and restore".
const PARTS_OF_A_RESTORE: [&str; 7] =
    ["BatchWriteItem", "DeleteItem", "GetItem", "PutItem", "Query", "Scan", "UpdateItem"];

/// Connections that are made at a time.
const AT_A_TIME: usize = 6;

/// A policy without one action.
fn without(policy: &Value, action: &str) -> Value {
    let mut policy = policy.clone();
    let statements = policy["Statement"].as_array_mut().unwrap();
    for statement in statements.iter_mut() {
        if let Some(many) = statement["Action"].as_array_mut() {
            many.retain(|one| one != action);
        }
    }
    statements.retain(|statement| statement["Action"] != json!([]) && statement["Action"] != action);
    policy
}

fn rows<'a>(checks: &'a [Value], outcome: &str) -> Vec<&'a Value> {
    checks.iter().filter(|row| row["outcome"] == outcome).collect()
}

fn names(rows: &[&Value]) -> BTreeSet<String> {
    rows.iter().map(|row| row["action"].as_str().unwrap().to_owned()).collect()
}

/// Onboards a role that lacks one action, attaches the patch that is given, and verifies again.
async fn lacking(capability: Capability, action: Action) {
    let (api, account) = (Api::operator(), CustomerAccount::new());
    Estate::of(&account, HOME).launch().await;
    let wanted = json!({"capabilities": [capability.as_str()], "regions": [HOME]});
    let connection = api.new_connection_for(wanted).await;
    let setup = api.setup(&connection).await;
    let role = account.make_bare_role("r", &setup["trust_policy"]).await;
    let policy = without(&setup["permissions_policy"], action.as_str());
    account.permit("r", "drawbridge", &policy).await;

    let told = api.onboard(&connection, &role).await;
    let checks = api.checks(&connection).await;
    if UNTOLD.contains(&action.as_str()) {
        assert_eq!(told["state"], "active", "{action} of {capability}: {told:#}");
        let row = checks.iter().find(|row| row["action"] == action.as_str()).unwrap();
        assert_eq!((&row["outcome"], &row["method"]), (&json!("unverifiable"), &json!("none")));
        assert!(row["detail"].is_string());
        return;
    }
    assert_eq!(told["state"], "degraded", "{action} of {capability}: {told:#}");
    let denied = rows(&checks, "denied");
    let mut expected = BTreeSet::from([action.to_string()]);
    if PARTS_OF_A_RESTORE.contains(&action.name()) && capability.actions().any(|one| one.as_str() == RESTORE)
    {
        expected.insert(RESTORE.to_owned());
    }
    assert_eq!(names(&denied), expected, "{capability}: {denied:#?}");
    for row in denied {
        let detail = row["detail"].as_str().unwrap();
        assert!(detail.contains(action.as_str()) && detail.contains("identity-based policy"), "{detail}");
        assert!(!detail.contains("assumed-role"), "{detail}");
    }
    let [reason] = told["reasons"].as_array().unwrap().as_slice() else { panic!("one reason: {told:#}") };
    assert_eq!(reason["code"], "permission_missing");
    assert_eq!(reason["patch"]["Action"], action.as_str());

    account.permit("r", "patch", &json!({"Version": "2012-10-17", "Statement": [reason["patch"]]})).await;
    api.verify(&connection).await.expect(202);
    let mended = api.settled(&connection).await;
    assert_eq!(
        (&mended["state"], &mended["reasons"]),
        (&json!("active"), &json!([])),
        "{action} of {capability}"
    );
    let checks = api.checks(&connection).await;
    assert!(rows(&checks, "denied").is_empty() && rows(&checks, "inconclusive").is_empty(), "{checks:#?}");
}

/// Every action of every capability, each taken away from a role once.
#[tokio::test]
async fn exactly_what_a_role_lacks_is_denied_and_the_patch_mends_it() {
    let capabilities = Capability::ALL.into_iter().filter(|capability| *capability != Capability::Classic);
    let cases: Vec<_> = capabilities
        .flat_map(|capability| capability.actions().map(move |action| (capability, action)))
        .collect();
    assert!(cases.len() > 50);
    let run = stream::iter(cases).map(|(capability, action)| lacking(capability, action));
    run.buffer_unordered(AT_A_TIME).collect::<Vec<_>>().await;
}

#[tokio::test]
async fn finding_out_changes_nothing() {
    let (api, account) = (Api::operator(), CustomerAccount::new());
    let estate = Estate::of(&account, HOME);
    let instance = estate.launch().await;
    estate.make_image(&instance).await;
    estate.make_table("kept").await;
    let before = estate.state().await;
    assert!(before.values().all(|what| what.len() > 10), "there is something to be changed: {before:#?}");

    let all: Vec<_> = Capability::ALL.into_iter().filter(|one| *one != Capability::Classic).collect();
    let wanted = json!({"capabilities": all, "regions": [HOME]});
    let connection = api.new_connection_for(wanted).await;
    let role = account.make_role("r", &api.setup(&connection).await["trust_policy"]).await;
    let active = api.onboard(&connection, &role).await;
    assert_eq!(active["state"], "active", "{active:#}");
    let checks = api.checks(&connection).await;
    let expected: usize = all.iter().map(|capability| capability.actions().count()).sum();
    assert_eq!(checks.len(), expected);
    // What can be found out was: with a real instance even what is done to one.
    let open: BTreeSet<_> = names(&rows(&checks, "unverifiable"));
    let expected = [
        "ec2-instance-connect:SendSSHPublicKey",
        "ec2:TerminateInstances",
        "ec2:DeleteSnapshot",
        "ec2:DeregisterImage",
    ];
    let expected: BTreeSet<String> = expected.into_iter().chain(UNTOLD).map(str::to_owned).collect();
    assert_eq!(open, expected);
    assert_eq!(rows(&checks, "allowed").len() + rows(&checks, "unverifiable").len(), checks.len());
    assert_eq!(estate.state().await, before);
}

/// Asks local AWS for what no API of AWS's gives a test.
async fn control(method: reqwest::Method, path: &str, body: Option<Value>) {
    let request =
        reqwest::Client::new().request(method, format!("{}/_drawbridge/{path}", Stack::get().endpoint_url));
    let request = match body {
        Some(body) => request.body(body.to_string()),
        None => request,
    };
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 200, "{path}");
}

#[tokio::test]
async fn a_region_that_is_not_enabled_is_told_from_a_missing_permission() {
    let (api, account) = (Api::operator(), CustomerAccount::new());
    let wanted = json!({"capabilities": ["ec2-observe", "dynamodb-observe"], "regions": [HOME, OPT_IN]});
    let connection = api.new_connection_for(wanted).await;
    let role = account.make_role("r", &api.setup(&connection).await["trust_policy"]).await;
    let told = api.onboard(&connection, &role).await;
    assert_eq!(told["state"], "degraded");
    let [reason] = told["reasons"].as_array().unwrap().as_slice() else { panic!("one reason: {told:#}") };
    assert_eq!(reason["code"], "region_unavailable");
    assert!(reason["remedy"].as_str().unwrap().contains(OPT_IN) && reason.get("patch").is_none());
    let checks = api.checks(&connection).await;
    assert!(rows(&checks, "denied").iter().all(|row| row["region"] == OPT_IN));
    assert!(rows(&checks, "allowed").iter().all(|row| row["region"] == HOME));

    control(reqwest::Method::PUT, &format!("regions/{}/{OPT_IN}", account.id), None).await;
    api.verify(&connection).await.expect(202);
    assert_eq!(api.settled(&connection).await["state"], "active");
}

#[tokio::test]
async fn an_organization_policy_is_told_with_no_patch_that_cannot_help() {
    let (api, account) = (Api::operator(), CustomerAccount::new());
    Estate::of(&account, HOME).launch().await;
    let organization = format!("organization/{}", account.id);
    let refusing = |condition: Value| {
        json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "*", "Resource": "*"},
            {"Effect": "Deny", "Action": ["ec2:StopInstances", "dynamodb:CreateBackup"], "Resource": "*",
             "Condition": condition},
        ]})
    };
    control(reqwest::Method::PUT, &organization, Some(refusing(json!({})))).await;
    let wanted = json!({"capabilities": ["ec2-power", "dynamodb-backup"], "regions": [HOME]});
    let connection = api.new_connection_for(wanted).await;
    let role = account.make_role("r", &api.setup(&connection).await["trust_policy"]).await;
    let told = api.onboard(&connection, &role).await;
    assert_eq!(told["state"], "degraded");
    let [reason] = told["reasons"].as_array().unwrap().as_slice() else { panic!("one reason: {told:#}") };
    assert_eq!(reason["code"], "permission_missing");
    assert!(reason.get("patch").is_none(), "{reason}");
    let detail = reason["detail"].as_str().unwrap();
    assert!(detail.contains("organization policy") && detail.contains("ec2:StopInstances"), "{detail}");
    let checks = api.checks(&connection).await;
    let denied = names(&rows(&checks, "denied"));
    assert_eq!(denied, ["dynamodb:CreateBackup", "ec2:StopInstances"].map(str::to_owned).into());

    control(reqwest::Method::DELETE, &organization, None).await;
    api.verify(&connection).await.expect(202);
    assert_eq!(api.settled(&connection).await["state"], "active");
}

/// What the manual procedure gives lacks one action, which its warning names and its patch adds.
#[tokio::test]
async fn the_roles_of_the_manual_procedure_are_checked_as_what_they_are() {
    let (api, account) = (Api::operator(), CustomerAccount::new());
    let connection = api.new_connection_for(json!({"capabilities": ["classic"], "regions": [HOME]})).await;
    let setup = api.setup(&connection).await;
    let role = account.make_bare_role("r", &setup["trust_policy"]).await;
    account.permit("r", "drawbridge", &setup["permissions_policy"]).await;
    let told = api.onboard(&connection, &role).await;
    let checks = api.checks(&connection).await;
    assert_eq!(checks.len(), 35);
    assert!(checks.iter().all(|row| row["capability"] == "classic"));
    assert_eq!(told["warnings"][0]["code"], "restore_needs_update_item");
    // Restoring takes UpdateItem as well, which is what the warning says, and what mends it.
    assert_eq!(names(&rows(&checks, "denied")), BTreeSet::from([RESTORE.to_owned()]));
    assert_eq!(told["reasons"][0]["patch"]["Action"], "dynamodb:UpdateItem");
    account
        .permit("r", "patch", &json!({"Version": "2012-10-17", "Statement": [told["warnings"][0]["patch"]]}))
        .await;
    api.verify(&connection).await.expect(202);
    let mended = api.settled(&connection).await;
    assert_eq!(mended["state"], "active", "{mended:#}");
}
