//! A role that is looked for: the customer makes it, and nobody pastes anything.

use blackbox::{Answer, Api, CustomerAccount, Provider, Stack, eventually, path_of};
use reqwest::Method;
use serde_json::{Value, json};

fn wanted() -> Value {
    json!({"capabilities": ["ec2-power"], "regions": ["us-east-1"]})
}

async fn look(customer: &Api, link: &str, account: &CustomerAccount) -> Answer {
    customer.post(&format!("{link}/look"), json!({"account_id": account.id})).await
}

async fn status(customer: &Api, link: &str) -> Value {
    customer.get(&format!("{link}/status")).await.expect(200)
}

/// Waits until the role was looked for in vain so often.
async fn tried(customer: &Api, link: &str, times: u64) -> Value {
    eventually("the role is looked for", async || {
        let now = status(customer, link).await;
        assert_eq!((&now["state"], &now["reasons"]), (&json!("pending_role"), &json!([])));
        Some(now).filter(|now| now["looking"]["attempts"].as_u64().is_some_and(|tried| tried >= times))
    })
    .await
}

async fn active(customer: &Api, link: &str) -> Value {
    eventually("it is active", async || {
        Some(status(customer, link).await).filter(|now| now["state"] == "active")
    })
    .await
}

/// Whether some grant in IAM names the role.
async fn is_granted(provider: &Provider, role: &str) -> bool {
    provider.policies().await.values().any(|policy| policy.to_string().contains(&format!("\"{role}\"")))
}

async fn given_back(provider: &Provider, role: &str) {
    eventually("the grant is given back", async || (!is_granted(provider, role).await).then_some(())).await;
    assert!(provider.items(&format!("ROLE#{role}")).await.is_empty());
}

#[tokio::test]
async fn a_customer_makes_the_role_and_pastes_nothing() {
    let (operator, customer, provider) = (Api::operator(), Api::unsigned(), Provider::new());
    let account = CustomerAccount::new();
    let (connection, link) = operator.invite_to(wanted()).await;
    let begun = look(&customer, &link, &account).await.expect(202);
    let role = account.role_arn(connection["role_name"].as_str().unwrap());
    assert_eq!((&begun["state"], &begun["role_arn"]), (&json!("pending_role"), &Value::Null));
    assert_eq!(begun["looking"]["role_arn"], json!(role));
    // It is not there, and that is nobody's failure. The broker may have it meanwhile.
    let before = tried(&customer, &link, 2).await;
    assert!(is_granted(&provider, &role).await);
    assert_eq!(operator.look(&connection).await["looking"]["until"], begun["looking"]["until"]);

    let name = connection["role_name"].as_str().unwrap();
    account.make_role(name, &before["setup"]["trust_policy"]).await;
    let done = active(&customer, &link).await;
    assert_eq!((&done["role_arn"], &done["looking"]), (&json!(role), &Value::Null));
    assert_eq!((&done["account_id"], &done["read_only"]), (&json!(account.id), &json!(true)));
    assert!(is_granted(&provider, &role).await);
    let events = operator.events(&connection).await;
    let told: Vec<_> = events.iter().map(|event| (&event["type"], &event["actor"])).skip(1).collect();
    let (looked, changed) = (json!("connection.look_started"), json!("connection.state_changed"));
    let (by_customer, by_drawbridge) = (json!("customer"), json!("drawbridge"));
    assert_eq!(told, [(&looked, &by_customer), (&changed, &by_customer), (&changed, &by_drawbridge)]);
    assert_eq!(events[2]["data"]["look_id"], events[1]["data"]["look_id"]);
    // From now on there is nothing to look for.
    assert_eq!(look(&customer, &link, &account).await.problem(), (409, "invite_read_only"));
}

#[tokio::test]
async fn who_says_that_the_role_is_there_does_not_wait_for_the_next_attempt() {
    let (operator, customer, account) = (Api::operator(), Api::unsigned(), CustomerAccount::new());
    let mut request = wanted();
    request["account_id"] = json!(account.id);
    let (connection, link) = operator.invite_to(request).await;
    // The account is announced, so that it need not be said.
    customer.post(&format!("{link}/look"), json!({})).await.expect(202);
    tried(&customer, &link, 3).await;
    let trust = operator.setup(&connection).await["trust_policy"].clone();
    account.make_role(connection["role_name"].as_str().unwrap(), &trust).await;
    let again = customer.post(&format!("{link}/look"), json!({})).await;
    // Unless the attempt that was due came first.
    assert!(again.status == 202 || again.problem() == (409, "state_conflict"), "{again:?}");
    active(&customer, &link).await;
    let other = customer.post(&format!("{link}/look"), json!({"account_id": "999999999999"})).await;
    assert_eq!(other.problem(), (409, "invite_read_only"));
}

/// Two customers of a provider that announces one name for all. One names the other's account.
#[tokio::test]
async fn a_role_that_another_customer_made_for_another_connection_is_never_ours() {
    let (operator, customer, account) = (Api::operator(), Api::unsigned(), CustomerAccount::new());
    let mut request = wanted();
    request["role_name"] = json!("announced");
    let (strangers, strange_link) = operator.invite_to(request.clone()).await;
    let (theirs, link) = operator.invite_to(request).await;
    let role = account.make_role("announced", &operator.setup(&theirs).await["trust_policy"]).await;

    let begun = look(&customer, &strange_link, &account).await.expect(202);
    assert_eq!(begun["looking"]["role_arn"], json!(role));
    tried(&customer, &strange_link, 3).await;
    look(&customer, &link, &account).await.expect(202);
    assert_eq!(active(&customer, &link).await["role_arn"], json!(role));
    // Now that it is known whose the role is, the stranger's look ends, and cannot begin again.
    let ended = eventually("the stranger's look ends", async || {
        Some(status(&customer, &strange_link).await).filter(|now| now["looking"] == Value::Null)
    })
    .await;
    assert_eq!((&ended["state"], &ended["reasons"]), (&json!("pending_role"), &json!([])));
    assert_eq!(
        operator.event_types(&strangers).await,
        ["connection.created", "connection.look_started", "connection.look_ended"]
    );
    let refused = look(&customer, &strange_link, &account).await;
    assert_eq!(refused.problem(), (409, "role_already_connected"));
    // It does not keep the owner's grant from being given back either.
    let gone = operator.offboarded(&theirs).await;
    assert!(gone["receipt"]["assume_role_refused_at"].is_string(), "{gone:#}");
}

