//! What an action that cannot be undone would destroy, looked up before anybody agrees to it.
//!
//! Each such action has a look: what it would be carried out on, what goes with that and what stays,
//! what should be known first, and what makes each target what it is, so that applying a plan can tell
//! whether it still is. A look only reads, in a session of its own that may do those reads and no
//! more. What the connection's capabilities do not let it read is left out, and said.

#![expect(
    clippy::redundant_closure_for_method_calls,
    reason = "the methods' paths would name each of the SDK's types, and say no more"
)]

mod backups;
mod digest;
mod images;
mod instance_backups;
mod instances;
mod items;
mod snapshots;
mod tables;

use access::CustomerSession;
use aws_sdk_ec2::error::{ProvideErrorMetadata, SdkError};
use domain::plan::{Seen, Warning};
use domain::policy::{PolicyDocument, Statement};
use domain::{Action, CapabilitySet, Error, ErrorKind, FieldError};
use serde_json::{Map, Value};

use crate::operations::{Carry, Place, Request, dynamodb, ec2, failed_by, fits};

pub use instance_backups::{look_at_backup, look_at_image, look_policy};

/// The tag by which a customer keeps something from being destroyed through Drawbridge.
pub const PROTECTED: &str = "drawbridge:protected";

/// Most that is listed of what a plan shows; how many there are is told besides.
const MOST_SHOWN: usize = 50;

/// Most that is read of one list.
const MOST_READ: usize = 1000;

/// One action that destroys: what is read to tell what it would.
pub(crate) trait Foresee: Carry {
    /// What is read, each with what it is limited to.
    fn reads(&self, place: &Place) -> Vec<(&'static str, Vec<String>)>;

    /// Looks.
    fn look(&self, look: &Look<'_>) -> impl Future<Output = Result<Seen, Error>> + Send;
}

/// Makes the table of all looks.
macro_rules! looks {
    ($($name:ident),* $(,)?) => {
        impl Request {
            fn has_look(&self) -> bool {
                matches!(self, $(Self::$name(_))|*)
            }

            fn reads(&self, place: &Place) -> Vec<(&'static str, Vec<String>)> {
                match self {
                    $(Self::$name(input) => Foresee::reads(&**input, place),)*
                    _ => Vec::new(),
                }
            }

            /// Looks up what the operation would destroy, by a session that its
            /// [`look_policy`](Self::look_policy) limits. What items hold goes into the fingerprint as a
            /// hash with `salt`.
            ///
            /// # Errors
            /// 422 `target_not_found`, `target_protected` with a pointer to each, `targets_unreadable` when
            /// AWS does not let the role look; 503 when AWS does not answer; 422 `no_plan_needed` of what
            /// destroys nothing.
            pub async fn look(
                &self,
                session: &CustomerSession,
                place: &Place,
                capabilities: &CapabilitySet,
                salt: &str,
            ) -> Result<Seen, Error> {
                let look = Look { session, place, capabilities, salt };
                match self {
                    $(Self::$name(input) => Box::pin(Foresee::look(&**input, &look)).await,)*
                    _ => Err(no_plan_needed()),
                }
            }
        }
    };
}

looks! {
    TerminateInstances, DeregisterImage, DeleteSnapshot, DeleteTable, DeleteBackup, DeleteItem, BatchWriteItem,
}

/// The refusal of a plan for what destroys nothing.
fn no_plan_needed() -> Error {
    Error::refused("no_plan_needed", "this destroys nothing; carry it out as an operation").at("/action")
}

impl Request {
    /// Whether the operation destroys something, so that it takes a plan: the refusal that says so. A
    /// batch of writes does if one of them deletes.
    #[must_use]
    pub fn needs_plan(&self) -> Option<Error> {
        let at = match self {
            Self::BatchWriteItem(batch) => {
                format!("/input{}", batch.deletions().next()?.pointer())
            }
            destroying if destroying.has_look() => "/action".to_owned(),
            _ => return None,
        };
        let detail = "what this does cannot be undone, so that it takes a plan, which shows what will be gone: \
                      POST /v1/connections/{id}/plans";
        Some(Error::refused("plan_required", detail).at(&at))
    }

    /// What the session of a look may do: the reads of this operation's look that the connection's
    /// capabilities hold.
    ///
    /// # Errors
    /// 422 `no_plan_needed` of what destroys nothing, `too_many_resources` for more than one session can
    /// be limited to.
    pub fn look_policy(&self, place: &Place, capabilities: &CapabilitySet) -> Result<PolicyDocument, Error> {
        if self.needs_plan().is_none() {
            return Err(no_plan_needed());
        }
        let mut statements: Vec<(Vec<&'static str>, Vec<String>)> = Vec::new();
        for (action, on) in self.reads(place) {
            if !holds(capabilities, action) {
                continue;
            }
            match statements.iter_mut().find(|(_, resources)| *resources == on) {
                Some((actions, _)) => actions.push(action),
                None => statements.push((vec![action], on)),
            }
        }
        let statements = statements.into_iter().map(|(actions, on)| Statement::allow(actions, on));
        let policy = PolicyDocument::new(statements.collect());
        fits(&policy)?;
        Ok(policy)
    }
}

fn holds(capabilities: &CapabilitySet, action: &str) -> bool {
    action.parse::<Action>().is_ok_and(|action| capabilities.holds(action))
}

/// A look under way.
#[derive(Debug)]
pub(crate) struct Look<'a> {
    session: &'a CustomerSession,
    place: &'a Place,
    capabilities: &'a CapabilitySet,
    salt: &'a str,
}

impl Look<'_> {
    fn ec2(&self) -> aws_sdk_ec2::Client {
        ec2::client(self.session, self.place)
    }

    fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        dynamodb::client(self.session, self.place)
    }

