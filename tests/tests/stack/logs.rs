//! What never stands in a log.

use blackbox::{Api, CustomerAccount, Stack, path_of};
use serde_json::{Value, json};

/// Every external ID that the stack has given out so far, by whichever test.
async fn external_ids(api: &Api) -> Vec<String> {
    let mut ids = Vec::new();
    let mut path = "/v1/connections?limit=100".to_owned();
    loop {
        let page = api.get(&path).await.expect(200);
        let items = page["items"].as_array().unwrap();
        ids.extend(items.iter().map(|item| item["external_id"].as_str().unwrap().to_owned()));
        let Some(cursor) = page["next_cursor"].as_str() else { return ids };
        path = format!("/v1/connections?limit=100&cursor={cursor}");
    }
}

/// What looks like the id of a temporary access key. Source: IAM User Guide, "IAM identifiers",
/// "Understanding unique ID prefixes".
fn holds_temporary_key(text: &str) -> bool {
    text.match_indices("ASIA").any(|(place, _)| {
        let key = text[place..].chars().take(20);
        key.filter(|c| c.is_ascii_uppercase() || c.is_ascii_digit()).count() == 20
    })
}

#[tokio::test]
async fn no_log_holds_an_external_id_or_a_credential() {
    // A run of its own that succeeds, fails and is refused, so that there is something to leak.
    let (api, account) = (Api::operator(), CustomerAccount::new());
    let connection = api.new_connection().await;
    let trust = api.setup(&connection).await["trust_policy"].clone();
    let mut open = trust.clone();
    open["Statement"][0]["Condition"].as_object_mut().unwrap().remove("StringEquals");
    let arn = account.make_role("r", &open).await;
    assert_eq!(api.onboard(&connection, &arn).await["state"], "failed");
    account.change_trust("r", &trust).await;
    assert_eq!(api.onboard(&connection, &arn).await["state"], "active");
    let id = connection["external_id"].as_str().unwrap();
    assert_eq!(api.submit(&connection, id).await.problem(), (400, "invalid_role_arn"));
    let path = format!("/v1/connections/{id}");
    assert_eq!(api.get(&path).await.problem(), (404, "not_found"));

    // Credentials are handed out, refused, and not handed out again.
    let path = format!("{}/credentials", path_of(&connection));
    let wanted = json!({"capabilities": ["ec2-power"], "reason": "to leak"});
    let given = api.post_once(&path, &wanted, "a-key-of-the-log-test").await.expect(201);
    let again = api.post_once(&path, &wanted, "a-key-of-the-log-test").await;
    assert_eq!(again.problem(), (409, "not_replayable"));
    let mut closed = trust.clone();
    closed["Statement"][0]["Condition"]["StringEquals"]["sts:ExternalId"] = json!("another");
    account.change_trust("r", &closed).await;
    assert_eq!(api.post(&path, wanted).await.problem(), (409, "role_not_assumable"));

    let stack = Stack::get();
    let mut secrets = external_ids(&api).await;
    let handed_out = ["access_key_id", "secret_access_key", "session_token"].map(|name| &given[name]);
    let handed_out = handed_out.map(|secret| secret.as_str().unwrap().to_owned());
    secrets.extend(handed_out.clone());
    secrets.push(stack.operator.secret_access_key.clone());
    assert!(secrets.len() > 1);
    let mut read = Vec::new();
    for file in std::fs::read_dir(&stack.log_dir).unwrap() {
        let file = file.unwrap().path();
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        // The server's own log is not Drawbridge's.
        if !name.contains("Function") {
            continue;
        }
        let text = String::from_utf8_lossy(&std::fs::read(&file).unwrap()).into_owned();
        for secret in &secrets {
            assert!(!text.contains(secret.as_str()), "{name} holds an external ID or a secret");
        }
        assert!(!holds_temporary_key(&text), "{name} holds an access key");
        for word in ["SecretAccessKey", "secret_access_key", "SessionToken", "session_token"] {
            assert!(!text.contains(word), "{name} holds {word}");
        }
        // The logs are those of this run: the onboarder's tells of the connection, the API's of
        // requests.
        if text.contains(connection["connection_id"].as_str().unwrap()) || text.contains("\"answered\"") {
            read.push(name);
        }
    }
    for function in ["ApiFunction", "OnboarderFunction", "OperationsFunction"] {
        assert!(read.iter().any(|name| name.contains(function)), "{read:?}");
    }

    // Nor does an event, for it leaves the system.
    for event in api.events(&connection).await {
        assert!(!event.to_string().contains(id));
        assert!(handed_out.iter().all(|secret| !event.to_string().contains(secret)));
    }
    let reasons: Value = api.look(&connection).await["reasons"].clone();
    assert!(!reasons.to_string().contains(id));
}
