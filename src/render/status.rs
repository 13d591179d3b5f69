//! A pipeline's health on a terminal: each part on a line, what is wrong below it, its last hour as sparklines.

use std::fmt::Write as _;

use super::parked::Sheet;
use super::sparkline::{short, sparkline};
use super::style::Style;
use super::text::{cut, one_line};
use crate::operate::health::{Part, State, Status};
use crate::operate::series::Plot;

/// Wide enough for anybody: what goes into a file is not spread further.
const WIDEST: usize = 160;
/// Columns before a sparkline, and after it.
const BEFORE: usize = 32;
const AFTER: usize = 26;

pub fn status(status: &Status, sheet: Sheet) -> String {
    let sheet = Sheet { width: sheet.width.min(WIDEST), ..sheet };
    let style = sheet.style;
    let place = format!("`{}` in account {}, region {}", status.pipeline, status.account, status.region);
    let mut text = format!("{}\n{:.0}  ", cut(&place, sheet.width), status.at);
    let verdict = format!("{} {}", status.state.sign(), status.verdict());
    text.push_str(&style.bold(coloured(style, status.state, &verdict)));
    text.push_str("\n\n");
    for part in &status.parts {
        text.push_str(&self::part(part, sheet));
    }
    text.push('\n');
    text.push_str(&drift(status, sheet));
    text.push_str(&legend(status, sheet));
    for note in &status.notes {
        text.push_str(&wrapped("note: ", &one_line(note), sheet.width));
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

fn part(part: &Part, sheet: Sheet) -> String {
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
        format!("{sign} {}{rest}\n", style.bold(head))
    } else {
        format!(
            "{sign} {}\n{}",
            style.bold(cut(head.trim_end(), sheet.width - 2)),
            wrapped("      ", &rest, sheet.width)
        )
    };
    for problem in &part.problems {
        let lines = wrapped("      ", &one_line(problem), sheet.width);
        text.push_str(&coloured(style, part.state, lines.trim_end()));
        text.push('\n');
    }
    for plot in part.plots.iter().filter(|plot| plot.has_values()) {
        text.push_str(&self::plot(plot, sheet));
    }
    text
}

fn plot(plot: &Plot, sheet: Sheet) -> String {
    let columns = sheet.width.saturating_sub(BEFORE + AFTER).clamp(10, plot.values.len().max(10));
    let line = sparkline(&plot.values, columns);
    let value = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |value| short(value, plot.unit));
    format!(
        "    {:<27} {}  {}\n",
        cut(&plot.title, 27),
        line,
        sheet.style.dim(format!("last {}, most {}", value(plot.latest()), value(plot.largest())))
    )
}

fn drift(status: &Status, sheet: Sheet) -> String {
    let style = sheet.style;
    if !status.drift.differs {
        return format!("{} drift         none: AWS is as the file says\n", style.green(State::Good.sign()));
    }
    let head =
        format!("drift         AWS is not as the file says: {} to do, see `pipewright plan`", status.drift.steps.len());
    let mut text = format!("{} {}\n", style.yellow(State::Attention.sign()), style.bold(cut(&head, sheet.width - 2)));
    for step in &status.drift.steps {
        let _ = writeln!(text, "      {}", cut(&one_line(step), sheet.width.saturating_sub(6)));
    }
    text
}

/// What the sparklines show, and which of them there are no values for.
fn legend(status: &Status, sheet: Sheet) -> String {
    let (told, silent): (Vec<_>, Vec<_>) = status.plots().partition(|plot| plot.has_values());
    let hours = (status.window.to.as_second() - status.window.from.as_second()) / 3_600;
    let span = if hours == 1 { "the last hour".to_owned() } else { format!("the last {hours} hours") };
    let mut text = String::new();
    if !told.is_empty() {
        let _ = writeln!(text, "plots: {span}; `·` no value, each against its own largest");
    }
    if !silent.is_empty() {
        let titles: Vec<_> = silent.iter().map(|plot| plot.title.as_str()).collect();
        text.push_str(&wrapped("", &format!("no values in {span}: {}", titles.join(", ")), sheet.width));
    }
    text
}

/// In lines that are no wider than there is room, broken at spaces; the first begins so, the others below it.
pub fn wrapped(begin: &str, text: &str, width: usize) -> String {
    let indent = " ".repeat(begin.chars().count());
    let mut lines = String::new();
    let mut line = begin.to_owned();
    let mut is_empty = true;
    for word in text.split_whitespace() {
        if !is_empty && line.chars().count() + 1 + word.chars().count() > width {
            let _ = writeln!(lines, "{}", line.trim_end());
            line.clone_from(&indent);
            is_empty = true;
        }
        if !is_empty {
            line.push(' ');
        }
        line.push_str(word);
        is_empty = false;
    }
    let _ = writeln!(lines, "{}", line.trim_end());
    lines
}
