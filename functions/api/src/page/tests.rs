use super::*;
use crate::test_app::{Answer, Bench, PROVIDER, text};
use axum::http::StatusCode;
use domain::reason::{Reason, ReasonCode};
use domain::{RoleArn, sample};
use jiff::SignedDuration;
use rstest::rstest;

const ROLE: &str = "arn:aws:iam::222222222222:role/one";
const BROWSER: [(&str, &str); 1] =
    [("accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")];

async fn page(bench: &Bench, link: &str) -> Answer {
    bench.anybody("GET", link, &BROWSER, "").await
}

/// The page of a connection in this state, made without a store.
fn rendered(state: ConnectionState, reasons: Vec<Reason>) -> String {
    let mut connection = sample::submitted(&sample::created().connection, ROLE).connection;
    connection.state = state;
    connection.reasons = reasons;
    page_about(&connection)
}

fn page_about(connection: &Connection) -> String {
    let brand = |name: &str| match name {
        "PROVIDER_NAME" => Some("Acme".to_owned()),
        "PROVIDER_COLOUR" => Some("#2457d6".to_owned()),
        _ => None,
    };
    let site = Site::new(Brand::from_environment(&runtime::Environment::new(&brand)).unwrap());
    let deployment = sample::deployment();
    let (setup, invite) = (Setup::of(connection, &deployment), Invite::new([7; 32]));
    let page = Page {
        site: &site,
        deployment: &deployment,
        invite: &invite,
        connection,
        checks: Vec::new(),
        setup,
        fault: None,
    };
    frame::page(&page).into_string()
}

/// An announced name goes before the ready-made one everywhere, and a stack's name begins with a letter. Source: AWS
/// CloudFormation API Reference, `CreateStack`.
#[test]
fn the_announced_role_is_the_one_to_make_and_to_delete() {
    let mut connection = sample::created().connection;
    connection.announced_role_name = Some("1acme".parse().unwrap());
    let waiting = page_about(&connection);
    assert!(!waiting.contains(connection.ready_made_role_name.as_str()), "{waiting}");
    assert!(waiting.contains("Once you have made the role <code>1acme</code>"), "{waiting}");
    assert!(waiting.contains("--stack-name drawbridge-1acme"), "{waiting}");

    connection = sample::submitted(&connection, "arn:aws:iam::222222222222:role/1acme").connection;
    connection.state = ConnectionState::Active;
    let active = page_about(&connection);
    assert!(active.contains("delete-stack") && active.contains("--stack-name drawbridge-1acme"), "{active}");
}

