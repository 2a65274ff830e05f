//! What several operations take, under AWS's own names. Source: `DynamoDB` API Reference, "Data Types".

use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::types;
use domain::{Error, FieldError};
use serde::Deserialize;

/// A parameter that takes one of a few words.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$word_doc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
        pub enum $name {
            $($(#[$word_doc])* #[serde(rename = $word)] $variant,)*
        }

        impl From<$name> for types::$name {
            fn from(word: $name) -> Self {
                match word {
                    $($name::$variant => Self::$variant,)*
                }
            }
        }
    };
}

pub(super) use words;

words! {
    /// `ReturnConsumedCapacity`.
    ReturnConsumedCapacity {
        /// Of the whole request, and of each index.
        Indexes = "INDEXES",
        /// Of the whole request.
        Total = "TOTAL",
        /// Not at all.
        None = "NONE",
    }
}

words! {
    /// `ReturnItemCollectionMetrics`.
    ReturnItemCollectionMetrics {
        /// How large the collection has become.
        Size = "SIZE",
        /// Nothing.
        None = "NONE",
    }
}

words! {
    /// `ReturnValues`.
    ReturnValue {
        /// Nothing.
        None = "NONE",
        /// The item as it was.
        AllOld = "ALL_OLD",
        /// What was changed of it, as it was.
        UpdatedOld = "UPDATED_OLD",
        /// The item as it is.
        AllNew = "ALL_NEW",
        /// What was changed of it, as it is.
        UpdatedNew = "UPDATED_NEW",
    }
}

words! {
    /// `Select`.
    Select {
        /// All of each item.
        AllAttributes = "ALL_ATTRIBUTES",
        /// All that the index holds of it.
        AllProjectedAttributes = "ALL_PROJECTED_ATTRIBUTES",
        /// What the projection names.
        SpecificAttributes = "SPECIFIC_ATTRIBUTES",
        /// How many items.
        Count = "COUNT",
    }
}

words! {
    /// `BillingMode`.
    BillingMode {
        /// By what is provisioned.
        Provisioned = "PROVISIONED",
        /// By request.
        PayPerRequest = "PAY_PER_REQUEST",
    }
}

words! {
    /// `TableClass`.
    TableClass {
        /// The usual one.
        Standard = "STANDARD",
        /// For what is seldom read.
        StandardInfrequentAccess = "STANDARD_INFREQUENT_ACCESS",
    }
}

words! {
    /// `StreamViewType`.
    StreamViewType {
        /// The item as it is.
        NewImage = "NEW_IMAGE",
        /// The item as it was.
        OldImage = "OLD_IMAGE",
        /// Both.
        NewAndOldImages = "NEW_AND_OLD_IMAGES",
        /// Its key.
        KeysOnly = "KEYS_ONLY",
    }
}

words! {
    /// `KeyType`.
    KeyType {
        /// The partition key.
        Hash = "HASH",
        /// The sort key.
        Range = "RANGE",
    }
}

words! {
    /// `AttributeType`: of a key's attribute.
    ScalarAttributeType {
        /// Text.
        S = "S",
        /// A number.
        N = "N",
        /// Bytes.
        B = "B",
    }
}

words! {
    /// `ProjectionType`.
    ProjectionType {
        /// All attributes.
        All = "ALL",
        /// The keys.
        KeysOnly = "KEYS_ONLY",
        /// The keys, and what is named.
        Include = "INCLUDE",
    }
}

words! {
    /// `BackupType`, as a filter.
    BackupTypeFilter {
        /// Made by somebody.
        User = "USER",
        /// Made by `DynamoDB`.
        System = "SYSTEM",
        /// Made by AWS Backup.
        AwsBackup = "AWS_BACKUP",
        /// All of them.
        All = "ALL",
    }
}

/// `Tag`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Tag {
    /// Its key.
    pub key: String,
    /// Its value.
    pub value: String,
}

/// Tags as the SDK takes them.
pub(crate) fn tags(tags: &[Tag]) -> Result<Vec<types::Tag>, BuildError> {
    tags.iter().map(|tag| types::Tag::builder().key(&tag.key).value(&tag.value).build()).collect()
}

/// `ProvisionedThroughput`.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ProvisionedThroughput {
    /// Strongly consistent reads a second.
    pub read_capacity_units: i64,
    /// Writes a second.
    pub write_capacity_units: i64,
}

impl ProvisionedThroughput {
    pub(crate) fn check(self, at: &str) -> Result<(), Error> {
        let units = [
            ("ReadCapacityUnits", self.read_capacity_units),
            ("WriteCapacityUnits", self.write_capacity_units),
        ];
        for (name, units) in units {
            if units < 1 {
                let detail = format!("{name} is 1 at least");
                return Err(Error::invalid(FieldError::new(format!("{at}/{name}"), "out_of_range", detail)));
            }
        }
        Ok(())
    }

    pub(crate) fn sdk(self) -> Result<types::ProvisionedThroughput, BuildError> {
        types::ProvisionedThroughput::builder()
            .read_capacity_units(self.read_capacity_units)
            .write_capacity_units(self.write_capacity_units)
            .build()
    }
}

/// Refuses a billing mode and a throughput that do not go together. A throughput alone stands for
/// `PROVISIONED`, which is also what a table is made with when nothing is said.
pub(crate) fn check_billing(
    mode: Option<BillingMode>,
    throughput: Option<ProvisionedThroughput>,
    at: &str,
) -> Result<(), Error> {
    let at = format!("{at}/ProvisionedThroughput");
    let invalid = |detail| Err(Error::invalid(FieldError::new(at.clone(), "invalid_throughput", detail)));
    match (mode, throughput) {
        (Some(BillingMode::PayPerRequest), Some(_)) => {
            invalid("what is billed by request has no ProvisionedThroughput")
        }
        (Some(BillingMode::Provisioned), None) => invalid("PROVISIONED needs ProvisionedThroughput"),
        (_, Some(throughput)) => throughput.check(&at),
        (_, None) => Ok(()),
    }
}

/// `StreamSpecification`.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct StreamSpecification {
    /// Whether there is a stream.
    stream_enabled: bool,
    /// What it tells of each change.
    #[serde(default)]
    stream_view_type: Option<StreamViewType>,
}

impl StreamSpecification {
    pub(crate) fn check(self, at: &str) -> Result<(), Error> {
        if self.stream_enabled == self.stream_view_type.is_some() {
            return Ok(());
        }
        let detail = "StreamViewType stands where StreamEnabled is true, and only there";
        let at = format!("{at}/StreamSpecification/StreamViewType");
        Err(Error::invalid(FieldError::new(at, "invalid_stream", detail)))
    }

    pub(crate) fn sdk(self) -> Result<types::StreamSpecification, BuildError> {
        types::StreamSpecification::builder()
            .stream_enabled(self.stream_enabled)
            .set_stream_view_type(self.stream_view_type.map(Into::into))
            .build()
    }
}
