use aws_credential_types::Credentials;
use clap::Parser as _;

use super::*;
use crate::arguments::{Arguments, Command, Format};
use crate::commands::role::RoleCommand;
use crate::test_server::{Answer, TestServer};

fn command(line: &str) -> CreateRole {
    let words = format!("drawbridge role create {line}");
    let Command::Role(RoleCommand::Create(command)) =
        Arguments::try_parse_from(words.split(' ')).unwrap().command
    else {
        panic!()
    };
    command
}

fn who() -> Answer {
    Answer::text(
        200,
        "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::222222222222:user/bob</Arn>\
         <Account>222222222222</Account></GetCallerIdentityResult></GetCallerIdentityResponse>",
    )
}

fn refusal(status: u16, code: &str, message: &str) -> Answer {
    Answer::text(
        status,
        format!(
            "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
        ),
    )
}

fn absent() -> Answer {
    refusal(404, "NoSuchEntity", "The role with name x cannot be found.")
}

async fn run(line: &str, screen: &Screen, answers: Vec<Answer>) -> (Result<Exit>, Vec<String>) {
    let server = TestServer::start([who()].into_iter().chain(answers)).await;
    let caller = Caller::fixed(Credentials::for_tests(), "eu-central-1").asking(server.url());
    let iam = Iam::of(&caller).await.unwrap();
    let command = command(line);
    let options = Arguments::try_parse_from(["drawbridge", "doctor"]).unwrap().options;
    let outcome = match command.source.design(&iam, &options, None, false).await {
        Ok(design) => command.make(&iam, &design, None, screen).await,
        Err(failure) => Err(failure),
    };
    (outcome, server.seen().into_iter().skip(1).map(|seen| seen.body).collect())
}

const BY_HAND: &str =
    "--provider-account 111111111111 --external-id an-id --name drawbridge-a --capability ec2-power";
const PEOPLE: &str = "--for-people --name Support --trust-account 111111111111 --mfa --tag team=x \
                      --managed-policy arn:aws:iam::aws:policy/ReadOnlyAccess";

#[tokio::test]
async fn nothing_is_changed_where_nobody_can_agree() {
    for format in [Format::Table, Format::Json] {
        let screen = Screen::kept(format);
        let (outcome, asked) = run(BY_HAND, &screen, vec![absent()]).await;
        assert_eq!(outcome.unwrap_err().exit, Exit::Usage);
        assert_eq!(asked.len(), 1, "it only looked: {asked:?}");
        assert!(screen.into_kept().output.contains("the role drawbridge-a"));
    }
    let screen = Screen::answering(Format::Table, "n");
    let (outcome, asked) = run(BY_HAND, &screen, vec![absent()]).await;
    assert_eq!((outcome.unwrap_err().exit, asked.len()), (Exit::Refused, 1));
}

#[tokio::test]
async fn a_role_for_people_is_made_as_told() {
    let screen = Screen::kept(Format::Json);
    let role = "<CreateRoleResponse><CreateRoleResult><Role><Path>/</Path><RoleName>Support</RoleName>\
                <RoleId>AROAEXAMPLE</RoleId><Arn>arn:aws:iam::222222222222:role/Support</Arn>\
                <CreateDate>2026-01-01T00:00:00Z</CreateDate></Role></CreateRoleResult></CreateRoleResponse>";
    let made = Answer::text(200, role);
    let attached = Answer::text(200, "<AttachRolePolicyResponse/>");
    let (outcome, asked) = run(&format!("{PEOPLE} --yes"), &screen, vec![absent(), made, attached]).await;
    assert_eq!(outcome.unwrap(), Exit::Done);
    assert!(
        asked[1].starts_with("Action=CreateRole") && asked[1].contains("MultiFactorAuthPresent"),
        "{asked:?}"
    );
    assert!(asked[1].contains("drawbridge%3Apeople") && asked[1].contains("team"), "{asked:?}");
    assert!(
        asked[2].starts_with("Action=AttachRolePolicy") && asked[2].contains("ReadOnlyAccess"),
        "{asked:?}"
    );
    let answer: Value = serde_json::from_str(&screen.into_kept().output).unwrap();
    assert_eq!(
        answer["switch_role_url"],
        "https://signin.aws.amazon.com/switchrole?roleName=Support&account=222222222222"
    );
    assert_eq!(answer["changes"], json!(["create_role", "attach_policy"]));
}

#[tokio::test]
async fn a_refusal_says_which_permission_is_missing_and_tells_no_external_id() {
    let screen = Screen::kept(Format::Table);
    let message = "User: arn:aws:iam::222222222222:user/bob is not authorized to perform: iam:CreateRole on resource: \
                   arn:aws:iam::222222222222:role/drawbridge-a because no identity-based policy allows the \
                   iam:CreateRole action";
    let answers = vec![absent(), refusal(403, "AccessDenied", message)];
    let (outcome, _) = run(&format!("{BY_HAND} --yes"), &screen, answers).await;
    let told = outcome.unwrap_err().to_string();
    assert!(told.contains("on your side") && told.contains("\"Action\": \"iam:CreateRole\""), "{told}");
    assert!(!told.contains("an-id"), "{told}");
}

#[tokio::test]
async fn what_cannot_be_meant_is_refused_before_anything_is_looked_at() {
    for (line, part) in [
        (
            "--provider-account 222222222222 --external-id an-id --name a --capability ec2-power",
            "provider's own account",
        ),
        ("--provider-account 111111111111 --external-id an-id --name a", "--capability"),
        ("--for-people --name a --trust-account 111111111111", "--managed-policy"),
        (
            "--for-people --name a --trust-user arn:aws-cn:iam::111111111111:user/x --capability classic",
            "partition",
        ),
        ("--name a --capability classic", "--invite"),
    ] {
        let (outcome, asked) = run(line, &Screen::kept(Format::Table), vec![]).await;
        let failure = outcome.unwrap_err();
        assert_eq!((failure.exit, asked.len()), (Exit::Usage, 0), "{failure}");
        assert!(failure.to_string().contains(part), "{part}: {failure}");
    }
}
