//! From a new connection to an active one, and every way in which trust can be wrong.

use blackbox::{Api, CustomerAccount, Provider, Stack, eventually};
use rstest::rstest;
use serde_json::{Value, json};

fn codes(connection: &Value) -> Vec<&str> {
    let reasons = connection["reasons"].as_array().map(Vec::as_slice).unwrap_or_default();
    reasons.iter().filter_map(|reason| reason["code"].as_str()).collect()
}

fn outcomes(connection: &Value) -> Vec<(u64, &str, &str)> {
    let probes = connection["trust"]["probes"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut outcomes: Vec<_> = probes
        .iter()
        .map(|probe| {
            let text = |name: &str| probe[name].as_str().unwrap_or("none");
            (probe["round"].as_u64().unwrap_or(0), text("external_id"), text("outcome"))
        })
        .collect();
    outcomes.sort_unstable();
    outcomes
}

#[tokio::test]
async fn a_role_made_as_told_is_proven_and_active() {
    let (api, account, provider) = (Api::operator(), CustomerAccount::new(), Provider::new());
    let connection = api.new_connection().await;
    assert_eq!(connection["state"], "pending_role");
    let setup = api.setup(&connection).await;
    let name = connection["role_name"].as_str().unwrap();
    let arn = account.make_role(name, &setup["trust_policy"]).await;

    let active = api.onboard(&connection, &arn).await;

    assert_eq!(active["state"], "active", "{active:#}");
    assert_eq!(active["reasons"], json!([]));
    assert_eq!(active["account_id"], account.id);
    assert_eq!(active["role_arn"], arn);
    assert_eq!(active["trust"]["proven"], true);
    assert_eq!(
        outcomes(&active),
        [
            (1, "absent", "denied"),
            (1, "correct", "allowed"),
            (1, "random", "denied"),
            (2, "absent", "denied"),
            (2, "correct", "allowed"),
            (2, "random", "denied"),
        ]
    );

    let events = api.events(&connection).await;
    let told: Vec<_> = events
        .iter()
        .map(|event| (event["type"].as_str().unwrap(), event["data"]["to"].as_str().unwrap()))
        .collect();
    assert_eq!(
        told,
        [
            ("connection.created", "pending_role"),
            ("connection.state_changed", "verifying"),
            ("connection.state_changed", "active"),
        ]
    );
    let operator = format!("arn:aws:iam::{}:user/operator", Stack::get().provider_account_id);
    assert_eq!((&events[0]["actor"], &events[2]["actor"]), (&json!(operator), &json!("drawbridge")));

    // What Drawbridge told the operator it would grant is what the broker has.
    let setup = api.setup(&connection).await;
    assert_eq!(setup["grant_policy"]["Statement"][0]["Resource"], arn);
    assert!(provider.granted_roles().await.contains(&arn));

    let items = provider.items(&format!("CONNECTION#{}", active["connection_id"].as_str().unwrap())).await;
    let kinds: Vec<_> = items.keys().map(|sk| sk.split('#').next().unwrap()).collect();
    assert_eq!(kinds, ["CHECKS", "EVENT", "EVENT", "EVENT", "EVIDENCE", "META"]);
    let owner = provider.items(&format!("ROLE#{arn}")).await;
    assert_eq!(owner["OWNER"]["connection_id"].as_s().unwrap(), active["connection_id"].as_str().unwrap());
}

/// Each trust policy is wrong in its own way; the reasons must say which.
#[rstest]
#[case::no_condition(json!({}), &["trust_missing_external_id", "trust_accepts_any_external_id"])]
#[case::any_id(json!({"StringLike": {"sts:ExternalId": "*"}}), &["trust_accepts_any_external_id"])]
#[case::if_there_is_one(json!({"StringEqualsIfExists": {"sts:ExternalId": "OURS"}}), &["trust_missing_external_id"])]
#[case::not_another_one(
    json!({"StringNotEquals": {"sts:ExternalId": "somebody-else"}}),
    &["trust_missing_external_id", "trust_accepts_any_external_id"]
)]
#[case::of_somebody_else(json!({"StringEquals": {"sts:ExternalId": "somebody-else"}}), &["role_not_assumable"])]
#[tokio::test]
async fn a_wrong_trust_policy_is_refused_told_and_mended(#[case] condition: Value, #[case] reasons: &[&str]) {
    let (api, account, provider) = (Api::operator(), CustomerAccount::new(), Provider::new());
    let connection = api.new_connection().await;
    let id = connection["external_id"].as_str().unwrap();
    let trust = api.setup(&connection).await["trust_policy"].clone();
    let mut wrong = trust.clone();
    wrong["Statement"][0]["Condition"] =
        serde_json::from_str(&condition.to_string().replace("OURS", id)).unwrap();
    let name = connection["role_name"].as_str().unwrap();
    let arn = account.make_role(name, &wrong).await;

    let failed = api.onboard(&connection, &arn).await;

    assert_eq!(failed["state"], "failed", "{failed:#}");
    assert_eq!(codes(&failed), reasons);
    assert!(
        failed["reasons"]
            .as_array()
            .unwrap()
            .iter()
            .all(|reason| reason["remedy"].as_str().unwrap().len() > 40)
    );
    assert_eq!(failed["trust"]["proven"], false);
    assert_eq!(failed["account_id"], Value::Null);
    eventually("the grant is given back", async || {
        (!provider.granted_roles().await.contains(&arn)).then_some(())
    })
    .await;
    assert!(provider.items(&format!("ROLE#{arn}")).await.is_empty());

    account.change_trust(name, &trust).await;
    api.verify(&connection).await.expect(202);
    let mended = api.settled(&connection).await;
    assert_eq!((&mended["state"], &mended["reasons"]), (&json!("active"), &json!([])), "{mended:#}");
    assert!(provider.granted_roles().await.contains(&arn));
}

