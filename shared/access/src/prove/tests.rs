//! Error codes are those of the STS API Reference: `AssumeRole`, "Errors", and "Common errors".

mod look_for_role;
mod try_role;

use super::*;
use crate::wire::{Call, Reply, Wire};
use ProbeOutcome::{Allowed, Denied, Inconclusive};
use domain::ErrorKind;
use domain::denial::Side;
use domain::grant::Shard;
use domain::sample::{NOW, created, deployment, submitted};
use rstest::rstest;

const ROLE: &str = "arn:aws:iam::222222222222:role/path/customer-role";
const BROKER: &str = "arn:aws:iam::111111111111:role/drawbridge/broker-2";

/// A connection whose role is granted to the second broker.
fn connection() -> Connection {
    let shard = Shard::new(27);
    assert_eq!(shard.map(Shard::broker), Some(2));
    Connection { shard, ..submitted(&created().connection, ROLE).connection }
}

fn made_up() -> ExternalId {
    ExternalId::new([9; 24])
}

/// What STS answers to each question of a round.
#[derive(Debug, Clone)]
struct Sts {
    broker: Reply,
    correct: Reply,
    absent: Reply,
    random: Reply,
    identity: Reply,
}

impl Default for Sts {
    /// A role whose external ID is enforced.
    fn default() -> Self {
        Self {
            broker: session("BROKERKEY", "of-the-broker"),
            correct: session("CUSTOMERKEY", "of-correct"),
            absent: denied(),
            random: denied(),
            identity: identity("222222222222"),
        }
    }
}

impl Sts {
    fn answer(&self, call: &Call) -> Reply {
        let (own, made_up) = (connection().external_id, made_up());
        match (call.action(), call.field("RoleArn"), call.field("ExternalId")) {
            ("GetCallerIdentity", ..) => self.identity.clone(),
            ("AssumeRole", Some(BROKER), None) => self.broker.clone(),
            ("AssumeRole", Some(ROLE), None) => self.absent.clone(),
            ("AssumeRole", Some(ROLE), Some(id)) if id == own.expose() => self.correct.clone(),
            ("AssumeRole", Some(ROLE), Some(id)) if id == made_up.expose() => self.random.clone(),
            _ => panic!("nobody may ask this: {call:?}"),
        }
    }

    /// One round for `connection` with these answers, and what was asked in it.
    async fn round(self, connection: &Connection) -> (Result<RoundReport, Error>, Vec<Call>) {
        let wire = Wire::new(move |call| self.answer(call));
        let probes = TrustProbes::new(Brokers::new(wire.config(), deployment()), || NOW);
        let verification = connection.verification.clone().unwrap();
        let report = Box::pin(probes.run_round(connection, &verification, &made_up())).await;
        (report, wire.calls())
    }
}

fn session(key: &str, request_id: &'static str) -> Reply {
    Reply::ok(
        request_id,
        format!(
            "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>{key}</AccessKeyId>\
             <SecretAccessKey>{key}-secret</SecretAccessKey><SessionToken>{key}-token</SessionToken>\
             <Expiration>2999-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"
        ),
    )
}

fn identity(account: &str) -> Reply {
    Reply::ok(
        "of-the-identity",
        format!(
            "<GetCallerIdentityResponse><GetCallerIdentityResult><Account>{account}</Account>\
             </GetCallerIdentityResult></GetCallerIdentityResponse>"
        ),
    )
}

fn denied() -> Reply {
    Reply::error(403, "AccessDenied", "User is not authorized to perform: sts:AssumeRole")
}

/// The requests for sessions of the customer's role.
fn asked(calls: &[Call]) -> Vec<&Call> {
    calls.iter().filter(|call| call.field("RoleArn") == Some(ROLE)).collect()
}

