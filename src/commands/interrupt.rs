//! Ctrl-C and SIGTERM: the first asks to stop in order, the second stops at once.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use crate::render::Terminal;

/// The exit status of what was interrupted.
const INTERRUPTED: i32 = 130;

/// Whether the user asked to stop.
#[derive(Debug, Clone)]
pub struct Interrupt(watch::Receiver<bool>);

impl Interrupt {
    /// Listens from now on, for as long as the program runs.
    pub fn listen(terminal: Terminal) -> Self {
        let (ask, asked) = watch::channel(false);
        if let (Ok(mut interrupt), Ok(mut terminate)) =
            (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
        {
            tokio::spawn(async move {
                either(&mut interrupt, &mut terminate).await;
                terminal.talk("stopping: calls in flight are finished; interrupt again to stop at once");
                let _ = ask.send(true);
                either(&mut interrupt, &mut terminate).await;
                terminal.talk("stopped: what was in flight may or may not be written; plan to see");
                std::process::exit(INTERRUPTED);
            });
        } else {
            // Nobody can be heard: then nobody asks. The sender must live, for its end counts as an end of waiting.
            std::mem::forget(ask);
        }
        Self(asked)
    }

    /// Resolves when the user asks to stop.
    pub async fn asked(&self) {
        let _ = self.0.clone().wait_for(|asked| *asked).await;
    }
}

async fn either(interrupt: &mut Signal, terminate: &mut Signal) {
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}
