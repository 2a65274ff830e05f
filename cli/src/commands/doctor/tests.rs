use std::fs;
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, future};
use serde_json::{Value, json};

use super::*;
use crate::arguments::Format;
use crate::test_server::{Answer, TestServer};

fn options(api_url: Option<&str>) -> Options {
    let api_url = api_url.map(str::to_owned);
    Options { api_url, deployment: None, profile: None, region: None, output: Format::Table }
}

fn settings(api_url: &str) -> Settings {
    Settings::of(&options(Some(api_url)), &Environment::default(), None).unwrap()
}

fn healthy() -> Answer {
    let now = Timestamp::now().strftime("%a, %d %b %Y %H:%M:%S GMT");
    Answer::ok(json!({"status": "ok", "version": env!("CARGO_PKG_VERSION")})).header(&format!("date: {now}"))
}

fn keys() -> Credentials {
    Credentials::new("AKIDEXAMPLE", "the-secret", Some("the-token".to_owned()), None, "test")
}

fn not_found() -> Answer {
    Answer::new(404, json!({"title": "Not Found", "status": 404, "code": "not_found"}))
}

fn forbidden() -> Answer {
    Answer::new(403, json!({"message": "Forbidden"}))
}

fn page() -> Answer {
    Answer::ok(json!({"items": [], "next_cursor": null}))
}

const WHO: &str = "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
    <GetCallerIdentityResult><Arn>arn:aws:iam::111111111111:user/ops</Arn><UserId>AIDA</UserId>\
    <Account>111111111111</Account></GetCallerIdentityResult></GetCallerIdentityResponse>";

fn refused_by_sts(code: &str) -> Answer {
    Answer::text(
        403,
        format!(
            "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>no</Message></Error></ErrorResponse>"
        ),
    )
}

/// What is told of everything behind the address, with this caller.
async fn examined(api: Vec<Answer>, caller: Result<Caller>) -> (Diagnosis, Vec<String>) {
    let server = TestServer::start(api).await;
    let settings = settings(server.url());
    let mut diagnosis = Diagnosis::default();
    examine_api(&settings, &mut diagnosis).await;
    examine_caller(&settings, &Environment::default(), caller, &mut diagnosis).await;
    (diagnosis, server.targets())
}

fn outcomes(diagnosis: &Diagnosis) -> Vec<(&str, Outcome)> {
    diagnosis.0.iter().map(|finding| (finding.check, finding.outcome)).collect()
}

fn finding<'a>(diagnosis: &'a Diagnosis, check: &str) -> &'a Finding {
    diagnosis.0.iter().find(|finding| finding.check == check).unwrap()
}

/// Everything that is told, in both forms, and how the process ends.
fn shown(diagnosis: &Diagnosis) -> (Exit, String, Value) {
    let (table, json) = (Screen::kept(Format::Table), Screen::kept(Format::Json));
    let exit = diagnosis.show(&table).unwrap();
    assert_eq!(diagnosis.show(&json).unwrap(), exit);
    let (table, json) = (table.into_kept(), json.into_kept());
    (exit, format!("{}{}", table.output, table.errors), serde_json::from_str(&json.output).unwrap())
}

