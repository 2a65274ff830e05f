//! Which of a customer's resources a schedule or a run is about.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use globset::{GlobBuilder, GlobMatcher};
use serde::{Deserialize, Serialize};

use crate::error::{Error, FieldError};

/// Most patterns in `names` and in `exclude_names`, and most `ids`.
const MOST_PATTERNS: usize = 100;

/// Longest pattern or id, in characters: as long as the name of a table may be. Source: DynamoDB
/// Developer Guide, "Quotas in Amazon DynamoDB".
const LONGEST_PATTERN: usize = 255;

/// Most tags.
const MOST_TAGS: usize = 10;

/// Longest key of a tag, in characters. Source: Tagging AWS Resources User Guide, "Tag naming
/// limits and requirements".
const LONGEST_KEY: usize = 128;

/// Longest value of a tag, in characters. Source: as for the key.
const LONGEST_VALUE: usize = 256;

/// Which resources: what is given must all hold, and something must be given.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SelectionParts {
    /// Patterns, one of which the name must match: `*` is any characters, `?` is one, `[a-z]` is
    /// one of these and `{a,b}` either. `["*"]` means all. The name is a table's, or an instance's id or its tag
    /// `Name`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
    /// Patterns, none of which the name may match. They narrow what the others name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclude_names: Vec<String>,
    /// Tags, all of which the resource must have, with exactly these values.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// Names, one of which must be the resource's, exactly as AWS has it: a table's name, an
    /// instance's id.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ids: Vec<String>,
}

/// A selection that has been read. Outside it is its [`SelectionParts`].
#[derive(Clone)]
pub struct Selection {
    parts: SelectionParts,
    names: Vec<GlobMatcher>,
    exclude_names: Vec<GlobMatcher>,
    ids: BTreeSet<String>,
}

impl Selection {
    /// Reads the parts.
    ///
    /// # Errors
    ///
    /// `invalid_selection` (400) with the fields that cannot be read, and `selection_empty` (422)
    /// where nothing says what is meant.
    pub fn new(parts: SelectionParts) -> Result<Self, Error> {
        let mut errors = Vec::new();
        let names = patterns("/names", &parts.names, &mut errors);
        let exclude_names = patterns("/exclude_names", &parts.exclude_names, &mut errors);
        check_ids(&parts.ids, &mut errors);
        check_tags(&parts.tags, &mut errors);
        if !errors.is_empty() {
            return Err(Error::invalid_fields(errors));
        }
        if parts.names.is_empty() && parts.tags.is_empty() && parts.ids.is_empty() {
            let detail = "nothing is selected: give names, tags or ids; {\"names\": [\"*\"]} means all";
            return Err(Error::refused("selection_empty", detail));
        }
        let ids = parts.ids.iter().cloned().collect();
        Ok(Self { parts, names, exclude_names, ids })
    }

    /// What it was read from.
    #[must_use]
    pub const fn parts(&self) -> &SelectionParts {
        &self.parts
    }

    /// Whether the resource of this name is meant, as far as names tell: its tags may still say
    /// no. The name is the one that `ids` would have: a table's.
    #[must_use]
    pub fn wants_name(&self, name: &str) -> bool {
        self.wants_named(name, None)
    }

    /// The same of a resource that has an id and may have a name besides, as an instance has: patterns are
    /// matched with both.
    #[must_use]
    pub fn wants_named(&self, id: &str, name: Option<&str>) -> bool {
        let any = |patterns: &[GlobMatcher]| {
            let matches = |text: &str| patterns.iter().any(|pattern| pattern.is_match(text));
            matches(id) || name.is_some_and(matches)
        };
        (self.names.is_empty() || any(&self.names))
            && !any(&self.exclude_names)
            && (self.ids.is_empty() || self.ids.contains(id))
    }

    /// Whether a resource with these tags is meant, as far as tags tell.
    #[must_use]
    pub fn wants_tags(&self, tags: &BTreeMap<String, String>) -> bool {
        self.parts.tags.iter().all(|(key, value)| tags.get(key) == Some(value))
    }

    /// Whether a resource's tags must be known to tell whether it is meant.
    #[must_use]
    pub fn needs_tags(&self) -> bool {
        !self.parts.tags.is_empty()
    }

    /// The only resources that may be meant, where they are named one by one: nothing else has to
    /// be listed.
    #[must_use]
    pub fn exact_ids(&self) -> Option<&BTreeSet<String>> {
        Some(&self.ids).filter(|ids| !ids.is_empty())
    }
}

fn refuse(pointer: impl Into<String>, detail: impl Into<String>) -> FieldError {
    FieldError::new(pointer, "invalid_selection", detail)
}

fn too_many(pointer: &str, count: usize, errors: &mut Vec<FieldError>) {
    if count > MOST_PATTERNS {
        errors.push(refuse(pointer, format!("at most {MOST_PATTERNS}, and not {count}")));
    }
}

fn is_bounded(text: &str) -> bool {
    !text.is_empty() && text.chars().count() <= LONGEST_PATTERN
}

fn patterns(pointer: &str, texts: &[String], errors: &mut Vec<FieldError>) -> Vec<GlobMatcher> {
    too_many(pointer, texts.len(), errors);
    let mut read = Vec::new();
    for (at, text) in texts.iter().take(MOST_PATTERNS).enumerate() {
        match pattern(text) {
            Ok(pattern) => read.push(pattern),
            Err(what) => errors.push(refuse(format!("{pointer}/{at}"), what)),
        }
    }
    read
}

fn pattern(text: &str) -> Result<GlobMatcher, String> {
    if !is_bounded(text) {
        return Err(format!("a pattern has 1 to {LONGEST_PATTERN} characters"));
    }
    // The patterns are matched byte by byte, where a letter of two bytes is not one of a set.
    if text.contains('[') && !text.is_ascii() {
        return Err("a pattern with [ ] has only ASCII characters".to_owned());
    }
    // Said here, for its default is not the same on every system.
    let glob = GlobBuilder::new(text).backslash_escape(true).build();
    glob.map(|glob| glob.compile_matcher()).map_err(|error| format!("not a pattern: {}", error.kind()))
}

fn check_ids(ids: &[String], errors: &mut Vec<FieldError>) {
    too_many("/ids", ids.len(), errors);
    for (at, id) in ids.iter().take(MOST_PATTERNS).enumerate() {
        if !is_bounded(id) {
            errors.push(refuse(format!("/ids/{at}"), format!("an id has 1 to {LONGEST_PATTERN} characters")));
        }
    }
}

fn check_tags(tags: &BTreeMap<String, String>, errors: &mut Vec<FieldError>) {
    if tags.len() > MOST_TAGS {
        errors.push(refuse("/tags", format!("at most {MOST_TAGS}, and not {}", tags.len())));
    }
    for (key, value) in tags.iter().take(MOST_TAGS) {
        if key.is_empty() || key.chars().count() > LONGEST_KEY {
            errors.push(refuse("/tags", format!("a tag's key has 1 to {LONGEST_KEY} characters")));
        } else if value.chars().count() > LONGEST_VALUE {
            let pointer = format!("/tags/{}", key.replace('~', "~0").replace('/', "~1"));
            errors.push(refuse(pointer, format!("a tag's value has at most {LONGEST_VALUE} characters")));
        }
    }
}

impl PartialEq for Selection {
    fn eq(&self, other: &Self) -> bool {
        self.parts == other.parts
    }
}

impl Eq for Selection {}

impl fmt::Debug for Selection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Selection").field(&self.parts).finish()
    }
}

impl Serialize for Selection {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.parts.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Selection {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(SelectionParts::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests;
