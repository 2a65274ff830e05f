//! What AWS answered to the probes of permissions, as people read it.

use comfy_table::Cell;
use serde_json::Value;

use crate::table::listing;
use crate::text::{field, items};

/// Which rows are shown one by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rows {
    /// Those that stand in the way: denied, or not known.
    Open,
    /// All of them.
    All,
}

/// How many rows came to which outcome.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Tally {
    allowed: usize,
    denied: usize,
    inconclusive: usize,
    unverifiable: usize,
    other: usize,
}

impl Tally {
    /// The tally of these rows.
    pub fn of<'a>(rows: impl IntoIterator<Item = &'a Value>) -> Self {
        let mut tally = Self::default();
        for row in rows {
            match field(row, "outcome").as_str() {
                "allowed" => tally.allowed += 1,
                "denied" => tally.denied += 1,
                "inconclusive" => tally.inconclusive += 1,
                "unverifiable" => tally.unverifiable += 1,
                _ => tally.other += 1,
            }
        }
        tally
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} allowed, {} denied", self.allowed, self.denied)?;
        // What is seldom is said only where there is some of it.
        let seldom = [
            (self.inconclusive, "inconclusive"),
            (self.unverifiable, "unverifiable"),
            (self.other, "of an outcome that this version does not know"),
        ];
        seldom
            .iter()
            .filter(|(number, _)| *number > 0)
            .try_for_each(|(number, what)| write!(f, ", {number} {what}"))
    }
}

/// Whether a row stands in the way of `active`.
pub fn is_open(row: &Value) -> bool {
    !matches!(field(row, "outcome").as_str(), "allowed" | "unverifiable")
}

/// The rows of a connection.
pub fn checks(connection: &Value) -> &[Value] {
    items(connection, "checks")
}

/// The checks of a connection: counts by capability and Region, then rows one by one.
pub fn view(connection: &Value, rows: Rows) -> Option<String> {
    let checks = checks(connection);
    if checks.is_empty() {
        return None;
    }
    let mut parts = vec![format!("Permissions\n{}", counts(checks))];
    let shown: Vec<_> = checks.iter().filter(|row| rows == Rows::All || is_open(row)).collect();
    if !shown.is_empty() {
        let heading = if rows == Rows::All { "Every check" } else { "Denied or not known" };
        parts.push(format!("{heading}\n{}", one_by_one(&shown)));
    }
    if checks.iter().any(|row| field(row, "outcome") == "unverifiable") {
        parts.push(
            "Unverifiable is no failure: no safe probe of the action exists, or AWS's answer does not tell."
                .to_owned(),
        );
    }
    Some(parts.join("\n\n"))
}

fn counts(checks: &[Value]) -> String {
    // In the order in which the API lists them.
    let mut groups: Vec<([String; 2], Vec<&Value>)> = Vec::new();
    for row in checks {
        let key = ["capability", "region"].map(|name| field(row, name));
        match groups.iter_mut().find(|(known, _)| *known == key) {
            Some((_, rows)) => rows.push(row),
            None => groups.push((key, vec![row])),
        }
    }
    let rows = groups.into_iter().map(|([capability, region], rows)| {
        let tally = Tally::of(rows);
        let mut cells = vec![Cell::new(capability), Cell::new(region)];
        // What is not known to this version stands in the way like what AWS did not tell.
        let unknown = tally.inconclusive + tally.other;
        cells.extend([tally.allowed, tally.denied, unknown, tally.unverifiable].map(Cell::new));
        cells
    });
    listing(&["capability", "region", "allowed", "denied", "inconclusive", "unverifiable"], 6, rows.collect())
}

fn one_by_one(checks: &[&Value]) -> String {
    let rows = checks.iter().map(|row| {
        let text = |name| Cell::new(field(row, name));
        vec![
            text("action"),
            text("region"),
            text("outcome"),
            text("detail"),
            Cell::new(asked_by(row)),
            text("capability"),
        ]
    });
    listing(&["action", "region", "outcome", "detail", "asked by", "capability"], 4, rows.collect())
}

/// How AWS was asked, in words.
fn asked_by(row: &Value) -> String {
    match field(row, "method").as_str() {
        "call" => "a call".to_owned(),
        "dry_run" => "a dry run".to_owned(),
        "absent_resource" => "naming what does not exist".to_owned(),
        "none" => "not asked".to_owned(),
        other => other.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn row(action: &str, region: &str, outcome: &str) -> Value {
        json!({"action": action, "region": region, "capability": "ec2-power", "outcome": outcome,
               "method": "dry_run", "detail": (outcome == "denied").then_some("no policy allows it")})
    }

    fn connection() -> Value {
        json!({"checks": [
            row("ec2:StartInstances", "eu-west-1", "allowed"),
            row("ec2:StopInstances", "eu-west-1", "allowed"),
            row("ec2:StartInstances", "us-east-1", "denied"),
            row("ec2:StopInstances", "us-east-1", "inconclusive"),
            row("ec2:RebootInstances", "us-east-1", "unverifiable"),
        ]})
    }

    #[test]
    fn checks_are_counted_and_the_open_ones_listed() {
        let text = view(&connection(), Rows::Open).unwrap();
        assert_eq!(
            text,
            "Permissions\n\
             CAPABILITY  REGION     ALLOWED  DENIED  INCONCLUSIVE  UNVERIFIABLE\n\
             ec2-power   eu-west-1  2        0       0             0\n\
             ec2-power   us-east-1  0        1       1             1\n\n\
             Denied or not known\n\
             ACTION              REGION     OUTCOME       DETAIL               ASKED BY   CAPABILITY\n\
             ec2:StartInstances  us-east-1  denied        no policy allows it  a dry run  ec2-power\n\
             ec2:StopInstances   us-east-1  inconclusive  -                    a dry run  ec2-power\n\n\
             Unverifiable is no failure: no safe probe of the action exists, or AWS's answer does not tell."
        );
        let all = view(&connection(), Rows::All).unwrap();
        assert!(all.contains("Every check") && all.contains("ec2:RebootInstances"), "{all}");
        assert_eq!(view(&json!({"checks": []}), Rows::All), None);
        assert_eq!(view(&json!({}), Rows::All), None);
    }

    #[test]
    fn where_nothing_is_open_only_counts_are_shown() {
        let fine = json!({"checks": [row("ec2:StartInstances", "eu-west-1", "allowed")]});
        let text = view(&fine, Rows::Open).unwrap();
        assert!(!text.contains("ec2:StartInstances") && !text.contains("Unverifiable is"), "{text}");
    }

    #[test]
    fn an_outcome_of_a_later_version_is_not_swallowed() {
        let odd = json!({"checks": [row("ec2:StartInstances", "eu-west-1", "postponed")]});
        assert!(view(&odd, Rows::Open).unwrap().contains("postponed"));
        assert_eq!(
            Tally::of(checks(&odd)).to_string(),
            "0 allowed, 0 denied, 1 of an outcome that this version does not know"
        );
        assert_eq!(
            Tally::of(checks(&connection())).to_string(),
            "2 allowed, 1 denied, 1 inconclusive, 1 unverifiable"
        );
    }
}