#[tokio::test]
async fn where_all_is_well_it_ends_with_0_and_changes_nothing() {
    let sts = TestServer::start([Answer::text(200, WHO)]).await;
    let caller = Caller::fixed(keys(), "eu-central-1").asking(sts.url());
    let (diagnosis, asked) = examined(vec![healthy(), page(), not_found(), not_found()], Ok(caller)).await;
    let names = ["api", "version", "clock", "region", "credentials", "identity", "permission"];
    assert_eq!(outcomes(&diagnosis), names.map(|name| (name, Outcome::Ok)));
    assert_eq!(
        asked,
        [
            "GET /health",
            "GET /v1/connections?limit=1",
            "PUT /v1/connections/none/role",
            "DELETE /v1/connections/none"
        ]
    );
    assert_eq!(
        finding(&diagnosis, "identity").detail,
        "arn:aws:iam::111111111111:user/ops in account 111111111111"
    );
    assert!(finding(&diagnosis, "permission").detail.contains("as drawbridge-admin may"));
    let (exit, table, json) = shown(&diagnosis);
    assert_eq!(exit, Exit::Done);
    assert_eq!(json["outcome"], "ok");
    assert_eq!(
        json["checks"][0],
        json!({"check": "api", "outcome": "ok",
        "detail": "it answers, and is a Drawbridge", "next": null})
    );
    for secret in ["the-secret", "the-token", "AKIDEXAMPLE"] {
        assert!(!format!("{table}{json}").contains(secret), "{table}");
    }
}

#[tokio::test]
async fn what_is_missing_is_told_by_the_policy_that_has_it() {
    for (answers, outcome, says) in [
        (vec![page(), not_found(), forbidden()], Outcome::Ok, "offboarding needs drawbridge-admin"),
        (vec![page(), forbidden(), forbidden()], Outcome::Ok, "to change things needs drawbridge-operator"),
        (vec![page(), forbidden(), not_found()], Outcome::Warn, "none of the stack's policies"),
        (vec![page(), Answer::new(500, json!({})), not_found()], Outcome::Warn, "is not known"),
        (vec![forbidden()], Outcome::Fail, "drawbridge-viewer"),
    ] {
        let answers = std::iter::once(healthy()).chain(answers).collect();
        let (diagnosis, _) = examined(answers, Ok(Caller::fixed(keys(), "eu-central-1"))).await;
        let found = finding(&diagnosis, "permission");
        assert_eq!(found.outcome, outcome, "{found:?}");
        let told = format!("{} {}", found.detail, found.next.as_deref().unwrap_or_default());
        assert!(told.contains(says), "{told}");
        assert_eq!(shown(&diagnosis).0 == Exit::NotAccepted, outcome == Outcome::Fail);
    }
}

#[tokio::test]
async fn an_api_that_is_none_is_told_apart() {
    for (answer, says, next) in [
        (Answer::new(404, json!({"message": "Not Found"})), "is not a Drawbridge", "output ApiUrl"),
        (Answer::text(200, "<html>"), "is not a Drawbridge", "output ApiUrl"),
        (Answer::ok(json!({"status": "ok"})), "is not a Drawbridge", "output ApiUrl"),
        (Answer::ok(json!({"status": "ill", "version": "0.1.0"})), "is not a Drawbridge", "output ApiUrl"),
        (
            Answer::new(500, json!({"message": "Internal Server Error"})),
            "answers, but with 500",
            "ApiLogGroupName",
        ),
        (Answer::lost(), "broke before the answer", "try again"),
    ] {
        let (diagnosis, asked) = examined(vec![answer], Ok(Caller::fixed(keys(), "eu-central-1"))).await;
        let found = finding(&diagnosis, "api");
        assert_eq!(found.outcome, Outcome::Fail, "{found:?}");
        assert!(found.detail.contains(says), "{found:?}");
        assert!(found.next.as_deref().unwrap().contains(next), "{found:?}");
        // It is asked for nothing more.
        assert_eq!(asked, ["GET /health"]);
        for check in ["version", "clock", "permission"] {
            assert_eq!(finding(&diagnosis, check).outcome, Outcome::Skip, "{check}");
        }
        assert_eq!(shown(&diagnosis).0, Exit::NotAccepted);
    }
}

