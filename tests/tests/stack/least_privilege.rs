//! What Drawbridge's own roles may do, tried with sessions of them that are really refused.

use aws_sdk_iam::error::ProvideErrorMetadata;
use blackbox::{Api, CustomerAccount, Provider, Stack};
use serde_json::Value;

/// The code of what must be refused.
fn code<T: std::fmt::Debug, E: ProvideErrorMetadata + std::fmt::Debug, R: std::fmt::Debug>(
    result: Result<T, aws_sdk_iam::error::SdkError<E, R>>,
) -> String {
    let error = result.err().unwrap();
    error.as_service_error().and_then(ProvideErrorMetadata::code).unwrap_or("no code").to_owned()
}

fn resources(policy: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for statement in policy["Statement"].as_array().into_iter().flatten() {
        match &statement["Resource"] {
            Value::String(one) => found.push(one.clone()),
            Value::Array(many) => found.extend(many.iter().map(|one| one.as_str().unwrap().to_owned())),
            _ => {}
        }
    }
    found
}

#[tokio::test]
async fn no_policy_of_ours_speaks_of_external_ids_or_of_everything() {
    let (api, provider, account) = (Api::operator(), Provider::new(), CustomerAccount::new());
    let connection = api.new_connection().await;
    let arn = account.make_role("r", &api.setup(&connection).await["trust_policy"]).await;
    assert_eq!(api.onboard(&connection, &arn).await["state"], "active");

    let policies = provider.policies().await;
    let grants: Vec<_> = policies.iter().filter(|(name, _)| name.starts_with("grant-")).collect();
    assert!(grants.iter().any(|(_, grant)| resources(grant).contains(&arn)));
    for (name, policy) in &policies {
        let text = policy.to_string().to_lowercase();
        assert!(!text.contains("externalid"), "{name} mentions the external ID: {text}");
    }
    for (name, grant) in grants {
        assert!(resources(grant).iter().all(|role| !role.contains(['*', '?', '$'])), "{name}: {grant}");
        assert_eq!(grant["Statement"].as_array().unwrap().len(), 1);
        assert_eq!(grant["Statement"][0]["Action"], "sts:AssumeRole");
    }
    let provider_id = &Stack::get().provider_account_id;
    assert_eq!(
        resources(&policies["drawbridge-broker-boundary"]),
        ["arn:aws:iam::*:role/*".to_owned(), format!("arn:aws:iam::{provider_id}:role/*")]
    );
    assert_eq!(provider.broker_boundary().await.as_ref(), Some(&Stack::get().broker_boundary_arn));

    let functions = provider.function_policies().await;
    assert!(functions.len() >= 2, "{functions:?}");
    for (name, policy) in functions {
        // Schedules can be listed all or none. Source: Service Authorization Reference, Amazon EventBridge Scheduler.
        let everything = Value::from("*");
        let of_everything = |one: &&Value| {
            let named = &one["Resource"];
            let broad = *named == everything || named.as_array().is_some_and(|all| all.contains(&everything));
            broad && one["Action"] != "scheduler:ListSchedules"
        };
        let broad: Vec<_> = policy["Statement"].as_array().unwrap().iter().filter(of_everything).collect();
        assert!(broad.is_empty(), "{name}: {broad:?}");
        assert!(!policy.to_string().to_lowercase().contains("externalid"), "{name}");
    }
}

#[tokio::test]
async fn the_onboarder_can_do_nothing_but_its_work() {
    let (provider, account) = (Provider::new(), CustomerAccount::new());
    let aws = provider.session_of("drawbridge-OnboarderRole").await;
    let (iam, sts) = (aws_sdk_iam::Client::new(&aws), aws_sdk_sts::Client::new(&aws));
    let stack = Stack::get();
    let admin = "arn:aws:iam::aws:policy/AdministratorAccess";
    let document = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;

    // It may not widen a broker by anything but a grant, nor loosen its boundary.
    let attached = iam.attach_role_policy().role_name("broker-1").policy_arn(admin).send().await;
    assert_eq!(code(attached), "AccessDenied");
    let ours = iam.attach_role_policy().role_name("broker-1").policy_arn(&stack.policies.admin).send().await;
    assert_eq!(code(ours), "AccessDenied");
    let inline =
        iam.put_role_policy().role_name("broker-1").policy_name("x").policy_document(document).send().await;
    assert_eq!(code(inline), "AccessDenied");
    let loosened = iam.delete_role_permissions_boundary().role_name("broker-1").send().await;
    assert_eq!(code(loosened), "AccessDenied");
    let rewritten = iam
        .create_policy_version()
        .policy_arn(&stack.broker_boundary_arn)
        .policy_document(document)
        .set_as_default(true)
        .send()
        .await;
    assert_eq!(code(rewritten), "AccessDenied");
    // It may make no other policy, and no other role.
    let other = iam.create_policy().policy_name("other").policy_document(document).send().await;
    assert_eq!(code(other), "AccessDenied");
    let role = iam.create_role().role_name("r").assume_role_policy_document(document).send().await;
    assert_eq!(code(role), "AccessDenied");

    // Not even a role that trusts the whole provider account can be assumed without a broker.
    let trust = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"sts:AssumeRole",
        "Principal":{{"AWS":"arn:aws:iam::{}:root"}}}}]}}"#,
        stack.provider_account_id
    );
    let open = account.make_role("open", &serde_json::from_str(&trust).unwrap()).await;
    let direct = sts.assume_role().role_arn(open).role_session_name("test").send().await;
    assert_eq!(code(direct), "AccessDenied");
    assert_eq!(provider.broker_boundary().await.as_ref(), Some(&stack.broker_boundary_arn));
}