#[tokio::test]
async fn a_role_that_trusts_another_provider_is_not_assumable() {
    let (api, account) = (Api::operator(), CustomerAccount::new());
    let connection = api.new_connection().await;
    let trust = api.setup(&connection).await["trust_policy"].to_string();
    let other: Value =
        serde_json::from_str(&trust.replace(&Stack::get().provider_account_id, "999999999999")).unwrap();
    let arn = account.make_role("for-somebody-else", &other).await;
    let failed = api.onboard(&connection, &arn).await;
    assert_eq!((&failed["state"], codes(&failed)), (&json!("failed"), vec!["role_not_assumable"]));
}

#[tokio::test]
async fn a_role_that_does_not_exist_yet_is_waited_for() {
    let (api, account) = (Api::operator(), CustomerAccount::new());
    let connection = api.new_connection().await;
    let trust = api.setup(&connection).await["trust_policy"].clone();
    let name = connection["role_name"].as_str().unwrap();
    api.submit(&connection, &account.role_arn(name)).await.expect(202);
    // As long as it takes until Drawbridge has seen that the role is not there.
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    assert_eq!(api.look(&connection).await["state"], "verifying");
    account.make_role(name, &trust).await;
    let active = api.settled(&connection).await;
    assert_eq!(active["state"], "active", "{active:#}");
}

#[tokio::test]
async fn an_active_connection_whose_trust_breaks_is_suspended_and_comes_back() {
    let (api, account, provider) = (Api::operator(), CustomerAccount::new(), Provider::new());
    let connection = api.new_connection().await;
    let trust = api.setup(&connection).await["trust_policy"].clone();
    let arn = account.make_role("r", &trust).await;
    api.onboard(&connection, &arn).await;

    let mut open = trust.clone();
    open["Statement"][0]["Condition"].as_object_mut().unwrap().remove("StringEquals");
    account.change_trust("r", &open).await;
    let running = api.verify(&connection).await.expect(202);
    assert_eq!((&running["state"], &running["verification"]), (&json!("active"), &json!("running")));
    let suspended = api.settled(&connection).await;
    assert_eq!(suspended["state"], "suspended");
    assert_eq!(codes(&suspended), ["trust_missing_external_id", "trust_accepts_any_external_id"]);
    // It keeps role and grant, so that it can come back.
    assert!(provider.granted_roles().await.contains(&arn));

    account.change_trust("r", &trust).await;
    api.verify(&connection).await.expect(202);
    let back = api.settled(&connection).await;
    assert_eq!((&back["state"], &back["reasons"]), (&json!("active"), &json!([])));
}

#[tokio::test]
async fn an_owned_role_is_refused_to_others_and_free_once_it_is_replaced() {
    let (api, account, provider) = (Api::operator(), CustomerAccount::new(), Provider::new());
    let (first, second) = (api.new_connection().await, api.new_connection().await);
    let arn = account.make_role("shared", &api.setup(&first).await["trust_policy"]).await;
    api.onboard(&first, &arn).await;

    let refused = api.submit(&second, &arn).await;
    assert_eq!(refused.problem(), (409, "role_already_connected"));
    assert_eq!(refused.pointers(), ["/role_arn"]);
    assert!(!refused.body.to_string().contains(first["connection_id"].as_str().unwrap()));
    assert_eq!(api.look(&second).await, second, "a refusal changes nothing");

    let other = account.make_role("other", &api.setup(&first).await["trust_policy"]).await;
    let replaced = api.onboard(&first, &other).await;
    assert_eq!((&replaced["state"], &replaced["role_arn"]), (&json!("active"), &json!(other)));
    eventually("the grant of the replaced role is given back", async || {
        (!provider.granted_roles().await.contains(&arn)).then_some(())
    })
    .await;

    account.change_trust("shared", &api.setup(&second).await["trust_policy"]).await;
    let taken = api.onboard(&second, &arn).await;
    assert_eq!(taken["state"], "active", "{taken:#}");
}

