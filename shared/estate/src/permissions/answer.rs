//! What an answer of AWS's says about a permission. It goes by the error's code alone.

use aws_sdk_ec2::config::http::HttpResponse;
use aws_sdk_ec2::error::{ProvideErrorMetadata, SdkError};
use domain::Action;
use domain::check::{CheckMethod, CheckOutcome};
use domain::denial::{Caller, Side, diagnose, explain, refused_action};

/// Whose answer it is: codes differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Service {
    Ec2,
    /// EC2, asked about something that the question names.
    Ec2Resource,
    InstanceConnect,
    DynamoDb,
}

/// What AWS answered to a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// It carried it out.
    Done,
    /// It said no, with a code and a message.
    Said(String, String),
    /// It failed, with this status, and did not say in a code that it refuses.
    Failed(String),
    /// It said nothing: no connection, no time, no sense.
    Nothing,
}

/// What follows from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Judged {
    pub outcome: CheckOutcome,
    pub method: CheckMethod,
    pub refused_by_region: bool,
    pub refused_by: Option<Side>,
    pub refused_action: Option<Action>,
    pub detail: Option<String>,
    /// Whether AWS could not be reached at all.
    pub unreachable: bool,
}

/// The Region does not accept the session's credentials. Source: EC2 Developer Guide, "Error codes
/// for the Amazon EC2 API"; IAM User Guide, "Managing AWS STS in an AWS Region"; `DynamoDB` API Reference, "Common Errors".
const REGION_REFUSES: &[&str] =
    &["AuthFailure", "OptInRequired", "UnrecognizedClientException", "InvalidClientTokenId"];

/// What EC2 also says of an image that is another account's, and of one that has to be subscribed to:
/// where a question names something, these are about that. Source: EC2 Developer Guide, "Error codes
/// for the Amazon EC2 API" (`AuthFailure`: "trying to use an AMI for which you do not have
/// permissions"; `OptInRequired`).
const RESOURCE_REFUSES: &[&str] = &["AuthFailure", "OptInRequired"];

/// AWS is too busy, or has failed. What comes with a status of 500 or more is among it, whatever its
/// code. Source: EC2 Developer Guide, "Error codes for the Amazon EC2 API", "Server error codes";
/// `DynamoDB` Developer Guide, "Error handling".
const PASSING: &[&str] = &[
    "ExpiredToken",
    "ExpiredTokenException",
    "InternalError",
    "InternalFailure",
    "InternalServerError",
    "LimitExceededException",
    "ProvisionedThroughputExceededException",
    "RequestExpired",
    "RequestLimitExceeded",
    "ResourceLimitExceeded",
    "ServiceException",
    "ServiceUnavailable",
    "ServiceUnavailableException",
    "Throttling",
    "ThrottlingException",
    "Unavailable",
];

impl Answer {
    pub fn of<T, E: ProvideErrorMetadata>(result: &Result<T, SdkError<E, HttpResponse>>) -> Self {
        match result {
            Ok(_) => Self::Done,
            Err(SdkError::ServiceError(error)) => {
                let status = error.raw().status();
                match error.err().code() {
                    Some(code) if status.is_server_error() => Self::Failed(code.to_owned()),
                    Some(code) => {
                        Self::Said(code.to_owned(), error.err().message().unwrap_or_default().to_owned())
                    }
                    None => Self::Failed(format!("HTTP {}", status.as_u16())),
                }
            }
            Err(_) => Self::Nothing,
        }
    }

