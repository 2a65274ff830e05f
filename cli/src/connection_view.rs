//! A connection as people read it.

use comfy_table::Cell;
use serde_json::Value;

use crate::checks_view::{self, Rows, Tally, checks};
use crate::patch::patch;
use crate::receipt::receipt;
use crate::table;
use crate::text::{field, items, time};

/// Who may see the external ID: the operator who asks for it by `connections show` and `setup`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExternalId {
    /// It is shown.
    Shown,
    /// It is left out.
    Hidden,
}

/// The answer without its external ID.
pub fn without_external_id(mut connection: Value) -> Value {
    if let Some(fields) = connection.as_object_mut() {
        fields.shift_remove("external_id");
    }
    connection
}

/// A connection with its trust probes, checks, reasons and warnings.
pub fn view(connection: &Value, external_id: ExternalId, coloured: bool) -> String {
    view_with(connection, external_id, Rows::Open, coloured)
}

/// The same with as many rows of its checks as are wanted.
pub fn view_with(connection: &Value, external_id: ExternalId, rows: Rows, coloured: bool) -> String {
    let text = |name| Cell::new(field(connection, name));
    let at = |name| Cell::new(time(connection, name));
    let mut fields = vec![
        ("connection", text("connection_id")),
        ("customer", text("customer_id")),
        ("label", text("label")),
        ("state", table::state(connection, coloured)),
        ("verification", text("verification")),
        ("account", text("account_id")),
        ("role", text("role_arn")),
        ("role name", text("role_name")),
    ];
    if let Some(looking) = connection.get("looking").filter(|looking| looking.is_object()) {
        let (role, until) = (field(looking, "role_arn"), time(looking, "until"));
        let told = format!("{role} until {until}, {} attempts so far", field(looking, "attempts"));
        fields.push(("looking for", Cell::new(told)));
    }
    if external_id == ExternalId::Shown {
        fields.push(("external ID", text("external_id")));
    }
    fields.extend([
        ("capabilities", text("capabilities")),
        ("regions", text("regions")),
        ("invite until", at("invite_expires_at")),
        ("trust", Cell::new(trust(connection))),
        ("permissions", Cell::new(permissions(connection))),
        ("last verified", at("last_verified_at")),
        ("created", at("created_at")),
        ("updated", at("updated_at")),
        ("version", text("version")),
    ]);
    let mut parts = vec![table::card(fields)];
    if let Some(probes) = probes(connection) {
        parts.push(format!("Trust probes\n{probes}"));
    }
    parts.extend(checks_view::view(connection, rows));
    parts.extend(notes(connection));
    parts.join("\n\n")
}

/// How a watched verification or offboarding ended, in short.
pub fn outcome(connection: &Value, coloured: bool) -> String {
    let mut fields = vec![
        ("connection", Cell::new(field(connection, "connection_id"))),
        ("state", table::state(connection, coloured)),
        ("account", Cell::new(field(connection, "account_id"))),
        ("role", Cell::new(field(connection, "role_arn"))),
    ];
    // Where access has ended, what was once proven is no news.
    if !is_ending(connection) {
        fields.push(("trust", Cell::new(trust(connection))));
        fields.push(("permissions", Cell::new(permissions(connection))));
    }
    let mut parts = vec![table::card(fields)];
    if !is_ending(connection) && checks(connection).iter().any(checks_view::is_open) {
        parts.extend(checks_view::view(connection, Rows::Open));
    }
    parts.extend(notes(connection));
    parts.join("\n\n")
}

/// Whether the connection is being offboarded, or has been.
pub fn is_ending(connection: &Value) -> bool {
    matches!(field(connection, "state").as_str(), "offboarding" | "offboarded")
}

/// Which external ID a probe sent, in words.
pub fn probe_sent(probe: &Value) -> String {
    match field(probe, "external_id").as_str() {
        "correct" => "the right external ID".to_owned(),
        "absent" => "no external ID".to_owned(),
        "random" => "a random external ID".to_owned(),
        other => other.to_owned(),
    }
}

fn notes(connection: &Value) -> impl Iterator<Item = String> {
    let parts = [
        reasons(connection, "Reasons", "reasons"),
        reasons(connection, "Warnings", "warnings"),
        receipt(connection),
    ];
    parts.into_iter().flatten()
}

fn trust(connection: &Value) -> String {
    match connection.get("trust") {
        Some(trust) if trust.get("proven").and_then(Value::as_bool) == Some(true) => {
            format!("proven {}", time(trust, "proven_at"))
        }
        _ => "not proven".to_owned(),
    }
}

fn permissions(connection: &Value) -> String {
    match checks(connection) {
        [] => "not checked".to_owned(),
        rows => Tally::of(rows).to_string(),
    }
}

