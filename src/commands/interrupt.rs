//! Ctrl-C, SIGTERM and a terminal that is closed: the first asks to stop in order, the second stops at once.

use std::fs;
use std::future::poll_fn;
use std::task::Poll;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use crate::render::Terminal;
use crate::render::gauge;

/// The exit status of what was interrupted.
const INTERRUPTED: i32 = 130;

/// Whether the user asked to stop.
#[derive(Debug, Clone)]
pub struct Interrupt(watch::Receiver<bool>);

/// What the user asks for.
#[derive(Debug, Clone, Copy)]
enum Asks {
    /// The first time.
    ToStop,
    /// The second time.
    AtOnce,
}

impl Interrupt {
    /// Listens from now on, for as long as the program runs.
    pub fn listen(terminal: Terminal) -> Self {
        Self::telling(terminal, "what was in flight may or may not be written; plan to see")
    }

    /// The same; `at_once`: what to know where it was stopped at once.
    pub fn telling(terminal: Terminal, at_once: &'static str) -> Self {
        Self::hear(move |asks| match asks {
            Asks::ToStop => {
                let words = "stopping: calls in flight are finished; interrupt again to stop at once";
                gauge::talk_above(&terminal, words);
            }
            Asks::AtOnce => {
                gauge::clear();
                terminal.talk(&format!("stopped: {at_once}"));
            }
        })
    }

    /// The same without words: for what only reads, and is meant to be ended so.
    pub fn quietly() -> Self {
        Self::hear(|_| ())
    }

    fn hear(say: impl Fn(Asks) + Send + 'static) -> Self {
        let (ask, asked) = watch::channel(false);
        if let Ok(mut signals) = signals() {
            tokio::spawn(async move {
                any(&mut signals).await;
                say(Asks::ToStop);
                let _ = ask.send(true);
                any(&mut signals).await;
                say(Asks::AtOnce);
                std::process::exit(INTERRUPTED);
            });
        } else {
            // Nobody can be heard: then nobody asks. The sender must live, for its end counts as an end of waiting.
            std::mem::forget(ask);
        }
        Self(asked)
    }

    /// Whether the user has asked to stop.
    pub fn is_asked(&self) -> bool {
        *self.0.borrow()
    }

    /// Resolves when the user asks to stop.
    pub async fn asked(&self) {
        let _ = self.0.clone().wait_for(|asked| *asked).await;
    }
}

fn signals() -> std::io::Result<Vec<Signal>> {
    let mut kinds = vec![SignalKind::interrupt(), SignalKind::terminate()];
    // Under `nohup` a closed terminal means nothing.
    if !is_ignored(SignalKind::hangup()) {
        kinds.push(SignalKind::hangup());
    }
    kinds.into_iter().map(signal).collect()
}

/// Whether whoever started this process had it ignore a signal. Linux tells; elsewhere it is not known.
pub fn is_ignored(signal: SignalKind) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .is_some_and(|mask| mask >> (signal.as_raw_value() - 1) & 1 == 1)
}

/// The next of any of them.
async fn any(signals: &mut [Signal]) {
    poll_fn(|context| {
        let came = signals.iter_mut().any(|signal| signal.poll_recv(context).is_ready());
        if came { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}
