//! Whether there is a Drawbridge at an address, and if not, how far the way leads.

use std::io;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::StatusCode;
use reqwest::header::DATE;
use serde::Deserialize;

use crate::api_url::ApiUrl;
use crate::client::http;
use crate::exit::Exit;
use crate::failure::{Failure, Result, chain};

/// Health is answered at once, but for a function that has yet to start. Tests need not wait so long.
const TIME_OUT: Duration = Duration::from_millis(if cfg!(test) { 500 } else { 15_000 });

/// What an API says to anybody.
#[derive(Debug)]
pub(super) struct Reached {
    pub(super) version: String,
    pub(super) date: Option<Timestamp>,
}

#[derive(Deserialize)]
struct Health {
    status: String,
    version: String,
}

/// Asks for the API's health, which needs no signature.
pub(super) async fn reach(api_url: &ApiUrl) -> Result<Reached> {
    let url = api_url.at(&["health"], &[]).map_err(Failure::usage)?;
    let answer = match http(api_url)?.get(url).timeout(TIME_OUT).send().await {
        Ok(answer) => answer,
        Err(error) => return Err(unreached(api_url, error.without_url()).await),
    };
    let status = answer.status();
    let date = answer.headers().get(DATE).and_then(|date| date.to_str().ok());
    let date = date.and_then(|date| jiff::fmt::rfc2822::parse(date).ok()).map(|date| date.timestamp());
    let body = match answer.bytes().await {
        Ok(body) => body,
        Err(error) => return Err(unreached(api_url, error.without_url()).await),
    };
    match serde_json::from_slice::<Health>(&body) {
        Ok(health) if status.is_success() && health.status == "ok" => {
            Ok(Reached { version: health.version, date })
        }
        _ => Err(not_well(api_url, status)),
    }
}

fn not_well(api_url: &ApiUrl, status: StatusCode) -> Box<Failure> {
    if status.is_server_error() {
        return Failure::unexpected(format!("{api_url} answers, but with {status}")).next(
            "look at the log of the API's function (the stack's output ApiLogGroupName), and at its alarms",
        );
    }
    Failure::unexpected(format!("{api_url} answers ({status}), but is not a Drawbridge"))
        .because("its /health does not say so")
        .next("check the address: it is the output ApiUrl of the deployed stack, without any path behind it")
}

/// Why there was no answer, as far as the failed attempt and the name tell.
async fn unreached(api_url: &ApiUrl, error: reqwest::Error) -> Box<Failure> {
    let (host, port) = api_url.host_and_port();
    let failure =
        |what: String, next: String| Failure::new(Exit::Unreachable, what).because(chain(&error)).next(next);
    if error.is_timeout() {
        return failure(
            format!("{host}:{port} did not answer within {} seconds", TIME_OUT.as_secs()),
            "look for a firewall or a proxy (HTTPS_PROXY) on the way, and for a VPN that is off".to_owned(),
        );
    }
    match error.is_connect().then(|| io_kind(&error)) {
        Some(Some(io::ErrorKind::ConnectionRefused)) => failure(
            format!("nothing listens at {host}:{port}"),
            "check the address; the local stack is started with `make up`, which writes its address to \
             .local/stack.json"
                .to_owned(),
        ),
        // Rustls puts its errors into this kind.
        Some(Some(io::ErrorKind::InvalidData)) => failure(
            format!("there is no trusted TLS connection to {host}:{port}"),
            "check that the address begins with https only where TLS is spoken, that the host name is the \
             certificate's, and that the certificate of a proxy that opens TLS is among this system's trusted ones"
                .to_owned(),
        ),
        Some(_) if tokio::net::lookup_host((host, port)).await.is_err() => failure(
            format!("the name {host} does not resolve"),
            "check the address for a typing error, and this machine's DNS; an API that was deleted has no name \
             any more"
                .to_owned(),
        ),
        Some(_) => failure(
            format!("no connection to {host}:{port}"),
            "check the network, and the proxy if there is one (HTTPS_PROXY)".to_owned(),
        ),
        None => failure(
            format!("the connection to {host}:{port} broke before the answer"),
            "try again; if it stays so, look for a proxy on the way".to_owned(),
        ),
    }
}

/// The kind of the first error of the operating system's, or of TLS, among the causes.
fn io_kind(error: &(dyn std::error::Error + 'static)) -> Option<io::ErrorKind> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(mut io) = error.downcast_ref::<io::Error>() {
            // One that wraps another names it by no `source`.
            while let Some(inner) = io.get_ref().and_then(|inner| inner.downcast_ref::<io::Error>()) {
                io = inner;
            }
            return Some(io.kind());
        }
        cause = error.source();
    }
    None
}
