//! `dynamodb:CreateTable`. Source: `DynamoDB` API Reference, `CreateTable`.

use std::collections::{BTreeMap, BTreeSet};

use access::CustomerSession;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::operation::create_table::builders::CreateTableFluentBuilder;
use aws_sdk_dynamodb::operation::describe_table::DescribeTableError;
use aws_sdk_dynamodb::types;
use domain::policy::Statement;
use domain::{Error, FieldError};
use serde::Deserialize;
use serde_json::{Value, json};

use super::checks::check_index;
use super::shapes::{
    BillingMode, KeyType, ProjectionType, ProvisionedThroughput, ScalarAttributeType, StreamSpecification,
    TableClass, Tag, check_billing, tags,
};
use super::{VALIDATED, asked, check_range, check_table, check_tags, client, look_ups, not_built, told};
use crate::operations::{Carry, Outcome, Place, failed, succeeded};

/// Most global secondary indexes. Source: `DynamoDB` Developer Guide, "Service, account, and table
/// quotas", like the others here.
const MOST_GLOBALS: usize = 20;

/// Most local secondary indexes.
const MOST_LOCALS: usize = 5;

/// Most attributes that all indexes' projections name.
const MOST_PROJECTED: usize = 100;

/// Most attributes of either part of a table's key, and of a local index's.
const PARTS: usize = 1;

/// The same of a global index's. Source: `DynamoDB` Developer Guide, "Multi-attribute keys pattern".
const PARTS_OF_GLOBALS: usize = 4;

/// Makes a table.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct CreateTable {
    /// Its name.
    table_name: String,
    /// The attributes of its key, and of its indexes' keys.
    attribute_definitions: Vec<AttributeDefinition>,
    /// Its key.
    key_schema: Vec<KeySchemaElement>,
    /// How it is billed: `PROVISIONED` if nothing is said.
    #[serde(default)]
    billing_mode: Option<BillingMode>,
    /// What is provisioned for it.
    #[serde(default)]
    provisioned_throughput: Option<ProvisionedThroughput>,
    /// Its global secondary indexes.
    #[serde(default)]
    global_secondary_indexes: Option<Vec<GlobalSecondaryIndex>>,
    /// Its local secondary indexes.
    #[serde(default)]
    local_secondary_indexes: Option<Vec<LocalSecondaryIndex>>,
    /// Whether it has a stream, and what that tells.
    #[serde(default)]
    stream_specification: Option<StreamSpecification>,
    /// Its tags.
    #[serde(default)]
    tags: Option<Vec<Tag>>,
    /// Its class.
    #[serde(default)]
    table_class: Option<TableClass>,
    /// Whether it cannot be deleted.
    #[serde(default)]
    deletion_protection_enabled: Option<bool>,
}

/// `AttributeDefinition`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct AttributeDefinition {
    /// Its name.
    attribute_name: String,
    /// Its type.
    attribute_type: ScalarAttributeType,
}

/// `KeySchemaElement`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct KeySchemaElement {
    /// Which attribute.
    attribute_name: String,
    /// Which part of the key.
    key_type: KeyType,
}

/// `Projection`: what an index holds of each item.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Projection {
    /// All of it, or what.
    projection_type: ProjectionType,
    /// What is named beside the keys.
    #[serde(default)]
    non_key_attributes: Option<Vec<String>>,
}

/// `GlobalSecondaryIndex`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct GlobalSecondaryIndex {
    /// Its name.
    index_name: String,
    /// Its key.
    key_schema: Vec<KeySchemaElement>,
    /// What it holds.
    projection: Projection,
    /// What is provisioned for it.
    #[serde(default)]
    provisioned_throughput: Option<ProvisionedThroughput>,
}

/// `LocalSecondaryIndex`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct LocalSecondaryIndex {
    /// Its name.
    index_name: String,
    /// Its key: the table's partition key, and another sort key.
    key_schema: Vec<KeySchemaElement>,
    /// What it holds.
    projection: Projection,
}

