//! What a table was like when it was backed up: kept beside each backup, for a restore brings back the
//! data, the keys and the indexes, and loses the rest.
//!
//! Source: `DynamoDB` Developer Guide, "Restoring a `DynamoDB` table from a backup".

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Something that may not have been readable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Known<T> {
    /// It was read.
    Known(T),
    /// The role may not read it, or AWS did not answer; why, in a word.
    Unknown(String),
}

impl<T> Known<T> {
    /// What was read.
    pub const fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Unknown(_) => None,
        }
    }
}

impl<T> Known<T> {
    /// The same, with this made of what was read.
    pub fn map<U>(self, made: impl FnOnce(T) -> U) -> Known<U> {
        match self {
            Self::Known(value) => Known::Known(made(value)),
            Self::Unknown(why) => Known::Unknown(why),
        }
    }
}

/// One attribute of a key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct KeyPart {
    /// The attribute's name.
    pub name: String,
    /// `HASH` or `RANGE`.
    pub role: String,
    /// `S`, `N` or `B`.
    #[serde(rename = "type")]
    pub kind: String,
}

/// One secondary index.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct IndexManifest {
    /// Its name.
    pub name: String,
    /// Whether it is a global one.
    pub global: bool,
    /// Its key.
    pub keys: Vec<KeyPart>,
    /// `ALL`, `KEYS_ONLY` or `INCLUDE`.
    pub projection: String,
    /// What `INCLUDE` includes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub includes: Vec<String>,
}

/// A table as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TableManifest {
    /// When it was looked at.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub seen_at: Timestamp,
    /// AWS's id of the table: another one of the same name has another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table_id: Option<String>,
    /// Its key.
    pub keys: Vec<KeyPart>,
    /// Its indexes, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub indexes: Vec<IndexManifest>,
    /// `PROVISIONED` or `PAY_PER_REQUEST`.
    pub billing_mode: String,
    /// Units provisioned for reading, where they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_units: Option<i64>,
    /// Units provisioned for writing, where they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub write_units: Option<i64>,
    /// Items, as AWS counts every six hours or so.
    pub item_count: i64,
    /// Bytes, likewise.
    pub size_bytes: i64,
    /// `STANDARD` or `STANDARD_INFREQUENT_ACCESS`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table_class: Option<String>,
    /// The KMS key that it is encrypted under, where it is one of KMS's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kms_key: Option<String>,
    /// Whether the table is protected from being deleted.
    pub deletion_protection: bool,
    /// What its stream shows (`StreamViewType`), if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<String>,
    /// The attribute that items expire by, if they do.
    pub time_to_live: Known<Option<String>>,
    /// Whether it can be restored to a point in time.
    pub point_in_time_recovery: Known<bool>,
    /// Its tags.
    pub tags: Known<BTreeMap<String, String>>,
}

impl TableManifest {
    /// Whether the table could be looked at when its backup was made.
    #[must_use]
    pub const fn is_seen(&self) -> bool {
        // Every table has a key.
        !self.keys.is_empty()
    }

    /// The tags that a new table can be given: those of AWS's own nobody else can set. Source: `DynamoDB`
    /// Developer Guide, "Tagging restrictions in `DynamoDB`".
    #[must_use]
    pub fn tags_to_restore(&self) -> Known<BTreeMap<String, String>> {
        match &self.tags {
            Known::Known(tags) => {
                let own = tags.iter().filter(|(key, _)| !key.to_lowercase().starts_with("aws:"));
                Known::Known(own.map(|(key, value)| (key.clone(), value.clone())).collect())
            }
            Known::Unknown(why) => Known::Unknown(why.clone()),
        }
    }

    /// Of a table that could not be looked at when its backup was found.
    #[must_use]
    pub fn unseen(seen_at: Timestamp) -> Self {
        let unknown = || "not_seen".to_owned();
        Self {
            seen_at,
            table_id: None,
            keys: Vec::new(),
            indexes: Vec::new(),
            billing_mode: unknown(),
            read_units: None,
            write_units: None,
            item_count: 0,
            size_bytes: 0,
            table_class: None,
            kms_key: None,
            deletion_protection: false,
            stream: None,
            time_to_live: Known::Unknown(unknown()),
            point_in_time_recovery: Known::Unknown(unknown()),
            tags: Known::Unknown(unknown()),
        }
    }
}
