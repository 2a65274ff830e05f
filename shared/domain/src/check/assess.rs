//! What follows from what a role can do: whether everything asked for is possible, and else why
//! not, with the smallest change that mends it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{CheckOutcome, Finding, Permission, RegionChecks, permissions};
use crate::arn::RoleArn;
use crate::capability::{Action, CapabilitySet};
use crate::denial::Side;
use crate::id::VerificationId;
use crate::place::Region;
use crate::policy;
use crate::reason::{Reason, ReasonCode};
use crate::verification::Depth;

/// How many rows there are of each outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Tally {
    /// What AWS would carry out.
    pub allowed: u32,
    /// What AWS refuses.
    pub denied: u32,
    /// What cannot be found out safely.
    pub unverifiable: u32,
    /// What AWS did not answer.
    pub inconclusive: u32,
}

/// What follows from the checks of a connection.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Assessment {
    /// Why not everything is possible, if it is not.
    pub reasons: Vec<Reason>,
    /// How much is known.
    pub tally: Tally,
    /// Whether AWS left something unanswered this time. A row that was known before stays as it was,
    /// so that neither the reasons nor the tally tell.
    pub unanswered: bool,
}

/// What is known of one permission in all Regions.
type ByPermission<'a> = BTreeMap<Permission, BTreeMap<&'a Region, Option<&'a Finding>>>;

/// Judges what is known of `role` when `verification` ends. What is not known at all counts as
/// inconclusive.
#[must_use]
pub fn assess(
    verification: VerificationId,
    capabilities: &CapabilitySet,
    regions: &BTreeSet<Region>,
    role: &RoleArn,
    known: &[RegionChecks],
) -> Assessment {
    let of_role: BTreeMap<&Region, &RegionChecks> = known
        .iter()
        .filter(|checks| checks.role_arn == *role)
        .map(|checks| (&checks.region, checks))
        .collect();
    let wanted = permissions(capabilities, Depth::Full);
    let by_permission: ByPermission<'_> = wanted
        .iter()
        .map(|permission| {
            let found = |region| of_role.get(region).and_then(|checks| checks.finding(*permission));
            (*permission, regions.iter().map(|region| (region, found(region))).collect())
        })
        .collect();

    let unavailable: BTreeSet<&Region> =
        regions.iter().filter(|region| is_unavailable(region, &by_permission)).collect();
    let mut reasons = missing(role, &by_permission, &unavailable);
    reasons.extend(unavailable.iter().map(|region| region_unavailable(region, &by_permission)));
    reasons.extend(inconclusive(&by_permission, &unavailable));
    // A closed Region answers that it is closed, so that silence is silence there too.
    let unanswered = regions
        .iter()
        .filter_map(|region| of_role.get(region))
        .filter(|checks| checks.verification_id == verification)
        .any(|checks| !checks.unanswered.is_disjoint(&wanted));
    Assessment { reasons, tally: tally(&by_permission), unanswered }
}

fn tally(by_permission: &ByPermission<'_>) -> Tally {
    let mut tally = Tally::default();
    for finding in by_permission.values().flat_map(BTreeMap::values) {
        let count = match finding.map_or(CheckOutcome::Inconclusive, |finding| finding.outcome) {
            CheckOutcome::Allowed => &mut tally.allowed,
            CheckOutcome::Denied => &mut tally.denied,
            CheckOutcome::Unverifiable => &mut tally.unverifiable,
            CheckOutcome::Inconclusive => &mut tally.inconclusive,
        };
        *count += 1;
    }
    tally
}

/// A Region that refuses the session's credentials, or refuses everything of which AWS tells, while
/// each of it is allowed elsewhere.
fn is_unavailable(region: &Region, by_permission: &ByPermission<'_>) -> bool {
    let here = |found: &BTreeMap<&Region, Option<&Finding>>| found.get(region).copied().flatten().cloned();
    let told: Vec<_> = by_permission
        .values()
        .filter_map(|found| Some((here(found)?, found)))
        .filter(|(finding, _)| matches!(finding.outcome, CheckOutcome::Allowed | CheckOutcome::Denied))
        .collect();
    if told.iter().any(|(finding, _)| finding.refused_by_region) {
        return true;
    }
    !told.is_empty()
        && told.iter().all(|(finding, everywhere)| {
            finding.outcome == CheckOutcome::Denied
                && everywhere.values().flatten().any(|there| there.outcome == CheckOutcome::Allowed)
        })
}

fn region_unavailable(region: &Region, by_permission: &ByPermission<'_>) -> Reason {
    let refuses = by_permission
        .values()
        .filter_map(|found| found.get(region).copied().flatten())
        .any(|finding| finding.refused_by_region);
    let (detail, remedy) = if refuses {
        (
            format!(
                "{region} does not accept the customer's credentials: the Region is not enabled in the account"
            ),
            format!(
                "The customer enables {region} (AWS console: Account, AWS Regions; it takes some minutes), or the \
                 provider takes it off the connection; then verify again."
            ),
        )
    } else {
        (
            format!(
                "Everything that could be asked in {region} is refused, though other Regions allow it: most \
                 likely a service control policy of the customer's organization, or a condition on \
                 aws:RequestedRegion in the role's policies, closes this Region."
            ),
            format!(
                "The customer opens {region} for the role in that policy, or the provider takes the Region off the \
                 connection; then verify again."
            ),
        )
    };
    Reason { code: ReasonCode::RegionUnavailable, detail, remedy, patch: None }
}

