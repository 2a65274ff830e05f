//! Grants that somebody changed behind Drawbridge's back.

use blackbox::{Api, CustomerAccount, Provider, Stack, eventually};
use serde_json::{Value, json};
use tokio::sync::Mutex;

async fn reconcile(api: &Api, dry_run: bool) -> Value {
    let begun = api.post("/v1/grants/reconcile", json!({"dry_run": dry_run})).await.expect(202);
    assert_eq!((&begun["state"], &begun["dry_run"]), (&json!("running"), &json!(dry_run)));
    let path = format!("/v1/grants/reconciliations/{}", begun["reconciliation_id"].as_str().unwrap());
    eventually("the reconciliation ends", async || {
        Some(api.get(&path).await.expect(200)).filter(|now| now["state"] == "finished")
    })
    .await
}

/// One at a time: one's mending would be in the way of another's telling.
static TURN: Mutex<()> = Mutex::const_new(());

/// What was found of this subject, by code, and whether it was mended.
fn found(reconciliation: &Value, subject: &str) -> Vec<(String, bool)> {
    let findings = reconciliation["findings"].as_array().unwrap().iter();
    let ours = findings.filter(|finding| finding["subject"] == subject);
    ours.map(|finding| (finding["code"].as_str().unwrap().to_owned(), finding["mended"].as_bool().unwrap()))
        .collect()
}

/// On a stack where each role has a grant of its own.
#[tokio::test]
async fn what_was_changed_in_iam_is_told_and_then_mended() {
    let stack = Stack::named("brisk");
    let (api, account, provider) = (Api::operator_of(stack), CustomerAccount::on(stack), Provider::of(stack));
    let _turn = TURN.lock().await;
    let mut grants = Vec::new();
    for _ in 0..3 {
        let (connection, role) = api.active_connection(&account).await;
        // A proof that is refused publishes the grant again, and there would be nothing to mend.
        provider.put_off(&connection).await;
        let item = provider.items(&format!("ROLE#{role}")).await["GRANT"].clone();
        grants.push((item["shard"].as_n().unwrap().clone(), role));
    }
    let [(detached, _), (rewritten, kept), (deleted, _)] = grants.as_slice() else { panic!("three") };
    let name = |shard: &str| format!("grant-{shard}");
    assert_eq!(found(&reconcile(&api, true).await, &name(detached)), []);

    provider.detach_grant(detached).await;
    provider.rewrite_grant(rewritten, "arn:aws:iam::123456789012:role/somebody-elses").await;
    provider.detach_grant(deleted).await;
    provider.delete_grant(deleted).await;
    let told = reconcile(&api, true).await;
    assert_eq!(found(&told, &name(detached)), [("attachment_missing".to_owned(), false)]);
    assert_eq!(found(&told, &name(rewritten)), [("policy_differs".to_owned(), false)]);
    assert_eq!(found(&told, &name(deleted)), [("policy_missing".to_owned(), false)]);
    assert!(told["connections_checked"].as_u64() >= Some(3) && told["grants_checked"].as_u64() > Some(3));
    // Telling mends nothing.
    assert!(provider.attachments(detached).await.is_empty());

    let mended = reconcile(&api, false).await;
    assert_eq!(found(&mended, &name(detached)), [("attachment_missing".to_owned(), true)]);
    assert_eq!(found(&mended, &name(rewritten)), [("policy_differs".to_owned(), true)]);
    assert_eq!(found(&mended, &name(deleted)), [("policy_missing".to_owned(), true)]);
    for (shard, role) in &grants {
        assert_eq!(provider.granted_by(shard).await, std::slice::from_ref(role));
        assert_eq!(provider.attachments(shard).await.len(), 1);
    }
    assert_eq!(provider.granted_by(rewritten).await, std::slice::from_ref(kept));
    let clean = reconcile(&api, true).await;
    for (shard, _) in &grants {
        assert_eq!(found(&clean, &name(shard)), []);
    }
}

#[tokio::test]
async fn a_grant_that_nobody_needs_or_that_another_broker_has_is_taken_away() {
    let stack = Stack::named("brisk");
    let (api, account, provider) = (Api::operator_of(stack), CustomerAccount::on(stack), Provider::of(stack));
    let _turn = TURN.lock().await;
    let (connection, role) = api.active_connection(&account).await;
    let item = provider.items(&format!("ROLE#{role}")).await["GRANT"].clone();
    let astray = item["shard"].as_n().unwrap().clone();
    let own = provider.attachments(&astray).await;
    let other = if own == ["broker-1"] { "broker-2" } else { "broker-1" };
    // A broker of that stack fills 20 grants of the 25 that it could have: this one is nobody's.
    let unneeded = "25";
    assert!(!provider.has_grant(unneeded).await);

    provider.attach_grant(&astray, other).await;
    provider.make_grant(unneeded, "arn:aws:iam::123456789012:role/somebody-elses", "broker-1").await;
    let name = |shard: &str| format!("grant-{shard}");
    let told = reconcile(&api, true).await;
    assert_eq!(found(&told, &name(&astray)), [("attachment_unneeded".to_owned(), false)]);
    assert_eq!(found(&told, &name(unneeded)), [("policy_unneeded".to_owned(), false)]);
    // Telling mends nothing.
    assert_eq!(provider.attachments(&astray).await.len(), 2);
    assert_eq!(provider.attachments(unneeded).await, ["broker-1"]);

    let mended = reconcile(&api, false).await;
    assert_eq!(found(&mended, &name(&astray)), [("attachment_unneeded".to_owned(), true)]);
    assert_eq!(found(&mended, &name(unneeded)), [("policy_unneeded".to_owned(), true)]);
    assert_eq!(provider.attachments(&astray).await, own, "its own broker keeps it");
    assert_eq!(provider.granted_by(&astray).await, [role]);
    assert!(!provider.has_grant(unneeded).await);
    assert_eq!(api.look(&connection).await["state"], "active");
    let clean = reconcile(&api, true).await;
    assert!(found(&clean, &name(&astray)).is_empty() && found(&clean, &name(unneeded)).is_empty());
}

#[tokio::test]
async fn what_is_not_drawbridges_is_told_and_left_alone() {
    let stack = Stack::named("brisk");
    let (api, provider) = (Api::operator_of(stack), Provider::of(stack));
    let _turn = TURN.lock().await;
    let policy = provider.attach_to_broker("arn:aws:iam::123456789012:role/r").await;
    let name = policy.rsplit('/').next().unwrap().to_owned();
    for dry_run in [true, false] {
        let told = reconcile(&api, dry_run).await;
        assert_eq!(found(&told, &name), [("attachment_foreign".to_owned(), false)]);
    }
    provider.detach_from_broker(&policy).await;
    assert_eq!(found(&reconcile(&api, true).await, &name), []);
}

#[tokio::test]
async fn a_reconciliation_that_nobody_began_is_unknown() {
    let api = Api::operator();
    for id in ["x", "rec_00000000000070008000000000000000"] {
        let answer = api.get(&format!("/v1/grants/reconciliations/{id}")).await;
        assert_eq!(answer.problem(), (404, "not_found"));
    }
}
