//! The customer, by an invite: who holds the link may act for the one connection it leads to.

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use domain::invite::Invite;
use domain::{Connection, Error};
use runtime::now;

use crate::app::App;
use web::problem::Refused;

/// The connection that the path's invite leads to, while it is in force.
#[derive(Debug)]
pub(crate) struct Invited(pub Connection);

impl FromRequestParts<App> for Invited {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Refused> {
        let Path(text) =
            Path::<String>::from_request_parts(parts, app).await.map_err(|_| Error::not_found("invite"))?;
        let invite: Invite = text.parse()?;
        Ok(Self(app.store.invited(&invite.hash(), now()).await?))
    }
}