    /// What it says about the permission that `service` was asked for in this way.
    pub fn judged(&self, method: CheckMethod, service: Service) -> Judged {
        let judged = |outcome, detail: Option<String>| Judged {
            outcome,
            method,
            refused_by_region: false,
            refused_by: None,
            refused_action: None,
            detail,
            unreachable: false,
        };
        let failed =
            |code: &str| judged(CheckOutcome::Inconclusive, Some(format!("AWS was busy or failed ({code})")));
        let (code, message) = match self {
            Self::Done => return judged(CheckOutcome::Allowed, None),
            Self::Nothing => return Judged::no_answer(method),
            Self::Failed(code) => return failed(code),
            Self::Said(code, message) => (code.as_str(), message.as_str()),
        };
        if service.region_refuses(code) {
            let told = judged(CheckOutcome::Denied, Some(refusal(code, message)));
            return Judged { refused_by_region: true, refused_by: Some(Side::Region), ..told };
        }
        if PASSING.contains(&code) {
            return failed(code);
        }
        if service.allows(code) {
            return judged(CheckOutcome::Allowed, None);
        }
        if service.denies(code) {
            return Judged {
                refused_by: Some(diagnose(Caller::Role, code, message)),
                refused_action: refused_action(code, message),
                ..judged(CheckOutcome::Denied, Some(refusal(code, message)))
            };
        }
        judged(CheckOutcome::Unverifiable, Some(format!("AWS answered {code}, which does not tell")))
    }
}

/// What there is to say about a refusal.
fn refusal(code: &str, message: &str) -> String {
    explain(code, message).unwrap_or_else(|| format!("AWS refused it ({code})"))
}

impl Service {
    /// What says that nothing else would be answered in this Region either.
    fn region_refuses(self, code: &str) -> bool {
        REGION_REFUSES.contains(&code) && !(self == Self::Ec2Resource && RESOURCE_REFUSES.contains(&code))
    }

    /// What says that the request would have been carried out, had there been anything to carry out.
    fn allows(self, code: &str) -> bool {
        match self {
            Self::Ec2 | Self::Ec2Resource => code == "DryRunOperation",
            // Its own refusals come in whatever order: an absent instance does not tell.
            Self::InstanceConnect => false,
            Self::DynamoDb => matches!(
                code,
                "ResourceNotFoundException" | "TableNotFoundException" | "BackupNotFoundException"
            ),
        }
    }

    fn denies(self, code: &str) -> bool {
        match self {
            Self::Ec2 | Self::Ec2Resource => code == "UnauthorizedOperation",
            Self::InstanceConnect => {
                matches!(code, "AccessDenied" | "AccessDeniedException" | "AuthException")
            }
            Self::DynamoDb => code == "AccessDeniedException",
        }
    }
}

impl Judged {
    /// AWS said nothing.
    pub fn no_answer(method: CheckMethod) -> Self {
        Self {
            outcome: CheckOutcome::Inconclusive,
            method,
            refused_by_region: false,
            refused_by: None,
            refused_action: None,
            detail: Some("AWS did not answer in time".to_owned()),
            unreachable: true,
        }
    }

    /// Nobody asked, for a reason.
    pub fn not_asked(why: &str) -> Self {
        Self {
            outcome: CheckOutcome::Unverifiable,
            method: CheckMethod::None,
            refused_by_region: false,
            refused_by: None,
            refused_action: None,
            detail: Some(why.to_owned()),
            unreachable: false,
        }
    }

    /// Whether asking more in this Region would lead to the same answer.
    pub fn is_closed(&self) -> bool {
        self.refused_by_region || self.unreachable
    }

    /// The same, with this to be said about it if nothing else is.
    pub fn noted(self, note: impl FnOnce() -> String) -> Self {
        Self { detail: self.detail.or_else(|| Some(note())), ..self }
    }

    /// The same of an id that nothing has, and why it was that: what EC2 says of such an id does not
    /// tell whether it asked its policies first.
    pub fn of_what_is_absent(self, why: &str) -> Self {
        let detail = match self.detail {
            Some(said) if self.outcome == CheckOutcome::Unverifiable => format!("{why}: {said}"),
            Some(said) => said,
            None => why.to_owned(),
        };
        Self { detail: Some(detail), ..self }
    }
}
