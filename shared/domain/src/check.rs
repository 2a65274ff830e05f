//! What a role can really do: what is asked, what AWS answered, and what follows from it.
//!
//! An action is asked about once in a Region, however many capabilities hold it, but for
//! `dynamodb-drill`, whose statement allows its actions on tables of its own names alone.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::arn::RoleArn;
use crate::capability::{Action, Capability, CapabilitySet};
use crate::denial::Side;
use crate::id::VerificationId;
use crate::place::Region;
use crate::verification::{Depth, Verification};

mod assess;

pub use assess::{Assessment, Tally, assess};

/// How often what AWS left unanswered is asked in one verification before it counts as
/// inconclusive. Each time the SDK has tried several times already.
pub const ROUNDS: u32 = 3;

/// What is known of one action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum CheckOutcome {
    /// AWS would carry it out.
    Allowed,
    /// AWS refuses it.
    Denied,
    /// There is no safe way to find out, or AWS's answer does not tell. It is no failure.
    Unverifiable,
    /// AWS throttled or failed.
    Inconclusive,
}

/// How it was found out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum CheckMethod {
    /// By the call itself, which reads.
    Call,
    /// By EC2's `DryRun`, which carries nothing out.
    DryRun,
    /// By the call on a resource that does not exist.
    AbsentResource,
    /// Not at all.
    None,
}

/// One thing to be found out in a Region.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Permission {
    /// The action.
    pub action: Action,
    /// Whether it is asked for on drill tables alone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub drill: bool,
}

impl Permission {
    /// What `capability` needs for `action`.
    #[must_use]
    pub fn of(capability: Capability, action: Action) -> Self {
        Self { action, drill: capability == Capability::DynamodbDrill }
    }
}

/// Everything that these capabilities, and those that they imply, need; at this depth alone.
#[must_use]
pub fn permissions(capabilities: &CapabilitySet, depth: Depth) -> BTreeSet<Permission> {
    let all = capabilities
        .effective()
        .into_iter()
        .flat_map(|capability| capability.actions().map(move |action| Permission::of(capability, action)));
    all.filter(|permission| depth.includes(permission.action)).collect()
}

/// What AWS answered about one permission.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What was asked about.
    #[serde(flatten)]
    pub permission: Permission,
    /// What is known.
    pub outcome: CheckOutcome,
    /// How.
    pub method: CheckMethod,
    /// Whether it was the Region that refused the session's credentials, whatever they may do.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub refused_by_region: bool,
    /// Which side refused, as far as AWS said. For explanations; what is decided goes by `outcome`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused_by: Option<Side>,
    /// The action that AWS said it refused, where it is another one: carrying this one out takes that
    /// one as well. For explanations, as `refused_by` is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lacking: Option<Action>,
    /// What there is to say about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// What is known of a role in one Region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegionChecks {
    /// Where.
    pub region: Region,
    /// Of which role.
    pub role_arn: RoleArn,
    /// Which verification last asked.
    pub verification_id: VerificationId,
    /// When it did.
    pub at: Timestamp,
    /// How often it has asked so far.
    pub asked: u32,
    /// What it left unanswered. Such a row keeps what was known before.
    pub unanswered: BTreeSet<Permission>,
    /// What is known, one for each permission.
    pub findings: Vec<Finding>,
}

/// What a verification has still to ask in one Region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inquiry {
    /// Where.
    pub region: Region,
    /// What.
    pub permissions: BTreeSet<Permission>,
    /// Whether it was asked before in this verification.
    pub again: bool,
}