#[tokio::test]
async fn the_page_loads_nothing_of_anybody_elses_and_stays_out_of_caches() {
    let bench = Bench::new();
    let (_, link) = bench.invited().await;
    let answer = page(&bench, &link).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    let policy = answer.header("content-security-policy").unwrap();
    for part in ["default-src 'none'", "frame-ancestors 'none'", "form-action 'self'", "base-uri 'none'"] {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(!policy.contains("unsafe") && !policy.contains("http"), "{policy}");
    // No script and no style stands in the page itself.
    assert!(
        !answer.text.contains(" style=")
            && !answer.text.contains("<style")
            && !answer.text.contains(" onclick")
    );
    let scripts: Vec<_> = answer.text.match_indices("<script").collect();
    assert_eq!(scripts.len(), 1, "{}", answer.text);
    let outside = answer.text.split("src=\"").chain(answer.text.split("<link").skip(1));
    assert!(outside.skip(1).all(|part| !part.starts_with("http") && !part.starts_with("//")));
}

#[tokio::test]
async fn everything_it_loads_is_small_and_may_be_kept_for_ever() {
    let bench = Bench::new();
    let (_, link) = bench.invited().await;
    let answer = page(&bench, &link).await;
    let mut size = answer.text.len();
    let named: std::collections::BTreeSet<&str> =
        answer.text.split('"').filter(|part| part.starts_with("assets/")).collect();
    assert_eq!(named.len(), 3, "{named:?}");
    for name in named {
        let file = bench.anybody("GET", &format!("/onboard/{name}"), &[], "").await;
        assert_eq!(file.status, StatusCode::OK, "{name}");
        assert_eq!(file.header("cache-control"), Some("public, max-age=31536000, immutable"));
        assert_eq!(file.header("x-content-type-options"), Some("nosniff"));
        size += file.text.len();
    }
    assert!(size < 50_000, "{size} bytes");
    let other = bench.anybody("GET", "/onboard/assets/0123456789.css", &[], "").await;
    assert_eq!((other.status, other.header("cache-control")), (StatusCode::NOT_FOUND, Some("no-store")));
}

#[tokio::test]
async fn what_the_provider_is_called_is_no_markup() {
    let bench = Bench::new();
    let (_, link) = bench.invited().await;
    let answer = page(&bench, &link).await;
    assert!(!answer.text.contains(PROVIDER) && !answer.text.contains("<script>"));
    assert!(answer.text.contains("&lt;script&gt;alert('1')&lt;/script&gt; &amp; "), "{}", answer.text);
    let mark =
        answer.text.split('"').find(|part| part.starts_with("assets/") && part.contains(".svg")).unwrap();
    let mark = bench.anybody("GET", &format!("/onboard/{mark}"), &[], "").await;
    assert!(mark.text.contains(">S</text>") && mark.text.contains("fill=\"#000000\""), "{}", mark.text);
}

#[tokio::test]
async fn everything_that_is_asked_for_can_be_read_before_anything_is_done() {
    let bench = Bench::new();
    let (path, link) = bench.invited().await;
    let setup = bench.operator("GET", &format!("{path}/setup"), "").await;
    let shown = page(&bench, &link).await.text.replace("&quot;", "\"");
    assert!(shown.contains("See instances, volumes, networks and images"));
    assert!(shown.contains("<code>eu-central-1</code>"));
    let policies = [&setup.body["trust_policy"], &setup.body["permissions_policy"]];
    for policy in policies {
        // The document's own order of fields is another; every value of it is there.
        for value in
            policy.to_string().split('"').filter(|part| part.starts_with(|c: char| c.is_alphanumeric()))
        {
            assert!(shown.contains(value), "{value}");
        }
    }
    for tab in ["CloudFormation", "Terraform", "AWS CLI", "Console"] {
        assert!(shown.contains(&format!("data-tab=\"{tab}\"")), "{tab}");
    }
    let template = format!("{}/role.yaml", link.rsplit('/').next().unwrap());
    assert!(shown.contains(&template), "no template is published, so that it can be had here");
    let template = bench.anybody("GET", &format!("/onboard/{template}"), &BROWSER, "").await;
    assert_eq!(template.header("content-type"), Some("application/yaml"));
    assert_eq!(template.header("cache-control"), Some("no-store"));
    assert!(template.text.contains("AWSTemplateFormatVersion"));
}

#[tokio::test]
async fn what_changes_is_brought_in_from_the_status() {
    let bench = Bench::new();
    let (_, link) = bench.invited().await;
    let status = format!("{link}/status");
    let part = bench.anybody("GET", &status, &[("accept", "text/html")], "").await;
    assert_eq!(part.header("content-type"), Some("text/html; charset=utf-8"));
    assert!(part.text.starts_with("<div id=\"progress\" data-state=\"pending_role\""), "{}", part.text);
    // A program whose default names HTML first is answered as every other.
    for accept in ["application/json", "text/html, image/gif, image/jpeg, */*; q=0.2"] {
        let json = bench.anybody("GET", &status, &[("accept", accept)], "").await;
        assert_eq!(json.body["state"], "pending_role", "{accept}");
    }
}

#[rstest]
#[case::unknown(&"A".repeat(43), StatusCode::NOT_FOUND, "This link is not known")]
#[case::no_invite("x", StatusCode::NOT_FOUND, "This link is not known")]
#[tokio::test]
async fn a_link_that_leads_nowhere_is_a_page(
    #[case] secret: &str,
    #[case] status: StatusCode,
    #[case] title: &str,
) {
    let bench = Bench::new();
    for action in ["", "/status", "/role.yaml"] {
        let answer = page(&bench, &format!("/onboard/{secret}{action}")).await;
        assert_eq!(answer.status, status, "{action}");
        assert!(
            answer.text.contains(title) && !answer.text.contains(secret.trim_matches('x')) || secret == "x"
        );
        assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        let up = if action.is_empty() { "" } else { "../" };
        assert!(answer.text.contains(&format!("href=\"{up}assets/")), "{action}");
        // A program is answered as ever.
        let json = bench.anybody("GET", &format!("/onboard/{secret}{action}"), &[], "").await;
        assert_eq!((json.status, json.code()), (status, "not_found"));
    }
}

#[tokio::test]
async fn a_link_that_has_ended_is_a_page() {
    let bench = Bench::with_invites_for(SignedDuration::ZERO);
    let (path, link) = bench.invited().await;
    let expired = page(&bench, &link).await;
    assert_eq!(expired.status, StatusCode::GONE);
    assert!(expired.text.contains("This link has expired"));
    bench.operator("DELETE", &format!("{path}/invite"), "").await;
    let revoked = page(&bench, &link).await;
    assert_eq!(revoked.status, StatusCode::GONE);
    assert!(revoked.text.contains("This link is no longer in use"));
    let secret = link.rsplit('/').next().unwrap();
    assert!(!expired.text.contains(secret) && !revoked.text.contains(secret));
}

#[tokio::test]
async fn our_own_failure_is_a_page_that_says_so_and_no_more() {
    let bench = Bench::new();
    let (_, link) = bench.invited().await;
    bench.fail("GetItem", "ThrottlingException");
    let answer = page(&bench, &link).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.header("retry-after").is_some());
    assert!(answer.text.contains("Something is wrong on our side"));
    assert!(answer.text.contains(crate::test_app::REQUEST_ID));
    assert!(!answer.text.contains(crate::test_app::MARKER));
}

