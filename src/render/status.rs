//! A pipeline's health on a terminal: each part on a line, what is wrong below it, its last hour as sparklines.

use std::fmt::Write as _;

use jiff::Timestamp;

use super::parked::Sheet;
use super::sparkline::{short, sparkline};
use super::style::Style;
use super::text::{cut, one_line, words};
use crate::operate::health::{Part, State, Status};
use crate::operate::series::{Plot, Window};

/// Wide enough for anybody: what goes into a file is not spread further.
const WIDEST: usize = 160;
/// The longest title of a plot, and how few columns a sparkline may have.
const TITLE: usize = 27;
const SPARKLINE: usize = 10;

pub fn status(status: &Status, sheet: Sheet) -> String {
    let sheet = bounded(sheet);
    let (mut blocks, drift) = blocks(status, sheet);
    blocks.extend(drift.map(|drift| Block { text: format!("\n{}", drift.text), ..drift }));
    whole(status, &blocks, sheet)
}

/// The same for a window of so many lines: what does not fit has the worst first.
pub fn fitted(status: &Status, sheet: Sheet, rows: usize) -> String {
    let text = self::status(status, sheet);
    if text.lines().count() <= rows {
        return text;
    }
    let sheet = bounded(sheet);
    let (mut blocks, drift) = blocks(status, sheet);
    blocks.extend(drift);
    blocks.sort_by_key(|block| std::cmp::Reverse(block.state));
    whole(status, &blocks, sheet)
}

/// Nobody answers since then, and why; below it, without colour, what was seen last.
pub fn unanswered(since: Timestamp, why: Option<&str>, seen: Option<&Status>, sheet: Sheet, rows: usize) -> String {
    let mut words = format!("no answer since {since:.0}");
    words.extend(why.map(|why| format!(": {why}")));
    let mut begin = format!("{} ", State::Unknown.sign());
    let mut text = String::new();
    for line in words.lines() {
        let lines = wrapped(&begin, &one_line(line), sheet.width);
        let _ = writeln!(text, "{}", coloured(sheet.style, State::Unknown, lines.trim_end()));
        begin = "  ".into();
    }
    if let Some(seen) = seen {
        let _ = write!(text, "  last seen at {:.0}:\n\n", seen.at);
        let plain = Sheet { style: sheet.style.plain(), ..sheet };
        text.push_str(&fitted(seen, plain, rows.saturating_sub(text.lines().count())));
    }
    text
}

/// What stands together on the screen: a part with what belongs to it, or the drift.
struct Block {
    state: State,
    text: String,
}

fn bounded(sheet: Sheet) -> Sheet {
    Sheet { width: sheet.width.min(WIDEST), ..sheet }
}

/// The parts, and the drift; nothing where nothing is applied.
fn blocks(status: &Status, sheet: Sheet) -> (Vec<Block>, Option<Block>) {
    let parts =
        status.parts.iter().map(|part| Block { state: part.state, text: self::part(part, status.window, sheet) });
    (parts.collect(), status.applied.then(|| drift(status, sheet)))
}

fn whole(status: &Status, blocks: &[Block], sheet: Sheet) -> String {
    let style = sheet.style;
    let place = format!("`{}` in account {}, region {}", status.pipeline, status.account, status.region);
    let mut text = format!("{}\n{:.0}  ", cut(&place, sheet.width), status.at);
    let verdict = format!("{} {}", status.state.sign(), status.verdict());
    text.push_str(&style.bold(coloured(style, status.state, &verdict)));
    text.push_str("\n\n");
    if status.applied {
        text.extend(blocks.iter().map(|block| block.text.as_str()));
        text.push_str(&legend(status, sheet));
    } else {
        let words = status.concerns().into_iter().map(|concern| style.typeable(&concern.words));
        text.extend(words.map(|words| wrapped("  ", &words, sheet.width)));
    }
    for note in &status.notes {
        text.push_str(&wrapped("note: ", &one_line(&sheet.style.typeable(note)), sheet.width));
    }
    text
}

pub fn coloured(style: Style, state: State, text: &str) -> String {
    match state {
        State::Good => style.green(text),
        State::Attention | State::Unknown => style.yellow(text),
        State::Bad => style.red(text),
    }
}

fn part(part: &Part, window: Window, sheet: Sheet) -> String {
    let style = sheet.style;
    let facts: Vec<_> = part.facts.iter().map(|fact| format!("{} {}", fact.label, fact.value)).collect();
    let facts = facts.join(" · ");
    let word = match (part.word.is_empty(), facts.is_empty()) {
        (true, _) => String::new(),
        (false, true) => part.word.clone(),
        (false, false) => format!("{} · ", part.word),
    };
    let head = format!("{:<12}  {:<15}  ", part.role.word(), one_line(&part.title));
    let rest = one_line(&format!("{word}{facts}"));
    let sign = coloured(style, part.state, part.state.sign());
    let mut text = if 2 + head.chars().count() + rest.chars().count() <= sheet.width {
        format!("{sign} {}{rest}\n", style.bold(if rest.is_empty() { head.trim_end() } else { &head }))
    } else {
        format!(
            "{sign} {}\n{}",
            style.bold(cut(head.trim_end(), sheet.width.saturating_sub(2))),
            wrapped("      ", &rest, sheet.width)
        )
    };
    for problem in &part.problems {
        let lines = wrapped("      ", &one_line(&style.typeable(&problem.words)), sheet.width);
        text.push_str(&coloured(style, problem.state, lines.trim_end()));
        text.push('\n');
    }
    for plot in part.plots.iter().filter(|plot| plot.has_values()) {
        text.push_str(&self::plot(plot, window, sheet));
    }
    text
}

