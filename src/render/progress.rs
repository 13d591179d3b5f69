//! An apply as it happens: spinners on a terminal, plain lines elsewhere.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::report::{doing, done};
use super::style::Style;
use super::terminal::Terminal;
use crate::number::elapsed;
use crate::reconcile::{Address, Event, Verb};

/// Shows what happens, one line a resource, on stderr.
pub struct Progress<'a> {
    terminal: &'a Terminal,
    bars: MultiProgress,
    running: RefCell<BTreeMap<String, Running>>,
}

struct Running {
    bar: ProgressBar,
    begun: Instant,
    /// What it last said it waits for.
    reason: Option<String>,
    /// When a line was last printed of it.
    told: Option<Instant>,
}

/// Where lines stay, news of one kind (`for the compiler: …`) is told no more often than this.
const SELDOM: Duration = Duration::from_secs(15);

impl<'a> Progress<'a> {
    pub fn new(terminal: &'a Terminal) -> Self {
        let target =
            if terminal.talks_to_a_person() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        Self { terminal, bars: MultiProgress::with_draw_target(target), running: RefCell::default() }
    }

    /// Takes notice of an event.
    pub fn event(&self, event: Event) {
        let style = self.terminal.style();
        match event {
            Event::Started { address, verb } => self.start(&address.to_string(), doing(verb)),
            Event::Waiting { address, reason } => self.wait(&address.to_string(), &reason),
            Event::Done { address, verb, elapsed } => self.finish(&address, &style.green(done(verb)), elapsed),
            Event::Failed { address, elapsed, error, .. } => {
                self.finish(&address, &style.red("failed"), elapsed);
                self.line(&format!("    {}", error.message));
            }
            Event::Blocked { address, verb, by } => self.blocked(&address, verb, &by, style),
            Event::Settling { differing } => self.wait("AWS", &format!("until {differing} changes show")),
        }
    }

    /// Something beside the resources begins, such as a build.
    pub fn start(&self, name: &str, word: &str) {
        let bar = self.bars.add(ProgressBar::new_spinner());
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {elapsed}") {
            bar.set_style(style);
        }
        bar.set_message(format!("{name} {word}"));
        bar.enable_steady_tick(Duration::from_millis(120));
        self.running
            .borrow_mut()
            .insert(name.to_owned(), Running { bar, begun: Instant::now(), reason: None, told: None });
    }

    /// It goes on, but waits.
    pub fn wait(&self, name: &str, reason: &str) {
        let mut running = self.running.borrow_mut();
        let Some(entry) = running.get_mut(name) else {
            drop(running);
            self.start(name, "");
            return self.wait(name, reason);
        };
        entry.bar.set_message(format!("{name} waiting {reason}"));
        let kind = |reason: &str| reason.split(':').next().unwrap_or_default().to_owned();
        let is_news = entry.reason.as_deref().map(kind) != Some(kind(reason));
        let is_due = entry.told.is_none_or(|told| told.elapsed() >= SELDOM) && entry.reason.as_deref() != Some(reason);
        entry.reason = Some(reason.to_owned());
        if self.bars.is_hidden() && (is_news || is_due) {
            entry.told = Some(Instant::now());
            self.terminal.talk(&format!("  {name} waiting {reason}, after {}", elapsed(entry.begun.elapsed())));
        }
    }

    /// It is over, and needs no line of its own.
    pub fn end(&self, name: &str) {
        if let Some(entry) = self.running.borrow_mut().remove(name) {
            entry.bar.finish_and_clear();
            self.bars.remove(&entry.bar);
        }
    }

    /// A line above the spinners.
    pub fn line(&self, text: &str) {
        if self.bars.is_hidden() {
            self.terminal.talk(text);
        } else {
            // A terminal that cannot be written to cannot be told so either.
            let _ = self.bars.println(text);
        }
    }

    fn finish(&self, address: &Address, word: &str, took: Duration) {
        let waited = self.running.borrow().get(&address.to_string()).and_then(|entry| entry.reason.clone());
        self.end(&address.to_string());
        let waited = waited.map(|reason| format!(" (waited {reason})")).unwrap_or_default();
        self.line(&format!("  {address} {word} in {}{waited}", elapsed(took)));
    }

    fn blocked(&self, address: &Address, verb: Verb, by: &Address, style: Style) {
        self.line(&format!("  {address} {}: not {}, because {by} failed", style.yellow("blocked"), done(verb)));
    }
}
