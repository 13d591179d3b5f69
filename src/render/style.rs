//! How texts for people are dressed: in colours, or none (they only repeat what signs and words say already), and with the
//! flags of the commands in them.

use std::fmt::Display;

use anstyle::{AnsiColor, Style as Ansi};

use super::flags::Flags;
use crate::reconcile::{Action, Severity};

/// How text is dressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    colour: bool,
    flags: Flags,
}

impl Style {
    pub const PLAIN: Self = Self { colour: false, flags: Flags::NONE };

    /// Commands have no flags.
    pub fn new(colour: bool) -> Self {
        Self { colour, flags: Flags::NONE }
    }

    pub fn with(self, flags: Flags) -> Self {
        Self { flags, ..self }
    }

    /// The text with the flags that its commands need.
    pub fn typeable(self, text: &str) -> String {
        self.flags.put_into(text)
    }

    /// `pipewright plan --local`
    pub fn command(self, words: &str) -> String {
        self.flags.command(words)
    }

    /// The same without colours.
    pub fn plain(self) -> Self {
        Self { colour: false, ..self }
    }

    pub fn has_colour(self) -> bool {
        self.colour
    }

    pub fn bold(self, text: impl Display) -> String {
        self.paint(Ansi::new().bold(), text)
    }

    pub fn dim(self, text: impl Display) -> String {
        self.paint(Ansi::new().dimmed(), text)
    }

    pub fn green(self, text: impl Display) -> String {
        self.paint(AnsiColor::Green.on_default(), text)
    }

    pub fn yellow(self, text: impl Display) -> String {
        self.paint(AnsiColor::Yellow.on_default(), text)
    }

    pub fn red(self, text: impl Display) -> String {
        self.paint(AnsiColor::Red.on_default(), text)
    }

    pub fn action(self, action: Action, text: impl Display) -> String {
        match action {
            Action::Create => self.green(text),
            Action::Update | Action::Adopt => self.yellow(text),
            Action::Replace | Action::Delete => self.red(text),
        }
    }

    pub fn severity(self, severity: Severity, text: impl Display) -> String {
        match severity {
            Severity::Error => self.red(text),
            Severity::Warning => self.yellow(text),
            Severity::Note => self.dim(text),
        }
    }

    fn paint(self, ansi: Ansi, text: impl Display) -> String {
        if self.colour { format!("{ansi}{text}{ansi:#}") } else { text.to_string() }
    }
}
