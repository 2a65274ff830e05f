use super::*;
use crate::item::text;
use crate::sample::{NOW, claimed, full};
use crate::scripted::{Scripted, answered, unmet};
use crate::{Answer, Completion};
use domain::credentials::{CredentialsOrder, Issue, SessionLength};
use domain::sample::occasion;
use domain::{ConnectionState, CredentialsId, ErrorKind};

fn connection() -> Connection {
    Connection { state: ConnectionState::Active, ..full() }
}

fn issue() -> Issue {
    let order = CredentialsOrder {
        capabilities: connection().capabilities,
        region: None,
        length: SessionLength::LONGEST,
        reason: "why".parse().unwrap(),
    };
    Issue::admit(CredentialsId::new(NOW, [3; 10]), order, &connection(), &occasion()).unwrap()
}

async fn completion() -> Completion {
    claimed().await.with(Answer { status: 409, body: "{}".to_owned() })
}

#[tokio::test]
async fn credentials_are_handed_out_with_their_event_and_answer_or_not_at_all() {
    let (table, answer) = (Scripted::new(), completion().await);
    let event = issue().issued(NOW, &occasion());
    table.store.hand_out(&connection(), &event, Some(&answer)).await.unwrap();
    let [unchanged, told, answered] = table.sent()[0].clone().try_into().unwrap();
    let unchanged = unchanged.condition_check().unwrap().clone();
    assert_eq!(unchanged.key()["pk"], text(format!("CONNECTION#{}", connection().id)));
    assert_eq!(unchanged.condition_expression(), "version = :version");
    assert_eq!(unchanged.expression_attribute_values().unwrap()[":version"], number(connection().version));
    let told = told.put().unwrap().clone();
    assert_eq!(told.item()["type"], text("credentials.issued"));
    assert!(told.item()["sk"].as_s().unwrap().starts_with("EVENT#"));
    assert!(answered.put().unwrap().item()["pk"].as_s().unwrap().starts_with("IDEMPOTENCY#"));

    // Without a key there is no answer to keep.
    let table = Scripted::new();
    table.store.hand_out(&connection(), &event, None).await.unwrap();
    assert_eq!(table.sent()[0].len(), 2);
}

#[tokio::test]
async fn nothing_is_handed_out_for_a_connection_that_has_changed_or_to_a_request_that_is_anothers() {
    let event = issue().issued(NOW, &occasion());
    for (place, code) in [(0, "concurrent_change"), (2, "request_in_progress")] {
        let (table, answer) = (Scripted::new(), completion().await);
        table.refuse(unmet(place, 3), vec![]);
        let error = table.store.hand_out(&connection(), &event, Some(&answer)).await.unwrap_err();
        assert_eq!((error.kind, error.code), (ErrorKind::Conflict, code));
    }
    let table = Scripted::new();
    table.refuse(answered("InternalServerError"), vec![]);
    let error = table.store.hand_out(&connection(), &event, None).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable);
}

#[tokio::test]
async fn an_event_is_written_by_itself() {
    let table = Scripted::new();
    table.store.record_event(&issue().requested(&occasion())).await.unwrap();
    let [told] = table.sent()[0].clone().try_into().unwrap();
    assert_eq!(told.put().unwrap().item()["type"], text("credentials.requested"));

    let table = Scripted::new();
    table.refuse(answered("ThrottlingException"), vec![]);
    let error = table.store.record_event(&issue().requested(&occasion())).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable);
}