fn probes(connection: &Value) -> Option<String> {
    let probes = items(connection.get("trust")?, "probes");
    let rows = probes.iter().map(|probe| {
        vec![
            Cell::new(field(probe, "round")),
            Cell::new(probe_sent(probe)),
            Cell::new(field(probe, "outcome")),
            Cell::new(time(probe, "at")),
            Cell::new(field(probe, "request_id")),
        ]
    });
    let headings = ["round", "asked with", "outcome", "at", "AWS request id"];
    (!probes.is_empty()).then(|| table::listing(&headings, 4, rows.collect()))
}

fn reasons(connection: &Value, heading: &str, name: &str) -> Option<String> {
    let reasons = items(connection, name);
    let mut rows = Vec::new();
    for reason in reasons {
        rows.push(("code", Cell::new(field(reason, "code"))));
        rows.push(("detail", Cell::new(field(reason, "detail"))));
        rows.push(("remedy", Cell::new(field(reason, "remedy"))));
    }
    // A statement in a table's column could not be pasted.
    let parts = [Some(format!("{heading}\n{}", table::card(rows))), patch(connection, name)];
    (!reasons.is_empty()).then(|| parts.into_iter().flatten().collect::<Vec<_>>().join("\n\n"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_external_id_is_shown_to_who_asks_for_it_alone() {
        let connection = json!({"connection_id": "con_1", "external_id": "xid-secret", "state": "failed"});
        assert!(view(&connection, ExternalId::Shown, false).contains("xid-secret"));
        assert!(!view(&connection, ExternalId::Hidden, false).contains("xid-secret"));
        assert!(!outcome(&connection, false).contains("xid-secret"));
        assert_eq!(without_external_id(connection), json!({"connection_id": "con_1", "state": "failed"}));
    }

    #[test]
    fn reasons_come_with_remedy_and_patch() {
        let connection = json!({"state": "degraded", "reasons": [
            {"code": "permission_missing", "detail": "denied", "remedy": "Add it.", "patch": {"Action": "ec2:X"}},
        ]});
        let text = outcome(&connection, false);
        for part in
            ["permission_missing", "denied", "Add it.", "\n      \"Action\": \"ec2:X\"\n", "put-role-policy"]
        {
            assert!(text.contains(part), "{part}: {text}");
        }
    }

    #[test]
    fn checks_stand_beside_trust_and_open_ones_are_never_left_out() {
        let row = |outcome: &str| {
            json!({"action": "ec2:StartInstances", "region": "eu-west-1",
                                         "capability": "ec2-power", "outcome": outcome, "method": "dry_run"})
        };
        let connection = |state: &str, outcome: &str| json!({"state": state, "checks": [row(outcome)]});
        for text in [
            view(&connection("degraded", "denied"), ExternalId::Hidden, false),
            outcome(&connection("degraded", "denied"), false),
        ] {
            assert!(text.contains("permissions") && text.contains("0 allowed, 1 denied"), "{text}");
            assert!(text.contains("Denied or not known"), "{text}");
        }
        let fine = outcome(&connection("active", "allowed"), false);
        assert!(fine.contains("1 allowed, 0 denied") && !fine.contains("CAPABILITY"), "{fine}");
        let unchecked = view(&json!({"state": "active", "checks": []}), ExternalId::Hidden, false);
        assert!(unchecked.contains("permissions    not checked"), "{unchecked}");
        let ended = outcome(&connection("offboarded", "denied"), false);
        assert!(!ended.contains("ermissions"), "{ended}");
    }

    #[test]
    fn a_role_that_is_looked_for_is_shown() {
        let looking = json!({"role_arn": "arn:x", "until": "2026-11-22T02:04:35.5Z", "attempts": 3});
        let text = view(&json!({"state": "pending_role", "looking": looking}), ExternalId::Hidden, false);
        assert!(
            text.contains("looking for    arn:x until 2026-11-22 02:04:35Z, 3 attempts so far"),
            "{text}"
        );
        let text = view(&json!({"state": "pending_role", "looking": null}), ExternalId::Hidden, false);
        assert!(!text.contains("looking"), "{text}");
    }

    #[test]
    fn an_invite_and_a_receipt_are_shown() {
        let connection = json!({
            "state": "offboarded", "invite_expires_at": "2026-11-22T02:04:35.5Z",
            "receipt": {"grant_removed_at": "2026-11-22T02:04:35Z", "leftovers": []},
        });
        let text = view(&connection, ExternalId::Hidden, false);
        assert!(text.contains("invite until   2026-11-22 02:04:35Z"), "{text}");
        assert!(text.contains("\n\nReceipt\nDrawbridge's grant"), "{text}");
        assert!(outcome(&connection, false).contains("Receipt"));
        assert!(!outcome(&connection, false).contains("trust"));
    }
}
