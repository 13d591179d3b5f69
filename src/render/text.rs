//! Text of strangers on a terminal: on one line, without control characters, no wider than there is room.

use console::strip_ansi_codes;

/// The text on one line. Control characters, which could move the cursor or change colours, are escaped.
pub fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\t' => line.push(' '),
            // Unicode's marks of direction reorder what stands around them.
            '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                line.extend(character.escape_unicode());
            }
            character if character.is_control() => line.extend(character.escape_default()),
            character => line.push(character),
        }
    }
    line
}

/// The text, or as much of it as there is room for, and `…`.
pub fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(width.saturating_sub(1)).collect();
    short.push('…');
    short
}

/// The text with its lines no wider than there is room, where spaces allow it: broken at them, what goes on below the
/// column where a value begins (after two spaces), or indented. Colours take no room.
pub fn hanging(text: &str, width: usize) -> String {
    text.split_inclusive('\n').map(|line| hanging_line(line, width)).collect()
}

/// Its words, each with the spaces after it. What stands between backticks is one: broken, a command would be two.
pub fn words(text: &str) -> impl Iterator<Item = &str> {
    let (has_ends, mut is_quoted) = (text.matches('`').count().is_multiple_of(2), false);
    text.split_inclusive(move |character| {
        is_quoted ^= has_ends && character == '`';
        character == ' ' && !is_quoted
    })
}

fn hanging_line(line: &str, width: usize) -> String {
    if columns(line) <= width {
        return line.to_owned();
    }
    let indent = hang(line, width);
    let (mut lines, mut column) = (String::new(), 0);
    for word in words(line) {
        let is_gap = word.trim().is_empty();
        if !is_gap && column > indent && column + columns(word.trim_end()) > width {
            lines.truncate(lines.trim_end().len());
            lines.push('\n');
            lines.push_str(&" ".repeat(indent));
            column = indent;
        }
        lines.push_str(word);
        column += columns(word);
    }
    lines
}

/// Where a line goes on below itself: in the left half, so that there is room.
fn hang(line: &str, width: usize) -> usize {
    let plain = strip_ansi_codes(line);
    let text = plain.trim_start_matches(' ');
    let margin = plain.len() - text.len();
    let value = text.find("  ").map(|gap| {
        let rest = text[gap..].trim_start_matches(' ');
        margin + columns(&text[..text.len() - rest.len()])
    });
    value.filter(|column| *column <= width / 2).unwrap_or(margin + 2)
}

fn columns(text: &str) -> usize {
    strip_ansi_codes(text.trim_end_matches('\n')).chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_move_the_cursor_is_escaped() {
        assert_eq!(one_line("a\u{1b}[31mb\nc\td"), "a\\u{1b}[31mb\\nc d");
        assert_eq!(one_line("x\u{202e}y"), "x\\u{202e}y");
        assert_eq!(one_line("é😀"), "é😀");
    }

    #[test]
    fn what_is_too_wide_is_cut_and_says_so() {
        assert_eq!(cut("abcdef", 6), "abcdef");
        assert_eq!(cut("abcdef", 4), "abc…");
        assert_eq!(cut("äöü", 2), "ä…");
    }

    #[test]
    fn what_stands_between_backticks_is_one_word() {
        let text = "see `pipewright plan --local`, or  `x y`";
        assert_eq!(words(text).collect::<Vec<_>>(), ["see ", "`pipewright plan --local`, ", "or ", " ", "`x y`"]);
        assert_eq!(words("a `b c").map(str::trim).collect::<Vec<_>>(), ["a", "`b", "c"], "a quote without its end");
        assert_eq!(
            hanging("hint: type `pipewright resume --local`\n", 20),
            "hint: type\n  `pipewright resume --local`\n"
        );
    }

    #[test]
    fn a_line_that_is_too_long_goes_on_below_its_value() {
        let plan = "~ a\n    path  one two \u{1b}[31mthree\u{1b}[0m → four\n\nwarning: five six seven\n";
        assert_eq!(hanging(plan, usize::MAX), plan);
        assert_eq!(
            hanging(plan, 20),
            "~ a\n    path  one two\n          \u{1b}[31mthree\u{1b}[0m →\n          four\n\nwarning: five six\n  seven\n"
        );
        assert_eq!(hanging("  onewordthatistoolong  x\n", 10), "  onewordthatistoolong\n    x\n");
    }
}