#[tokio::test]
async fn changing_ones_mind_quickly_leaves_no_grant_behind() {
    let (api, account, provider) = (Api::operator(), CustomerAccount::new(), Provider::new());
    let connection = api.new_connection().await;
    let trust = api.setup(&connection).await["trust_policy"].clone();
    let first = account.make_role("first", &trust).await;
    api.onboard(&connection, &first).await;
    // Back and forth, faster than the onboarder comes to look.
    for role in ["second", "first", "third"] {
        api.submit(&connection, &account.role_arn(role)).await.expect(202);
    }
    let last = account.make_role("last", &trust).await;
    let active = api.onboard(&connection, &last).await;
    assert_eq!((&active["state"], &active["role_arn"]), (&json!("active"), &json!(last)));
    eventually("the grants of the other roles are given back", async || {
        let granted = provider.granted_roles().await;
        let ours: Vec<_> = granted.iter().filter(|role| role.contains(&account.id)).collect();
        (ours == [&last]).then_some(())
    })
    .await;
    for role in ["first", "second", "third"] {
        assert!(provider.items(&format!("ROLE#{}", account.role_arn(role))).await.is_empty(), "{role}");
    }
}

#[tokio::test]
async fn typing_somebodys_arn_does_not_block_them() {
    let (api, account, provider) = (Api::operator(), CustomerAccount::new(), Provider::new());
    let (stranger, holder) = (api.new_connection().await, api.new_connection().await);
    let arn = account.make_role("r", &api.setup(&holder).await["trust_policy"]).await;
    // The stranger comes first, and keeps waiting while the holder is proven.
    api.submit(&stranger, &arn).await.expect(202);
    let active = api.onboard(&holder, &arn).await;
    assert_eq!(active["state"], "active", "{active:#}");
    let failed = api.settled(&stranger).await;
    assert_eq!((&failed["state"], codes(&failed)), (&json!("failed"), vec!["role_not_assumable"]));
    // The holder still needs the grant that both asked for.
    assert!(provider.granted_roles().await.contains(&arn));
}

#[tokio::test]
async fn the_same_role_again_verifies_it_again() {
    let (api, account) = (Api::operator(), CustomerAccount::new());
    let connection = api.new_connection().await;
    let arn = account.make_role("r", &api.setup(&connection).await["trust_policy"]).await;
    let active = api.onboard(&connection, &arn).await;
    let again = api.submit(&connection, &arn).await.expect(202);
    assert_eq!((&again["state"], &again["verification"]), (&json!("active"), &json!("running")));
    let settled = api.settled(&connection).await;
    assert_eq!(settled["state"], "active");
    assert!(settled["last_verified_at"].as_str().unwrap() > active["last_verified_at"].as_str().unwrap());
    let kinds: Vec<_> = api
        .events(&connection)
        .await
        .iter()
        .map(|event| event["type"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(kinds[3..], ["connection.verification_started", "connection.verified"]);
}

#[tokio::test]
async fn a_message_that_comes_many_times_does_its_work_once() {
    let (api, account, provider) = (Api::operator(), CustomerAccount::new(), Provider::new());
    let connection = api.new_connection().await;
    let arn = account.make_role("r", &api.setup(&connection).await["trust_policy"]).await;
    api.submit(&connection, &arn).await.expect(202);
    let started = api.events(&connection).await.pop().unwrap();
    let message = |step: u32| {
        json!({
            "kind": "verify",
            "connection_id": connection["connection_id"],
            "verification_id": started["data"]["verification_id"],
            "step": step,
            "deadline": "2100-01-01T00:00:00Z",
        })
        .to_string()
    };
    let copies: Vec<String> = (0..12).map(|n| message(n % 4)).collect();
    futures::future::join_all(copies.iter().map(|body| provider.send_message(body))).await;
    // Something that is no message at all harms nobody.
    provider.send_message("{\"kind\":\"nonsense\"}").await;

    let active = api.settled(&connection).await;
    assert_eq!(active["state"], "active", "{active:#}");
    assert_eq!(outcomes(&active).len(), 6);
    // Messages that came early did not bring the rounds closer together.
    let at = |round: u64| -> Vec<jiff::Timestamp> {
        let probes = active["trust"]["probes"].as_array().unwrap().iter();
        probes
            .filter(|probe| probe["round"] == round)
            .map(|p| p["at"].as_str().unwrap().parse().unwrap())
            .collect()
    };
    let (first, second) = (at(1).into_iter().max().unwrap(), at(2).into_iter().min().unwrap());
    assert!(second.duration_since(first).as_millis() >= 1000, "{active:#}");
    provider.send_message(&message(1)).await;
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    assert_eq!(api.events(&connection).await.len(), 3);
    assert_eq!(api.look(&connection).await, active);
}

#[tokio::test]
async fn classic_is_echoed_with_its_warning() {
    let api = Api::operator();
    let request =
        json!({"capabilities": ["classic"], "regions": ["us-east-1", "eu-central-1"], "label": "old"});
    let connection = api.new_connection_for(request).await;
    assert_eq!(connection["capabilities"], json!(["classic"]));
    assert_eq!(connection["regions"], json!(["eu-central-1", "us-east-1"]));
    assert_eq!(connection["warnings"][0]["code"], "restore_needs_update_item");
    assert_eq!(connection["warnings"][0]["patch"]["Action"], "dynamodb:UpdateItem");
}
