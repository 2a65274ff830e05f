//! Keys and secondary indexes, of tables that are made and of those that are restored.
//!
//! Source: `DynamoDB` API Reference, `GlobalSecondaryIndex` and `LocalSecondaryIndex`; `DynamoDB`
//! Developer Guide, "Service, account, and table quotas".

use std::collections::BTreeSet;

use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::types;
use domain::{Error, FieldError};
use serde::Deserialize;

use super::checks::check_index;
use super::shapes::{BillingMode, KeyType, ProjectionType, ProvisionedThroughput, check_billing};

/// Most global secondary indexes. Source: `DynamoDB` Developer Guide, "Service, account, and table
/// quotas", like the others here.
const MOST_GLOBALS: usize = 20;

/// Most local secondary indexes.
const MOST_LOCALS: usize = 5;

/// Most attributes that all indexes' projections name.
const MOST_PROJECTED: usize = 100;

/// Most attributes of either part of a table's key, and of a local index's.
pub(super) const PARTS: usize = 1;

/// The same of a global index's. Source: `DynamoDB` Developer Guide, "Multi-attribute keys pattern".
const PARTS_OF_GLOBALS: usize = 4;

/// `KeySchemaElement`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct KeySchemaElement {
    /// Which attribute.
    pub attribute_name: String,
    /// Which part of the key.
    pub key_type: KeyType,
}

/// `Projection`: what an index holds of each item.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Projection {
    /// All of it, or what.
    projection_type: ProjectionType,
    /// What is named beside the keys.
    #[serde(default)]
    non_key_attributes: Option<Vec<String>>,
}

/// `GlobalSecondaryIndex`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct GlobalSecondaryIndex {
    /// Its name.
    pub index_name: String,
    /// Its key.
    pub key_schema: Vec<KeySchemaElement>,
    /// What it holds.
    projection: Projection,
    /// What is provisioned for it.
    #[serde(default)]
    provisioned_throughput: Option<ProvisionedThroughput>,
}

/// `LocalSecondaryIndex`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct LocalSecondaryIndex {
    /// Its name.
    pub index_name: String,
    /// Its key: the table's partition key, and another sort key.
    pub key_schema: Vec<KeySchemaElement>,
    /// What it holds.
    projection: Projection,
}

fn invalid(at: impl Into<String>, code: &'static str, detail: impl Into<String>) -> Error {
    Error::invalid(FieldError::new(at, code, detail))
}

/// Refuses what is no key: partition keys, then sort keys, at most so many of each.
pub(super) fn check_schema(schema: &[KeySchemaElement], most: usize, at: &str) -> Result<(), Error> {
    let partition = schema.iter().take_while(|element| element.key_type == KeyType::Hash).count();
    let sort = schema.iter().skip(partition).take_while(|element| element.key_type == KeyType::Range).count();
    let distinct: BTreeSet<_> = schema.iter().map(|element| &element.attribute_name).collect();
    let formed = (1..=most).contains(&partition) && sort <= most && partition + sort == schema.len();
    if formed && distinct.len() == schema.len() {
        return Ok(());
    }
    let detail =
        format!("a key is HASH attributes, 1 to {most}, then RANGE attributes, {most} at most, all distinct");
    Err(invalid(format!("{at}/KeySchema"), "invalid_key_schema", detail))
}

/// A key as the SDK takes it.
pub(super) fn schema(elements: &[KeySchemaElement]) -> Result<Vec<types::KeySchemaElement>, BuildError> {
    elements
        .iter()
        .map(|element| {
            types::KeySchemaElement::builder()
                .attribute_name(&element.attribute_name)
                .key_type(element.key_type.into())
                .build()
        })
        .collect()
}

impl Projection {
    fn check(&self, at: &str) -> Result<(), Error> {
        let named = self.non_key_attributes.as_ref().is_some_and(|names| !names.is_empty());
        if named == (self.projection_type == ProjectionType::Include) {
            return Ok(());
        }
        let detail = "NonKeyAttributes stands where ProjectionType is INCLUDE, and only there";
        Err(invalid(format!("{at}/Projection/NonKeyAttributes"), "invalid_projection", detail))
    }

    fn names(&self) -> usize {
        self.non_key_attributes.as_ref().map_or(0, Vec::len)
    }

    fn sdk(&self) -> types::Projection {
        types::Projection::builder()
            .projection_type(self.projection_type.into())
            .set_non_key_attributes(self.non_key_attributes.clone())
            .build()
    }
}

impl GlobalSecondaryIndex {
    pub(super) fn sdk(&self) -> Result<types::GlobalSecondaryIndex, BuildError> {
        types::GlobalSecondaryIndex::builder()
            .index_name(&self.index_name)
            .set_key_schema(Some(schema(&self.key_schema)?))
            .projection(self.projection.sdk())
            .set_provisioned_throughput(
                self.provisioned_throughput.map(ProvisionedThroughput::sdk).transpose()?,
            )
            .build()
    }
}

impl LocalSecondaryIndex {
    pub(super) fn sdk(&self) -> Result<types::LocalSecondaryIndex, BuildError> {
        types::LocalSecondaryIndex::builder()
            .index_name(&self.index_name)
            .set_key_schema(Some(schema(&self.key_schema)?))
            .projection(self.projection.sdk())
            .build()
    }
}

/// Indexes as they are given, and under which names.
#[derive(Debug, Clone, Copy)]
pub(super) struct Indexes<'a> {
    pub globals: &'a [GlobalSecondaryIndex],
    pub locals: &'a [LocalSecondaryIndex],
    /// Where each kind stands.
    pub at: [&'static str; 2],
}

impl Indexes<'_> {
    /// Refuses indexes that `DynamoDB` refuses, whatever the table's own key.
    pub(super) fn check(&self) -> Result<(), Error> {
        let [at_globals, at_locals] = self.at;
        let globals = self.globals.iter().enumerate().map(|(place, index)| {
            let at = format!("{at_globals}/{place}");
            (at, &index.index_name, &index.key_schema, PARTS_OF_GLOBALS, &index.projection)
        });
        let locals = self.locals.iter().enumerate().map(|(place, index)| {
            let at = format!("{at_locals}/{place}");
            (at, &index.index_name, &index.key_schema, PARTS, &index.projection)
        });
        let mut names = BTreeSet::new();
        let mut projected = 0;
        for (at, name, schema, parts, projection) in globals.chain(locals) {
            check_index(name, &format!("{at}/IndexName"))?;
            if !names.insert(name) {
                let detail = "each index has a name of its own";
                return Err(invalid(format!("{at}/IndexName"), "invalid_index_name", detail));
            }
            check_schema(schema, parts, &at)?;
            projection.check(&at)?;
            projected += projection.names();
        }
        let many =
            [(self.globals.len(), MOST_GLOBALS, at_globals), (self.locals.len(), MOST_LOCALS, at_locals)];
        for (number, most, at) in many {
            if number > most {
                return Err(invalid(at, "too_many_indexes", format!("a table has at most {most} of these")));
            }
        }
        if projected > MOST_PROJECTED {
            let detail = "all indexes together name at most 100 attributes that are no keys";
            return Err(invalid("", "invalid_projection", detail));
        }
        Ok(())
    }

    /// Refuses a billing mode that does not go with what is provisioned for the global indexes.
    pub(super) fn check_capacity(&self, mode: Option<BillingMode>) -> Result<(), Error> {
        for (place, index) in self.globals.iter().enumerate() {
            check_billing(mode, index.provisioned_throughput, &format!("{}/{place}", self.at[0]))?;
        }
        Ok(())
    }
}
