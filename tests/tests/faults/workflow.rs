//! What a workflow is made of.

use blackbox::{Provider, Stack};
use serde_json::Value;

use crate::connected::Connected;
use crate::row::{Call, Fault, Row};
use crate::user::User;

/// Where several workflows run side by side.
pub(crate) const FAULTS: &str = "faults";
/// Where grants are taken and left by one workflow at a time.
pub(crate) const GRANTS: &str = "grants";

/// The people and accounts of a run.
pub(crate) struct Scene {
    pub stack: &'static Stack,
    pub user: User,
    pub provider: Provider,
}

/// Something that a user does and Drawbridge carries out.
pub(crate) trait Workflow {
    /// For the names of files.
    const NAME: &'static str;
    /// The stack that it runs on: `GRANTS` for those whose calls are about grants.
    const STACK: &'static str = FAULTS;
    /// The ways in which its calls fail, each in a row of its own.
    const FAULTS: &'static [Fault] = &Fault::ALL;
    /// How many calls that look alike have rows. A step that is taken until something is there makes the same
    /// calls each time.
    const ALIKE: u32 = u32::MAX;
    /// How many rows run side by side. Most of a row is waiting; fewer where it is not.
    const AT_A_TIME: usize = 50;
    /// What a run has made so far.
    type Cast;

    /// What must be there before: nothing of it belongs to the row.
    async fn prepare(&self, scene: &Scene, row: &Row) -> Self::Cast;

    /// What the user does. Everything made here is told to the row, so that what follows from it
    /// belongs to the row.
    async fn act(&self, scene: &Scene, row: &Row, cast: &mut Self::Cast);

    /// How many of a clean run's calls are broken: all, unless those that follow are another workflow's.
    fn last(calls: &[Call]) -> usize {
        calls.len()
    }

    /// Whether Drawbridge has done what it was asked. It is looked up in the table and not through
    /// the API, whose calls would be the row's.
    async fn is_over(&self, scene: &Scene, cast: &Self::Cast) -> bool;

    /// What came of it, without ids and times, once the row is over.
    async fn observe(&self, scene: &Scene, row: &str, cast: &Self::Cast) -> Value;

    /// The connection that it is about, which is cleared up when the row is over.
    fn connected(&self, cast: Self::Cast) -> Connected;
}
