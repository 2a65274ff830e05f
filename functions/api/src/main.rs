//! Wires the HTTP API to its table and queue.

use api::{App, router};
use lambda_http::{Error, run};
use runtime::{Environment, aws_config, write_logs};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let environment = Environment::of_process();
    write_logs(&environment);
    let app = App::from_environment(&environment, &aws_config().await)?;
    run(router(app)).await
}
