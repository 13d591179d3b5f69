//! What is wrong with the file, as data: severity, place, cause and hint; and the one rendering of it.

use std::fmt;
use std::fmt::Write as _;

use super::excerpt::Excerpt;
use super::tree::Place;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    Error,
    Warning,
}

/// One thing that is wrong, or risky.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    pub severity: Severity,
    /// `None`: the file as a whole.
    pub place: Option<Place>,
    /// The cause: lower case, names in backticks.
    pub message: String,
    /// The next command or value.
    pub hint: Option<String>,
}

impl Diagnostic {
    pub(super) fn error(place: Option<Place>, message: impl Into<String>) -> Self {
        Self { severity: Severity::Error, place, message: message.into(), hint: None }
    }

    pub(super) fn at(self, place: Place) -> Self {
        Self { place: Some(place), ..self }
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// Everything that is wrong with one file, in the order of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostics {
    /// The file's name as the user gave it.
    pub file: String,
    /// Its text, for the lines that are shown.
    text: String,
    pub items: Vec<Diagnostic>,
}

impl Diagnostics {
    pub(super) fn new(file: &str, text: &str, mut items: Vec<Diagnostic>) -> Self {
        items.sort_by_key(|item| (item.place.map(|place| (place.line, place.column)), item.severity));
        items.dedup();
        Self { file: file.to_owned(), text: text.to_owned(), items }
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// How many errors, how many warnings.
    #[must_use]
    pub fn count(&self) -> (usize, usize) {
        let errors = self.items.iter().filter(|item| item.severity == Severity::Error).count();
        (errors, self.items.len() - errors)
    }

    /// All of them as text, each with its line of the file, and a last line that counts them. Empty if there are none.
    #[must_use]
    pub fn render(&self, colour: bool) -> String {
        let mut out = String::new();
        for item in &self.items {
            out.push_str(&self.render_one(item, Paint { colour }));
            out.push('\n');
        }
        if !self.is_empty() {
            // Writing to a `String` cannot fail.
            let _ = writeln!(out, "{}: {}", self.file, counted(self.count()));
        }
        out
    }

    fn render_one(&self, item: &Diagnostic, paint: Paint) -> String {
        let (word, code) = match item.severity {
            Severity::Error => ("error", "1;31"),
            Severity::Warning => ("warning", "1;33"),
        };
        let mut out = format!("{}: {}\n", paint.text(code, word), item.message);
        if let Some(place) = item.place {
            let excerpt = Excerpt::new(self.text.lines().nth(place.line.saturating_sub(1)).unwrap_or_default(), place);
            let number = place.line.to_string();
            let gutter = " ".repeat(number.len());
            let bar = paint.text("1;34", "|");
            let file = format!("{}:{}:{}", self.file, place.line, place.column);
            out += &format!("{gutter}{} {file}\n", paint.text("1;34", "-->"));
            out += &format!("{} {bar} {}\n", paint.text("1;34", &number), excerpt.line);
            out += &format!("{gutter} {bar} {}\n", paint.text(code, &excerpt.marks));
        } else {
            out += &format!(" {} {}\n", paint.text("1;34", "-->"), self.file);
        }
        if let Some(hint) = &item.hint {
            out += &format!("{}: {hint}\n", paint.text("1;36", "hint"));
        }
        out
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.render(false))
    }
}

impl std::error::Error for Diagnostics {}

/// `2 errors, 1 warning`
fn counted((errors, warnings): (usize, usize)) -> String {
    let plural = |count: usize, word: &str| match count {
        0 => None,
        1 => Some(format!("1 {word}")),
        more => Some(format!("{more} {word}s")),
    };
    [plural(errors, "error"), plural(warnings, "warning")].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// Colours for a terminal, or none.
#[derive(Clone, Copy)]
struct Paint {
    colour: bool,
}

impl Paint {
    fn text(self, code: &str, text: &str) -> String {
        if self.colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(line: usize, column: usize, length: usize) -> Option<Place> {
        Some(Place { line, column, length })
    }

    #[test]
    fn diagnostics_are_shown_in_the_order_of_the_file_and_counted() {
        let text = "queue:\n  delay: 5\n";
        let second = Diagnostic::error(place(2, 10, 1), "`5` has no unit").hint("write `5s`");
        let first = Diagnostic { severity: Severity::Warning, ..Diagnostic::error(place(1, 1, 5), "odd") };
        let shown = Diagnostics::new("p.yaml", text, vec![second.clone(), first, second]).render(false);
        let expected = "warning: odd\n --> p.yaml:1:1\n1 | queue:\n  | ^^^^^\n\n\
                        error: `5` has no unit\n --> p.yaml:2:10\n2 |   delay: 5\n  |          ^\nhint: write `5s`\n\n\
                        p.yaml: 1 error, 1 warning\n";
        assert_eq!(shown, expected);
    }

    #[test]
    fn colour_changes_no_words() {
        let item = Diagnostic::error(None, "the file is empty").hint("fill it");
        let all = Diagnostics::new("p.yaml", "", vec![item]);
        let mut plain = all.render(true);
        while let (Some(start), Some(end)) = (plain.find('\u{1b}'), plain.find('m')) {
            let end = if end > start { end } else { start + plain[start..].find('m').unwrap() };
            plain.replace_range(start..=end, "");
        }
        assert_eq!(plain, all.render(false));
    }

    #[test]
    fn nothing_wrong_renders_nothing() {
        assert_eq!(Diagnostics::new("p.yaml", "", vec![]).render(false), "");
    }
}
