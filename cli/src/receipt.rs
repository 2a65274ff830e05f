//! What an offboarding has done, in words.

use serde_json::Value;

use crate::text::{NOTHING, field, items, time, visible};

/// The receipt of a connection that is being offboarded or has been, a sentence a line.
pub fn receipt(connection: &Value) -> Option<String> {
    let receipt = connection.get("receipt").filter(|receipt| receipt.is_object())?;
    // What is not known is still to come, or never will be.
    let missing = |yet: &str, never: &str| match field(connection, "state").as_str() {
        "offboarded" => never.to_owned(),
        _ => yet.to_owned(),
    };
    let mut lines = vec![
        "Receipt".to_owned(),
        removed(receipt).unwrap_or_else(|| {
            missing("Drawbridge's grant for the role is not removed yet.", "There was no grant to remove.")
        }),
        refused(receipt).unwrap_or_else(|| {
            missing("AWS has not refused the role yet.", "AWS was not asked for a role: none was granted.")
        }),
        match known(receipt, "last_session_expires_at") {
            Some(at) => format!("A session that was given out before may live until {at}, and no longer."),
            None => missing(
                "Until when a session that was given out before may live is not known yet.",
                "No session is known that could still be alive.",
            ),
        },
    ];
    lines.extend(left(items(receipt, "leftovers")));
    Some(lines.join("\n"))
}

/// That the grant is removed, once it is.
pub fn removed(receipt: &Value) -> Option<String> {
    known(receipt, "grant_removed_at")
        .map(|at| format!("Drawbridge's grant for the role was removed at {at}."))
}

/// That AWS has refused the role, once it has.
pub fn refused(receipt: &Value) -> Option<String> {
    known(receipt, "assume_role_refused_at")
        .map(|at| format!("AWS refused to let Drawbridge assume the role at {at}."))
}

/// What stays behind, each thing with what to do about it.
fn left(leftovers: &[Value]) -> Vec<String> {
    let heading = (!leftovers.is_empty()).then(|| "Left behind:".to_owned());
    let things = leftovers.iter().flat_map(|left| {
        let advice = left.get("advice").and_then(Value::as_str);
        [
            Some(format!("  {} {}", field(left, "kind"), field(left, "id"))),
            advice.map(|advice| format!("    {}", visible(advice))),
        ]
    });
    heading.into_iter().chain(things.flatten()).collect()
}

fn known(receipt: &Value, name: &str) -> Option<String> {
    Some(time(receipt, name)).filter(|at| at != NOTHING)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_whole_receipt_is_told_in_words() {
        let connection = json!({"state": "offboarded", "receipt": {
            "grant_removed_at": "2026-11-22T02:04:35Z", "assume_role_refused_at": "2026-11-22T02:05:10.5Z",
            "last_session_expires_at": "2026-11-22T03:04:30Z",
            "leftovers": [{"kind": "iam_role", "id": "arn:aws:iam::222222222222:role/a",
                           "advice": "Have the customer delete the role."}],
        }});
        assert_eq!(
            receipt(&connection).unwrap(),
            "Receipt\n\
             Drawbridge's grant for the role was removed at 2026-11-22 02:04:35Z.\n\
             AWS refused to let Drawbridge assume the role at 2026-11-22 02:05:10Z.\n\
             A session that was given out before may live until 2026-11-22 03:04:30Z, and no longer.\n\
             Left behind:\n  \
               iam_role arn:aws:iam::222222222222:role/a\n    \
                 Have the customer delete the role."
        );
    }

    #[test]
    fn what_is_not_known_is_yet_to_come_or_never_will() {
        let empty = json!({"grant_removed_at": null, "assume_role_refused_at": null,
                           "last_session_expires_at": null, "leftovers": []});
        let of = |state: &str| receipt(&json!({"state": state, "receipt": empty})).unwrap();
        assert_eq!(of("offboarding").matches(" yet.").count(), 3);
        assert_eq!(
            of("offboarded"),
            "Receipt\n\
             There was no grant to remove.\n\
             AWS was not asked for a role: none was granted.\n\
             No session is known that could still be alive."
        );
        assert_eq!(receipt(&json!({"state": "active"})), None);
        assert_eq!(receipt(&json!({"state": "active", "receipt": null})), None);
    }
}
