//! Wires the onboarding queue to the work it asks for.

use lambda_runtime::{Error, LambdaEvent, run, service_fn, tracing};
use onboarder::{App, receive};
use runtime::{Environment, aws_config};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    tracing::init_default_subscriber();
    let app = &App::from_environment(&Environment::of_process(), &aws_config().await)?;
    run(service_fn(async |event: LambdaEvent<_>| Ok::<_, Error>(receive(app, event.payload).await))).await
}
