//! The one door to the terminal: answers to stdout, talk to stderr.

use std::io::{self, BufRead, IsTerminal, Write};

use console::Term;
use rustix::process::getpgrp;
use rustix::termios::tcgetpgrp;

use super::flags::Flags;
use super::style::Style;
use crate::cli::{Color, Global};

/// Where answers and talk go.
#[derive(Debug, Clone, Copy)]
pub struct Terminal {
    answer: Style,
    talk: Style,
    person: bool,
}

impl Terminal {
    pub fn new(global: &Global) -> Self {
        let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        let takes_colour = set("NO_COLOR").is_none() && set("TERM").is_none_or(|term| term != "dumb");
        let wanted = |is_terminal: bool| match global.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => is_terminal && takes_colour,
        };
        let flags = Flags::of(global);
        Self {
            answer: Style::new(wanted(io::stdout().is_terminal())).with(flags),
            talk: Style::new(wanted(io::stderr().is_terminal())).with(flags),
            person: io::stderr().is_terminal(),
        }
    }

    /// How answers are coloured.
    pub fn answer_style(&self) -> Style {
        self.answer
    }

    /// How wide answers may be: as wide as the terminal; what goes into a file or a pipe is not cut.
    pub fn answer_width(&self) -> usize {
        match Term::stdout().size_checked() {
            Some((_, columns)) if io::stdout().is_terminal() => usize::from(columns).max(40),
            Some(_) | None => usize::MAX,
        }
    }

    /// Whether somebody looks at the answers, on a terminal that can be drawn on: then they may be drawn over.
    pub fn answers_a_person(&self) -> bool {
        io::stdout().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
    }

    /// How many lines the terminal has; `None`: it is none.
    pub fn answer_height(&self) -> Option<usize> {
        Term::stdout().size_checked().map(|(rows, _)| usize::from(rows))
    }

    /// Whether the shell lets this process have the terminal; so it is, too, where no shell says who has it.
    pub fn is_in_foreground(&self) -> bool {
        tcgetpgrp(io::stdout()).map_or(true, |foreground| foreground == getpgrp())
    }

    /// How talk is coloured.
    pub fn style(&self) -> Style {
        self.talk
    }

    /// Whether somebody looks at the talk: then it may move.
    pub fn talks_to_a_person(&self) -> bool {
        self.person
    }

    /// Whether a question can be asked and answered.
    pub fn can_ask(&self) -> bool {
        self.person && io::stdin().is_terminal()
    }

    /// The answer, as it is. A reader that went away (`| head`) is no failure; a full disk ends the program with 1, for
    /// half an answer is none.
    pub fn answer(&self, text: &str) {
        let mut out = io::stdout().lock();
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                self.talk(&format!("error: the output cannot be written: {error}"));
                std::process::exit(1);
            }
            Ok(()) | Err(_) => {}
        }
    }

    /// To the start of the line of talk that the cursor is on.
    pub fn rewind(&self) {
        let mut err = io::stderr().lock();
        let _ = err.write_all(b"\r").and_then(|()| err.flush());
    }

    /// A line of talk.
    pub fn talk(&self, line: &str) {
        let mut err = io::stderr().lock();
        let _ = writeln!(err, "{}", self.talk.typeable(line));
    }

    /// Asks; only the word `yes` agrees.
    pub fn agrees(&self, question: &str) -> bool {
        let mut err = io::stderr().lock();
        let _ = write!(err, "{question} Only `yes` is accepted: ").and_then(|()| err.flush());
        let mut line = String::new();
        io::stdin().lock().read_line(&mut line).is_ok() && line.trim() == "yes"
    }
}
