//! A terminal with somebody at it, who looks and types.

use std::os::unix::process::ExitStatusExt;
use std::process::Command;
use std::time::Duration;

use pty_process::{Pty, Size};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::Child;

/// So long a screen may take to show what is expected.
const PATIENCE: Duration = Duration::from_secs(60);
pub const CTRL_C: &str = "\x03";
pub const CTRL_Z: &str = "\x1a";

/// A terminal in which a program runs.
pub struct Screen {
    pty: Pty,
    child: Child,
    pub shown: String,
}

/// A shell with jobs, which runs this script; `"$@"` is the program.
pub fn shell(script: &str, program: &Command) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-mc", script, "sh"]).arg(program.get_program()).args(program.get_args()).env_clear();
    shell.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell.current_dir(program.get_current_dir().unwrap());
    shell
}

impl Screen {
    pub fn new(mut program: Command, rows: u16, columns: u16) -> Self {
        let (pty, pts) = pty_process::open().unwrap();
        pty.resize(Size::new(rows, columns)).unwrap();
        program.env("TERM", "xterm-256color");
        let command = pty_process::Command::from(tokio::process::Command::from(program));
        let child = command.spawn(pts).unwrap();
        Self { pty, child, shown: String::new() }
    }

    /// Waits until this is shown.
    pub async fn shows(&mut self, words: &str) {
        self.shows_often(words, 1).await;
    }

    /// Waits until this was shown so often.
    pub async fn shows_often(&mut self, words: &str, times: usize) {
        let read = async {
            while self.shown.matches(words).count() < times {
                assert!(self.read().await, "it ended without `{words}`: {}", self.shown);
            }
        };
        assert!(tokio::time::timeout(PATIENCE, read).await.is_ok(), "no `{words}`: {}", self.shown);
    }

    /// Whether there was more to read.
    async fn read(&mut self) -> bool {
        let mut bytes = [0; 4_096];
        // Linux ends a terminal that nobody holds any more with an error.
        let count = self.pty.read(&mut bytes).await.unwrap_or(0);
        self.shown.push_str(&String::from_utf8_lossy(&bytes[..count]));
        count > 0
    }

    /// The window gets another size.
    pub fn resize(&self, rows: u16, columns: u16) {
        self.pty.resize(Size::new(rows, columns)).unwrap();
    }

    pub async fn press(&mut self, keys: &str) {
        self.pty.write_all(keys.as_bytes()).await.unwrap();
    }

    /// Waits until this is so.
    pub async fn until(&self, is_so: impl Fn() -> bool) {
        let becomes_so = async {
            while !is_so() {
                tokio::task::yield_now().await;
            }
        };
        assert!(tokio::time::timeout(PATIENCE, becomes_so).await.is_ok(), "in vain: {}", self.shown);
    }

    /// Waits until the program stands still, and lets it go on.
    pub async fn goes_on(&self) {
        let id = self.child.id().unwrap().to_string();
        let state = || Command::new("ps").args(["-o", "state=", "-p", &id]).output().unwrap().stdout;
        self.until(|| state().first() == Some(&b'T')).await;
        assert!(Command::new("kill").args(["-CONT", &id]).status().unwrap().success());
    }

    /// Waits for the end: all that was shown, and the exit status as a shell tells it.
    pub async fn end(mut self) -> (String, i32) {
        let read = async { while self.read().await {} };
        assert!(tokio::time::timeout(PATIENCE, read).await.is_ok(), "it does not end: {}", self.shown);
        let status = self.child.wait().await.unwrap();
        let status = status.code().or(status.signal().map(|signal| 128 + signal)).unwrap();
        (self.shown, status)
    }
}
