use serde_json::json;

use super::*;
use crate::arguments::Format;
use crate::test_server::{Answer, TestServer};

fn connection(id: &str, state: &str, reasons: &[&str]) -> Value {
    let reasons: Vec<_> = reasons.iter().map(|code| json!({"code": code, "detail": "why"})).collect();
    json!({"connection_id": id, "customer_id": "cus_1", "label": null, "account_id": "222222222222",
           "state": state, "verification": "idle", "external_id": "xid-secret", "reasons": reasons})
}

fn grants(used_percent: f64, published: bool) -> Value {
    json!({
        "brokers": 2, "grants_per_broker": 10, "characters_per_grant": 6144, "used_percent": used_percent,
        "items": [{"roles": 3, "published": true}, {"roles": 4, "published": published}],
    })
}

async fn status_of(
    limit: u32,
    format: Format,
    grants: Value,
    pages: &[&[Value]],
) -> (Result<Exit>, String, Vec<String>) {
    status_with(limit, format, grants, pages, json!({"items": [], "next_cursor": null})).await
}

async fn status_with(
    limit: u32,
    format: Format,
    grants: Value,
    pages: &[&[Value]],
    stale: Value,
) -> (Result<Exit>, String, Vec<String>) {
    let mut script = vec![Answer::ok(json!({"status": "ok", "version": "1.2.3"})), Answer::ok(grants)];
    for (index, page) in pages.iter().enumerate() {
        let next = (index + 1 < pages.len()).then(|| format!("c{index}"));
        script.push(Answer::ok(json!({"items": page, "next_cursor": next})));
    }
    script.push(Answer::ok(stale));
    let server = TestServer::start(script).await;
    let screen = Screen::kept(format);
    let exit = ShowStatus { limit }.run(&server.client(), &screen).await;
    (exit, screen.into_kept().output, server.targets())
}

#[tokio::test]
async fn every_page_is_counted_and_the_urgent_comes_first() {
    let pages: [&[Value]; 2] = [
        &[
            connection("con_1", "degraded", &["permission_missing", "region_unavailable"]),
            connection("con_2", "active", &[]),
            connection("con_3", "failed", &["role_not_assumable"]),
            connection("con_4", "offboarding", &[]),
        ],
        &[
            connection("con_5", "suspended", &["trust_missing_external_id"]),
            connection("con_6", "active", &[]),
            connection("con_7", "offboarding", &["role_still_assumable"]),
            connection("con_8", "failed", &["probe_inconclusive"]),
            connection("con_9", "failed", &["grant_capacity_exhausted"]),
            connection("con_10", "hibernating", &[]),
        ],
    ];
    let (exit, output, targets) = status_of(20, Format::Json, grants(12.5, true), &pages).await;
    assert_eq!(exit.unwrap(), Exit::Done);
    assert_eq!(
        targets,
        [
            "GET /health",
            "GET /v1/grants",
            "GET /v1/connections?limit=100",
            "GET /v1/connections?limit=100&cursor=c0",
            "GET /v1/freshness?limit=100"
        ]
    );
    assert!(!output.contains("xid-secret"));
    let status: Value = serde_json::from_str(&output).unwrap();
    assert_eq!(status["version"], "1.2.3");
    assert_eq!(status["health"], "ok");
    assert_eq!(
        status["connections"],
        json!({"total": 10, "by_state": {
            "pending_role": 0, "verifying": 0, "active": 2, "degraded": 1, "failed": 3, "suspended": 1,
            "offboarding": 2, "offboarded": 0, "hibernating": 1,
        }})
    );
    assert_eq!(
        status["grants"],
        json!({"brokers": 2, "grants_per_broker": 10, "grants": 2, "roles": 7, "used_percent": 12.5,
               "unpublished": 0})
    );
    let next: Vec<_> = status["attention"].as_array().unwrap().iter().map(|it| &it["next"]).collect();
    assert_eq!(
        next,
        [
            "drawbridge connections show con_5",
            "drawbridge connections offboard con_7 --watch",
            "drawbridge connections show con_3",
            "drawbridge connections verify con_8 --watch",
            "drawbridge grants show",
            "drawbridge connections show con_1",
        ]
    );
    assert_eq!(
        status["attention"][0],
        json!({"connection_id": "con_5", "customer_id": "cus_1", "label": null, "account_id": "222222222222",
               "state": "suspended", "reason": {"code": "trust_missing_external_id", "detail": "why"},
               "next": "drawbridge connections show con_5"})
    );
}