#[tokio::test]
async fn a_way_that_ends_says_where() {
    let reached = async |url: &str| reach::reach(&url.parse().unwrap()).await.unwrap_err();
    let failure = reached("https://drawbridge.invalid").await;
    assert!(failure.what.contains("drawbridge.invalid does not resolve"), "{failure}");

    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let failure = reached(&format!("http://127.0.0.1:{port}")).await;
    assert!(failure.what.contains(&format!("nothing listens at 127.0.0.1:{port}")), "{failure}");

    // Whoever speaks something else than TLS.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        use tokio::io::AsyncWriteExt as _;
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        tokio::time::sleep(Duration::from_secs(5)).await;
    });
    let failure = reached(&format!("https://127.0.0.1:{port}")).await;
    assert!(failure.what.contains("no trusted TLS connection"), "{failure}");
    assert_eq!(failure.exit, Exit::Unreachable);

    // Whoever accepts a connection and says nothing.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let failure = reached(&format!("http://{}", silent.local_addr().unwrap())).await;
    assert!(failure.what.contains("did not answer within"), "{failure}");

    // Nobody is connected to by TCP there.
    let failure = reached("http://255.255.255.255").await;
    assert!(failure.what.contains("no connection to 255.255.255.255:80"), "{failure}");
    assert!(failure.next.unwrap().contains("HTTPS_PROXY"));
}

#[tokio::test]
async fn the_clock_is_held_against_the_answers_date() {
    let old = Answer::ok(json!({"status": "ok", "version": env!("CARGO_PKG_VERSION")}))
        .header("date: Sun, 22 Nov 2020 02:00:00 GMT");
    let undated = Answer::ok(json!({"status": "ok", "version": "99.0.0"}));
    for (answer, outcome) in [(old, Outcome::Fail), (undated, Outcome::Warn)] {
        let (diagnosis, _) = examined(vec![answer, forbidden()], Ok(Caller::of(NoSession))).await;
        assert_eq!(finding(&diagnosis, "clock").outcome, outcome);
        assert_eq!(finding(&diagnosis, "api").outcome, Outcome::Ok);
    }
}

#[test]
fn a_clock_is_warned_of_before_it_matters() {
    let theirs: Timestamp = "2026-11-22T02:00:00Z".parse().unwrap();
    for (seconds, outcome, says) in [
        (0, Outcome::Ok, "agrees"),
        (60, Outcome::Ok, "60 seconds ahead"),
        (-61, Outcome::Warn, "61 seconds behind"),
        (300, Outcome::Warn, "300 seconds ahead"),
        (301, Outcome::Fail, "301 seconds ahead"),
        (-4000, Outcome::Fail, "4000 seconds behind"),
    ] {
        let ours = theirs + jiff::SignedDuration::from_secs(seconds);
        let found = clock(Some(theirs), ours.into());
        assert_eq!(found.outcome, outcome, "{found:?}");
        assert!(found.detail.contains(says), "{found:?}");
        assert_eq!(found.next.is_some(), outcome != Outcome::Ok);
    }
    assert_eq!(clock(None, SystemTime::now()).outcome, Outcome::Warn);
}

#[test]
fn versions_that_differ_name_the_one_to_update() {
    for (ours, theirs, outcome, says) in [
        ("0.1.0", "0.1.9", Outcome::Ok, ""),
        ("1.2.0", "1.9.3", Outcome::Ok, ""),
        ("0.1.0", "0.2.0", Outcome::Warn, "update this command"),
        ("0.9.0", "1.0.0", Outcome::Warn, "update this command"),
        ("2.0.0", "1.4.0", Outcome::Warn, "deploy the API"),
        ("0.0.2", "0.0.1", Outcome::Warn, "deploy the API"),
        ("0.1.0", "latest", Outcome::Warn, "check that the address"),
    ] {
        let found = version(ours, theirs);
        assert_eq!(found.outcome, outcome, "{ours} {theirs}: {found:?}");
        assert!(found.next.unwrap_or_default().contains(says), "{ours} {theirs}");
    }
}

