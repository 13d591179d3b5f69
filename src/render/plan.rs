//! A plan as people read it: a tree by resource, before → after, only what changes, and one summary line.

use std::fmt::Write as _;

use serde_json::Value;
use similar::{ChangeTag, TextDiff};

use super::style::Style;
use super::text::hanging;
use crate::number::counted;
use crate::reconcile::{Action, Change, Finding, Narrowing, Plan, Step};

/// How a plan is shown.
#[derive(Debug, Clone, Copy)]
pub struct View {
    pub style: Style,
    /// Also the JSON documents of what is created.
    pub verbose: bool,
    /// Columns.
    pub width: usize,
}

/// Values start in one column, unless a path is longer than this.
const WIDEST: usize = 44;

/// The whole plan.
pub fn plan(plan: &Plan, view: View) -> String {
    let mut text = String::new();
    for step in &plan.steps {
        text.push_str(&self::step(step, view));
    }
    if !plan.steps.is_empty() {
        text.push('\n');
    }
    text.push_str(&findings(&plan.findings, view.style));
    text.push_str(&view.style.bold(summary(plan)));
    text.push('\n');
    hanging(&text, view.width)
}

/// The sign of an action: what is told apart is told apart without colour too.
pub fn sign(action: Action) -> &'static str {
    match action {
        Action::Create => "+",
        Action::Update => "~",
        Action::Adopt => "~",
        Action::Replace => "±",
        Action::Delete => "-",
    }
}

/// `Plan: 2 to create, 1 to change, 7 unchanged.`
pub fn summary(plan: &Plan) -> String {
    let counts = [
        (Action::Create, "to create"),
        (Action::Update, "to change"),
        (Action::Adopt, "to adopt"),
        (Action::Replace, "to replace"),
        (Action::Delete, "to delete"),
    ];
    let mut parts: Vec<String> = counts
        .into_iter()
        .filter_map(|(action, words)| {
            Some(plan.count(action)).filter(|count| *count > 0).map(|n| format!("{n} {words}"))
        })
        .collect();
    let errors = plan.refusals().len();
    if parts.is_empty() && errors == 0 {
        parts.push("nothing to do".into());
    }
    parts.push(format!("{} unchanged", plan.unchanged.len()));
    if errors > 0 {
        parts.push(counted(errors, "error"));
    }
    format!("Plan: {}.", parts.join(", "))
}

fn step(step: &Step, view: View) -> String {
    let style = view.style;
    let head = format!("{} {}", sign(step.action), step.address);
    let mut text = style.action(step.action, style.bold(head));
    if step.action == Action::Adopt {
        text.push_str(" adopted: it exists, and becomes ours");
    }
    text.push('\n');
    for reason in reasons(step) {
        let _ = writeln!(text, "    replaced, because {reason}");
    }
    if let Some(loss) = &step.loss {
        let word = if loss.allowed { "loses" } else { "would lose" };
        let _ = writeln!(text, "    {}", style.red(format!("! {word} {}", loss.holds)));
        if !loss.allowed {
            let _ = writeln!(text, "      hint: allow it with `--allow-data-loss {}`", step.address);
        }
    }
    let width = step.changes.iter().map(|change| change.path.chars().count()).max().unwrap_or_default();
    for change in step.changes.iter() {
        text.push_str(&self::change(change, step.action, width.min(WIDEST), view));
    }
    if let Some(narrowing) = &step.narrowing {
        let _ = writeln!(text, "    {}", style.dim(written_last(narrowing)));
    }
    text
}

/// Why a step is not written at once.
fn written_last(narrowing: &Narrowing) -> String {
    let paths: Vec<_> = narrowing.last.iter().map(|change| change.path.as_str()).collect();
    let others: Vec<_> = narrowing.after.iter().map(ToString::to_string).collect();
    let meanwhile = if narrowing.last.iter().any(|change| narrowing.first.touch(&change.path)) {
        "widened first, and "
    } else {
        ""
    };
    format!("{}: {meanwhile}narrowed only after {}", paths.join(", "), others.join(", "))
}