fn invalid(at: impl Into<String>, code: &'static str, detail: impl Into<String>) -> Error {
    Error::invalid(FieldError::new(at, code, detail))
}

/// Refuses what is no key: partition keys, then sort keys, at most so many of each.
fn check_schema(schema: &[KeySchemaElement], most: usize, at: &str) -> Result<(), Error> {
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

fn schema(elements: &[KeySchemaElement]) -> Result<Vec<types::KeySchemaElement>, BuildError> {
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

impl CreateTable {
    fn globals(&self) -> &[GlobalSecondaryIndex] {
        self.global_secondary_indexes.as_deref().unwrap_or_default()
    }

    fn locals(&self) -> &[LocalSecondaryIndex] {
        self.local_secondary_indexes.as_deref().unwrap_or_default()
    }

    /// What is billed by what is provisioned is told what that is.
    fn check_capacity(&self) -> Result<(), Error> {
        let mode = Some(self.billing_mode.unwrap_or(BillingMode::Provisioned));
        check_billing(mode, self.provisioned_throughput, "")?;
        for (place, index) in self.globals().iter().enumerate() {
            check_billing(mode, index.provisioned_throughput, &format!("/GlobalSecondaryIndexes/{place}"))?;
        }
        Ok(())
    }

    fn check_indexes(&self) -> Result<(), Error> {
        let globals = self.globals().iter().enumerate().map(|(place, index)| {
            let at = format!("/GlobalSecondaryIndexes/{place}");
            (at, &index.index_name, &index.key_schema, PARTS_OF_GLOBALS, &index.projection)
        });
        let locals = self.locals().iter().enumerate().map(|(place, index)| {
            let at = format!("/LocalSecondaryIndexes/{place}");
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
        let partition = self.key_schema.first().map(|element| &element.attribute_name);
        for (place, index) in self.locals().iter().enumerate() {
            let same = index.key_schema.first().map(|element| &element.attribute_name) == partition;
            if !same || index.key_schema.len() != 2 || self.key_schema.len() != 2 {
                let at = format!("/LocalSecondaryIndexes/{place}/KeySchema");
                let detail =
                    "a local index has the table's HASH attribute and another RANGE one, and its table both";
                return Err(invalid(at, "invalid_key_schema", detail));
            }
        }
        let many = [
            (self.globals().len(), MOST_GLOBALS, "/GlobalSecondaryIndexes"),
            (self.locals().len(), MOST_LOCALS, "/LocalSecondaryIndexes"),
        ];
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

    /// Each attribute of a key is defined, once, and nothing else is.
    fn check_definitions(&self) -> Result<(), Error> {
        const AT: &str = "/AttributeDefinitions";
        let mut defined = BTreeMap::new();
        for (place, definition) in self.attribute_definitions.iter().enumerate() {
            let length = Some(definition.attribute_name.len());
            check_range(length, &(1..=255), &format!("{AT}/{place}/AttributeName"))?;
            if defined.insert(&definition.attribute_name, definition.attribute_type).is_some() {
                let detail = "each attribute is defined once";
                return Err(invalid(format!("{AT}/{place}"), "invalid_attribute_definitions", detail));
            }
        }
        let used: BTreeSet<_> = self
            .key_schema
            .iter()
            .chain(self.globals().iter().flat_map(|index| &index.key_schema))
            .chain(self.locals().iter().flat_map(|index| &index.key_schema))
            .map(|element| &element.attribute_name)
            .collect();
        if defined.into_keys().collect::<BTreeSet<_>>() == used {
            return Ok(());
        }
        let detail = "AttributeDefinitions names the attributes of all keys, and no others";
        Err(invalid(AT, "invalid_attribute_definitions", detail))
    }

    fn request(&self, client: &Client) -> Result<CreateTableFluentBuilder, BuildError> {
        let definitions = self.attribute_definitions.iter().map(|definition| {
            types::AttributeDefinition::builder()
                .attribute_name(&definition.attribute_name)
                .attribute_type(definition.attribute_type.into())
                .build()
        });
        let globals = self.global_secondary_indexes.as_deref().map(|indexes| {
            let built = indexes.iter().map(|index| {
                types::GlobalSecondaryIndex::builder()
                    .index_name(&index.index_name)
                    .set_key_schema(Some(schema(&index.key_schema)?))
                    .projection(index.projection.sdk())
                    .set_provisioned_throughput(
                        index.provisioned_throughput.map(ProvisionedThroughput::sdk).transpose()?,
                    )
                    .build()
            });
            built.collect::<Result<Vec<_>, _>>()
        });
        let locals = self.local_secondary_indexes.as_deref().map(|indexes| {
            let built = indexes.iter().map(|index| {
                types::LocalSecondaryIndex::builder()
                    .index_name(&index.index_name)
                    .set_key_schema(Some(schema(&index.key_schema)?))
                    .projection(index.projection.sdk())
                    .build()
            });
            built.collect::<Result<Vec<_>, _>>()
        });
        Ok(client
            .create_table()
            .table_name(&self.table_name)
            .set_attribute_definitions(Some(definitions.collect::<Result<_, _>>()?))
            .set_key_schema(Some(schema(&self.key_schema)?))
            .set_billing_mode(self.billing_mode.map(Into::into))
            .set_provisioned_throughput(
                self.provisioned_throughput.map(ProvisionedThroughput::sdk).transpose()?,
            )
            .set_global_secondary_indexes(globals.transpose()?)
            .set_local_secondary_indexes(locals.transpose()?)
            .set_stream_specification(self.stream_specification.map(StreamSpecification::sdk).transpose()?)
            .set_tags(self.tags.as_deref().map(tags).transpose()?)
            .set_table_class(self.table_class.map(Into::into))
            .set_deletion_protection_enabled(self.deletion_protection_enabled))
    }

    /// The name is to be had if there is no such table yet.
    async fn look_up(&self, session: &CustomerSession, place: &Place) -> Outcome {
        let name = self.table_name.clone();
        let (answer, _) = asked!(client(session, place).describe_table().table_name(&name));
        match answer {
            Ok(answer) => {
                let detail = "There is a table of this name already.";
                let taken = failed(name, "already_exists", detail);
                Outcome { targets: vec![taken], ..Outcome::done([], Value::Null, &answer) }
            }
            Err(error) => {
                let absent =
                    error.as_service_error().is_some_and(DescribeTableError::is_resource_not_found_exception);
                let refused = Outcome::refused([name.clone()], &error);
                if !absent {
                    return refused;
                }
                Outcome { targets: vec![succeeded(name)], output: json!({ "DryRun": VALIDATED }), ..refused }
            }
        }
    }
}

impl Carry for CreateTable {
    const ACTION: &'static str = "dynamodb:CreateTable";

    fn check(&self) -> Result<(), Error> {
        check_table(&self.table_name, "/TableName")?;
        check_schema(&self.key_schema, PARTS, "")?;
        self.check_indexes()?;
        self.check_definitions()?;
        self.check_capacity()?;
        if let Some(stream) = self.stream_specification {
            stream.check("")?;
        }
        check_tags(self.tags.as_deref().unwrap_or_default(), "/Tags")
    }

    /// Who makes a table with tags needs the right to tag it.
    fn needs(&self, place: &Place) -> Vec<Statement> {
        let tagged = self.tags.as_ref().is_some_and(|tags| !tags.is_empty());
        let companion = tagged.then_some("dynamodb:TagResource");
        let actions = [Self::ACTION].into_iter().chain(companion);
        vec![Statement::allow(actions, [place.table(&self.table_name, "")])]
    }

    fn needs_dry(&self, place: &Place) -> Vec<Statement> {
        look_ups(place, [self.table_name.as_str()])
    }

    async fn carry(&self, session: &CustomerSession, place: &Place, dry_run: bool) -> Outcome {
        if dry_run {
            return self.look_up(session, place).await;
        }
        let table = [self.table_name.clone()];
        match self.request(&client(session, place)) {
            Ok(request) => told!(request, table),
            Err(error) => not_built(table, &error),
        }
    }
}
