//! A server of scripted answers, for tests: it keeps what it was asked.

use std::sync::{Arc, Mutex};

use aws_credential_types::Credentials;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::caller::Caller;
use crate::client::Client;

/// The path that the local stack puts before the API's own.
pub const PREFIX: &str = "/_aws/execute-api/abc/$default";

/// One scripted answer.
pub struct Answer {
    status: u16,
    headers: String,
    body: String,
    is_cut: bool,
    is_lost: bool,
}

impl Answer {
    /// 200 with a body.
    pub fn ok(body: Value) -> Self {
        Self::new(200, body)
    }

    /// A status with a body.
    pub fn new(status: u16, body: impl Into<Value>) -> Self {
        Self::text(status, body.into().to_string())
    }

    /// A status with a body that is no JSON.
    pub fn text(status: u16, body: impl Into<String>) -> Self {
        Self { status, headers: String::new(), body: body.into(), is_cut: false, is_lost: false }
    }

    /// 204, without a body.
    pub fn nothing() -> Self {
        Self::new(204, Value::Null)
    }

    /// None: the request arrives, and the connection breaks.
    pub fn lost() -> Self {
        Self { is_lost: true, ..Self::nothing() }
    }

    /// The same without its last character, which is no JSON any more.
    pub fn cut(mut self) -> Self {
        self.is_cut = true;
        self
    }

    /// The same with one more header.
    pub fn header(mut self, line: &str) -> Self {
        self.headers = format!("{}{line}\r\n", self.headers);
        self
    }
}

/// One request, as it arrived.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Method and path, without the prefix.
    pub target: String,
    /// Everything before the body.
    pub head: String,
    /// The body.
    pub body: String,
}

impl Seen {
    /// The value of a header, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

/// A running server. It ends with the test's runtime.
pub struct TestServer {
    url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl TestServer {
    /// Starts a server that gives these answers in turn, one to a connection, and then none.
    pub async fn start(answers: impl IntoIterator<Item = Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}{PREFIX}", listener.local_addr().unwrap());
        let seen = Arc::<Mutex<Vec<Seen>>>::default();
        let (kept, answers) = (seen.clone(), answers.into_iter().collect::<Vec<_>>());
        tokio::spawn(async move {
            for answer in answers {
                let (stream, _) = listener.accept().await.unwrap();
                serve(stream, answer, &kept).await;
            }
        });
        Self { url, seen }
    }

    /// Its address.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A client of this server, in the name of AWS's example key.
    pub fn client(&self) -> Client {
        let credentials = Credentials::new("AKIDEXAMPLE", "secret", Some("token".to_owned()), None, "test");
        Client::for_test(&self.url, Caller::fixed(credentials, "eu-central-1"))
    }

    /// What it was asked so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// The body of each request so far; null where there was none.
    pub fn bodies(&self) -> Vec<Value> {
        let parsed = |request: Seen| serde_json::from_str(&request.body).unwrap_or_default();
        self.seen().into_iter().map(parsed).collect()
    }

    /// Method and path of what it was asked so far.
    pub fn targets(&self) -> Vec<String> {
        self.seen().into_iter().map(|request| request.target).collect()
    }
}

async fn serve(mut stream: TcpStream, answer: Answer, kept: &Mutex<Vec<Seen>>) {
    let mut received = Vec::new();
    let request = loop {
        let mut buffer = [0; 4096];
        let read = stream.read(&mut buffer).await.unwrap();
        received.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8_lossy(&received);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let (method, rest) = head.split_once(' ').unwrap();
            let target = rest.split(' ').next().unwrap().strip_prefix(PREFIX).unwrap();
            let seen =
                Seen { target: format!("{method} {target}"), head: head.to_owned(), body: body.to_owned() };
            let length = seen.header("content-length").map_or(0, |length| length.parse().unwrap());
            if body.len() >= length {
                break seen;
            }
        }
    };
    // Kept before it is answered, so that who has the answer finds it.
    kept.lock().unwrap().push(request);
    let Answer { status, headers, body, is_cut, is_lost } = answer;
    if is_lost {
        return;
    }
    let mut body = if status == 204 { String::new() } else { body };
    if is_cut {
        body.pop();
    }
    let text = format!(
        "HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n{headers}\r\n{body}",
        body.len()
    );
    stream.write_all(text.as_bytes()).await.unwrap();
}
