//! What to do after a refusal, by its code.

use reqwest::{Method, StatusCode};

/// After a request that may have taken effect though no answer says so.
pub const LOOK_FIRST: &str = "whether the request took effect is not known: look with a list or show command before \
     repeating it";

/// The next step after a refusal with this code of a request to this path, where there is a good one.
pub fn for_code(code: &str, segments: &[&str], retry_after: Option<&str>) -> Option<String> {
    if let Some(step) = of_what_is_scheduled(code, segments) {
        return Some(step);
    }
    let connection = match segments {
        ["v1", "connections", id, ..] => id,
        // A plan tells which connection it is for.
        ["v1", "plans", ..] => "CONNECTION",
        _ => "ID",
    };
    if let Some(step) = after_planning(code, segments, connection) {
        return Some(step);
    }
    Some(match code {
        "not_found" => unknown(segments),
        // What is no id in a path is not found; this one stands in the input or in a filter.
        "invalid_id" => match segments {
            ["v1", "connections", _, "operations" | "plans"] => {
                format!("is the id whole? `drawbridge ec2 list {connection} --region REGION` shows instances' ids")
            }
            _ => "is the id whole? The list commands show ids".to_owned(),
        },
        "unknown_field" | "route_not_found" | "method_not_allowed" => {
            "the command and the API may be of different versions: update the older one, and check that the \
             address is the output ApiUrl of the stack"
                .to_owned()
        }
        "invalid_cursor" => "the list has changed hands: start it again without a cursor".to_owned(),
        "state_conflict" => {
            format!("`drawbridge connections show {connection}` shows where it stands and why")
        }
        "connection_not_active" | "capability_missing" | "region_not_connected" => format!(
            "`drawbridge connections show {connection}` shows its state, its capabilities and its Regions"
        ),
        "role_not_assumable" => {
            format!("`drawbridge connections verify {connection} --watch` finds out what is wrong with the role")
        }
        "too_many_capabilities" => "ask for fewer with --capability, or for one Region with --region".to_owned(),
        "account_id_mismatch" | "role_name_mismatch" => format!(
            "`drawbridge connections show {connection}` shows the account and the role name that this connection is for"
        ),
        "role_in_provider_account" => {
            "give the ARN of a role in the customer's account, not in the account that Drawbridge runs in"
                .to_owned()
        }
        "role_already_connected" => format!(
            "have the customer create a role of its own for this connection (`drawbridge connections setup \
             {connection}`), and submit that role's ARN"
        ),
        "invalid_role_arn" => {
            "give the ARN as IAM shows it, such as arn:aws:iam::123456789012:role/drawbridge-a1b2c3d4"
                .to_owned()
        }
        "unknown_capability" | "capabilities_empty" | "classic_stands_alone" => {
            "`drawbridge connections create --help` lists the capabilities".to_owned()
        }
        "invalid_region" => "give a Region's code, such as eu-central-1".to_owned(),
        "not_authorized" => {
            "sign with an identity that has one of the stack's managed policies: drawbridge-viewer, \
             drawbridge-operator or drawbridge-admin"
                .to_owned()
        }
        "version_mismatch" => format!(
            "somebody else changed it meanwhile: `drawbridge connections show {connection}` shows how it is now; then \
             decide anew and repeat"
        ),
        "request_in_progress" => LOOK_FIRST.to_owned(),
        "grant_capacity_exhausted" => {
            "`drawbridge grants show` shows what is full: offboard what is no longer needed, or raise the stack's \
             parameter BrokerCount"
                .to_owned()
        }
        "account_unavailable" | "no_session" => {
            format!("nothing was changed in the customer's account: {}", again(retry_after))
        }
        // Others that pass by themselves are told by their status.
        "concurrent_change" => again(retry_after),
        "internal_error" => {
            "the request id leads the operator of this Drawbridge to the cause, in its logs".to_owned()
        }
        _ => return None,
    })
}

/// What shows which there are, where there is no such thing.
fn unknown(segments: &[&str]) -> String {
    let shows = match segments {
        ["v1", "connections", ..] => "`drawbridge connections list --all` shows which there are",
        ["v1", "operations", ..] => {
            "`drawbridge operations list CONNECTION --all` shows which a connection has; they are kept for 400 days"
        }
        ["v1", "plans", ..] => {
            "the id is the one that `drawbridge plans create` printed, which makes a new one too; `drawbridge \
             operations list CONNECTION --all` shows what was carried out"
        }
        ["v1", "grants", ..] => "`drawbridge grants reconcile --dry-run` looks at the grants anew",
        _ => "`drawbridge customers list --all` shows which there are",
    };
    shows.to_owned()
}