/// What `verification` has still to ask of `role` in each of `regions`, when so much is known: what
/// its depth is about, and whatever is not known yet.
#[must_use]
pub fn inquiries(
    verification: &Verification,
    capabilities: &CapabilitySet,
    regions: &BTreeSet<Region>,
    role: &RoleArn,
    known: &[RegionChecks],
) -> Vec<Inquiry> {
    let all = permissions(capabilities, Depth::Full);
    let open = regions.iter().filter_map(|region| {
        let before = known.iter().find(|checks| checks.region == *region && checks.role_arn == *role);
        let asked = before.filter(|checks| checks.verification_id == verification.id);
        let is_unknown = |permission: Permission| {
            let finding = before.and_then(|checks| checks.finding(permission));
            finding.is_none_or(|finding| finding.outcome == CheckOutcome::Inconclusive)
        };
        let is_wanted = |permission: &&Permission| match asked {
            Some(checks) => checks.unanswered.contains(permission),
            None => verification.depth.includes(permission.action) || is_unknown(**permission),
        };
        let over = asked.is_some_and(|checks| checks.asked >= ROUNDS);
        (!over).then(|| Inquiry {
            region: region.clone(),
            permissions: all.iter().filter(is_wanted).copied().collect(),
            again: asked.is_some(),
        })
    });
    open.filter(|inquiry| !inquiry.permissions.is_empty()).collect()
}

impl RegionChecks {
    /// What is known once `answers` have come in: a row that was not answered this time keeps what
    /// was known of this role before.
    #[must_use]
    pub fn answered(
        known: Option<&Self>,
        region: &Region,
        role: &RoleArn,
        verification_id: VerificationId,
        answers: Vec<Finding>,
        at: Timestamp,
    ) -> Self {
        let before = known.filter(|checks| checks.role_arn == *role);
        let asked = before.filter(|checks| checks.verification_id == verification_id);
        let mut unanswered = asked.map(|checks| checks.unanswered.clone()).unwrap_or_default();
        let mut findings: BTreeMap<Permission, Finding> = before
            .into_iter()
            .flat_map(|checks| &checks.findings)
            .map(|finding| (finding.permission, finding.clone()))
            .collect();
        for answer in answers {
            if answer.outcome == CheckOutcome::Inconclusive {
                unanswered.insert(answer.permission);
                findings.entry(answer.permission).or_insert(answer);
            } else {
                unanswered.remove(&answer.permission);
                findings.insert(answer.permission, answer);
            }
        }
        Self {
            region: region.clone(),
            role_arn: role.clone(),
            verification_id,
            at,
            asked: asked.map_or(0, |checks| checks.asked) + 1,
            unanswered,
            findings: findings.into_values().collect(),
        }
    }

    /// What is known of this permission.
    #[must_use]
    pub fn finding(&self, permission: Permission) -> Option<&Finding> {
        self.findings.iter().find(|finding| finding.permission == permission)
    }
}

/// One row of a connection's `checks`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Check {
    /// The IAM action.
    #[cfg_attr(feature = "openapi", schema(value_type = String, example = "ec2:StartInstances"))]
    pub action: Action,
    /// Where.
    #[cfg_attr(feature = "openapi", schema(value_type = String, example = "us-east-1"))]
    pub region: Region,
    /// The capability that holds the action.
    #[cfg_attr(feature = "openapi", schema(value_type = String, example = "ec2-power"))]
    pub capability: Capability,
    /// Whether the role may.
    pub outcome: CheckOutcome,
    /// How that was found out.
    pub method: CheckMethod,
    /// What there is to say about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// The rows of what is known of `role`: by capability, then in the order of its actions, for each
/// Region. What is not known yet has none.
#[must_use]
pub fn rows(
    capabilities: &CapabilitySet,
    regions: &BTreeSet<Region>,
    role: &RoleArn,
    known: &[RegionChecks],
) -> Vec<Check> {
    let mut rows = Vec::new();
    for checks in known.iter().filter(|checks| checks.role_arn == *role && regions.contains(&checks.region)) {
        let findings: BTreeMap<_, _> =
            checks.findings.iter().map(|finding| (finding.permission, finding)).collect();
        for capability in capabilities.effective() {
            for action in capability.actions() {
                let Some(finding) = findings.get(&Permission::of(capability, action)) else { continue };
                rows.push(Check {
                    action,
                    region: checks.region.clone(),
                    capability,
                    outcome: finding.outcome,
                    method: finding.method,
                    detail: finding.detail.clone(),
                });
            }
        }
    }
    rows
}

#[cfg(test)]
mod tests;
