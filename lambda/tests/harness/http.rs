//! A small HTTP/1.1 server: what our own clients send, no more (no chunked bodies, no `Expect`).
//!
//! A server made for the job would be hyper's; but asking for its server side changes the features that hyper is built
//! with, and every AWS client would be compiled a second time for the tests.

use std::future::Future;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A request, read whole.
#[derive(Debug, Default)]
pub struct Request {
    pub method: String,
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

/// What is answered.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
    /// Nothing is answered: the connection is closed.
    pub hangs_up: bool,
    /// How long the answer takes.
    pub after: Duration,
}

impl Answer {
    pub fn new(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let headers = vec![("content-type", content_type.to_owned())];
        Self { status, headers, body: body.into(), ..Self::default() }
    }

    fn head(&self) -> String {
        let mut head = format!("HTTP/1.1 {} X\r\ncontent-length: {}\r\n", self.status, self.body.len());
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head + "\r\n"
    }
}

/// Who answers.
pub trait Service: Send + Sync + 'static {
    fn answer(&self, request: Request) -> impl Future<Output = Answer> + Send;

    /// Somebody has connected.
    fn connected(&self) {}
}

/// Serves on a port of its own until the tokio runtime ends; gives `127.0.0.1:<port>`.
pub async fn serve(service: Arc<impl Service>) -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            service.connected();
            tokio::spawn(converse(stream, service.clone()));
        }
    });
    address
}

/// One connection, request after request.
async fn converse(mut stream: TcpStream, service: Arc<impl Service>) {
    stream.set_nodelay(true).unwrap();
    let mut buffer = Vec::new();
    while let Some(request) = read(&mut stream, &mut buffer).await {
        let answer = service.answer(request).await;
        let due = Instant::now() + answer.after;
        if !answer.after.is_zero() {
            // The timer may be late by more than a millisecond: the last two are counted by hand.
            tokio::time::sleep(answer.after.saturating_sub(Duration::from_millis(2))).await;
            while Instant::now() < due {
                tokio::task::yield_now().await;
            }
        }
        if answer.hangs_up {
            return;
        }
        let mut bytes = answer.head().into_bytes();
        bytes.extend_from_slice(&answer.body);
        if stream.write_all(&bytes).await.is_err() {
            return;
        }
    }
}

/// The next request; `None`: the other side is done.
async fn read(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<Request> {
    loop {
        if let Some((mut request, start, length)) = head(buffer) {
            while buffer.len() < start + length {
                more(stream, buffer).await?;
            }
            request.body = buffer[start..start + length].to_vec();
            buffer.drain(..start + length);
            return Some(request);
        }
        more(stream, buffer).await?;
    }
}

async fn more(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<()> {
    buffer.reserve(16 * 1024);
    let read = stream.read_buf(buffer).await.ok()?;
    (read > 0).then_some(())
}

/// The head if it is there whole, where the body starts, and its length.
fn head(buffer: &[u8]) -> Option<(Request, usize, usize)> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut parsed = httparse::Request::new(&mut headers);
    let httparse::Status::Complete(start) = parsed.parse(buffer).unwrap() else { return None };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let request = Request {
        method: parsed.method.unwrap().to_owned(),
        path: parsed.path.unwrap().to_owned(),
        headers: parsed.headers.iter().map(|header| (header.name.to_owned(), text(header.value))).collect(),
        body: Vec::new(),
    };
    assert_eq!(request.header("transfer-encoding"), None, "our clients know what they send");
    let length = request.header("content-length").map_or(0, |length| length.parse().unwrap());
    Some((request, start, length))
}
