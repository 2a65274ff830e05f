//! `dynamodb:TagResource`. Source: `DynamoDB` API Reference, `TagResource`.

use access::CustomerSession;
use domain::policy::Statement;
use domain::{Error, FieldError};
use serde::Deserialize;

use super::shapes::{Tag, tags};
use super::{Named, check_tags, client, look_up, look_ups, not_built, told};
use crate::operations::{Carry, Outcome, Place};

/// Tags a table.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct TagResource {
    /// The table's ARN.
    resource_arn: String,
    /// Its tags; those that it has under the same keys are replaced.
    tags: Vec<Tag>,
}

impl TagResource {
    fn table(&self) -> Result<Named<'_>, Error> {
        Named::table(&self.resource_arn, "/ResourceArn")
    }

    fn name(&self) -> &str {
        self.table().map(|table| table.table).unwrap_or_default()
    }
}

impl Carry for TagResource {
    const ACTION: &'static str = "dynamodb:TagResource";

    fn check(&self) -> Result<(), Error> {
        self.table()?;
        if self.tags.is_empty() {
            return Err(Error::invalid(FieldError::new(
                "/Tags",
                "invalid_tag",
                "Tags holds one tag at least",
            )));
        }
        check_tags(&self.tags, "/Tags")
    }

    fn belongs(&self, place: &Place) -> Result<(), Error> {
        self.table()?.is_in(place, "/ResourceArn")
    }

    fn needs(&self, place: &Place) -> Vec<Statement> {
        let table = self.table().ok();
        table.map(|table| Statement::allow([Self::ACTION], [table.arn(place)])).into_iter().collect()
    }

    fn needs_dry(&self, place: &Place) -> Vec<Statement> {
        look_ups(place, [self.name()])
    }

    async fn carry(&self, session: &CustomerSession, place: &Place, dry_run: bool) -> Outcome {
        if dry_run {
            return look_up(session, place, [self.name()]).await;
        }
        let tags = match tags(&self.tags) {
            Ok(tags) => tags,
            Err(error) => return not_built([self.name().to_owned()], &error),
        };
        let request =
            client(session, place).tag_resource().resource_arn(&self.resource_arn).set_tags(Some(tags));
        told!(request, [self.name().to_owned()])
    }
}
