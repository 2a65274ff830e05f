//! `dynamodb:CreateTable`. Source: `DynamoDB` API Reference, `CreateTable`.

use std::collections::{BTreeMap, BTreeSet};

use access::CustomerSession;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::operation::create_table::builders::CreateTableFluentBuilder;
use aws_sdk_dynamodb::types;
use domain::policy::Statement;
use domain::{Error, FieldError};
use serde::Deserialize;

use super::indexes::{
    GlobalSecondaryIndex, Indexes, KeySchemaElement, LocalSecondaryIndex, PARTS, check_schema, schema,
};
use super::shapes::{
    BillingMode, ProvisionedThroughput, ScalarAttributeType, StreamSpecification, TableClass, Tag,
    check_billing, tags,
};
use super::{check_range, check_table, check_tags, client, look_up_free, look_ups, not_built, told};
use crate::operations::{Carry, Outcome, Place};

/// The action by which a table is tagged.
const TAGGING: &str = "dynamodb:TagResource";

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

fn invalid(at: impl Into<String>, code: &'static str, detail: impl Into<String>) -> Error {
    Error::invalid(FieldError::new(at, code, detail))
}

impl CreateTable {
    fn is_tagged(&self) -> bool {
        self.tags.as_ref().is_some_and(|tags| !tags.is_empty())
    }

    fn globals(&self) -> &[GlobalSecondaryIndex] {
        self.global_secondary_indexes.as_deref().unwrap_or_default()
    }

    fn locals(&self) -> &[LocalSecondaryIndex] {
        self.local_secondary_indexes.as_deref().unwrap_or_default()
    }

    fn indexes(&self) -> Indexes<'_> {
        let at = ["/GlobalSecondaryIndexes", "/LocalSecondaryIndexes"];
        Indexes { globals: self.globals(), locals: self.locals(), at }
    }

    /// What is billed by what is provisioned is told what that is.
    fn check_capacity(&self) -> Result<(), Error> {
        let mode = Some(self.billing_mode.unwrap_or(BillingMode::Provisioned));
        check_billing(mode, self.provisioned_throughput, "")?;
        self.indexes().check_capacity(mode)
    }

    fn check_indexes(&self) -> Result<(), Error> {
        self.indexes().check()?;
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
        let globals = self.global_secondary_indexes.as_deref();
        let globals =
            globals.map(|indexes| indexes.iter().map(GlobalSecondaryIndex::sdk).collect::<Result<_, _>>());
        let locals = self.local_secondary_indexes.as_deref();
        let locals =
            locals.map(|indexes| indexes.iter().map(LocalSecondaryIndex::sdk).collect::<Result<_, _>>());
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

    /// Who makes a table with tags needs the right to tag it, which not every capability that makes
    /// tables holds. Source: Service Authorization Reference, Amazon `DynamoDB`, `CreateTable`.
    fn companions(&self) -> Option<(&'static str, &'static str)> {
        self.is_tagged().then_some((TAGGING, "/Tags"))
    }

    fn needs(&self, place: &Place) -> Vec<Statement> {
        let companion = self.is_tagged().then_some(TAGGING);
        let actions = [Self::ACTION].into_iter().chain(companion);
        vec![Statement::allow(actions, [place.table(&self.table_name, "")])]
    }

    fn needs_dry(&self, place: &Place) -> Vec<Statement> {
        look_ups(place, [self.table_name.as_str()])
    }

    async fn carry(&self, session: &CustomerSession, place: &Place, dry_run: bool) -> Outcome {
        if dry_run {
            return look_up_free(session, place, &self.table_name).await;
        }
        let table = [self.table_name.clone()];
        match self.request(&client(session, place)) {
            Ok(request) => told!(request, table),
            Err(error) => not_built(table, &error),
        }
    }
}