/// On a stack that looks for two seconds.
#[tokio::test]
async fn looking_ends_by_itself_and_leaves_no_grant() {
    let stack = Stack::named("brisk");
    let (operator, provider, account) =
        (Api::operator_of(stack), Provider::of(stack), CustomerAccount::on(stack));
    let (connection, link) = operator.invite_to(wanted()).await;
    let begun = look(&operator, &link, &account).await.expect(202);
    let role = begun["looking"]["role_arn"].as_str().unwrap();
    let ended = eventually("the look ends", async || {
        Some(operator.look(&connection).await).filter(|now| now["looking"] == Value::Null)
    })
    .await;
    assert_eq!((&ended["state"], &ended["reasons"]), (&json!("pending_role"), &json!([])));
    given_back(&provider, role).await;
    let events = operator.events(&connection).await;
    assert_eq!((&events[2]["type"], events.len()), (&json!("connection.look_ended"), 3), "{events:#?}");
    assert!(events[2]["data"]["attempts"].as_u64().unwrap() >= 1);
    // A role that comes afterwards is not ours until somebody asks again.
    let trust = operator.setup(&connection).await["trust_policy"].clone();
    account.make_role(connection["role_name"].as_str().unwrap(), &trust).await;
    let made = operator.post(&format!("{}/invite", path_of(&connection)), json!({})).await.expect(201);
    assert_eq!(operator.look(&connection).await["state"], "pending_role");
    look(&operator, &operator.path_of_link(&made), &account).await.expect(202);
    eventually("it is active", async || {
        Some(operator.look(&connection).await).filter(|now| now["state"] == "active")
    })
    .await;
    operator.offboarded(&connection).await;
}

#[tokio::test]
async fn a_role_that_is_submitted_while_another_is_looked_for_wins() {
    let (operator, customer, provider) = (Api::operator(), Api::unsigned(), Provider::new());
    let account = CustomerAccount::new();
    let (connection, link) = operator.invite_to(wanted()).await;
    let begun = look(&customer, &link, &account).await.expect(202);
    let looked_for = begun["looking"]["role_arn"].as_str().unwrap().to_owned();
    tried(&customer, &link, 1).await;
    let trust = operator.setup(&connection).await["trust_policy"].clone();
    let role = account.make_role("mine", &trust).await;
    let told = customer.put(&format!("{link}/role"), json!({"role_arn": role})).await.expect(202);
    assert_eq!((&told["state"], &told["looking"]), (&json!("verifying"), &Value::Null));
    let done = active(&customer, &link).await;
    assert_eq!(done["role_arn"], json!(role));
    given_back(&provider, &looked_for).await;
    assert!(is_granted(&provider, &role).await);
}

#[tokio::test]
async fn the_end_of_the_connection_or_of_the_link_ends_the_look() {
    let (operator, customer, provider) = (Api::operator(), Api::unsigned(), Provider::new());
    let account = CustomerAccount::new();
    let (ending, link) = operator.invite_to(wanted()).await;
    let role = look(&customer, &link, &account).await.expect(202)["looking"]["role_arn"].clone();
    tried(&customer, &link, 1).await;
    let gone = operator.offboarded(&ending).await;
    assert_eq!((&gone["receipt"]["grant_removed_at"], &gone["looking"]), (&Value::Null, &Value::Null));
    given_back(&provider, role.as_str().unwrap()).await;

    let (revoked, link) = operator.invite_to(wanted()).await;
    let role = look(&customer, &link, &account).await.expect(202)["looking"]["role_arn"].clone();
    tried(&customer, &link, 1).await;
    assert_eq!(operator.delete(&format!("{}/invite", path_of(&revoked))).await.status, 204);
    let now = operator.look(&revoked).await;
    assert_eq!((&now["state"], &now["looking"]), (&json!("pending_role"), &Value::Null));
    given_back(&provider, role.as_str().unwrap()).await;
}

#[tokio::test]
async fn what_cannot_be_looked_for_is_refused_and_counted() {
    let (operator, customer, account) = (Api::operator(), Api::unsigned(), CustomerAccount::new());
    let (connection, link) = operator.invite_to(wanted()).await;
    let path = format!("{link}/look");
    assert_eq!(customer.post(&path, json!({})).await.problem(), (422, "account_id_needed"));
    let provider = json!({"account_id": Stack::get().provider_account_id});
    assert_eq!(customer.post(&path, provider).await.problem(), (422, "role_in_provider_account"));
    for _ in 2..20 {
        let nowhere = customer.post(&path, json!({"account_id": "nowhere"})).await;
        nowhere.refused(400, "invalid_account_id");
    }
    assert_eq!(look(&customer, &link, &account).await.problem(), (429, "too_many_submissions"));
    assert_eq!(customer.send(Method::POST, &format!("{link}/verify"), None).await.problem().0, 429);
    assert_eq!(operator.look(&connection).await, connection);
}