#[tokio::test]
async fn a_round_asks_three_times_and_differs_in_the_external_id_alone() {
    let connection = connection();
    let (report, calls) = Sts::default().round(&connection).await;
    assert_eq!(
        report.unwrap().round,
        Round::Open { absent: Denied, random: Denied, account_matches: Some(true) }
    );

    let asked = asked(&calls);
    let ids: Vec<_> = asked.iter().map(|call| call.field("ExternalId")).collect();
    assert_eq!(ids[0], Some(connection.external_id.expose()), "the right one comes first");
    assert_eq!(ids.len(), 3);
    assert!(ids[1..].contains(&None), "one without the field at all");
    assert!(ids[1..].contains(&Some(made_up().expose())));
    let name = format!("drawbridge-{}", connection.verification.unwrap().id);
    for call in asked {
        assert_eq!(call.action(), "AssumeRole");
        assert_eq!(call.signer, "BROKERKEY", "only a broker assumes a customer's role");
        assert_eq!(call.field("RoleSessionName"), Some(name.as_str()));
        assert_eq!(call.field("DurationSeconds"), Some("900"));
        assert_eq!(
            call.field("Policy"),
            Some(r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}"#)
        );
    }
    // The broker of the shard is assumed once, by the function itself, and whose session the
    // customer's is, is asked with that session.
    let others: Vec<_> = calls.iter().filter(|call| call.field("RoleArn") != Some(ROLE)).collect();
    assert_eq!(others.len(), 2);
    assert_eq!((others[0].field("RoleArn"), others[0].signer.as_str()), (Some(BROKER), "FUNCTION"));
    assert_eq!((others[1].action(), others[1].signer.as_str()), ("GetCallerIdentity", "CUSTOMERKEY"));
}

#[tokio::test]
async fn when_the_right_one_is_refused_nothing_else_is_asked() {
    let (report, calls) = Sts { correct: denied(), ..Sts::default() }.round(&connection()).await;
    let report = report.unwrap();
    assert_eq!(report.round, Round::Shut(Denied));
    assert_eq!(asked(&calls).len(), 1);
    assert!(calls.iter().all(|call| call.action() != "GetCallerIdentity"));
    assert_eq!(report.probes.len(), 1);
    assert_eq!(report.probes[0].request_id.as_deref(), Some("of-the-refusal"));
}

/// A refusal as STS words it, of the broker's session.
fn refused(why: &str) -> Reply {
    let message = format!(
        "User: arn:aws:sts::111111111111:assumed-role/broker-2/drawbridge is not authorized to perform: \
         sts:AssumeRole on resource: {ROLE}{why}"
    );
    Reply::error(403, "AccessDenied", &message)
}

// Source of the wording: IAM User Guide, "Troubleshoot access denied error messages"; without a
// reason, what STS says across accounts (aws/aws-cli issue 7216).
#[rstest]
#[case::our_own_grant(" because no identity-based policy allows the sts:AssumeRole action", Side::OurGrant)]
#[case::our_boundary(" because no permissions boundary allows the sts:AssumeRole action", Side::OurBoundary)]
#[case::our_organization(" with an explicit deny in a service control policy", Side::OurOrganization)]
#[case::theirs(" with an explicit deny in a resource control policy", Side::OrganizationDeny)]
#[case::trust(" because no role trust policy allows the sts:AssumeRole action", Side::RoleTrust)]
#[case::trust_or_absent("", Side::RoleTrustOrAbsent)]
#[case::in_new_words(" since the stars are not right, because no star allows it", Side::Unknown)]
#[tokio::test]
async fn whoever_refuses_is_told_and_decides_nothing(#[case] why: &str, #[case] side: Side) {
    let (report, calls) = Sts { correct: refused(why), ..Sts::default() }.round(&connection()).await;
    let report = report.unwrap();
    assert_eq!((report.round, asked(&calls).len()), (Round::Shut(Denied), 1));
    assert_eq!(report.probes[0].refused_by, Some(side));
    // The message, which names the broker's session, is not kept.
    let told = format!("{report:?}{}", serde_json::to_string(&report.probes).unwrap());
    assert!(!told.contains("assumed-role") && !told.contains("not authorized"), "{told}");
}

#[tokio::test]
async fn who_refuses_is_told_of_the_right_external_id_alone() {
    let trust = refused(" because no role trust policy allows the sts:AssumeRole action");
    let sts = Sts { absent: trust.clone(), random: trust, ..Sts::default() };
    let (report, _) = sts.round(&connection()).await;
    let report = report.unwrap();
    assert_eq!(report.round, Round::Open { absent: Denied, random: Denied, account_matches: Some(true) });
    assert_eq!(report.probes.iter().map(|probe| probe.refused_by).collect::<Vec<_>>(), [None; 3]);
    // And of a refusal alone: a fault that quotes one is none.
    let fault = Reply::error(
        500,
        "InternalFailure",
        "because no identity-based policy allows the sts:AssumeRole action",
    );
    let (report, _) = Sts { correct: fault, ..Sts::default() }.round(&connection()).await;
    assert_eq!(report.unwrap().probes[0].refused_by, None);
}

