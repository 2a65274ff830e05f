use rstest::rstest;

use super::*;

const OPERATIONS: &str = "v1/connections/con_1/operations";
const PLANS: &str = "v1/connections/con_1/plans";
const PLAN: &str = "v1/plans/pln_1";
const APPLY: &str = "v1/plans/pln_1/apply";

fn step(code: &str, path: &str, wait: Option<&str>) -> Option<String> {
    for_code(code, &path.split('/').collect::<Vec<_>>(), wait)
}

#[rstest]
#[case("not_found", "v1/customers/cus_1", "drawbridge customers list")]
#[case("not_found", "v1/customers/cus_1/connections", "drawbridge customers list")]
#[case("not_found", "v1/connections/con_1", "drawbridge connections list")]
#[case("not_found", OPERATIONS, "drawbridge connections list")]
#[case("not_found", PLANS, "drawbridge connections list")]
#[case("not_found", "v1/operations/op_1", "drawbridge operations list CONNECTION")]
#[case("not_found", PLAN, "drawbridge plans create")]
#[case("not_found", APPLY, "drawbridge plans create")]
#[case("not_found", "v1/grants/reconciliations/rec_1", "drawbridge grants reconcile --dry-run")]
#[case("invalid_id", "v1/connections", "The list commands show ids")]
#[case("invalid_id", OPERATIONS, "drawbridge ec2 list con_1")]
#[case("invalid_id", PLANS, "drawbridge ec2 list con_1")]
#[case("state_conflict", "v1/connections/con_1/verify", "drawbridge connections show con_1")]
#[case("connection_not_active", OPERATIONS, "drawbridge connections show con_1")]
#[case("connection_not_active", APPLY, "drawbridge connections show CONNECTION")]
#[case("capability_missing", PLANS, "drawbridge connections show con_1")]
#[case("role_not_assumable", PLANS, "drawbridge connections verify con_1 --watch")]
#[case("plan_required", OPERATIONS, "drawbridge plans create con_1 ACTION --region REGION --input JSON")]
#[case("plan_required", OPERATIONS, "--apply")]
#[case("no_plan_needed", PLANS, "drawbridge operations run con_1 ACTION")]
#[case("plan_stale", APPLY, "drawbridge plans show pln_1")]
#[case("plan_stale", APPLY, "drawbridge plans create")]
#[case("plan_expired", APPLY, "drawbridge plans create")]
#[case("plan_already_applied", APPLY, "drawbridge plans show pln_1")]
#[case("plan_already_applied", APPLY, "drawbridge operations show")]
#[case("target_not_found", PLANS, "drawbridge ec2 list con_1 --region REGION")]
#[case("target_protected", PLANS, "drawbridge:protected")]
#[case("target_protected", APPLY, "ask the customer")]
#[case("targets_unreadable", PLANS, "drawbridge connections verify con_1 --watch")]
#[case("targets_unreadable", APPLY, "drawbridge connections verify CONNECTION --watch")]
#[case("input_too_large", PLANS, "fewer at once")]
#[case("too_many_resources", OPERATIONS, "fewer at once")]
#[case("account_unavailable", PLANS, "nothing was changed")]
#[case("account_unavailable", APPLY, "try again in 7 seconds")]
#[case("no_session", PLANS, "try again in 7 seconds")]
#[case("grant_capacity_exhausted", "v1/connections/con_1/role", "BrokerCount")]
#[case("concurrent_change", "v1/connections/con_1", "try again in 7 seconds")]
#[case("not_found", "v1/schedules/sch_1/preview", "drawbridge schedules list CONNECTION")]
#[case("not_found", "v1/runs/run_1/jobs", "drawbridge runs list --all")]
#[case("not_found", "v1/backups/bkp_1/restore", "drawbridge backups list CONNECTION")]
#[case("not_found", "v1/runs", "drawbridge connections list --all")]
#[case("connection_not_active", "v1/runs", "runs start --all")]
#[case("version_mismatch", "v1/schedules/sch_1", "drawbridge schedules show sch_1")]
#[case("selection_empty", "v1/runs", "--name '*'")]
#[case("retention_empty", "v1/schedules/sch_1", "--keep-last")]
#[case("invalid_expression", "v1/connections/con_1/schedules", "drawbridge schedules preview")]
#[case("invalid_timezone", "v1/runs", "Europe/Berlin")]
#[case("unknown_kind", "v1/runs", "dynamodb-backup")]
fn a_refusal_is_followed_by_what_to_do(#[case] code: &str, #[case] path: &str, #[case] said: &str) {
    let step = step(code, path, Some("7")).unwrap();
    assert!(step.contains(said), "{step}");
    assert!(!step.contains("/v1/"), "a command is named, and no route: {step}");
}

#[test]
fn a_code_that_is_not_known_is_followed_by_nothing_made_up() {
    assert_eq!(step("from_the_future", PLAN, Some("7")), None);
}

#[rstest]
#[case(503, Some("5"), Some("try again in 5 seconds"))]
#[case(503, Some(" 1 "), Some("try again in 1 second"))]
#[case(503, None, Some("try again in a minute"))]
#[case(429, Some("2400"), Some("try again in 2400 seconds"))]
#[case(429, Some("Fri, 01 Jan 2027 00:00:00 GMT"), Some("try again in a minute"))]
#[case(502, None, Some("try again in a minute"))]
#[case(504, None, Some("try again in a minute"))]
#[case(404, Some("5"), None)]
#[case(409, Some("5"), None)]
fn what_passes_by_itself_is_asked_for_again(
    #[case] status: u16,
    #[case] wait: Option<&str>,
    #[case] expected: Option<&str>,
) {
    let status = StatusCode::from_u16(status).unwrap();
    assert_eq!(for_status(status, wait).as_deref(), expected);
}
