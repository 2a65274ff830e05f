//! What follows from what AWS says.

use super::*;
use CheckOutcome::{Allowed, Denied, Inconclusive, Unverifiable};
use domain::denial::Side;
use rstest::rstest;

/// What each service is asked here. The first is its only question, so it goes ahead.
const READ: &str = "ec2:DescribeVolumes";
const WRITE: &str = "ec2:StopInstances";
const DESTROY: &str = "ec2:DeregisterImage";
const CONNECT: &str = "ec2-instance-connect:SendSSHPublicKey";
const TABLE: &str = "dynamodb:DescribeTable";
const BACKUP: &str = "dynamodb:DeleteBackup";

/// An account that is open, but answers questions about `action` so.
async fn answering(action: &str, reply: Reply) -> Account {
    let name = permission(action).action.name();
    Account::new(move |call| {
        let is_question = call.operation == name && (call.service != "ec2" || call.is_dry());
        if is_question { reply.clone() } else { open_account(call) }
    })
    .await
}

async fn told(action: &str, status: u16, code: &str) -> Finding {
    let reply = if action.starts_with("ec2:") {
        Reply::ec2(status, code, "a message")
    } else {
        Reply::json(status, code, "a message")
    };
    answering(action, reply).await.find(action).await
}

// Sources: EC2 Developer Guide, "Error codes for the Amazon EC2 API", with the statuses of its
// section "Server error codes" and of EC2 itself for DryRun (412) and refusals (403).
#[rstest]
#[case::would_work(READ, 412, "DryRunOperation", Allowed)]
#[case::would_work_too(WRITE, 412, "DryRunOperation", Allowed)]
#[case::refused(READ, 403, "UnauthorizedOperation", Denied)]
#[case::refused_too(WRITE, 403, "UnauthorizedOperation", Denied)]
#[case::throttled(READ, 503, "RequestLimitExceeded", Inconclusive)]
#[case::throttled_with_400(READ, 400, "RequestLimitExceeded", Inconclusive)]
#[case::throttling(READ, 400, "Throttling", Inconclusive)]
#[case::internal(READ, 500, "InternalError", Inconclusive)]
#[case::internal_failure(READ, 500, "InternalFailure", Inconclusive)]
#[case::unavailable(READ, 503, "Unavailable", Inconclusive)]
#[case::service_unavailable(READ, 503, "ServiceUnavailable", Inconclusive)]
#[case::no_capacity(WRITE, 500, "InsufficientInstanceCapacity", Inconclusive)]
#[case::bandwidth(READ, 503, "BandwidthLimitExceeded", Inconclusive)]
#[case::expired(READ, 400, "RequestExpired", Inconclusive)]
#[case::absent_image(DESTROY, 400, "InvalidAMIID.NotFound", Unverifiable)]
#[case::deregistered_image(DESTROY, 400, "InvalidAMIID.Unavailable", Unverifiable)]
#[case::absent_instance(WRITE, 400, "InvalidInstanceID.NotFound", Unverifiable)]
#[case::wrong_state(WRITE, 400, "IncorrectInstanceState", Unverifiable)]
#[case::protected(WRITE, 400, "OperationNotPermitted", Unverifiable)]
#[case::parameter(READ, 400, "InvalidParameterValue", Unverifiable)]
#[case::unsupported(WRITE, 400, "Unsupported", Unverifiable)]
#[case::quota("ec2:RunInstances", 400, "VcpuLimitExceeded", Unverifiable)]
#[case::blocked(READ, 400, "Blocked", Unverifiable)]
#[case::pending(READ, 400, "PendingVerification", Unverifiable)]
#[case::signature(READ, 403, "SignatureDoesNotMatch", Unverifiable)]
#[case::unheard_of(READ, 400, "StarsAreNotRight", Unverifiable)]
#[case::of_another_service(READ, 400, "ResourceNotFoundException", Unverifiable)]
#[case::of_json_services(READ, 400, "AccessDeniedException", Unverifiable)]
#[case::like_a_refusal(READ, 400, "UnauthorizedOperations", Unverifiable)]
// Sources: DynamoDB API Reference, the errors of each action and "Common Errors"; DynamoDB Developer
// Guide, "Error handling with DynamoDB".
#[case::absent_table(TABLE, 400, "ResourceNotFoundException", Allowed)]
#[case::absent_backup(BACKUP, 400, "BackupNotFoundException", Allowed)]
#[case::no_table_to_back_up("dynamodb:CreateBackup", 400, "TableNotFoundException", Allowed)]
#[case::no_table_of_that_arn("dynamodb:ListTagsOfResource", 400, "ResourceNotFoundException", Allowed)]
#[case::table_refused(TABLE, 400, "AccessDeniedException", Denied)]
#[case::backup_refused(BACKUP, 400, "AccessDeniedException", Denied)]
#[case::list_refused("dynamodb:ListTables", 400, "AccessDeniedException", Denied)]
#[case::table_throttled(TABLE, 400, "ThrottlingException", Inconclusive)]
#[case::throughput("dynamodb:Query", 400, "ProvisionedThroughputExceededException", Inconclusive)]
#[case::requests("dynamodb:GetItem", 400, "RequestLimitExceeded", Inconclusive)]
#[case::control_plane(BACKUP, 400, "LimitExceededException", Inconclusive)]
#[case::table_server(TABLE, 500, "InternalServerError", Inconclusive)]
#[case::table_unavailable(TABLE, 503, "ServiceUnavailable", Inconclusive)]
#[case::table_expired(TABLE, 400, "ExpiredTokenException", Inconclusive)]
#[case::in_use(BACKUP, 400, "BackupInUseException", Unverifiable)]
#[case::validation(TABLE, 400, "ValidationException", Unverifiable)]
#[case::table_signature(TABLE, 400, "IncompleteSignatureException", Unverifiable)]
#[case::table_unheard_of(TABLE, 400, "StarsAreNotRightException", Unverifiable)]
#[case::of_ec2(TABLE, 400, "UnauthorizedOperation", Unverifiable)]
// Source: EC2 Instance Connect API Reference, SendSSHPublicKey, "Errors", and "Common Errors".
#[case::connect_refused(CONNECT, 400, "AccessDeniedException", Denied)]
#[case::connect_auth(CONNECT, 403, "AuthException", Denied)]
#[case::connect_throttled(CONNECT, 429, "ThrottlingException", Inconclusive)]
#[case::connect_service(CONNECT, 500, "ServiceException", Inconclusive)]
#[case::connect_absent(CONNECT, 404, "EC2InstanceNotFoundException", Unverifiable)]
#[case::connect_state(CONNECT, 400, "EC2InstanceStateInvalidException", Unverifiable)]
#[case::connect_arguments(CONNECT, 400, "InvalidArgsException", Unverifiable)]
#[case::connect_busy(CONNECT, 500, "EC2InstanceUnavailableException", Inconclusive)]
#[tokio::test]
async fn an_answer_goes_by_its_code(
    #[case] action: &str,
    #[case] status: u16,
    #[case] code: &str,
    #[case] expected: CheckOutcome,
) {
    let finding = told(action, status, code).await;
    assert_eq!(finding.outcome, expected, "{finding:?}");
    assert!(!finding.refused_by_region, "{finding:?}");
    assert_eq!(finding.refused_by.is_some(), expected == Denied, "{finding:?}");
    if expected != Allowed {
        assert!(finding.detail.clone().is_some_and(|detail| detail.contains(code)), "{finding:?}");
    }
}

