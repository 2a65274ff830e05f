//! Tags of a customer's tables, of which AWS tells ten a second.

use std::collections::BTreeMap;
use std::time::Duration;

use access::CustomerSession;
use domain::Error;
use estate::backups::{Answer, tags};
use estate::operations::Place;
use jiff::SignedDuration;
use runtime::now;
use store::{Paced, Turn};
use tokio::time::{Instant, sleep_until};

use crate::app::App;

/// How many tables one step lists. Source: `DynamoDB` API Reference, `ListTables`.
const PAGE: i32 = 100;
/// How many, where the tags of each are looked up.
const TAGGED_PAGE: i32 = 50;
/// How long a turn to look tags up may be waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// What became of looking tags up.
pub(crate) enum Tagged {
    /// Those of each table that is still there, in the same order.
    Tables(Vec<(String, BTreeMap<String, String>)>),
    /// It is not one's turn yet.
    NotYet(SignedDuration),
    /// AWS throttles, or failed.
    Unanswered,
    /// The customer's account refuses.
    Refused { code: String, detail: String },
}

/// How many tables a step lists, whose tags it looks up or does not.
pub(crate) const fn page_of(with_tags: bool) -> i32 {
    if with_tags { TAGGED_PAGE } else { PAGE }
}

/// Looks up the tags of these tables, one after the other.
///
/// # Errors
/// When the state table does not answer.
pub(crate) async fn tags_of(
    app: &App,
    session: &CustomerSession,
    place: &Place,
    tables: Vec<String>,
) -> Result<Tagged, Error> {
    let whose = (&place.account, &place.region);
    let turn = app.store.take_turn(whose, Paced::ListTags, tables.len(), PATIENCE, now()).await?;
    let wait = match turn {
        Turn::In(wait) => wait,
        Turn::Later(pause) => return Ok(Tagged::NotYet(pause)),
    };
    let mut at = Instant::now() + wait;
    let mut found = Vec::new();
    for table in tables {
        // A turn is used as it was given: evenly.
        sleep_until(at).await;
        at += Paced::ListTags.interval();
        match tags(session, place, &table).await {
            Answer::Done(tags) => found.push((table, tags)),
            Answer::Later { .. } => return Ok(Tagged::Unanswered),
            // It was deleted since it was listed.
            Answer::Refused { code, .. } if code == "not_found" => {}
            Answer::Refused { code, detail } => return Ok(Tagged::Refused { code, detail }),
        }
    }
    Ok(Tagged::Tables(found))
}
