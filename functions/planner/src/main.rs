//! Wires the runs queue to the work it asks for.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use planner::{App, receive};
use runtime::{Environment, aws_config, write_logs};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let environment = Environment::of_process();
    write_logs(&environment);
    let app = &App::from_environment(&environment, &aws_config().await)?;
    run(service_fn(async |event: LambdaEvent<_>| Ok::<_, Error>(receive(app, event.payload).await))).await
}
