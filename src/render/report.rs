//! How an apply ended, in words.

use std::fmt::Write as _;
use std::time::Duration;

use super::style::Style;
use crate::number::{counted, elapsed};
use crate::reconcile::{Report, Verb};

/// What was done, what failed and what remains.
pub fn report(report: &Report, took: Duration, style: Style) -> String {
    let mut text = String::new();
    for (task, error) in &report.failed {
        let _ = writeln!(text, "{} {} was not {}:", style.red("error:"), task.address, done(task.verb));
        for line in error.to_string().lines() {
            let _ = writeln!(text, "  {line}");
        }
    }
    for (task, by) in &report.blocked {
        let _ = writeln!(text, "blocked: {} was not {}, because {by} failed", task.address, done(task.verb));
    }
    for task in &report.remaining {
        let _ = writeln!(text, "remains: {} was not {}", task.address, done(task.verb));
    }
    let mut parts = vec![format!("{} in {}", counted(report.done.len(), "write"), elapsed(took))];
    for (count, word) in
        [(report.failed.len(), "failed"), (report.blocked.len(), "blocked"), (report.remaining.len(), "not started")]
    {
        if count > 0 {
            parts.push(format!("{count} {word}"));
        }
    }
    let _ = writeln!(text, "{}", style.bold(format!("Apply: {}.", parts.join(", "))));
    if !report.succeeded() {
        text.push_str("What was written stays; the next apply goes on from here.\n");
    }
    text
}

/// `created`
pub fn done(verb: Verb) -> &'static str {
    match verb {
        Verb::Create => "created",
        Verb::Update => "changed",
        Verb::Delete => "deleted",
    }
}

/// `creating`
pub fn doing(verb: Verb) -> &'static str {
    match verb {
        Verb::Create => "creating",
        Verb::Update => "changing",
        Verb::Delete => "deleting",
    }
}