// All but `AccessDenied`, which stands alone above: that one code says that the customer's side
// refuses. Some of these come with status 403 as well, and one with a text that quotes the code.
#[rstest]
#[case::throttling(Reply::error(400, "Throttling", "Rate exceeded"))]
#[case::throttling_exception(Reply::error(400, "ThrottlingException", "Rate exceeded"))]
#[case::fault(Reply::error(500, "InternalFailure", "AccessDenied"))]
#[case::down(Reply::error(503, "ServiceUnavailable", "down"))]
#[case::region_disabled(Reply::error(403, "RegionDisabledException", "STS is not activated"))]
#[case::opt_in(Reply::error(403, "OptInRequired", "not subscribed"))]
#[case::policy_too_large(Reply::error(400, "PackedPolicyTooLarge", "too large"))]
#[case::malformed_policy(Reply::error(400, "MalformedPolicyDocument", "malformed"))]
#[case::expired(Reply::error(400, "ExpiredTokenException", "expired"))]
#[case::unknown_key(Reply::error(403, "InvalidClientTokenId", "unknown key"))]
#[case::bad_signature(Reply::error(403, "SignatureDoesNotMatch", "bad signature"))]
#[case::request_expired(Reply::error(400, "RequestExpired", "too old"))]
#[case::invalid(Reply::error(400, "ValidationError", "not valid"))]
#[case::no_code(Reply::Http(403, "none", "<html>AccessDenied</html>".to_owned()))]
#[case::empty(Reply::Http(403, "none", String::new()))]
#[case::too_slow(Reply::Timeout)]
#[case::no_network(Reply::Unreachable)]
#[tokio::test]
async fn whatever_is_no_refusal_tells_nothing(#[case] reply: Reply) {
    let sts = Sts { correct: reply.clone(), ..Sts::default() };
    let (report, calls) = sts.round(&connection()).await;
    assert_eq!(report.unwrap().round, Round::Shut(Inconclusive));
    assert_eq!(asked(&calls).len(), 1);

    let sts = Sts { absent: reply.clone(), ..Sts::default() };
    assert_eq!(
        sts.round(&connection()).await.0.unwrap().round,
        Round::Open { absent: Inconclusive, random: Denied, account_matches: Some(true) }
    );
    let sts = Sts { random: reply.clone(), ..Sts::default() };
    assert_eq!(
        sts.round(&connection()).await.0.unwrap().round,
        Round::Open { absent: Denied, random: Inconclusive, account_matches: Some(true) }
    );
    let sts = Sts { identity: reply, ..Sts::default() };
    assert_eq!(
        sts.round(&connection()).await.0.unwrap().round,
        Round::Open { absent: Denied, random: Denied, account_matches: None }
    );
}

#[rstest]
#[case::refused(denied())]
#[case::throttled(Reply::error(400, "Throttling", "Rate exceeded"))]
#[case::too_slow(Reply::Timeout)]
#[case::no_session(Reply::ok(
    "of-the-broker",
    "<AssumeRoleResponse><AssumeRoleResult/></AssumeRoleResponse>"
))]
#[tokio::test]
async fn a_broker_that_cannot_be_assumed_is_no_refusal_of_the_customers(#[case] reply: Reply) {
    let (report, calls) = Sts { broker: reply, ..Sts::default() }.round(&connection()).await;
    let report = report.unwrap();
    assert_eq!(report.round, Round::Shut(Inconclusive));
    assert_eq!(report.probes[0].outcome, Inconclusive);
    assert!(asked(&calls).is_empty());
}

#[tokio::test]
async fn a_session_without_credentials_opens_nothing() {
    let empty = Reply::ok("of-correct", "<AssumeRoleResponse><AssumeRoleResult/></AssumeRoleResponse>");
    let (report, calls) = Sts { correct: empty, ..Sts::default() }.round(&connection()).await;
    assert_eq!(report.unwrap().round, Round::Shut(Inconclusive));
    assert_eq!(asked(&calls).len(), 1);
}