// Sources: EC2 Developer Guide, "Error codes for the Amazon EC2 API"; IAM User Guide, "Managing AWS
// STS in an AWS Region"; DynamoDB API Reference, "Common Errors".
#[rstest]
#[case(READ, 401, "AuthFailure")]
#[case(READ, 401, "OptInRequired")]
#[case(READ, 403, "InvalidClientTokenId")]
#[case(WRITE, 403, "InvalidClientTokenId")]
#[case(TABLE, 400, "UnrecognizedClientException")]
#[case(TABLE, 403, "InvalidClientTokenId")]
#[case(CONNECT, 400, "UnrecognizedClientException")]
#[tokio::test]
async fn a_region_that_takes_no_credentials_is_told(
    #[case] action: &str,
    #[case] status: u16,
    #[case] code: &str,
) {
    let finding = told(action, status, code).await;
    assert_eq!((finding.outcome, finding.refused_by_region), (Denied, true), "{finding:?}");
    assert_eq!(finding.refused_by, Some(Side::Region));
    assert!(finding.detail.unwrap().contains("did not accept the credentials"));
}

/// EC2 says `AuthFailure` of an image that is another account's too, which must not close a Region
/// that answers. Source: EC2 Developer Guide, "Error codes for the Amazon EC2 API", `AuthFailure`;
/// its words for `DeregisterImage` are those of cloudcaptainsh/cloudcaptain issue 66.
#[rstest]
#[case(DESTROY, "AuthFailure", "Not authorized for image:ami-00000000000000000")]
#[case("ec2:RunInstances", "AuthFailure", "Not authorized for images: [ami-0123456789abcdef0]")]
#[case("ec2:RunInstances", "OptInRequired", "You need to accept terms and subscribe")]
#[tokio::test]
async fn what_is_said_of_an_image_is_not_said_of_the_region(
    #[case] action: &str,
    #[case] code: &str,
    #[case] message: &str,
) {
    let account = answering(action, Reply::ec2(400, code, message)).await;
    let findings = account.find_out([permission(READ), permission(action)]).await;
    let of = |action| findings.iter().find(|finding| finding.permission == permission(action)).unwrap();
    assert_eq!(of(READ).outcome, Allowed);
    assert_eq!((of(action).outcome, of(action).refused_by_region), (Unverifiable, false));
}

