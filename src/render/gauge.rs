//! How far a long job is: one line that moves on a terminal, a line now and then elsewhere.

use std::cell::Cell;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle, WeakProgressBar};

use super::terminal::Terminal;
use crate::number::{elapsed, grouped};

/// Where lines stay, one is printed no more often than this.
const SELDOM: Duration = Duration::from_secs(5);

/// The line that moves now.
static MOVING: Mutex<Option<WeakProgressBar>> = Mutex::new(None);

fn moving() -> Option<ProgressBar> {
    let bar = MOVING.lock().unwrap_or_else(PoisonError::into_inner).as_ref().and_then(WeakProgressBar::upgrade);
    bar.filter(|bar| !bar.is_hidden() && !bar.is_finished())
}

/// A line of talk from elsewhere: above the line that moves, where one does.
pub fn talk_above(terminal: &Terminal, line: &str) {
    match moving() {
        Some(bar) => bar.println(line),
        None => terminal.talk(line),
    }
}

/// Takes the line away that moves, for the program is about to end.
pub fn clear() {
    if let Some(bar) = moving() {
        bar.finish_and_clear();
    }
}

/// Shows how far a job is, on stderr.
pub struct Gauge<'a> {
    terminal: &'a Terminal,
    bar: ProgressBar,
    begun: Instant,
    told: Cell<Instant>,
}

/// How far it is.
#[derive(Debug, Clone, Copy)]
pub struct Reached {
    pub count: u64,
    /// How much of the whole that is, where the whole is known.
    pub share: Option<f64>,
}

impl<'a> Gauge<'a> {
    pub fn new(terminal: &'a Terminal) -> Self {
        let target =
            if terminal.talks_to_a_person() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(None, target);
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
            bar.set_style(style);
        }
        *MOVING.lock().unwrap_or_else(PoisonError::into_inner) = Some(bar.downgrade());
        let now = Instant::now();
        Self { terminal, bar, begun: now, told: Cell::new(now) }
    }

    /// `sent 1,200, 148 a second, 2 min 07 s left; …`
    pub fn rate(&self, verb: &str, reached: Reached, more: &str) {
        self.show(&words(verb, reached, self.begun.elapsed(), more));
    }

    pub fn show(&self, text: &str) {
        self.bar.set_message(text.to_owned());
        self.bar.tick();
        if !self.bar.is_hidden() {
            // At its end, the echo of Ctrl-C would go to a line of its own, and the next to be cleared would be that.
            self.terminal.rewind();
        }
        if self.bar.is_hidden() && self.told.get().elapsed() >= SELDOM {
            self.told.set(Instant::now());
            self.terminal.talk(&format!("  {text}"));
        }
    }

    /// A line that stays.
    pub fn line(&self, text: &str) {
        if self.bar.is_hidden() {
            self.terminal.talk(text);
        } else {
            self.bar.println(text);
        }
    }
}

impl Drop for Gauge<'_> {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

fn words(verb: &str, reached: Reached, took: Duration, more: &str) -> String {
    let per_second = reached.count as f64 / took.as_secs_f64().max(0.001);
    let left = match reached.share {
        Some(share) if share > 0.0 && share < 1.0 => {
            format!(", {} left", elapsed(took.mul_f64((1.0 - share) / share)))
        }
        Some(_) | None => String::new(),
    };
    let more = if more.is_empty() { String::new() } else { format!("; {more}") };
    format!("{verb} {}, {per_second:.0} a second{left}{more}", grouped(reached.count))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rate_and_time_left_follow_from_what_was_reached() {
        let half = Reached { count: 1_500, share: Some(0.25) };
        assert_eq!(words("sent", half, Duration::from_secs(10), ""), "sent 1,500, 150 a second, 30.0 s left");
        let unknown = Reached { count: 5, share: None };
        assert_eq!(words("sent", unknown, Duration::from_secs(2), "1 refused"), "sent 5, 2 a second; 1 refused");
    }
}