#[rstest]
#[case(true, false)]
#[case(false, true)]
#[case(true, true)]
#[tokio::test]
async fn a_role_that_lets_others_in_is_told(#[case] without: bool, #[case] with_any: bool) {
    let (mut sts, open) = (Sts::default(), session("OTHERKEY", "of-another"));
    if without {
        sts.absent = open.clone();
    }
    if with_any {
        sts.random = open;
    }
    let (report, calls) = sts.round(&connection()).await;
    let outcome = |allowed| if allowed { Allowed } else { Denied };
    let report = report.unwrap();
    assert_eq!(
        report.round,
        Round::Open { absent: outcome(without), random: outcome(with_any), account_matches: Some(true) }
    );
    assert_eq!(report.probes[1].outcome, outcome(without));
    assert_eq!(report.probes[2].outcome, outcome(with_any));
    // What should not have been given is not used.
    assert!(calls.iter().all(|call| call.signer != "OTHERKEY"));
}

#[rstest]
#[case::the_arns(identity("222222222222"), Some(true))]
#[case::another(identity("333333333333"), Some(false))]
#[case::unreadable(identity("aws"), None)]
#[case::untold(
    Reply::ok("id", "<GetCallerIdentityResponse><GetCallerIdentityResult/></GetCallerIdentityResponse>"),
    None
)]
#[case::refused(denied(), None)]
#[tokio::test]
async fn the_account_is_the_arns_or_it_is_told(#[case] reply: Reply, #[case] expected: Option<bool>) {
    let (report, _) = Sts { identity: reply, ..Sts::default() }.round(&connection()).await;
    let expected = Round::Open { absent: Denied, random: Denied, account_matches: expected };
    assert_eq!(report.unwrap().round, expected);
}

#[tokio::test]
async fn probes_are_evidence_that_cloudtrail_can_confirm() {
    let mut connection = connection();
    for number in 1..=2 {
        let (report, _) = Sts::default().round(&connection).await;
        let probes = report.unwrap().probes;
        let told: Vec<_> = probes
            .iter()
            .map(|probe| (probe.external_id, probe.outcome, probe.request_id.as_deref().unwrap()))
            .collect();
        assert_eq!(
            told,
            [
                (ProbeId::Correct, Allowed, "of-correct"),
                (ProbeId::Absent, Denied, "of-the-refusal"),
                (ProbeId::Random, Denied, "of-the-refusal"),
            ]
        );
        assert!(probes.iter().all(|probe| probe.round == number && probe.at == NOW));
        connection.verification =
            connection.verification.map(|earlier| earlier.advanced(Timestamp::UNIX_EPOCH, &probes));
    }
}

#[tokio::test]
async fn a_round_that_told_nothing_is_not_counted() {
    let connection = connection();
    let sts = Sts { absent: Reply::Timeout, ..Sts::default() };
    assert_eq!(sts.round(&connection).await.0.unwrap().probes[0].round, 1);
    assert_eq!(Sts::default().round(&connection).await.0.unwrap().probes[0].round, 1);
}

#[rstest]
#[case::no_grant(Connection { shard: None, ..connection() })]
#[case::no_role(Connection { role_arn: None, ..connection() })]
#[tokio::test]
async fn nothing_is_asked_without_a_granted_role(#[case] connection: Connection) {
    let (report, calls) = Sts::default().round(&connection).await;
    assert_eq!(report.unwrap_err().kind, ErrorKind::Internal);
    assert_eq!(calls, []);
}

#[tokio::test]
async fn a_report_tells_no_secret() {
    let connection = connection();
    let open = session("OTHERKEY", "of-another");
    for sts in [Sts::default(), Sts { absent: open.clone(), random: open, ..Sts::default() }] {
        let report = sts.round(&connection).await.0.unwrap();
        let told = format!("{report:?}{}", serde_json::to_string(&report.probes).unwrap());
        for secret in [connection.external_id.expose(), made_up().expose(), "KEY", "-secret", "-token"] {
            assert!(!told.contains(secret), "{secret} in {told}");
        }
    }
}

#[tokio::test]
async fn a_brokers_session_is_kept_for_the_next_round() {
    let wire = Wire::new(|call| Sts::default().answer(call));
    let probes = TrustProbes::new(Brokers::new(wire.config(), deployment()), || NOW);
    let connection = connection();
    let verification = connection.verification.clone().unwrap();
    for _ in 0..3 {
        Box::pin(probes.run_round(&connection, &verification, &made_up())).await.unwrap();
    }
    let calls = wire.calls();
    assert_eq!(calls.iter().filter(|call| call.field("RoleArn") == Some(BROKER)).count(), 1);
    assert_eq!(asked(&calls).len(), 9);
}