/// The most is left out first, then the end of the title.
fn plot(plot: &Plot, window: Window, sheet: Sheet) -> String {
    let value = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |value| short(value, plot.unit));
    let now = format!("now {}", value(plot.current(window)));
    let most = format!("{now}, most {}", value(plot.largest()));
    // Both as wide as for any value, so that what is drawn begins and ends alike for all.
    let narrow = 4 + TITLE + 1 + SPARKLINE + 2 + 24 > sheet.width;
    let (values, after) = if narrow { (now, 11) } else { (most, 24) };
    let title = TITLE.min(sheet.width.saturating_sub(4 + 1 + SPARKLINE + 2 + after)).max(SPARKLINE);
    let columns =
        sheet.width.saturating_sub(4 + title + 1 + 2 + after).clamp(SPARKLINE, plot.values.len().max(SPARKLINE));
    format!(
        "    {:<title$} {}  {}\n",
        cut(&plot.title, title),
        sparkline(&plot.values, columns),
        sheet.style.dim(values)
    )
}

fn drift(status: &Status, sheet: Sheet) -> Block {
    let style = sheet.style;
    let state = if status.drift.differs { State::Attention } else { State::Good };
    let head = wrapped("  drift         ", &style.typeable(&status.drift.words()), sheet.width);
    let head = head[2..].trim_end();
    let head = if status.drift.differs { style.bold(head) } else { head.to_owned() };
    let mut text = format!("{} {head}\n", coloured(style, state, state.sign()));
    for step in &status.drift.steps {
        let _ = writeln!(text, "      {}", cut(&one_line(step), sheet.width.saturating_sub(6)));
    }
    Block { state, text }
}

/// What the sparklines show, and which of them there are no values for.
fn legend(status: &Status, sheet: Sheet) -> String {
    let (told, silent): (Vec<_>, Vec<_>) = status.plots().partition(|plot| plot.has_values());
    let (span, period) = (status.window.words(), status.window.period_words());
    let mut text = String::new();
    if !told.is_empty() {
        let span = match status.window.is_by_minute() {
            true => format!("plots: {span} by {period}"),
            false => format!("plots and most: {span} by {period}; now: the last minute"),
        };
        let words = format!("{span}; `·` no value, each against its own largest");
        text.push_str(&wrapped("", &words, sheet.width));
    }
    if !silent.is_empty() {
        let titles: Vec<_> = silent.iter().map(|plot| plot.title.as_str()).collect();
        text.push_str(&wrapped("", &format!("no values in {span}: {}", titles.join(", ")), sheet.width));
    }
    text
}

/// In lines that are no wider than there is room, broken at spaces, and within a word that is longer than a line, but
/// never within a command; the first begins so, the others below it.
pub fn wrapped(begin: &str, text: &str, width: usize) -> String {
    let indent = begin.chars().count();
    let room = width.saturating_sub(indent).max(1);
    let mut lines: Vec<String> = Vec::new();
    for word in words(text).map(str::trim).filter(|word| !word.is_empty()) {
        let letters: Vec<char> = word.chars().collect();
        let most = if word.contains('`') { letters.len() } else { room };
        for (place, piece) in letters.chunks(most).enumerate() {
            match lines.last_mut() {
                Some(line) if place == 0 && line.chars().count() + 1 + piece.len() <= room => {
                    line.push(' ');
                    line.extend(piece);
                }
                Some(_) | None => lines.push(piece.iter().collect()),
            }
        }
    }
    let mut wrapped = format!("{begin}{}", lines.join(&format!("\n{}", " ".repeat(indent))));
    wrapped.truncate(wrapped.trim_end().len());
    wrapped + "\n"
}

#[cfg(test)]
mod tests {
    use super::wrapped;

    #[test]
    fn lines_break_at_spaces_and_a_long_word_in_itself() {
        assert_eq!(wrapped("- ", "one two three", 9), "- one two\n  three\n");
        assert_eq!(wrapped("- ", "a https://example.com b", 12), "- a\n  https://ex\n  ample.com\n  b\n");
        assert_eq!(wrapped("- ", "see `a b c d e f g` x", 12), "- see\n  `a b c d e f g`\n  x\n");
        assert_eq!(wrapped("- ", "", 12), "-\n");
    }
}
