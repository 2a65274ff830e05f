//! A restored table, held against what was backed up.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::manifest::{IndexManifest, TableManifest};

/// What of a table is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Aspect {
    /// Its key.
    Keys,
    /// Its global secondary indexes.
    GlobalIndexes,
    /// Its local ones.
    LocalIndexes,
    /// How it is billed, and what is provisioned for it.
    Billing,
    /// How many items it has.
    ItemCount,
}

impl Aspect {
    /// What a look at the table tells.
    const SHAPE: [Self; 4] = [Self::Keys, Self::GlobalIndexes, Self::LocalIndexes, Self::Billing];

    /// In one word, for people.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Keys => "keys",
            Self::GlobalIndexes => "global indexes",
            Self::LocalIndexes => "local indexes",
            Self::Billing => "billing",
            Self::ItemCount => "item count",
        }
    }

    fn of(self, table: &TableManifest) -> Value {
        let indexes = |global: bool| -> Vec<&IndexManifest> {
            table.indexes.iter().filter(|index| index.global == global).collect()
        };
        match self {
            Self::Keys => json!(table.keys),
            Self::GlobalIndexes => json!(indexes(true)),
            Self::LocalIndexes => json!(indexes(false)),
            Self::Billing => json!({
                "billing_mode": table.billing_mode,
                "read_units": table.read_units,
                "write_units": table.write_units,
            }),
            Self::ItemCount => json!(table.item_count),
        }
    }
}

/// How two tables compare in something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It is as it was.
    Same,
    /// It is not.
    Differs,
    /// One of the two could not be seen.
    Unknown,
    /// All items were counted. What AWS says of the backup may be hours old, so that another number is no
    /// difference.
    Counted,
    /// There are at least so many items: counting took too long.
    AtLeast,
    /// Nobody asked for it.
    NotCounted,
}

/// One comparison.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comparison {
    /// What was compared.
    pub aspect: Aspect,
    /// How it compares.
    pub verdict: Verdict,
    /// What it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub was: Option<Value>,
    /// What it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is: Option<Value>,
    /// What should be known of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

impl Comparison {
    fn of(aspect: Aspect, verdict: Verdict) -> Self {
        Self { aspect, verdict, was: None, is: None, detail: None }
    }

    fn unknown(aspect: Aspect, why: &str) -> Self {
        Self { detail: Some(why.to_owned()), ..Self::of(aspect, Verdict::Unknown) }
    }

    /// Whether it is not as it was, or not known to be.
    #[must_use]
    pub const fn falls_short(&self) -> bool {
        matches!(self.verdict, Verdict::Differs | Verdict::Unknown)
    }
}

/// How many items were counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Counted {
    /// All of them.
    All(u64),
    /// So many, before there was no more time.
    AtLeast(u64),
    /// None yet: AWS throttles, or failed.
    Later,
    /// They could not be counted; why.
    Refused(String),
    /// Nobody asked for it.
    NotAsked,
}

/// Compares a restored table with what was backed up.
#[must_use]
pub fn compare(was: Option<&TableManifest>, is: &TableManifest) -> Vec<Comparison> {
    let was = was.filter(|manifest| manifest.is_seen());
    let compared = |aspect: Aspect| {
        let Some(was) = was else {
            return Comparison::unknown(aspect, "The table could not be seen when it was backed up.");
        };
        let (was, is) = (aspect.of(was), aspect.of(is));
        if was == is {
            return Comparison::of(aspect, Verdict::Same);
        }
        Comparison { was: Some(was), is: Some(is), ..Comparison::of(aspect, Verdict::Differs) }
    };
    Aspect::SHAPE.into_iter().map(compared).collect()
}

/// Compares how many items there are with how many there were, as AWS last counted.
#[must_use]
pub fn count(was: Option<&TableManifest>, counted: &Counted) -> Comparison {
    let about = was.filter(|manifest| manifest.is_seen()).map(|manifest| manifest.item_count);
    let of = |verdict, is: u64, detail: Option<&str>| Comparison {
        was: about.map(Value::from),
        is: Some(Value::from(is)),
        detail: detail.map(str::to_owned),
        ..Comparison::of(Aspect::ItemCount, verdict)
    };
    match counted {
        Counted::All(items) if about.and_then(|about| u64::try_from(about).ok()) == Some(*items) => {
            of(Verdict::Same, *items, None)
        }
        Counted::All(items) => {
            let detail = "All items were counted. What AWS tells of the backed-up table it counts every six hours \
                          or so, so that another number is no difference.";
            of(Verdict::Counted, *items, Some(detail))
        }
        Counted::AtLeast(items) => {
            of(Verdict::AtLeast, *items, Some("Counting them all would have taken too long."))
        }
        Counted::Later => Comparison::unknown(
            Aspect::ItemCount,
            "AWS throttled or failed each time that they were to be counted.",
        ),
        Counted::Refused(why) => Comparison::unknown(Aspect::ItemCount, why),
        Counted::NotAsked => Comparison::of(Aspect::ItemCount, Verdict::NotCounted),
    }
}

/// What is told where nothing could be compared.
#[must_use]
pub fn uncompared(why: &str, count_items: bool) -> Vec<Comparison> {
    let detail = format!("The new table could not be looked at ({why}).");
    let counted = if count_items { Counted::Refused(detail.clone()) } else { Counted::NotAsked };
    let shape = Aspect::SHAPE.into_iter().map(|aspect| Comparison::unknown(aspect, &detail));
    shape.chain([count(None, &counted)]).collect()
}
