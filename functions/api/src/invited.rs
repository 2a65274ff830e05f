//! The customer, by an invite: who holds the link may act for the one connection it leads to.

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use domain::invite::Invite;
use domain::{Connection, Error};
use runtime::now;

use crate::app::App;
use web::problem::Refused;

/// The invite in the path, whether or not it leads anywhere. It is a secret: whoever shows it shows
/// it to its holder.
#[derive(Debug)]
pub(crate) struct Link(pub Invite);

impl<S: Send + Sync> FromRequestParts<S> for Link {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refused> {
        let Path(text) =
            Path::<String>::from_request_parts(parts, state).await.map_err(|_| Error::not_found("invite"))?;
        Ok(Self(text.parse()?))
    }
}

/// The connection that the path's invite leads to, while it is in force.
#[derive(Debug)]
pub(crate) struct Invited(pub Connection);

impl FromRequestParts<App> for Invited {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Refused> {
        let Link(invite) = Link::from_request_parts(parts, app).await?;
        Ok(Self(app.store.invited(&invite.hash(), now()).await?))
    }
}
