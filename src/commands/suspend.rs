//! Ctrl-Z: whoever has taken the terminal gives it back before the program stands still, and takes it again afterwards.

use std::convert::Infallible;
use std::future::pending;

use tokio::process::Command;
use tokio::signal::unix::{SignalKind, signal};

use crate::render::screen::Screen;

/// The number of SIGTSTP.
const SUSPEND: i32 = if cfg!(target_os = "linux") { 20 } else { 18 };

/// Listens for as long as it is awaited.
pub async fn give_way(screen: &Screen<'_>) -> Infallible {
    if let (true, Ok(mut asked)) = (screen.moves(), signal(SignalKind::from_raw(SUSPEND))) {
        while asked.recv().await.is_some() {
            screen.give_back();
            stand_still().await;
            screen.take();
        }
    }
    pending().await
}

/// Until the shell lets this process go on. The shell's own `kill`: safe Rust has none.
async fn stand_still() {
    let id = std::process::id().to_string();
    let _ = Command::new("/bin/sh").args(["-c", r#"kill -STOP "$1""#, "sh", &id]).status().await;
}