/// Of a refusal is told who refuses, never whom: neither our session nor what only the account's own
/// people can decode. Source of the wording: EC2 API Reference, "Troubleshooting API request errors",
/// "Unauthorized operation"; IAM User Guide, "Troubleshoot access denied error messages".
#[tokio::test]
async fn a_refusal_of_ec2s_is_told_without_its_secrets() {
    let message = "You are not authorized to perform this operation. User: \
         arn:aws:sts::222222222222:assumed-role/customer/drawbridge-ver_1 is not authorized to perform: \
         ec2:StopInstances on resource: arn:aws:ec2:eu-west-3:222222222222:instance/i-0123456789abcdef0 because no \
         identity-based policy allows the ec2:StopInstances action. Encoded authorization failure message: \
         4GIOHlTkIaWHQD0Q0m6XSnuUMCm_encoded-part";
    let account = answering(WRITE, Reply::ec2(403, "UnauthorizedOperation", message)).await;
    let finding = account.find(WRITE).await;
    assert_eq!((finding.outcome, finding.refused_by), (Denied, Some(Side::RolePermissions)));
    let detail = finding.detail.unwrap();
    assert!(detail.contains("ec2:StopInstances") && detail.contains("UnauthorizedOperation"), "{detail}");
    for secret in ["assumed-role", "drawbridge-ver_1", "4GIOHlTkIaWHQD0Q0m6XSnuUMCm", "Encoded"] {
        assert!(!detail.contains(secret), "{secret} in {detail}");
    }
}

#[tokio::test]
async fn a_refusal_of_dynamodbs_is_told_with_what_it_was_tried_on() {
    let message = "User: arn:aws:sts::222222222222:assumed-role/customer/drawbridge-ver_1 is not authorized to \
         perform: dynamodb:DescribeTable on resource: arn:aws:dynamodb:eu-west-3:222222222222:table/x with an \
         explicit deny in a service control policy";
    let account = answering(TABLE, Reply::json(400, "AccessDeniedException", message)).await;
    let finding = account.find(TABLE).await;
    assert_eq!((finding.outcome, finding.refused_by), (Denied, Some(Side::OrganizationDeny)));
    let detail = finding.detail.unwrap();
    assert!(!detail.contains("assumed-role") && !detail.contains("drawbridge-ver_1"), "{detail}");
    assert!(detail.contains("drawbridge-probe-abababababababab, which does not exist"), "{detail}");
    assert!(detail.contains("may refuse this name alone"), "{detail}");
}

