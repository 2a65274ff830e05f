//! What to do after a refusal, by its code.

use reqwest::Method;

/// After a request that may have taken effect though no answer says so.
pub const LOOK_FIRST: &str = "whether the request took effect is not known: look with a list or show command before \
     repeating it";

/// The next step after a refusal with this code of a request to this path, where there is a good one.
pub fn for_code(code: &str, segments: &[&str], retry_after: Option<&str>) -> Option<String> {
    if let Some(step) = of_what_is_scheduled(code, segments) {
        return Some(step);
    }
    let id = segments.get(2).copied().unwrap_or("ID");
    let connection = match segments {
        ["v1", "connections", id, ..] => id,
        _ => "ID",
    };
    Some(match code {
        "not_found" => match segments {
            ["v1", "connections", ..] => {
                "`drawbridge connections list --all` shows which there are".to_owned()
            }
            ["v1", "grants", ..] => "`drawbridge grants reconcile --dry-run` looks at the grants anew".to_owned(),
            _ => "`drawbridge customers list --all` shows which there are".to_owned(),
        },
        "invalid_id" => format!("is {id:?} whole? The list commands show ids"),
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
        "dependency_unavailable" | "throttled" | "too_many_requests" | "concurrent_change" => {
            again(retry_after)
        }
        "internal_error" => {
            "the request id leads the operator of this Drawbridge to the cause, in its logs".to_owned()
        }
        _ => return None,
    })
}

/// Try again, when the API says so if it does.
pub fn again(retry_after: Option<&str>) -> String {
    match retry_after.and_then(|value| value.trim().parse::<u32>().ok()) {
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
        ("kind_not_offered" | "unknown_kind", _) => {
            "the kind that this version carries out is dynamodb-backup"
        }
        _ => return None,
    };
    Some(step.to_owned())
}
