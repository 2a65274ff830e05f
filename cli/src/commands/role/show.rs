//! `drawbridge role show`.

use clap::Args;
use comfy_table::Cell;
use domain::RoleName;

use super::changes::is_ours;
use super::source::parsed;
use crate::arguments::Options;
use crate::caller::Caller;
use crate::difference::normal;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::iam::{FoundRole, Iam};
use crate::screen::Screen;
use crate::table::card;
use crate::text::{NOTHING, visible};

/// Shows a role of your account with all that belongs to it.
#[derive(Debug, Args)]
#[command(after_help = "\
Its trust policy holds the external ID that it asks for.

Examples:
  drawbridge role show drawbridge-a1b2c3d4
  drawbridge role show Support --output json | jq .trust_policy")]
pub struct ShowRole {
    /// The role's name
    #[arg(value_name = "NAME", value_parser = parsed::<RoleName>)]
    name: RoleName,
}

impl ShowRole {
    pub(super) async fn run(self, options: &Options, screen: &Screen) -> Result<Exit> {
        let iam = Iam::of(&Caller::of_account(options).await?).await?;
        let Some(found) = iam.role(&self.name).await? else {
            return Err(Failure::unexpected(format!("there is no role {} in {}", self.name, iam.account))
                .next("check the name, and that the credentials are of the right account"));
        };
        screen.show(&found.to_json(), |_| view(&found))?;
        Ok(Exit::Done)
    }
}

fn view(found: &FoundRole) -> String {
    let tags = found.tags.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(", ");
    let text = |text: &str| Cell::new(if text.is_empty() { NOTHING.to_owned() } else { visible(text) });
    let mut parts = vec![
        card(vec![
            ("role", text(&found.arn)),
            ("description", text(&found.description)),
            ("longest session", Cell::new(format!("{} seconds", found.max_session_seconds))),
            ("tags", text(&tags)),
            ("made by Drawbridge", Cell::new(if is_ours(found) { "yes" } else { "no" })),
            ("attached policies", text(&found.attached.join("\n"))),
        ]),
        format!("Trust policy\n{}", visible(&format!("{:#}", normal(&found.trust)))),
    ];
    let inline = found.inline.iter();
    parts.extend(inline.map(|(name, document)| {
        format!("Inline policy {}\n{}", visible(name), visible(&format!("{:#}", normal(document))))
    }));
    parts.join("\n\n")
}
