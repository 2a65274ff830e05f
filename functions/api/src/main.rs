//! Wires the HTTP API to its table and queue.

use api::{App, router};
use lambda_http::{Error, run, tracing};
use runtime::{Environment, aws_config};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    tracing::init_default_subscriber();
    let app = App::from_environment(&Environment::of_process(), &aws_config().await)?;
    run(router(app)).await
}
