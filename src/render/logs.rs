//! A log line for people: when, how bad, what was decided about which transaction, and the rest.

use jiff::Timestamp;
use pipewright_processor::contract::LogLevel;

use super::style::Style;
use super::text::one_line;
use crate::operate::log_line::{Line, Said};

/// One line. `at` is when the log took it, for lines that do not say themselves.
pub fn line(line: &Line, text: &str, at: Timestamp, style: Style) -> String {
    match line {
        Line::Said(said) => self::said(said, at, style),
        Line::Platform => format!("{at:.3} {}", style.dim(format!("lambda {}", one_line(text.trim_end())))),
        Line::Raw | Line::Metrics => format!("{at:.3} {} {}", style.red("?     "), one_line(text.trim_end())),
    }
}

fn said(said: &Said, at: Timestamp, style: Style) -> String {
    let level = level(said.level, style);
    let mut parts = Vec::new();
    match said.field("decision") {
        Some(decision) => {
            let whose = said.field("transaction_id").unwrap_or("(no transaction id)");
            parts.push(style.bold(format!("{:<9} {}", one_line(decision), one_line(whose))));
        }
        None => parts.push(one_line(&said.message)),
    }
    for (name, value) in &said.fields {
        let value = one_line(value);
        let is_told = said.field("decision").is_some() && matches!(name.as_str(), "decision" | "transaction_id");
        match name.as_str() {
            _ if is_told => {}
            // Which message it is says more than which batch it came in.
            "request_id" if said.field("message_id").is_some() => {}
            "reasons" | "cause" => parts.push(value),
            "announced" => parts.push("announced".into()),
            "message_id" | "request_id" => parts.push(style.dim(format!("{}={value}", &name[..name.len() - 3]))),
            _ => parts.push(style.dim(format!("{}={value}", one_line(name)))),
        }
    }
    format!("{:.3} {level} {}", said.at.unwrap_or(at), parts.join("  "))
}

fn level(level: LogLevel, style: Style) -> String {
    let word = format!("{:<6}", level.as_str());
    match level {
        LogLevel::Debug | LogLevel::Info => style.dim(word),
        LogLevel::Warn => style.yellow(word),
        LogLevel::Error => style.red(word),
    }
}
