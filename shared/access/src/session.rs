//! The one place where a customer's role is assumed.

use aws_credential_types::Credentials;
use aws_sdk_sts::Client;
use aws_sdk_sts::error::ProvideErrorMetadata;
use aws_sdk_sts::operation::RequestId as _;
use domain::credentials::SessionLength;
use domain::denial::{Caller, Side, diagnose};
use domain::policy::PolicyDocument;
use domain::proof::ProbeOutcome;
use domain::{Connection, Error, ExternalId, RoleArn};

use crate::failure::code;

/// What STS says of a session policy that is too large once it is packed. Source: STS API Reference,
/// `AssumeRole`, "Errors", `PackedPolicyTooLarge`.
const TOO_LARGE: &str = "PackedPolicyTooLarge";

/// Which external ID is sent.
pub(crate) enum Sent<'a> {
    /// The connection's own.
    Own,
    /// None.
    Absent,
    /// One that was made up, to see it refused.
    MadeUp(&'a ExternalId),
}

/// What AWS answered to the request for a session.
pub(crate) struct Answer {
    pub outcome: ProbeOutcome,
    pub request_id: Option<String>,
    /// Who refused, when the connection's own external ID was denied. The message itself names our
    /// session, and is not kept.
    pub refused_by: Option<Side>,
    /// Whether AWS finds that the session would be limited by more than it can be: by a policy that is
    /// too large once it is packed. How large that is, nobody can tell before.
    pub is_too_large: bool,
    /// Only when the connection's own external ID was sent: what the others opened is dropped.
    pub session: Option<Credentials>,
}

/// Asks, as the broker, for a session of the connection's role that is limited to `policy`, lasts for
/// `length`, and is named `name` in the customer's CloudTrail.
///
/// # Errors
/// When the connection has no role.
pub(crate) async fn assume(
    broker: &Client,
    connection: &Connection,
    sent: Sent<'_>,
    name: &str,
    policy: &PolicyDocument,
    length: SessionLength,
) -> Result<Answer, Error> {
    let role: &RoleArn = connection
        .role_arn
        .as_ref()
        .ok_or_else(|| Error::internal(format!("{} has no role to assume", connection.id)))?;
    let external_id = match sent {
        Sent::Own => Some(&connection.external_id),
        Sent::Absent => None,
        Sent::MadeUp(id) => Some(id),
    };
    let answer = broker
        .assume_role()
        .role_arn(role.to_string())
        .role_session_name(name)
        .set_external_id(external_id.map(|id| id.expose().to_owned()))
        .policy(policy.to_json())
        .duration_seconds(length.seconds().into())
        .send()
        .await;
    Ok(match answer {
        Ok(output) => Answer {
            outcome: ProbeOutcome::Allowed,
            request_id: output.request_id().map(str::to_owned),
            refused_by: None,
            is_too_large: false,
            session: output.credentials.filter(|_| matches!(sent, Sent::Own)).map(|keys| {
                let expires = keys.expiration.try_into().ok();
                Credentials::new(
                    keys.access_key_id,
                    keys.secret_access_key,
                    Some(keys.session_token),
                    expires,
                    "customer-role",
                )
            }),
        },
        Err(error) => {
            // Only AccessDenied says that the customer's side refuses. A failure to act as the
            // broker comes without a code of this call, and so is no refusal of the role's.
            let refused = code(&error) == Some("AccessDenied");
            if !refused {
                tracing::warn!(
                    connection_id = %connection.id,
                    code = code(&error).unwrap_or("none"),
                    "AWS neither allowed nor refused to assume the role"
                );
            }
            let message =
                error.as_service_error().and_then(ProvideErrorMetadata::message).unwrap_or_default();
            let own = matches!(sent, Sent::Own);
            Answer {
                refused_by: (refused && own).then(|| diagnose(Caller::Broker, "AccessDenied", message)),
                outcome: if refused { ProbeOutcome::Denied } else { ProbeOutcome::Inconclusive },
                request_id: error.request_id().map(str::to_owned),
                is_too_large: code(&error) == Some(TOO_LARGE),
                session: None,
            }
        }
    })
}