#[test]
fn a_region_that_the_api_refuses_is_told() {
    let gateway = settings("https://a.execute-api.eu-west-1.amazonaws.com");
    assert_eq!(region(&gateway, "eu-west-1").outcome, Outcome::Ok);
    let found = region(&gateway, "us-east-1");
    assert_eq!(found.outcome, Outcome::Fail);
    assert!(found.next.unwrap().contains("--region eu-west-1"));
    let found = region(&settings("https://api.example.com"), "us-east-1");
    assert_eq!(found.outcome, Outcome::Ok);
    assert!(found.detail.contains("your AWS configuration"), "{found:?}");
}

/// What a profile without a session is like.
#[derive(Debug)]
struct NoSession;

impl ProvideCredentials for NoSession {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::ready(Err(CredentialsError::not_loaded_no_source()))
    }
}

#[tokio::test]
async fn without_credentials_nothing_is_signed() {
    let expired = SystemTime::now() - Duration::from_hours(1);
    let expired = Credentials::new("AKIDEXAMPLE", "the-secret", None, Some(expired), "test");
    for (caller, says) in [
        (Ok(Caller::of(NoSession)), "there are no AWS credentials"),
        (Ok(Caller::fixed(expired, "eu-central-1")), "expired: long-lived keys of the default profile"),
        (
            Err(Failure::new(Exit::Unreachable, "there are no AWS credentials")),
            "there are no AWS credentials",
        ),
    ] {
        let (diagnosis, asked) = examined(vec![healthy(), page()], caller).await;
        let found = finding(&diagnosis, "credentials");
        assert_eq!(found.outcome, Outcome::Fail);
        assert!(found.detail.contains(says), "{found:?}");
        assert_eq!(finding(&diagnosis, "permission").outcome, Outcome::Skip);
        assert_eq!(asked, ["GET /health"]);
    }
    let (diagnosis, _) = examined(vec![healthy()], Err(Failure::usage("the AWS Region is not set"))).await;
    assert_eq!(finding(&diagnosis, "region").outcome, Outcome::Fail);
    assert_eq!(finding(&diagnosis, "credentials").outcome, Outcome::Skip);
}

#[tokio::test]
async fn where_the_credentials_come_from_is_told() {
    let caller = Caller::fixed(keys(), "eu-central-1");
    let told = async |settings: &Settings, variable| {
        let environment = Environment { credentials: variable, ..Environment::default() };
        credentials(settings, &environment, &caller).await.detail
    };
    let plain = settings("https://api.example.com");
    assert!(
        told(&plain, Some("AWS_ACCESS_KEY_ID")).await.starts_with("a session of the environment (AWS_ACC")
    );
    assert!(told(&plain, Some("AWS_PROFILE")).await.contains("the profile that AWS_PROFILE names"));
    let named = Options { profile: Some("ops".to_owned()), ..options(Some("https://api.example.com")) };
    let named = Settings::of(&named, &Environment::default(), None).unwrap();
    assert!(told(&named, Some("AWS_PROFILE")).await.contains("profile ops (from --profile)"));
}

#[tokio::test]
async fn sts_says_what_is_wrong_with_credentials() {
    let settings = settings("https://api.example.com");
    for (code, next) in [
        ("InvalidClientTokenId", "does not know that access key"),
        ("ExpiredToken", "sign in again"),
        ("SignatureDoesNotMatch", "secret key"),
        ("AccessDenied", "in use"),
    ] {
        let sts = TestServer::start([refused_by_sts(code)]).await;
        let caller = Caller::fixed(keys(), "eu-central-1").asking(sts.url());
        let found = identity(&settings, &caller).await;
        assert_eq!(found.outcome, Outcome::Fail, "{found:?}");
        assert!(found.detail.contains(code) && found.next.as_deref().unwrap().contains(next), "{found:?}");
    }
    // Who cannot ask STS may be able to use the API.
    let caller = Caller::fixed(keys(), "eu-central-1").asking("http://127.0.0.1:1");
    let found = identity(&settings, &caller).await;
    assert_eq!(found.outcome, Outcome::Warn);
    assert!(!format!("{found:?}").contains("the-secret"), "{found:?}");
    let found = identity(&settings, &Caller::of(NoSession)).await;
    assert_eq!(found.outcome, Outcome::Fail);
}

