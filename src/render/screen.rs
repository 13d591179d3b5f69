//! A screen that is drawn again and again: in the same place where somebody looks, one below the other elsewhere.

use std::cell::RefCell;

use console::truncate_str;

use super::terminal::Terminal;
use crate::cli::Output;

/// The other screen, without a cursor; and back.
const OPEN: &str = "\x1b[?1049h\x1b[?25l";
const CLOSE: &str = "\x1b[?25h\x1b[?1049l";
/// To the top left; after each line, what is left of the one before; at the end, everything below.
const HOME: &str = "\x1b[H";
const REST_OF_LINE: &str = "\x1b[K";
const REST_OF_SCREEN: &str = "\x1b[J";

/// Takes the screen, and gives it back when it is dropped.
pub struct Screen<'a> {
    terminal: &'a Terminal,
    moves: bool,
    /// What was drawn last.
    frame: RefCell<String>,
}

impl<'a> Screen<'a> {
    pub fn open(terminal: &'a Terminal, output: Output) -> Self {
        let moves = output == Output::Text && terminal.answers_a_person();
        let screen = Self { terminal, moves, frame: RefCell::default() };
        screen.take();
        screen
    }

    /// Whether it is drawn in the same place; then nothing else may be written to the terminal.
    pub fn moves(&self) -> bool {
        self.moves
    }

    /// How many lines there are to draw on.
    pub fn rows(&self) -> usize {
        self.terminal.answer_height().filter(|_| self.moves).unwrap_or(usize::MAX)
    }

    pub fn show(&self, text: &str) {
        if self.moves {
            let frame = frame(text, self.rows(), self.terminal.answer_width());
            self.terminal.answer(&frame);
            self.frame.replace(frame);
        } else {
            self.terminal.answer(text);
        }
    }

    /// Takes the terminal, with what was drawn last.
    pub fn take(&self) {
        if self.moves {
            self.terminal.answer(&format!("{OPEN}{}", self.frame.borrow()));
        }
    }

    /// Gives the terminal back as it was.
    pub fn give_back(&self) {
        if self.moves {
            self.terminal.answer(CLOSE);
        }
    }
}

impl Drop for Screen<'_> {
    fn drop(&mut self) {
        self.give_back();
    }
}

/// Drawn over the frame before, without a moment of emptiness. What does not fit is left out, and that is said.
fn frame(text: &str, rows: usize, columns: usize) -> String {
    let lines: Vec<_> = text.lines().collect();
    let mut shown: Vec<_> = lines.iter().take(rows).map(|line| (*line).to_owned()).collect();
    if lines.len() > rows && rows > 0 {
        shown[rows - 1] = format!("… {} more lines: make the window higher", lines.len() - rows + 1);
    }
    let drawn = shown.iter().map(|line| format!("{}{REST_OF_LINE}", truncate_str(line, columns, "…")));
    format!("{HOME}{}{REST_OF_SCREEN}", drawn.collect::<Vec<_>>().join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_covers_the_one_before_and_fits() {
        assert_eq!(frame("a\nb\n", 5, 80), "\x1b[Ha\x1b[K\nb\x1b[K\x1b[J");
        let cut = frame("a\nb\nc\nd\n", 3, 80);
        assert!(cut.contains("b\x1b[K\n… 2 more lines") && !cut.contains('c'), "{cut:?}");
    }

    #[test]
    fn a_line_is_one_line_on_a_narrow_window_and_its_colour_ends() {
        assert_eq!(frame("\u{1b}[1mabcdef\u{1b}[0m\n", 5, 4), "\x1b[H\x1b[1mabc…\x1b[0m\x1b[K\x1b[J");
    }
}
