//! `dynamodb:ListTables`. Source: `DynamoDB` API Reference, `ListTables`.

use access::CustomerSession;
use domain::Error;
use domain::policy::Statement;
use serde::Deserialize;

use super::{check_range, check_table, client, told};
use crate::operations::{Carry, Outcome, Place};

/// Lists the names of tables, a page at a time.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ListTables {
    /// Where the page before ended.
    exclusive_start_table_name: Option<String>,
    /// Most of a page: 1 to 100.
    limit: Option<i32>,
}

impl Carry for ListTables {
    const ACTION: &'static str = "dynamodb:ListTables";

    fn check(&self) -> Result<(), Error> {
        if let Some(name) = &self.exclusive_start_table_name {
            check_table(name, "/ExclusiveStartTableName")?;
        }
        check_range(self.limit, &(1..=100), "/Limit")
    }

    /// `ListTables` can be limited to no resource.
    fn needs(&self, _place: &Place) -> Vec<Statement> {
        vec![Statement::allow([Self::ACTION], ["*"])]
    }

    /// A dry run asks all the same: it only reads, and names nothing that could be looked up.
    async fn carry(&self, session: &CustomerSession, place: &Place, _dry_run: bool) -> Outcome {
        let request = client(session, place)
            .list_tables()
            .set_exclusive_start_table_name(self.exclusive_start_table_name.clone())
            .set_limit(self.limit);
        told!(request, [Self::ACTION.to_owned()])
    }
}