fn reasons(step: &Step) -> Vec<&str> {
    if step.action != Action::Replace {
        return Vec::new();
    }
    let mut reasons: Vec<&str> = step.changes.iter().filter_map(|change| change.replaces.as_deref()).collect();
    reasons.dedup();
    reasons
}

fn change(change: &Change, action: Action, width: usize, view: View) -> String {
    let style = view.style;
    let path = &change.path;
    if change.json {
        return json_change(change, action, width, view);
    }
    match (&change.before, &change.after) {
        (Value::Null, after) if action == Action::Create => match shown(after) {
            Some(value) if !after.as_str().is_some_and(str::is_empty) => format!("    {path:width$}  {value}\n"),
            Some(_) | None => String::new(),
        },
        (before, after) => {
            let or_none = |value| shown(value).unwrap_or_else(|| "(none)".into());
            let (before, after) = (or_none(before), or_none(after));
            format!("    {path:width$}  {} → {}\n", style.red(before), style.green(after))
        }
    }
}

/// A value on one line. Empty lists and maps say nothing.
fn shown(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) if text.is_empty() => Some("\"\"".into()),
        Value::String(text) => Some(text.clone()),
        Value::Array(values) if values.is_empty() => None,
        Value::Object(members) if members.is_empty() => None,
        Value::Array(values) => {
            let all: Vec<_> = values.iter().map(|value| shown(value).unwrap_or_else(|| "(none)".into())).collect();
            Some(all.join(", "))
        }
        Value::Object(_) => Some(value.to_string()),
        Value::Number(number) => {
            let text = number.to_string();
            Some(text.strip_suffix(".0").unwrap_or(&text).to_owned())
        }
        Value::Bool(_) => Some(value.to_string()),
    }
}

fn json_change(change: &Change, action: Action, width: usize, view: View) -> String {
    let (style, path) = (view.style, &change.path);
    if action == Action::Create && !view.verbose {
        return format!("    {path:width$}  {}\n", style.dim(format!("{} (in full with -v)", extent(&change.after))));
    }
    let (before, after) = (pretty(&change.before), pretty(&change.after));
    let mut text = format!("    {path}\n");
    let diff = TextDiff::from_lines(&before, &after);
    for (index, group) in diff.grouped_ops(2).iter().enumerate() {
        if index > 0 {
            text.push_str("        …\n");
        }
        for line in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let content = line.value().trim_end_matches('\n');
            let line = match line.tag() {
                ChangeTag::Delete => style.red(format!("- {content}")),
                ChangeTag::Insert => style.green(format!("+ {content}")),
                ChangeTag::Equal => format!("  {content}"),
            };
            let _ = writeln!(text, "      {line}");
        }
    }
    text
}

/// What a JSON document has in it, for a line.
fn extent(value: &Value) -> String {
    for (key, noun) in [("Statement", "statement"), ("widgets", "widget")] {
        if let Some(parts) = value[key].as_array() {
            return counted(parts.len(), noun);
        }
    }
    "a JSON document".into()
}

fn pretty(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        value => serde_json::to_string_pretty(value).unwrap_or_default() + "\n",
    }
}

/// What to know beside the steps.
pub fn findings(findings: &[Finding], style: Style) -> String {
    let mut text = String::new();
    for finding in findings {
        let about = finding.address.as_ref().map(|address| format!("{address}: ")).unwrap_or_default();
        let word = style.severity(finding.severity, format!("{}:", finding.severity.word()));
        let _ = writeln!(text, "{word} {about}{}", style.typeable(&finding.message));
        if let Some(hint) = &finding.hint {
            let _ = writeln!(text, "  hint: {}", style.typeable(hint));
        }
    }
    if !text.is_empty() {
        text.push('\n');
    }
    text
}
