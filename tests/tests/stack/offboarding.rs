//! The end of a connection: access is taken away, and shown to be gone.

use blackbox::{Api, CustomerAccount, Provider, eventually, path_of};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

fn time(value: &Value) -> Timestamp {
    value.as_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn the_receipt_shows_that_access_is_gone() {
    let (api, account, provider) = (Api::operator(), CustomerAccount::new(), Provider::new());
    let (active, role) = api.active_connection(&account).await;
    assert!(provider.granted_roles().await.contains(&role));

    let began = api.delete(&path_of(&active)).await.expect(202);
    assert_eq!(began["state"], "offboarding");
    assert_eq!(began["invite_expires_at"], Value::Null);
    let gone = eventually("it is offboarded", async || {
        Some(api.look(&active).await).filter(|now| now["state"] == "offboarded")
    })
    .await;
    assert!(!provider.granted_roles().await.contains(&role));
    assert!(provider.items(&format!("ROLE#{role}")).await.is_empty());
    let receipt = &gone["receipt"];
    let (removed, refused) = (time(&receipt["grant_removed_at"]), time(&receipt["assume_role_refused_at"]));
    assert!(time(&began["updated_at"]) <= removed && removed <= refused);
    assert_eq!(time(&receipt["last_session_expires_at"]), refused + SignedDuration::from_hours(1));
    assert_eq!(receipt["leftovers"][0]["kind"], "iam_role");
    assert_eq!(receipt["leftovers"][0]["id"], json!(role));
    assert_eq!((&gone["reasons"], &gone["verification"]), (&json!([]), &json!("idle")));
    assert_eq!(
        api.event_types(&active).await,
        [
            "connection.created",
            "connection.state_changed",
            "connection.state_changed",
            "connection.state_changed",
            "connection.state_changed"
        ]
    );

    // It is final, and nothing more can be asked of it.
    assert_eq!(api.delete(&path_of(&active)).await.expect(202), gone);
    assert_eq!(api.verify(&active).await.problem(), (409, "state_conflict"));
    assert_eq!(api.submit(&active, &role).await.problem(), (409, "state_conflict"));
    let change = api.patch(&path_of(&active), json!({"label": "x"})).await;
    assert_eq!(change.problem(), (409, "state_conflict"));
    let invite = api.post(&format!("{}/invite", path_of(&active)), json!({})).await;
    assert_eq!(invite.problem(), (409, "state_conflict"));
    assert_eq!(api.look(&active).await, gone);
}

#[tokio::test]
async fn the_same_role_can_be_connected_again() {
    let (api, account) = (Api::operator(), CustomerAccount::new());
    let (active, role) = api.active_connection(&account).await;
    let again = api.new_connection().await;
    assert_eq!(api.submit(&again, &role).await.problem(), (409, "role_already_connected"));
    api.offboarded(&active).await;

    let name = active["role_name"].as_str().unwrap();
    account.change_trust(name, &api.setup(&again).await["trust_policy"]).await;
    assert_eq!(api.onboard(&again, &role).await["state"], "active");
}

#[tokio::test]
async fn what_never_had_a_grant_ends_at_once_and_tells_no_times() {
    let api = Api::operator();
    let connection = api.new_connection().await;
    let gone = api.offboarded(&connection).await;
    assert_eq!(
        gone["receipt"],
        json!({
            "grant_removed_at": null, "assume_role_refused_at": null, "last_session_expires_at": null,
            "leftovers": []
        })
    );
}

#[tokio::test]
async fn a_verification_that_is_going_on_ends_with_the_connection() {
    let (api, account, provider) = (Api::operator(), CustomerAccount::new(), Provider::new());
    let connection = api.new_connection().await;
    // A role that does not exist keeps it verifying.
    let role = account.role_arn("not-there");
    api.submit(&connection, &role).await.expect(202);
    eventually("the role is granted", async || provider.granted_roles().await.contains(&role).then_some(()))
        .await;
    let gone = api.offboarded(&connection).await;
    assert_ne!(gone["receipt"]["grant_removed_at"], Value::Null);
    assert!(!provider.granted_roles().await.contains(&role));
    let late = format!(
        r#"{{"kind":"verify","connection_id":{},"verification_id":"ver_{}","step":0,"deadline":"2099-01-01T00:00:00Z"}}"#,
        connection["connection_id"],
        "f".repeat(32)
    );
    provider.send_message(&late).await;
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    assert_eq!(api.look(&connection).await, gone);
    assert!(!provider.granted_roles().await.contains(&role));
}

#[tokio::test]
async fn a_role_that_still_answers_is_told_and_tried_again() {
    // Somebody attached a policy to the broker, so that removing the grant takes nothing away.
    let (api, account, provider) = (Api::operator(), CustomerAccount::new(), Provider::new());
    let (active, role) = api.active_connection(&account).await;
    let policy = provider.attach_to_broker(&role).await;
    api.delete(&path_of(&active)).await.expect(202);
    let stalled = eventually("it stalls", async || {
        Some(api.look(&active).await).filter(|now| now["reasons"] != json!([]))
    })
    .await;
    assert_eq!(stalled["state"], "offboarding");
    assert_eq!(stalled["reasons"][0]["code"], "role_still_assumable");
    assert!(!stalled["reasons"][0]["remedy"].as_str().unwrap().is_empty());
    // The role is not free until it is shown to be out of reach.
    let other = api.new_connection().await;
    assert_eq!(api.submit(&other, &role).await.problem(), (409, "role_already_connected"));

    provider.detach_from_broker(&policy).await;
    let gone = api.offboarded(&active).await;
    assert_eq!(gone["reasons"], json!([]));
    assert_ne!(gone["receipt"]["assume_role_refused_at"], Value::Null);
    let types = api.event_types(&active).await;
    let last: Vec<_> = types[types.len() - 3..].iter().map(String::as_str).collect();
    assert_eq!(
        last,
        ["connection.offboarding_stalled", "connection.offboarding_retried", "connection.state_changed"]
    );
}