#[rstest]
#[case::ec2(READ)]
#[case::write(WRITE)]
#[case::dynamodb(TABLE)]
#[case::connect(CONNECT)]
#[tokio::test]
async fn what_is_no_answer_tells_nothing(#[case] action: &str) {
    let html = |status| Reply::Http(status, "<html>UnauthorizedOperation</html>".to_owned());
    for reply in [Reply::Timeout, Reply::Reset, html(403), html(503), Reply::Http(500, String::new())] {
        let finding = answering(action, reply.clone()).await.find(action).await;
        assert_eq!(finding.outcome, Inconclusive, "{reply:?}");
        assert!(!finding.refused_by_region && finding.refused_by.is_none(), "{reply:?}");
        assert!(finding.detail.is_some(), "{reply:?}");
    }
}

/// The SDK tries again what is throttled or fails, so that a short throttle is no answer yet.
#[rstest]
#[case::for_good(usize::MAX, Inconclusive)]
#[case::for_a_moment(2, Allowed)]
#[tokio::test(start_paused = true)]
async fn what_is_throttled_is_tried_again(#[case] throttled: usize, #[case] expected: CheckOutcome) {
    for (action, status, code) in [
        (READ, 503, "RequestLimitExceeded"),
        (READ, 500, "InternalError"),
        (TABLE, 400, "ThrottlingException"),
        (TABLE, 500, "InternalServerError"),
    ] {
        let asked = Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        let account = Account::tried(3, move |call| {
            let before = count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            if before < throttled {
                Reply::refusal(call, status, code, "slow down")
            } else {
                open_account(call)
            }
        })
        .await;
        assert_eq!(account.find(action).await.outcome, expected, "{code}");
        assert_eq!(asked.load(std::sync::atomic::Ordering::SeqCst), 3, "{code}");
    }
}

/// Writes are judged on something that exists, or not judged at all.
#[tokio::test]
async fn without_an_instance_its_actions_tell_nothing_unless_they_are_refused() {
    let empty = |call: &Call| call.operation == "DescribeInstances" && !call.is_dry();
    let absent = |call: &Call| {
        if call.operation == "StopInstances" {
            Reply::ec2(400, "InvalidInstanceID.NotFound", "The instance ID does not exist")
        } else {
            open_account(call)
        }
    };
    let account =
        Account::new(
            move |call| {
                if empty(call) { page("DescribeInstances", "<reservationSet/>") } else { absent(call) }
            },
        )
        .await;
    let finding = account.find(WRITE).await;
    assert_eq!((finding.outcome, finding.method), (Unverifiable, CheckMethod::DryRun));
    let detail = finding.detail.unwrap();
    assert!(
        detail.contains("no instance to be seen") && detail.contains("InvalidInstanceID.NotFound"),
        "{detail}"
    );
    let calls = account.wire.calls();
    assert_eq!(calls.last().unwrap().ids(), [policy::ABSENT_INSTANCE]);

    // A role that may not look is no different.
    let account =
        Account::new(
            move |call| {
                if empty(call) { Reply::ec2(403, "UnauthorizedOperation", "no") } else { absent(call) }
            },
        )
        .await;
    assert_eq!(account.find(WRITE).await.outcome, Unverifiable);

    // A refusal is one, whatever it is of.
    let account = Account::new(move |call| match call.operation.as_str() {
        "StopInstances" => Reply::ec2(403, "UnauthorizedOperation", "no"),
        _ if empty(call) => page("DescribeInstances", "<reservationSet/>"),
        _ => open_account(call),
    })
    .await;
    assert_eq!(account.find(WRITE).await.outcome, Denied);
}

#[rstest]
#[case::image("DescribeImages", "<imagesSet/>", "no image of Amazon's")]
#[case::subnet("DescribeSubnets", "<subnetSet/>", "no subnet")]
#[tokio::test]
async fn without_something_to_launch_nothing_is_launched(
    #[case] look_up: &'static str,
    #[case] nothing: &'static str,
    #[case] why: &str,
) {
    for reply in [page(look_up, nothing), Reply::ec2(403, "UnauthorizedOperation", "no")] {
        let account = Account::new(move |call| {
            if call.operation == look_up && !call.is_dry() { reply.clone() } else { open_account(call) }
        })
        .await;
        let finding = account.find("ec2:RunInstances").await;
        assert_eq!((finding.outcome, finding.method), (Unverifiable, CheckMethod::None));
        assert!(finding.detail.unwrap().contains(why));
        assert!(account.wire.calls().iter().all(|call| call.operation != "RunInstances"));
    }
}

