//! The line of the file that a diagnostic points at, made fit for a terminal, with marks under the place.

use super::tree::Place;
use super::words::visible;

/// The widest line that is shown whole, in columns.
const WIDEST: usize = 100;

/// How much of a long line is shown before the place, in characters.
const BEFORE: usize = 30;

/// A line, and the marks to be shown under it.
pub(super) struct Excerpt {
    pub line: String,
    pub marks: String,
}

impl Excerpt {
    pub(super) fn new(line: &str, place: Place) -> Self {
        let letters: Vec<char> = line.chars().collect();
        let start = (place.column.saturating_sub(1)).min(letters.len());
        let end = (start + place.length.max(1)).min(letters.len().max(start + 1));
        let is_long = letters.len() > WIDEST;
        let first = if is_long && start > BEFORE { start - BEFORE } else { 0 };
        let last = (first + WIDEST).min(letters.len());
        let shown = |from: usize, to: usize| -> String {
            letters.get(from..to.max(from)).unwrap_or_default().iter().copied().flat_map(shown).collect()
        };
        let head = if first > 0 { "…" } else { "" };
        let tail = if last < letters.len() { "…" } else { "" };
        let before = format!("{head}{}", shown(first, start));
        let marked = shown(start, end.min(last));
        let line = format!("{before}{marked}{}{tail}", shown(end.min(last), last));
        let marks = format!("{}{}", " ".repeat(width(&before)), "^".repeat(width(&marked).max(1)));
        Self { line: line.trim_end().to_owned(), marks }
    }
}

/// A character as it is shown: tabs have a fixed width, and nothing moves the cursor.
fn shown(letter: char) -> impl Iterator<Item = char> {
    let tab = (letter == '\t').then_some("    ");
    tab.into_iter().flat_map(str::chars).chain((letter != '\t').then(|| visible(letter)).into_iter().flatten())
}

/// Columns on a terminal.
fn width(text: &str) -> usize {
    text.chars().map(columns).sum()
}

/// Two for the scripts that terminals draw wide, none for marks that sit on the letter before. Near enough to point.
fn columns(letter: char) -> usize {
    match letter {
        '\u{300}'..='\u{36f}' | '\u{fe00}'..='\u{fe0f}' => 0,
        '\u{1100}'..='\u{115f}'
        | '\u{2e80}'..='\u{a4cf}'
        | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}'
        | '\u{fe30}'..='\u{fe6f}'
        | '\u{ff00}'..='\u{ff60}'
        | '\u{1f300}'..='\u{1f64f}'
        | '\u{1f900}'..='\u{1f9ff}'
        | '\u{20000}'..='\u{3fffd}' => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn excerpt(line: &str, column: usize, length: usize) -> (String, String) {
        let Excerpt { line, marks } = Excerpt::new(line, Place { line: 1, column, length });
        (line, marks)
    }

    #[test]
    fn the_marks_stand_under_the_place() {
        assert_eq!(excerpt("a: bcd", 4, 3), ("a: bcd".into(), "   ^^^".into()));
        assert_eq!(excerpt("a: bcd", 4, 99), ("a: bcd".into(), "   ^^^".into()));
        assert_eq!(excerpt("a:", 3, 0), ("a:".into(), "  ^".into()));
        assert_eq!(excerpt("", 9, 9), (String::new(), "^".into()));
    }

    #[test]
    fn tabs_and_wide_letters_keep_the_marks_in_place() {
        assert_eq!(excerpt("\ta: b", 5, 1), ("    a: b".into(), "       ^".into()));
        assert_eq!(excerpt("値: b", 4, 1), ("値: b".into(), "    ^".into()));
    }

    #[test]
    fn a_long_line_is_cut_around_the_place() {
        let (line, marks) = excerpt(&format!("{}here{}", "x".repeat(200), "y".repeat(200)), 201, 4);
        assert_eq!(line, format!("…{}here{}…", "x".repeat(30), "y".repeat(66)));
        assert_eq!(marks, format!("{}^^^^", " ".repeat(31)));
        let (line, marks) = excerpt(&"z".repeat(500), 1, 500);
        assert_eq!((line.chars().count(), marks.len()), (101, 100));
    }
}
