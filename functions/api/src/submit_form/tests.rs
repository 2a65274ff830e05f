use crate::test_app::{Answer, Bench, PUBLIC_URL};
use axum::http::StatusCode;
use rstest::rstest;

const ROLE: &str = "arn:aws:iam::222222222222:role/one";
const SENT: [(&str, &str); 2] = [
    ("content-type", "application/x-www-form-urlencoded"),
    ("accept", "text/html,application/xhtml+xml,*/*;q=0.8"),
];

fn role(arn: &str) -> String {
    form_urlencoded::Serializer::new(String::new()).append_pair("role_arn", arn).finish()
}

async fn sent(bench: &Bench, link: &str, headers: &[(&str, &str)], body: String) -> Answer {
    bench.anybody("POST", link, &[&SENT[..], headers].concat(), body).await
}

#[tokio::test]
async fn a_role_is_submitted_and_the_page_shown_again() {
    let bench = Bench::new();
    let (path, link) = bench.invited().await;
    let answer = sent(&bench, &link, &[("sec-fetch-site", "same-origin")], role(&format!(" {ROLE}\n"))).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{answer:?}");
    assert_eq!(answer.header("location"), link.rsplit('/').next());
    assert_eq!((answer.header("cache-control"), answer.text.as_str()), (Some("no-store"), ""));
    let connection = bench.operator("GET", &path, "").await.body;
    assert_eq!((&connection["state"], &connection["role_arn"]), (&"verifying".into(), &ROLE.into()));
    assert_eq!(bench.messages().len(), 1);
}

#[tokio::test]
async fn another_look_is_asked_for_by_a_form_too() {
    let bench = Bench::new();
    let (_, link) = bench.invited().await;
    sent(&bench, &link, &[], role(ROLE)).await;
    let answer = sent(&bench, &link, &[], "verify=again".to_owned()).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{answer:?}");
    assert_eq!(bench.messages().len(), 1, "one look is going on");
}

#[rstest]
#[case::nothing("", StatusCode::BAD_REQUEST)]
#[case::no_arn("my-role", StatusCode::BAD_REQUEST)]
#[case::markup("\"><script>alert(1)</script>", StatusCode::BAD_REQUEST)]
#[case::the_providers_own("arn:aws:iam::111111111111:role/one", StatusCode::UNPROCESSABLE_ENTITY)]
#[case::another_partition("arn:aws-cn:iam::222222222222:role/one", StatusCode::BAD_REQUEST)]
#[tokio::test]
async fn what_is_wrong_with_the_role_stands_beside_the_field(
    #[case] typed: &str,
    #[case] status: StatusCode,
) {
    let bench = Bench::new();
    let (path, link) = bench.invited().await;
    let answer = sent(&bench, &link, &[], role(typed)).await;
    assert_eq!(answer.status, status, "{answer:?}");
    assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"));
    assert!(answer.text.contains("aria-invalid=\"true\"") && answer.text.contains(" autofocus"));
    let (_, error) = answer.text.split_once("id=\"role_error\">").unwrap();
    let (error, _) = error.split_once('<').unwrap();
    assert!(error.len() > 20 && error.ends_with('.'), "{error}");
    assert!(!answer.text.contains("<script>alert"));
    assert!(bench.messages().is_empty());
    assert_eq!(bench.operator("GET", &path, "").await.body["state"], "pending_role");
}

#[tokio::test]
async fn a_look_at_no_role_is_told_above_the_page() {
    let bench = Bench::new();
    let (_, link) = bench.invited().await;
    let answer = sent(&bench, &link, &[], "verify=again".to_owned()).await;
    assert_eq!(answer.status, StatusCode::CONFLICT, "{answer:?}");
    assert!(answer.text.contains("role=\"alert\"") && !answer.text.contains("aria-invalid"));
}

#[rstest]
#[case::both("role_arn=a&verify=again")]
#[case::neither("")]
#[case::unknown("label=a")]
#[tokio::test]
async fn other_forms_are_refused(#[case] body: &str) {
    let bench = Bench::new();
    let (_, link) = bench.invited().await;
    let written = bench.written().len();
    assert_eq!(sent(&bench, &link, &[], body.to_owned()).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(bench.written().len(), written, "it does not count");
}

#[tokio::test]
async fn a_form_is_short_and_nothing_but_a_form() {
    let bench = Bench::new();
    let (_, link) = bench.invited().await;
    let long = sent(&bench, &link, &[], role(&"a".repeat(4096))).await;
    assert_eq!(long.status, StatusCode::PAYLOAD_TOO_LARGE);
    let json = bench.anybody("POST", &link, &[], format!(r#"{{"role_arn":"{ROLE}"}}"#)).await;
    assert_eq!((json.status, json.code()), (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type"));
}

#[rstest]
#[case::ours(&[("sec-fetch-site", "same-origin")], true)]
#[case::typed(&[("sec-fetch-site", "none")], true)]
#[case::another_site(&[("sec-fetch-site", "cross-site")], false)]
#[case::another_part_of_it(&[("sec-fetch-site", "same-site")], false)]
#[case::told_twice(&[("sec-fetch-site", "cross-site"), ("origin", PUBLIC_URL)], false)]
#[case::an_old_browser(&[("origin", "null")], true)]
#[case::an_old_browser_of_ours(&[("origin", PUBLIC_URL)], true)]
#[case::an_old_browser_elsewhere(&[("origin", "https://evil.example")], false)]
#[case::a_longer_name(&[("origin", "https://drawbridge.example.evil.example")], false)]
#[case::a_shorter_name(&[("origin", "https://drawbridge")], false)]
#[tokio::test]
async fn no_other_sites_page_can_send_the_form(#[case] headers: &[(&str, &str)], #[case] taken: bool) {
    let bench = Bench::new();
    let (_, link) = bench.invited().await;
    let answer = sent(&bench, &link, headers, role(ROLE)).await;
    let expected = if taken { StatusCode::SEE_OTHER } else { StatusCode::FORBIDDEN };
    assert_eq!(answer.status, expected, "{answer:?}");
    assert_eq!(bench.messages().len(), usize::from(taken));
}

#[tokio::test]
async fn forms_and_requests_count_as_one() {
    let bench = Bench::new();
    let (_, link) = bench.invited().await;
    for _ in 0..10 {
        assert_eq!(sent(&bench, &link, &[], role("x")).await.status, StatusCode::BAD_REQUEST);
        let body = format!(r#"{{"role_arn":"{ROLE}"}}"#);
        bench.anybody("PUT", &format!("{link}/role"), &[], body).await;
    }
    let answer = sent(&bench, &link, &[], role(ROLE)).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS, "{answer:?}");
    assert!(answer.header("retry-after").is_some());
    assert!(answer.text.contains("That was asked too often") && answer.text.contains("Back to the page"));
}
