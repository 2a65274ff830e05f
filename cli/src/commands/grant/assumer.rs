//! Who is to assume roles, as it is typed.

use clap::{ArgGroup, Args};
use domain::people::{Assumer, Kind};

use crate::failure::{Failure, Result};

/// Who is to assume roles.
#[derive(Debug, Clone, Args)]
#[command(group = ArgGroup::new("who").args(["user", "group", "role"]).required(true))]
pub(super) struct Who {
    /// A user of your account, by name
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// A group of users of your account, by name
    #[arg(long, value_name = "NAME")]
    group: Option<String>,
    /// A role of your account, by name
    #[arg(long, value_name = "NAME")]
    role: Option<String>,
}

impl Who {
    /// The one that is meant.
    pub fn assumer(&self) -> Result<Assumer> {
        let given = [(Kind::User, &self.user), (Kind::Group, &self.group), (Kind::Role, &self.role)];
        let (kind, name) = given
            .into_iter()
            .find_map(|(kind, name)| Some((kind, name.as_deref()?)))
            .ok_or_else(|| Failure::usage("pass --user, --group or --role"))?;
        Assumer::new(kind, name).map_err(|error| Failure::usage(error.detail))
    }
}
