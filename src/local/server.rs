//! The server as it answers: who it is, whether it is ready, and waiting until it is, or has gone.

use std::fs;
use std::io;
use std::process::Child;
use std::time::Duration;

use serde::Deserialize;
use tokio::time::Instant;

use super::error::LocalError;
use super::home::Home;
use super::http::{self, Answer};
use super::install::last;
use super::process;
use super::progress::Progress;
use super::record::Record;
use super::turn::Pause;

const PATIENCE: Duration = Duration::from_secs(5);
const LONGEST_START: Duration = Duration::from_secs(60);
const LONGEST_STOP: Duration = Duration::from_secs(30);
const LONGEST_RESET: Duration = Duration::from_secs(30);
const LOG_LINES_SHOWN: usize = 15;

/// Who is found at the remembered port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// Ours: it answers with the name that we gave it.
    Ours { version: String },
    /// Ours by its lock, but it does not answer (yet).
    Silent { cause: String },
    /// Something else has the port.
    Foreign,
    /// Nobody.
    Nobody,
}

/// The part of `/_ministack/health` that matters here.
#[derive(Deserialize)]
struct Health {
    edition: String,
    version: String,
}

/// Asks who is at the port, and looks at the lock.
pub async fn look(home: &Home, record: &Record) -> Result<Seen, LocalError> {
    let answer = http::ask(record.port, "GET", "/_ministack/health", PATIENCE).await;
    let alive = process::alive(home)?;
    Ok(match answer {
        Ok(answer) => match ours(&answer, &record.identity(home)) {
            Some(version) => Seen::Ours { version },
            None => Seen::Foreign,
        },
        Err(error) if alive => Seen::Silent { cause: error.to_string() },
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Seen::Nobody,
        Err(_) => Seen::Foreign,
    })
}

/// Its version, if the answer is of the server with this name.
fn ours(answer: &Answer, identity: &str) -> Option<String> {
    let health: Health = serde_json::from_slice(&answer.body).ok()?;
    (answer.status == 200 && health.edition == identity).then_some(health.version)
}

/// Waits until the server can be used. Its end is noticed at once: by the child that we started, or else by the lock.
pub async fn wait_until_ready(home: &Home, record: &Record, mut child: Option<&mut Child>) -> Result<(), LocalError> {
    let began = Instant::now();
    let mut pause = Pause::new();
    loop {
        let alive = match &mut child {
            Some(child) => matches!(child.try_wait(), Ok(None)),
            None => process::alive(home)?,
        };
        // Asked after looking: a server that dies in between is found dead in the next round.
        if is_ready(home, record).await {
            return Ok(());
        }
        if !alive {
            return Err(LocalError::Died { log: home.log(), tail: tail(home) });
        }
        if began.elapsed() > LONGEST_START {
            if let Some(child) = child {
                // It has not begun to serve, so there is nothing that it could still save.
                let _ = child.kill();
            }
            return Err(LocalError::NotReady { seconds: LONGEST_START.as_secs(), log: home.log(), tail: tail(home) });
        }
        pause.sleep().await;
    }
}

async fn is_ready(home: &Home, record: &Record) -> bool {
    let health = http::ask(record.port, "GET", "/_ministack/health", PATIENCE).await;
    if !health.is_ok_and(|answer| ours(&answer, &record.identity(home)).is_some()) {
        return false;
    }
    let ready = http::ask(record.port, "GET", "/_ministack/ready", PATIENCE).await;
    ready.is_ok_and(|answer| answer.status == 200)
}

/// Whether the server lives: it holds the lock, or, where locks are not inherited (NFS), it answers.
pub async fn lives(home: &Home, record: Option<&Record>) -> Result<bool, LocalError> {
    if process::alive(home)? {
        return Ok(true);
    }
    match record {
        Some(record) => Ok(matches!(look(home, record).await?, Seen::Ours { .. })),
        None => Ok(false),
    }
}

/// Asks the living server to save its state and end, and waits until it has; the answer is its process id.
pub async fn stop(home: &Home, record: Option<&Record>, on: &dyn Fn(Progress)) -> Result<Option<u32>, LocalError> {
    let began = Instant::now();
    let mut asked = None;
    let mut pause = Pause::new();
    while lives(home, record).await? {
        // Between taking the lock and starting, the file is empty for a moment.
        if let (None, Some(id)) = (asked, process::id(home)) {
            on(Progress::Stopping { pid: id });
            process::ask_to_end(id).await;
            asked = Some(id);
        }
        if began.elapsed() > LONGEST_STOP {
            return Err(LocalError::StillRunning { pid: asked, seconds: LONGEST_STOP.as_secs() });
        }
        pause.sleep().await;
    }
    Ok(asked)
}

/// Clears the state of the running server, all accounts and regions.
pub async fn reset(record: &Record) -> Result<(), LocalError> {
    match http::ask(record.port, "POST", "/_ministack/reset", LONGEST_RESET).await {
        Ok(answer) if answer.status == 200 => Ok(()),
        Ok(answer) => Err(LocalError::Silent { cause: format!("its reset answers with status {}", answer.status) }),
        Err(error) => Err(LocalError::Silent { cause: error.to_string() }),
    }
}

/// The last lines of the log.
pub fn tail(home: &Home) -> String {
    let text = fs::read(home.log()).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<String> = text.lines().filter(|line| !line.trim().is_empty()).map(str::to_owned).collect();
    last(&lines, LOG_LINES_SHOWN)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Answer {
        Answer { status, body: body.as_bytes().to_vec() }
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_server_that_ends_while_it_starts_is_noticed_at_once_and_its_last_words_are_told() {
        let project = tempfile::tempdir().unwrap();
        let home = Home::of(project.path()).unwrap();
        home.create().unwrap();
        let record = Record::fresh("setup").unwrap();
        let words: String = (0..30).map(|number| format!("line {number}\n\n")).collect();
        fs::write(home.log(), words).unwrap();
        let began = Instant::now();
        let mut child = std::process::Command::new("/bin/sh").args(["-c", "exit 3"]).spawn().unwrap();
        for child in [Some(&mut child), None] {
            let error = wait_until_ready(&home, &record, child).await.unwrap_err();
            let LocalError::Died { tail, .. } = &error else { panic!("{error}") };
            assert!(tail.starts_with("line 15\n") && tail.ends_with("line 29"), "{tail}");
        }
        assert!(began.elapsed() < LONGEST_START / 2);
    }

    #[test]
    fn known_by_the_name_that_we_gave_it() {
        let health = r#"{"edition": "pipewright-1", "version": "1.5.33", "services": {}}"#;
        assert_eq!(ours(&answer(200, health), "pipewright-1"), Some("1.5.33".to_owned()));
        assert_eq!(ours(&answer(200, health), "pipewright-2"), None, "another folder's");
        assert_eq!(ours(&answer(503, health), "pipewright-1"), None);
        assert_eq!(ours(&answer(200, "<html>"), "pipewright-1"), None);
        assert_eq!(ours(&answer(200, r#"{"edition": "light", "version": "1.5.33"}"#), "pipewright-1"), None);
    }
}
