//! `dynamodb:ListTagsOfResource`. Source: `DynamoDB` API Reference, `ListTagsOfResource`.

use access::CustomerSession;
use domain::Error;
use domain::policy::Statement;
use serde::Deserialize;

use super::{Named, client, look_up, look_ups, told};
use crate::operations::{Carry, Outcome, Place};

/// Lists a table's tags, a page at a time.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListTagsOfResource {
    /// The table's ARN.
    resource_arn: String,
    /// Where the page before ended.
    #[serde(default)]
    next_token: Option<String>,
}

impl ListTagsOfResource {
    fn table(&self) -> Result<Named<'_>, Error> {
        Named::table(&self.resource_arn, "/ResourceArn")
    }

    fn name(&self) -> &str {
        self.table().map(|table| table.table).unwrap_or_default()
    }
}

impl Carry for ListTagsOfResource {
    const ACTION: &'static str = "dynamodb:ListTagsOfResource";

    fn check(&self) -> Result<(), Error> {
        self.table()?;
        Ok(())
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
        let request = client(session, place)
            .list_tags_of_resource()
            .resource_arn(&self.resource_arn)
            .set_next_token(self.next_token.clone());
        told!(request, [self.name().to_owned()])
    }
}