/// What AWS did not show for being busy is not said to be absent, and is asked again later.
#[rstest]
#[case(WRITE, "DescribeInstances")]
#[case("ec2:RunInstances", "DescribeImages")]
#[case("ec2:RunInstances", "DescribeSubnets")]
#[tokio::test]
async fn a_look_up_without_an_answer_leaves_it_open(#[case] action: &str, #[case] look_up: &'static str) {
    for reply in [Reply::ec2(503, "RequestLimitExceeded", "slow down"), Reply::Timeout, Reply::Reset] {
        let account = Account::new(move |call| {
            if call.operation == look_up && !call.is_dry() { reply.clone() } else { open_account(call) }
        })
        .await;
        assert_eq!(account.find(action).await.outcome, Inconclusive);
        assert!(account.wire.calls().iter().all(|call| !call.is_dry()), "nothing is tried on a guess");
    }
}

/// What was tried on one thing is not said of all.
#[tokio::test]
async fn what_is_allowed_says_what_it_was_tried_on() {
    let account = Account::new(open_account).await;
    for (action, expected) in [(WRITE, INSTANCE), ("ec2:RunInstances", SUBNET), (DESTROY, "nothing has")] {
        let finding = account.find(action).await;
        assert_eq!(finding.outcome, Allowed);
        assert!(finding.detail.unwrap().contains(expected), "{action}");
    }
}

/// EC2 says `Unsupported` of a launch where there is no such instance type, allowed or not. Source: EC2
/// User Guide, "Regions and Zones".
#[rstest]
#[case::all(&["lax", "old", "outpost", "good"], "good")]
#[case::good_ones_first(&["good", "old"], "good")]
#[case::nothing_better(&["old"], "old")]
#[case::nothing_better_at_the_edge(&["lax"], "lax")]
#[tokio::test]
async fn a_launch_is_tried_where_its_instance_type_is(
    #[case] subnets: &'static [&'static str],
    #[case] expected: &str,
) {
    let item = |name: &str| {
        let (zone, more) = match name {
            "lax" => ("usw2-lax1-az1", ""),
            "old" => ("use1-az3", ""),
            "outpost" => {
                ("use1-az1", "<outpostArn>arn:aws:outposts:us-east-1:222222222222:outpost/op-1</outpostArn>")
            }
            _ => ("use1-az1", ""),
        };
        format!(
            "<item><subnetId>subnet-{name}</subnetId><availabilityZoneId>{zone}</availabilityZoneId>{more}</item>"
        )
    };
    let items: String = subnets.iter().map(|name| item(name)).collect();
    let account = Account::new(move |call| {
        if call.operation == "DescribeSubnets" && !call.is_dry() {
            page("DescribeSubnets", &format!("<subnetSet>{items}</subnetSet>"))
        } else {
            open_account(call)
        }
    })
    .await;
    account.find("ec2:RunInstances").await;
    let calls = account.wire.calls();
    let launch = calls.iter().find(|call| call.operation == "RunInstances").unwrap();
    assert_eq!(launch.field("SubnetId"), Some(format!("subnet-{expected}").as_str()));
}

/// A restore takes rights to items too, and AWS says which it lacks. Source: `DynamoDB` Developer Guide,
/// "Using IAM with backup and restore".
#[rstest]
#[case::another("dynamodb:BatchWriteItem", Some("dynamodb:BatchWriteItem"))]
#[case::itself("dynamodb:RestoreTableFromBackup", None)]
#[case::of_no_capability("dynamodb:PartiQLInsert", None)]
#[tokio::test]
async fn a_refusal_of_another_action_than_was_asked_for_names_it(
    #[case] refused: &str,
    #[case] expected: Option<&str>,
) {
    let message = format!(
        "User: arn:aws:sts::222222222222:assumed-role/customer/x is not authorized to perform: {refused} on resource: \
         arn:aws:dynamodb:eu-west-3:222222222222:table/x because no identity-based policy allows the {refused} action"
    );
    let asked = "dynamodb:RestoreTableFromBackup";
    let account = answering(asked, Reply::json(400, "AccessDeniedException", &message)).await;
    let finding = account.find(asked).await;
    assert_eq!(finding.outcome, Denied);
    assert_eq!(finding.lacking.map(Action::as_str), expected);
}