    /// Reads what the plan can do without, if the connection may.
    async fn read<T, E, R>(
        &self,
        action: &'static str,
        answer: impl Future<Output = Result<T, SdkError<E, R>>>,
    ) -> Result<T, Unread>
    where
        E: ProvideErrorMetadata,
    {
        if !holds(self.capabilities, action) {
            return Err(Unread::not_held(action));
        }
        answer.await.map_err(|error| {
            let code = failed_by(String::new(), &error).code.unwrap_or_default();
            Unread {
                why: format!("AWS did not answer {action} ({code})"),
                refusal: Some(not_seen(&error, false)),
            }
        })
    }
}

/// Why something was not read.
#[derive(Debug)]
struct Unread {
    why: String,
    /// How a plan is refused that cannot do without it; `None` where the connection may not read it at
    /// all, which nobody mends by asking again.
    refusal: Option<Error>,
}

impl Unread {
    fn not_held(action: &str) -> Self {
        Self { why: format!("no capability of the connection holds {action}"), refusal: None }
    }
}

/// The warnings of a plan, as they come up.
#[derive(Debug, Default)]
struct Warnings(Vec<Warning>);

impl Warnings {
    fn add(&mut self, code: &str, detail: impl Into<String>) {
        self.0.push(Warning { code: code.to_owned(), detail: detail.into() });
    }

    /// What was read; what was not is told: `unknown` says what nobody knows for that.
    fn known<T>(&mut self, read: Result<T, Unread>, unknown: &str) -> Option<T> {
        read.map_err(|Unread { why, .. }| self.add("not_read", format!("{unknown} is not known: {why}"))).ok()
    }
}

/// The refusal of a plan whose targets AWS did not show. Of items AWS's words are left out, for they may
/// quote them.
fn not_seen<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>, quotes_items: bool) -> Error {
    let target = failed_by(String::new(), error);
    let (code, said) = (target.code.unwrap_or_default(), target.detail.unwrap_or_default());
    if matches!(code.as_str(), "no_answer" | "throttled" | "aws_unavailable") {
        let detail = "AWS did not show what would be gone: it throttled or failed; ask again in a moment";
        return Error::new(ErrorKind::Unavailable, "account_unavailable", detail);
    }
    let why = if quotes_items { format!("{code}; look at the input's key and table") } else { said };
    let detail = format!("nothing is planned that nobody has looked at, and AWS does not show it: {why}");
    Error::refused("targets_unreadable", detail)
}

/// The refusal of a plan for what is not there; each by where it stands in the input, and what is said.
fn absent(targets: Vec<(String, String)>) -> Error {
    told(
        "target_not_found",
        "there is no such target in this account and Region; `errors` says which",
        targets,
    )
}

/// The refusal of a plan for what its owner protects.
fn protected(targets: Vec<(String, String)>) -> Error {
    let detail = "a target is tagged drawbridge:protected=true; its owner takes the tag off, if it is to go";
    told("target_protected", detail, targets)
}

fn told(code: &'static str, detail: &str, targets: Vec<(String, String)>) -> Error {
    let field = |(at, detail): (String, String)| FieldError::new(format!("/input{at}"), code, detail);
    Error { fields: targets.into_iter().map(field).collect(), ..Error::refused(code, detail) }
}

/// Whether one of these tags protects what has it.
fn protects<'a>(tags: impl IntoIterator<Item = (Option<&'a str>, Option<&'a str>)>) -> bool {
    tags.into_iter().any(|(key, value)| {
        // Whoever writes True means it as well.
        key == Some(PROTECTED) && value.is_some_and(|value| value.trim().eq_ignore_ascii_case("true"))
    })
}

/// An object without what is not known.
pub(crate) fn known(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map.into_iter().filter(|(_, value)| !value.is_null()).collect(),
        _ => Map::new(),
    }
}

/// The first of a list, as much as a plan shows.
fn shown(items: impl IntoIterator<Item = Map<String, Value>>) -> Value {
    items.into_iter().take(MOST_SHOWN).map(Value::Object).collect()
}

#[cfg(test)]
mod tests;
