//! Wires the routes that act in customers' accounts.

use lambda_http::{Error, run};
use operations::{App, router};
use runtime::{Environment, aws_config, write_logs};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let environment = Environment::of_process();
    write_logs(&environment);
    let app = App::from_environment(&environment, &aws_config().await)?;
    run(router(app)).await
}
