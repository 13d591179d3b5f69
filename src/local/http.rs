//! One question over HTTP to a port of this machine: enough for the local AWS's own pages, and no more.
//!
//! The SDK's client would sign, retry and pool; here the interest is in who answers at all, and how fast.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// More than any page of the local AWS.
const LARGEST: u64 = 1 << 20;

/// Status and body.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
}

/// Asks, and waits for the answer at most so long.
pub async fn ask(port: u16, method: &str, path: &str, patience: Duration) -> io::Result<Answer> {
    timeout(patience, exchange(port, method, path))
        .await
        .map_err(|_| io::Error::new(io::ErrorKind::TimedOut, format!("no answer within {patience:?}")))?
}

async fn exchange(port: u16, method: &str, path: &str) -> io::Result<Answer> {
    let mut stream = TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await?;
    let question =
        format!("{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    stream.write_all(question.as_bytes()).await?;
    let mut text = Vec::new();
    stream.take(LARGEST).read_to_end(&mut text).await?;
    parse(&text).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "the answer is not HTTP"))
}

/// The connection is closed after the answer, so the body is all that follows the head.
fn parse(text: &[u8]) -> Option<Answer> {
    let end = text.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&text[..end]).ok()?;
    let status = head.strip_prefix("HTTP/1.")?.split(' ').nth(1)?.parse().ok()?;
    Some(Answer { status, body: text[end + 4..].to_vec() })
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    async fn answering(with: &'static [u8]) -> u16 {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut question = [0; 1024];
            let _ = stream.read(&mut question).await.unwrap();
            stream.write_all(with).await.unwrap();
        });
        port
    }

    #[tokio::test(flavor = "current_thread")]
    async fn reads_status_and_body() {
        let port = answering(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 2\r\n\r\nno").await;
        let answer = ask(port, "GET", "/", Duration::from_secs(5)).await.unwrap();
        assert_eq!(answer, Answer { status: 503, body: b"no".to_vec() });
    }

    #[tokio::test(flavor = "current_thread")]
    async fn what_is_not_http_is_an_error() {
        for text in
            [&b""[..], b"SSH-2.0-OpenSSH_9.2\r\n\r\n", b"HTTP/1.1 no\r\n\r\n", b"HTTP/1.1 200 OK\r\n", b"\xff\r\n\r\n"]
        {
            assert_eq!(parse(text), None, "{text:?}");
        }
        let port = answering(b"220 mail ready\r\n").await;
        let error = ask(port, "GET", "/", Duration::from_secs(5)).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }

    #[tokio::test(flavor = "current_thread")]
    async fn who_says_nothing_is_not_waited_for() {
        let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = silent.local_addr().unwrap().port();
        let error = ask(port, "GET", "/", Duration::from_millis(20)).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test(flavor = "current_thread")]
    async fn nobody_there_is_told_apart() {
        let gone = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = gone.local_addr().unwrap().port();
        drop(gone);
        let error = ask(port, "GET", "/", Duration::from_secs(5)).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    }
}
