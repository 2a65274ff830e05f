//! The calls that a stack's functions made, as `infra/local/calls.py` has written them down.

use std::path::PathBuf;

use blackbox::Stack;
use serde::Deserialize;

/// One call.
#[derive(Debug, Deserialize)]
pub(crate) struct Call {
    /// The ARN of the role that made it.
    pub principal: String,
    /// What it is, in words.
    pub signature: String,
    /// What IAM was asked to allow for it.
    pub permissions: Vec<Permission>,
}

/// An action on a resource.
#[derive(Debug, Deserialize)]
pub(crate) struct Permission {
    pub action: String,
    pub resource: String,
    /// Whether the local AWS allowed it.
    pub allowed: bool,
}

impl std::fmt::Display for Permission {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} on {}", self.action, self.resource)
    }
}

/// Where the record of a stack is.
pub(crate) fn file(stack: &Stack) -> PathBuf {
    stack.log_dir.join("calls.jsonl")
}

/// Every call so far.
pub(crate) fn recorded(stack: &Stack) -> Vec<Call> {
    let text = std::fs::read_to_string(file(stack)).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}