#[test]
fn every_state_has_its_page() {
    let role: RoleArn = ROLE.parse().unwrap();
    for state in ConnectionState::ALL {
        let text = rendered(state, vec![Reason::new(ReasonCode::TrustMissingExternalId, &role)]);
        assert!(text.contains(&format!("data-state=\"{}\"", state.as_str())));
        assert_eq!(text.matches("<h1>").count(), 1, "{state:?}");
        // What a customer reads never lacks its landmarks.
        for landmark in ["<header", "<main", "<footer", "class=\"skip\"", "role=\"status\""] {
            assert!(text.contains(landmark), "{state:?}: {landmark}");
        }
        let ids: Vec<&str> = text.split(" id=\"").skip(1).filter_map(|part| part.split('"').next()).collect();
        let distinct: std::collections::BTreeSet<_> = ids.iter().collect();
        assert_eq!(ids.len(), distinct.len(), "{state:?}: {ids:?}");
    }
}

#[test]
fn a_wrong_role_is_told_with_what_mends_it() {
    let role: RoleArn = ROLE.parse().unwrap();
    let mut missing = Reason::new(ReasonCode::PermissionMissing, &role);
    missing.detail = "<img src=x onerror=alert(1)>".to_owned();
    missing.patch = Some(serde_json::json!({"Effect": "Allow", "Action": "ec2:X", "Resource": "*"}));
    let text = rendered(
        ConnectionState::Failed,
        vec![Reason::new(ReasonCode::TrustMissingExternalId, &role), missing],
    );
    assert!(text.contains("The role can be used without the external ID"));
    assert!(text.contains("aws iam update-assume-role-policy --role-name='one'"));
    assert!(text.contains("aws iam put-role-policy --role-name='one'"));
    assert!(text.contains("name=\"verify\""));
    assert!(!text.contains("<img src=x"), "{text}");
}

#[test]
fn a_connected_customer_reads_how_to_end_it() {
    let text = rendered(ConnectionState::Active, vec![]);
    for part in [
        "aws iam delete-role --role-name=",
        "aws cloudformation delete-stack",
        "terraform destroy",
        "role='one'",
    ] {
        assert!(text.contains(part), "{part}");
    }
}

#[rstest]
#[case("text/html,application/xhtml+xml,*/*;q=0.8", true)]
#[case("application/json", false)]
#[case("*/*", false)]
#[case("", false)]
#[case("text/html;q=0.5, application/json", false)]
#[case("application/json;q=0.5, text/html", true)]
fn a_browser_is_known_by_what_it_would_rather_have(#[case] accept: &str, #[case] html: bool) {
    let headers =
        HeaderMap::from_iter([(axum::http::header::ACCEPT, HeaderValue::from_str(accept).unwrap())]);
    assert_eq!(prefers_html(&headers), html);
}

#[tokio::test]
async fn without_a_script_the_page_looks_again_while_it_is_verified() {
    let bench = Bench::new();
    let (path, link) = bench.invited().await;
    let refresh = "<noscript><meta http-equiv=\"refresh\"";
    assert!(!page(&bench, &link).await.text.contains(refresh));
    bench.operator("PUT", &format!("{path}/role"), format!(r#"{{"role_arn":"{ROLE}"}}"#)).await;
    assert!(page(&bench, &link).await.text.contains(refresh));
    bench.rewrite(&path, [("state", text("active"))]);
    assert!(page(&bench, &link).await.text.contains("Your account is connected"));
}