#[tokio::test]
async fn it_reads_well() {
    let page = [connection("con_1", "active", &[]), connection("con_2", "failed", &["role_not_assumable"])];
    let (_, output, _) = status_of(20, Format::Table, grants(12.5, true), &[&page]).await;
    let (_, told) = output.split_once('\n').unwrap();
    assert_eq!(
        told,
        "version  1.2.3\n\
         health   ok\n\
         grants   12.5 % full (roles: 7, brokers: 2)\n\n\
         Connections: 2\n\
         1  active\n\
         1  failed\n\n\
         Needs somebody\n\n\
         con_2  failed  222222222222\n  \
           role_not_assumable: why\n  \
           next: drawbridge connections show con_2\n"
    );
}

#[tokio::test]
async fn what_is_not_listed_is_counted() {
    let page: Vec<_> = (0..5).map(|number| connection(&format!("con_{number}"), "failed", &["x"])).collect();
    let (_, output, _) = status_of(2, Format::Json, grants(0.0, true), &[&page]).await;
    let status: Value = serde_json::from_str(&output).unwrap();
    assert_eq!(status["attention"].as_array().unwrap().len(), 2);
    assert_eq!(status["attention_omitted"], 3);
    let (_, output, _) = status_of(2, Format::Table, grants(0.0, true), &[&page]).await;
    assert!(output.contains("3 more are not listed"), "{output}");
}

#[tokio::test]
async fn grants_that_fill_up_or_lag_need_somebody_too() {
    let page = [connection("con_1", "active", &[])];
    let (_, output, _) = status_of(2, Format::Table, grants(80.0, false), &[&page]).await;
    assert!(output.contains("BrokerCount") && output.contains("does not have yet: 1"), "{output}");
    let (_, output, _) = status_of(2, Format::Table, grants(79.9, true), &[&page]).await;
    assert!(output.ends_with("\n\nnothing needs anybody\n"), "{output}");
    let (_, output, _) = status_of(2, Format::Table, grants(0.0, true), &[&[]]).await;
    assert!(output.contains("there are no connections yet"), "{output}");
}

#[tokio::test]
async fn what_could_not_be_told_is_no_status() {
    let health = || Answer::ok(json!({"status": "ok", "version": "1.2.3"}));
    let refused = || Answer::new(403, json!({"message": "Forbidden"}));
    let server = TestServer::start([health(), refused()]).await;
    let screen = Screen::kept(Format::Json);
    let failure = ShowStatus { limit: 20 }.run(&server.client(), &screen).await.unwrap_err();
    assert_eq!(failure.exit, Exit::Refused);
    assert_eq!(screen.into_kept().output, "");
}

#[tokio::test]
async fn stale_backups_need_somebody() {
    let one = json!({
        "connection_id": "con_1", "region": "eu-central-1", "resource": "orders", "stale": true,
        "newest_good_backup_at": "2026-11-27T02:00:04Z", "promised_by": "2026-11-28T04:00:00Z",
    });
    let stale = json!({"items": [one.clone(), one], "next_cursor": null});
    let pages: [&[Value]; 1] = [&[connection("con_1", "active", &[])]];
    let (_, output, _) = status_with(1, Format::Table, grants(1.0, true), &pages, stale.clone()).await;
    assert!(output.contains("con_1  eu-central-1  orders"), "{output}");
    assert!(output.contains("and more") && output.contains("drawbridge backups freshness"), "{output}");
    assert!(!output.contains("nothing needs anybody"), "{output}");
    let (_, output, _) = status_with(5, Format::Json, grants(1.0, true), &pages, stale).await;
    let status: Value = serde_json::from_str(&output).unwrap();
    assert_eq!((status["stale"].as_array().unwrap().len(), &status["stale_omitted"]), (2, &json!(false)));
}