#[tokio::test]
async fn a_broker_reaches_granted_roles_of_other_accounts_alone() {
    let (provider, account, stack) = (Provider::new(), CustomerAccount::new(), Stack::get());
    let aws = provider.session_of("drawbridge-OnboarderRole").await;
    let opened = aws_sdk_sts::Client::new(&aws)
        .assume_role()
        .role_arn(&stack.broker_role_arn)
        .role_session_name("test")
        .send()
        .await
        .expect("the onboarder may assume its broker");
    let keys = opened.credentials.unwrap();
    let broker = stack.aws(aws_credential_types::Credentials::from_keys(
        keys.access_key_id,
        keys.secret_access_key,
        Some(keys.session_token),
    ));
    let (sts, iam) = (aws_sdk_sts::Client::new(&broker), aws_sdk_iam::Client::new(&broker));

    // A role that anyone may assume, but that no grant names.
    let trust = serde_json::json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    ]});
    let open = account.make_role("open", &trust).await;
    let ungranted = sts.assume_role().role_arn(&open).role_session_name("test").send().await;
    assert_eq!(code(ungranted), "AccessDenied");
    assert_eq!(code(iam.list_roles().send().await), "AccessDenied");

    // Roles of the provider's own account are out of reach even with a grant and with their
    // consent: the boundary forbids them. The same grant lets the broker into the other account.
    let ours = provider.make_role(&trust).await;
    let onboarder = aws_sdk_iam::Client::new(&aws);
    let grant = serde_json::json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": [ours, open]}
    ]});
    let name = format!("grant-{}", account.id);
    let made =
        onboarder.create_policy().path("/drawbridge/").policy_name(name).policy_document(grant.to_string());
    let policy = made.send().await.unwrap().policy.unwrap().arn.unwrap();
    onboarder.attach_role_policy().role_name("broker-1").policy_arn(&policy).send().await.unwrap();
    let forbidden = sts.assume_role().role_arn(&ours).role_session_name("test").send().await;
    let allowed = sts.assume_role().role_arn(&open).role_session_name("test").send().await;
    onboarder.detach_role_policy().role_name("broker-1").policy_arn(&policy).send().await.unwrap();
    onboarder.delete_policy().policy_arn(&policy).send().await.unwrap();
    assert_eq!(code(forbidden), "AccessDenied");
    assert!(allowed.is_ok(), "{allowed:?}");
}

#[tokio::test]
async fn the_api_has_no_way_into_any_account() {
    let (provider, stack) = (Provider::new(), Stack::get());
    let aws = provider.session_of("drawbridge-ApiRole").await;
    let (iam, sts) = (aws_sdk_iam::Client::new(&aws), aws_sdk_sts::Client::new(&aws));
    let broker = sts.assume_role().role_arn(&stack.broker_role_arn).role_session_name("test").send().await;
    assert_eq!(code(broker), "AccessDenied");
    assert_eq!(code(iam.list_roles().send().await), "AccessDenied");
    let scan = aws_sdk_dynamodb::Client::new(&aws).scan().table_name(&stack.table_name).send().await;
    assert!(code(scan).starts_with("AccessDenied"));
    let queue = aws_sdk_sqs::Client::new(&aws);
    let received = queue.receive_message().queue_url(&stack.onboarding_queue_url).send().await;
    assert!(code(received).starts_with("AccessDenied"));
}

#[tokio::test]
async fn nobody_else_may_be_a_broker() {
    // The operator may call the whole API, and still is not a broker.
    let stack = Stack::get();
    let operator = stack.aws(aws_credential_types::Credentials::from_keys(
        &stack.operator.access_key_id,
        &stack.operator.secret_access_key,
        None,
    ));
    let refused = aws_sdk_sts::Client::new(&operator)
        .assume_role()
        .role_arn(&stack.broker_role_arn)
        .role_session_name("test")
        .send()
        .await;
    assert_eq!(code(refused), "AccessDenied");
}
