//! `GET /v1/operations/{operation_id}`

use axum::Json;
use axum::extract::State;
use domain::{Actor, OperationId};
use runtime::now;
use web::caller::Operator;
use web::id::Id;
use web::problem::Refused;

use crate::app::App;
use crate::view::OperationView;

/// Shows an operation. One that was lost ends here: nobody else knows that it did.
#[utoipa::path(
    get,
    path = "/v1/operations/{operation_id}",
    tag = "operations",
    params(("operation_id" = String, Path)),
    responses((status = 200, description = "The operation, without its output", body = OperationView))
)]
pub(crate) async fn show_operation(
    State(app): State<App>,
    _: Operator,
    Id(operation): Id<OperationId>,
) -> Result<Json<OperationView>, Refused> {
    let kept = app.store.operation(operation).await?;
    let told = kept.told(now());
    if told.state != kept.state {
        let occasion = App::occasion(Actor::Drawbridge);
        app.store.end_operation(&told, &told.event(&occasion)).await?;
    }
    Ok(Json(OperationView::of(told)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_app::{Sts, TestApp, active};
    use domain::connection::Occasion;
    use domain::operation::{LONGEST, Operation, Order};
    use jiff::SignedDuration;
    use rstest::rstest;

    /// Its function ended, and nobody else knows.
    #[rstest]
    #[case::lost(SignedDuration::ZERO, "failed", 1)]
    #[case::still_at_it(SignedDuration::from_secs(-20), "running", 0)]
    #[tokio::test]
    async fn one_that_was_lost_ends_when_somebody_looks(
        #[case] beyond: SignedDuration,
        #[case] state: &str,
        #[case] events: usize,
    ) {
        let app = TestApp::new(active(), Sts::Gives).await;
        let began = now() - LONGEST - beyond;
        let occasion = Occasion { now: began, ..App::occasion(Actor::Drawbridge) };
        let order = Order {
            action: "ec2:RebootInstances".parse().unwrap(),
            region: "eu-central-1".parse().unwrap(),
            dry_run: false,
            reason: None,
        };
        let id = OperationId::new(began, [1; 10]);
        let begun = Operation::begin(id, order, &app.connection, &occasion).unwrap();
        app.store.begin_operation(&begun, None).await.unwrap();
        for _ in 0..2 {
            let shown = app.get(&format!("/v1/operations/{id}")).await;
            assert_eq!((shown.status.as_u16(), &shown.body["state"]), (200, &serde_json::json!(state)));
            let told = app.asked().iter().filter(|kind| *kind == "operation.finished").count();
            assert_eq!(told, events, "told once");
        }
    }
}