/// Which actions are refused where.
type Where<'a> = BTreeMap<Action, BTreeSet<&'a Region>>;

/// One reason for each statement that has to be added, and one for each side that refuses whatever
/// is added.
fn missing(role: &RoleArn, by_permission: &ByPermission<'_>, unavailable: &BTreeSet<&Region>) -> Vec<Reason> {
    let mut takes: BTreeMap<Action, BTreeSet<Action>> = BTreeMap::new();
    let (mut whole, mut drill, mut elsewhere) =
        (Where::new(), Where::new(), BTreeMap::<Side, Where<'_>>::new());
    for (permission, found) in by_permission {
        for (region, finding) in found.iter().filter(|(region, _)| !unavailable.contains(*region)) {
            let Some(finding) = finding.filter(|finding| finding.outcome == CheckOutcome::Denied) else {
                continue;
            };
            let those = match finding.refused_by {
                // Where AWS names no side, a missing statement is the likeliest.
                None | Some(Side::RolePermissions | Side::Unknown) if permission.drill => &mut drill,
                None | Some(Side::RolePermissions | Side::Unknown) => &mut whole,
                Some(side) => elsewhere.entry(side).or_default(),
            };
            if let Some(part) = finding.lacking {
                takes.entry(part).or_default().insert(permission.action);
            }
            those.entry(finding.lacking.unwrap_or(permission.action)).or_default().insert(region);
        }
    }
    // A statement on every resource allows it on drill tables too.
    drill.retain(|action, _| !whole.contains_key(action));
    let statements = [(whole, false), (drill, true)].into_iter().filter(|(those, _)| !those.is_empty());
    let missing = statements.map(|(those, drill)| permission_missing(role, &those, &takes, drill));
    missing.chain(elsewhere.iter().map(|(side, those)| permission_refused(*side, those))).collect()
}

fn permission_missing(
    role: &RoleArn,
    denied: &Where<'_>,
    takes: &BTreeMap<Action, BTreeSet<Action>>,
    drill: bool,
) -> Reason {
    let actions: BTreeSet<Action> = denied.keys().copied().collect();
    let statement = policy::patch(role, &actions, drill);
    let on = if drill { " on tables named drawbridge-drill-…" } else { "" };
    let also = denied.keys().filter_map(|part| {
        let whole: Vec<_> = takes.get(part)?.iter().map(|action| action.as_str()).collect();
        Some(format!(". {} takes it as well.", whole.join(", ")))
    });
    Reason {
        code: ReasonCode::PermissionMissing,
        detail: format!("AWS refuses the role{on}: {}{}", told(denied), also.collect::<String>()),
        remedy: format!(
            "Add `patch` as one more statement to the permissions policy of {role}, then verify again. IAM may take a \
             minute to apply a change."
        ),
        patch: serde_json::to_value(statement).ok().filter(Value::is_object),
    }
}

/// What no statement mends that is added to the role's permissions.
fn permission_refused(side: Side, denied: &Where<'_>) -> Reason {
    Reason {
        code: ReasonCode::PermissionMissing,
        detail: format!("AWS refuses the role: {}. {}", told(denied), side.detail()),
        remedy: side.remedy().to_owned(),
        patch: None,
    }
}

fn inconclusive(by_permission: &ByPermission<'_>, unavailable: &BTreeSet<&Region>) -> Option<Reason> {
    let mut open = Where::new();
    for (permission, found) in by_permission {
        for (region, finding) in found {
            let is_open = finding.is_none_or(|finding| finding.outcome == CheckOutcome::Inconclusive);
            if is_open && !unavailable.contains(region) {
                open.entry(permission.action).or_default().insert(region);
            }
        }
    }
    (!open.is_empty()).then(|| Reason {
        code: ReasonCode::ProbeInconclusive,
        detail: format!("AWS throttled or failed, so that nothing is known of {}", told(&open)),
        remedy: "Nothing is known to be wrong with the role. It is looked at again by itself; to know sooner, verify \
                 again."
            .to_owned(),
        patch: None,
    })
}

/// Which actions in which Regions, those of the same Regions together.
fn told(actions: &Where<'_>) -> String {
    let mut by_regions: BTreeMap<&BTreeSet<&Region>, Vec<&str>> = BTreeMap::new();
    for (action, regions) in actions {
        by_regions.entry(regions).or_default().push(action.as_str());
    }
    let parts: Vec<_> = by_regions
        .into_iter()
        .map(|(regions, actions)| {
            let regions: Vec<_> = regions.iter().map(|region| region.as_str()).collect();
            format!("{} in {}", actions.join(", "), regions.join(", "))
        })
        .collect();
    parts.join("; ")
}
