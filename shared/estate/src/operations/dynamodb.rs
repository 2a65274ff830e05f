//! Operations of `DynamoDB`. Sources: `DynamoDB` API Reference; Service Authorization Reference,
//! "Actions, resources, and condition keys for Amazon `DynamoDB`", for what each action can be limited to.
//!
//! `DynamoDB` cannot be asked if it would. A dry run is validated and looks up what it names, in a
//! session that may do no more than that.

pub(crate) mod batch_get_item;
pub(crate) mod batch_write_item;
pub(crate) mod create_backup;
pub(crate) mod create_table;
pub(crate) mod delete_backup;
pub(crate) mod delete_item;
pub(crate) mod delete_table;
pub(crate) mod describe_backup;
pub(crate) mod describe_continuous_backups;
pub(crate) mod describe_table;
pub(crate) mod describe_time_to_live;
pub(crate) mod get_item;
pub(crate) mod list_backups;
pub(crate) mod list_tables;
pub(crate) mod list_tags_of_resource;
pub(crate) mod put_item;
pub(crate) mod query;
pub(crate) mod restore_table_from_backup;
pub(crate) mod scan;
pub(crate) mod tag_resource;
pub(crate) mod update_continuous_backups;
pub(crate) mod update_item;
pub(crate) mod update_table;
pub(crate) mod update_time_to_live;

mod batch;
mod checks;
mod errors;
mod heard;
mod indexes;
mod named;
mod shapes;

use access::CustomerSession;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::operation::describe_table::DescribeTableError;
use aws_sdk_dynamodb::types::TableDescription;
use domain::policy::Statement;
use serde_json::{Value, json};

use super::{Outcome, Place, failed, succeeded};
pub(crate) use checks::{
    Expressions, check_backup_name, check_index, check_item, check_key, check_range, check_start,
    check_table, check_tags,
};
pub(crate) use errors::meaning;
use heard::{asked, told};
pub(crate) use named::Named;

pub(crate) fn client(session: &CustomerSession, place: &Place) -> Client {
    Client::new(&session.in_region(&place.region))
}

/// How many items a page looks at, if nothing is said.
const PAGE: i32 = 100;

/// How many items a page looks at, at most.
const MOST_OF_A_PAGE: i32 = 1000;

/// What a dry run says for itself.
const VALIDATED: &str = "validated and looked up; DynamoDB has no dry run";

/// The action by which a dry run looks up a table.
const LOOK_UP: &str = "dynamodb:DescribeTable";

/// What a dry run needs: to look up these tables.
pub(crate) fn look_ups<'a>(place: &Place, tables: impl IntoIterator<Item = &'a str>) -> Vec<Statement> {
    vec![Statement::allow([LOOK_UP], tables.into_iter().map(|table| place.table(table, "")))]
}

/// A dry run: these tables are looked up.
pub(crate) async fn look_up<'a>(
    session: &CustomerSession,
    place: &Place,
    tables: impl IntoIterator<Item = &'a str>,
) -> Outcome {
    let tables: Vec<String> = tables.into_iter().map(str::to_owned).collect();
    let client = client(session, place);
    let mut looked = Outcome {
        output: json!({ "DryRun": VALIDATED }),
        confidential: false,
        targets: Vec::new(),
        request_ids: Vec::new(),
    };
    for table in tables {
        let found = told!(client.describe_table().table_name(&table), [table]);
        if found.output.is_null() {
            looked.output = Value::Null;
        }
        looked.targets.extend(found.targets);
        looked.request_ids.extend(found.request_ids);
    }
    looked
}

/// A dry run on a table, or on an index of it.
pub(crate) async fn look_up_index(
    session: &CustomerSession,
    place: &Place,
    table: &str,
    index: Option<&str>,
) -> Outcome {
    let Some(index) = index else { return look_up(session, place, [table]).await };
    let (answer, _) = asked!(client(session, place).describe_table().table_name(table));
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => return Outcome::refused([table.to_owned()], &error),
    };
    let described = answer.table();
    let globals = described.map(TableDescription::global_secondary_indexes).unwrap_or_default();
    let locals = described.map(TableDescription::local_secondary_indexes).unwrap_or_default();
    let mut names = globals
        .iter()
        .filter_map(|index| index.index_name())
        .chain(locals.iter().filter_map(|index| index.index_name()));
    if names.any(|name| name == index) {
        return Outcome::done([table.to_owned()], json!({ "DryRun": VALIDATED }), &answer);
    }
    let missing = failed(table.to_owned(), "not_found", format!("The table has no index {index}."));
    Outcome { targets: vec![missing], ..Outcome::done([], Value::Null, &answer) }
}

/// A dry run of what makes a table: its name is to be had if there is no such table yet.
pub(crate) async fn look_up_free(session: &CustomerSession, place: &Place, table: &str) -> Outcome {
    let (answer, _) = asked!(client(session, place).describe_table().table_name(table));
    match answer {
        Ok(answer) => {
            let detail = "There is a table of this name already.";
            let taken = failed(table.to_owned(), "already_exists", detail);
            Outcome { targets: vec![taken], ..Outcome::done([], Value::Null, &answer) }
        }
        Err(error) => {
            let absent =
                error.as_service_error().is_some_and(DescribeTableError::is_resource_not_found_exception);
            let refused = Outcome::refused([table.to_owned()], &error);
            if !absent {
                return refused;
            }
            let free = vec![succeeded(table.to_owned())];
            Outcome { targets: free, output: json!({ "DryRun": VALIDATED }), ..refused }
        }
    }
}

/// A request that the SDK would not put together, though it passed every check.
pub(crate) fn not_built(ids: impl IntoIterator<Item = String>, error: &BuildError) -> Outcome {
    Outcome {
        output: Value::Null,
        confidential: false,
        targets: ids.into_iter().map(|id| failed(id, "invalid_input", error.to_string())).collect(),
        request_ids: Vec::new(),
    }
}

#[cfg(test)]
mod tests;
