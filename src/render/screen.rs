//! A screen that is drawn again and again in the same place, where somebody looks.

use std::cell::{Cell, RefCell};

use console::truncate_str;

use super::parked::Sheet;
use super::terminal::Terminal;
use crate::cli::Output;

/// The other screen, without a cursor; and back.
const OPEN: &str = "\x1b[?1049h\x1b[?25l";
const CLOSE: &str = "\x1b[?25h\x1b[?1049l";
/// To the top left; after each line, what is left of the one before; at the end, everything below.
const HOME: &str = "\x1b[H";
const REST_OF_LINE: &str = "\x1b[K";
const REST_OF_SCREEN: &str = "\x1b[J";

/// A text for a width and so many lines.
type Picture = Box<dyn Fn(Sheet, usize) -> String>;

/// Draws only while it has the terminal, which it gives back when it is dropped.
pub struct Screen<'a> {
    terminal: &'a Terminal,
    moves: bool,
    is_taken: Cell<bool>,
    /// What was shown last.
    picture: RefCell<Option<Picture>>,
}

impl<'a> Screen<'a> {
    /// The terminal is not taken yet.
    pub fn new(terminal: &'a Terminal, output: Output) -> Self {
        let moves = output == Output::Text && terminal.answers_a_person();
        Self { terminal, moves, is_taken: Cell::default(), picture: RefCell::default() }
    }

    /// Whether it is drawn in the same place; then nothing else may be written to the terminal.
    pub fn moves(&self) -> bool {
        self.moves
    }

    /// Whether it has the terminal.
    pub fn is_taken(&self) -> bool {
        self.is_taken.get()
    }

    /// Draws this, now or as soon as it has the terminal.
    pub fn show(&self, picture: impl Fn(Sheet, usize) -> String + 'static) {
        self.picture.replace(Some(Box::new(picture)));
        self.draw();
    }

    /// Draws what was shown last, for the window as it is now.
    pub fn draw(&self) {
        if self.is_taken() {
            self.terminal.answer(&self.drawn());
        }
    }

    /// Takes the terminal, with what was shown last.
    pub fn take(&self) {
        if self.moves && !self.is_taken.replace(true) {
            self.terminal.answer(&format!("{OPEN}{}", self.drawn()));
        }
    }

    /// Gives the terminal back as it was.
    pub fn give_back(&self) {
        if self.is_taken.replace(false) {
            self.terminal.answer(CLOSE);
        }
    }

    fn drawn(&self) -> String {
        let sheet = Sheet { style: self.terminal.answer_style(), width: self.terminal.answer_width() };
        let rows = self.terminal.answer_height().unwrap_or(usize::MAX);
        let picture = self.picture.borrow();
        picture.as_ref().map(|picture| frame(&picture(sheet, rows), rows, sheet.width)).unwrap_or_default()
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