/// The next step where something that cannot be undone was refused, or was no such thing.
fn after_planning(code: &str, segments: &[&str], connection: &str) -> Option<String> {
    let plan = match segments {
        ["v1", "plans", id, ..] => id,
        _ => "PLAN_ID",
    };
    Some(match code {
        "plan_required" => format!(
            "`drawbridge plans create {connection} ACTION --region REGION --input JSON` shows what will be gone; with \
             --apply it asks, and carries it out"
        ),
        "no_plan_needed" => {
            format!(
                "`drawbridge operations run {connection} ACTION --region REGION --input JSON` carries it out"
            )
        }
        "plan_stale" => format!(
            "`drawbridge plans show {plan}` shows what the plan saw; make a new one with `drawbridge plans create`, and \
             look at it"
        ),
        "plan_expired" => {
            "make a new one with `drawbridge plans create`; --apply carries it out as soon as it is confirmed"
                .to_owned()
        }
        "plan_already_applied" => format!(
            "`drawbridge plans show {plan}` names the operation, and `drawbridge operations show OPERATION` what became \
             of it"
        ),
        "target_not_found" => format!(
            "`drawbridge ec2 list {connection} --region REGION` shows the instances that are there, `drawbridge \
             dynamodb tables` and `drawbridge dynamodb backups` the tables and backups"
        ),
        "target_protected" => {
            "ask the customer: only they take the tag drawbridge:protected off, and then it is planned anew"
                .to_owned()
        }
        "targets_unreadable" => format!(
            "`drawbridge connections verify {connection} --watch` finds out what the role may not read, and what mends it"
        ),
        "input_too_large" | "too_many_resources" => "ask for fewer at once".to_owned(),
        _ => return None,
    })
}

/// The next step after a refusal with this status, where its code says nothing better: what passes by
/// itself is asked for again.
pub fn for_status(status: StatusCode, retry_after: Option<&str>) -> Option<String> {
    let passes = status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS;
    passes.then(|| again(retry_after))
}

/// Try again, when the API says so if it does.
fn again(retry_after: Option<&str>) -> String {
    match retry_after.and_then(|value| value.trim().parse::<u32>().ok()) {
        Some(1) => "try again in 1 second".to_owned(),
        Some(seconds) => format!("try again in {seconds} seconds"),
        None => "try again in a minute".to_owned(),
    }
}

/// The managed policy of the stack that allows such requests.
pub fn managed_policy(method: &Method, segments: &[&str]) -> &'static str {
    let is_invite = matches!(segments, ["v1", "connections", _, "invite"]);
    match *method {
        // To take an invite back, or to stop a schedule, must not wait for an administrator.
        Method::DELETE if is_invite || matches!(segments, ["v1", "schedules", _]) => {
            "drawbridge-operator (or drawbridge-admin)"
        }
        Method::GET => "drawbridge-viewer (or drawbridge-operator or drawbridge-admin)",
        Method::DELETE => "drawbridge-admin",
        _ => "drawbridge-operator (or drawbridge-admin)",
    }
}

/// The same of schedules, runs and backups.
fn of_what_is_scheduled(code: &str, segments: &[&str]) -> Option<String> {
    let step = match (code, segments) {
        ("not_found", ["v1", "schedules", ..]) => {
            "`drawbridge schedules list CONNECTION` shows which there are"
        }
        ("not_found", ["v1", "runs", _, ..]) => "`drawbridge runs list --all` shows which there are",
        ("not_found" | "connection_not_active" | "capability_missing", ["v1", "runs"]) => {
            "`drawbridge connections list --all` shows which there are, their states and capabilities; `runs start \
             --all` takes those that are active or degraded"
        }
        ("not_found", ["v1", "backups", ..]) => "`drawbridge backups list CONNECTION` shows which there are",
        ("version_mismatch", ["v1", "schedules", id]) => {
            return Some(format!(
                "somebody else changed it meanwhile: `drawbridge schedules show {id}` shows how it is now; then decide \
                 anew and repeat"
            ));
        }
        ("selection_empty" | "invalid_selection", _) => {
            "say which tables: --name '*' means all of them, --name 'prod-*' some, --table NAME one"
        }
        ("retention_empty" | "invalid_retention", _) => {
            "give --keep-last, --keep-daily, --keep-weekly, --keep-monthly or --max-age-days, each 1 or more"
        }
        ("invalid_expression", _) => {
            "`drawbridge schedules preview --expression 'cron(0 5 * * ? *)' --timezone UTC` tries one without making \
             anything"
        }
        ("invalid_timezone", _) => "give a name of the IANA database, such as Europe/Berlin",
        ("unknown_kind", _) => {
            "the kinds are dynamodb-backup, ec2-backup, ec2-start, ec2-stop and restore-drill"
        }
        _ => return None,
    };
    Some(step.to_owned())
}

#[cfg(test)]
mod tests;