#[tokio::test]
async fn keys_of_a_local_stack_are_not_sent_to_aws() {
    let local = settings("http://127.0.0.1:4566");
    let found = identity(&local, &Caller::fixed(keys(), "eu-central-1")).await;
    assert_eq!(found.outcome, Outcome::Skip);
    assert!(found.next.unwrap().contains("AWS_ENDPOINT_URL"));
}

#[test]
fn the_file_and_the_address_are_told_with_where_they_come_from() {
    let path = std::env::temp_dir().join(format!("drawbridge-doctor-{}.toml", std::process::id()));
    let told = |text: Option<&str>, api_url: Option<&str>| {
        let _ = fs::remove_file(&path);
        if let Some(text) = text {
            fs::write(&path, text).unwrap();
        }
        let options = options(api_url);
        let environment = Environment::default();
        let surroundings = Surroundings { options: &options, environment, file: Some(path.clone()) };
        let mut diagnosis = Diagnosis::default();
        let settings = surroundings.settings(&mut diagnosis);
        let _ = fs::remove_file(&path);
        (settings.is_some(), diagnosis)
    };
    let url = Some("https://api.example.com");

    let (goes_on, diagnosis) = told(None, url);
    assert!(
        goes_on && finding(&diagnosis, "configuration").detail.ends_with("is not there, and need not be")
    );
    assert_eq!(finding(&diagnosis, "address").detail, "https://api.example.com (from --api-url)");

    let file = "deployment = \"a\"\n[deployments.a]\napi_url = \"https://a.example.com\"\n[deployments.b]\n";
    let (goes_on, diagnosis) = told(Some(file), None);
    assert!(goes_on && finding(&diagnosis, "configuration").detail.ends_with("with the deployments a, b"));
    assert!(
        finding(&diagnosis, "address").detail.contains("https://a.example.com (from [deployments.a] of /")
    );

    // A file that cannot be read is in the way only where it is needed.
    for (api_url, outcome) in [(url, Outcome::Warn), (None, Outcome::Fail)] {
        let (goes_on, diagnosis) = told(Some("api_uri = 1"), api_url);
        assert_eq!(goes_on, api_url.is_some());
        let found = finding(&diagnosis, "configuration");
        assert_eq!(found.outcome, outcome, "{found:?}");
        assert!(found.detail.contains("unknown field `api_uri`") && found.next.is_some(), "{found:?}");
    }

    // A folder cannot be read as a file.
    let options = options(None);
    let file = Some(std::env::temp_dir());
    let surroundings = Surroundings { options: &options, environment: Environment::default(), file };
    let mut diagnosis = Diagnosis::default();
    assert!(surroundings.settings(&mut diagnosis).is_none());
    let found = finding(&diagnosis, "configuration");
    assert!(found.outcome == Outcome::Fail && found.detail.contains("cannot be read"), "{found:?}");
    assert_eq!(finding(&diagnosis, "address").outcome, Outcome::Skip);

    for (text, api_url) in [(None, None), (None, Some("nonsense")), (Some("deployment = \"x\""), None)] {
        let (goes_on, diagnosis) = told(text, api_url);
        let found = finding(&diagnosis, "address");
        assert!(!goes_on && found.outcome == Outcome::Fail && found.next.is_some(), "{found:?}");
        assert_eq!(finding(&diagnosis, "permission").outcome, Outcome::Skip);
        assert_eq!(shown(&diagnosis).0, Exit::NotAccepted);
    }

    let (goes_on, diagnosis) = told(None, Some("http://api.example.com"));
    assert!(goes_on && finding(&diagnosis, "address").outcome == Outcome::Warn);
    let (exit, _, json) = shown(&diagnosis);
    assert_eq!((exit, json["outcome"].as_str()), (Exit::Done, Some("warn")));
}
