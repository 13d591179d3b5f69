//! Who has the terminal: Ctrl-Z gives it back before the program stands still, and it is taken in the foreground only.

use std::convert::Infallible;
use std::future::pending;
use std::io;
use std::time::Duration;

use rustix::process::{Signal, getpid, kill_process};
use tokio::signal::unix::{self, SignalKind, signal};

use crate::render::Terminal;
use crate::render::screen::Screen;

/// How soon it is noticed that the shell puts what runs in the background into the foreground: no signal tells it.
const NOTICE: Duration = Duration::from_millis(200);

/// Takes the screen, gives it back and takes it again, for as long as it is awaited.
pub async fn hold(screen: &Screen<'_>, terminal: &Terminal) -> Infallible {
    if !screen.moves() {
        return pending().await;
    }
    let mut suspend = signal(SignalKind::from_raw(Signal::TSTP.as_raw()));
    loop {
        tokio::select! {
            () = foreground(terminal), if !screen.is_taken() => screen.take(),
            () = next(&mut suspend) => {
                screen.give_back();
                // Until the shell lets this process go on.
                let _ = kill_process(getpid(), Signal::STOP);
            }
        }
    }
}

/// Draws what is on the screen anew for each size that the window gets.
pub async fn resize(screen: &Screen<'_>) -> Infallible {
    let mut resized = signal(SignalKind::window_change());
    loop {
        next(&mut resized).await;
        screen.draw();
    }
}

/// The next of a signal that may not be heard: then none comes.
async fn next(signals: &mut io::Result<unix::Signal>) {
    match signals {
        Ok(signals) => signals.recv().await.unwrap_or(()),
        Err(_) => pending().await,
    }
}

async fn foreground(terminal: &Terminal) {
    while !terminal.is_in_foreground() {
        tokio::time::sleep(NOTICE).await;
    }
}
