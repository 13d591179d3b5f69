//! Log lines: JSON, one a line, filtered here.
//!
//! Filtered here and not by Lambda, because Lambda's filter would drop metric lines with them. A line holds ids and our
//! own words, never what a customer sent.

use std::fmt::Write;

use jiff::Timestamp;

use crate::contract::LogLevel;
use crate::json::print::Quoted;

/// The log of one invocation; its text is written out in one go when the batch is done.
#[derive(Debug)]
pub struct Log<'a> {
    level: LogLevel,
    request_id: &'a str,
    trace_id: Option<&'a str>,
    text: String,
}

/// A value in a log line.
#[derive(Debug, Clone, PartialEq)]
pub enum Field<'a> {
    Text(&'a str),
    Flag(bool),
    Texts(Vec<&'a str>),
}

impl<'a> Log<'a> {
    /// The log of an invocation, with lines from this level on.
    pub fn new(level: LogLevel, request_id: &'a str, trace_id: Option<&'a str>) -> Self {
        Self { level, request_id, trace_id, text: String::new() }
    }

    /// Whether lines of this level are kept.
    pub fn keeps(&self, level: LogLevel) -> bool {
        level >= self.level
    }

    /// Adds a line, if its level is kept.
    pub fn line(&mut self, now: Timestamp, level: LogLevel, message: &str, fields: &[(&str, Field<'_>)]) {
        if !self.keeps(level) {
            return;
        }
        begin(&mut self.text, now, level, message);
        member(&mut self.text, "request_id", &Field::Text(self.request_id));
        if let Some(trace_id) = self.trace_id {
            member(&mut self.text, "trace_id", &Field::Text(trace_id));
        }
        for (name, value) in fields {
            member(&mut self.text, name, value);
        }
        self.text.push_str("}\n");
    }

    /// The lines.
    pub fn into_text(self) -> String {
        self.text
    }
}

/// A line outside any invocation: the start.
pub fn line(now: Timestamp, level: LogLevel, message: &str, fields: &[(&str, Field<'_>)]) -> String {
    let mut text = String::new();
    begin(&mut text, now, level, message);
    for (name, value) in fields {
        member(&mut text, name, value);
    }
    text.push_str("}\n");
    text
}

fn begin(text: &mut String, now: Timestamp, level: LogLevel, message: &str) {
    let _ = write!(text, "{{\"timestamp\":\"{now:.3}\",\"level\":\"{level}\",\"message\":{}", Quoted(message));
}

fn member(text: &mut String, name: &str, value: &Field<'_>) {
    let _ = write!(text, ",\"{name}\":");
    let _ = match value {
        Field::Text(value) => write!(text, "{}", Quoted(value)),
        Field::Flag(value) => write!(text, "{value}"),
        Field::Texts(values) => {
            let quoted: Vec<_> = values.iter().map(|value| Quoted(value).to_string()).collect();
            write!(text, "[{}]", quoted.join(","))
        }
    };
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::{Field, Log, line};
    use crate::contract::LogLevel;

    #[test]
    fn a_line_is_one_json_object() {
        let mut log = Log::new(LogLevel::Info, "r-1", Some("Root=1"));
        let fields = [("message_id", Field::Text("m\n\"1\"")), ("announced", Field::Flag(true))];
        log.line(Timestamp::UNIX_EPOCH, LogLevel::Info, "stored", &fields);
        let expected = "{\"timestamp\":\"1970-01-01T00:00:00.000Z\",\"level\":\"info\",\"message\":\"stored\",\
            \"request_id\":\"r-1\",\"trace_id\":\"Root=1\",\"message_id\":\"m\\n\\\"1\\\"\",\"announced\":true}\n";
        assert_eq!(log.into_text(), expected);
    }

    #[test]
    fn lines_below_the_level_are_dropped() {
        for (index, level) in LogLevel::ALL.into_iter().enumerate() {
            let mut log = Log::new(level, "r", None);
            LogLevel::ALL.into_iter().for_each(|of| log.line(Timestamp::UNIX_EPOCH, of, "x", &[]));
            assert_eq!(log.into_text().lines().count(), LogLevel::ALL.len() - index, "{level}");
        }
    }

    #[test]
    fn a_line_outside_an_invocation_has_no_request() {
        let text = line(Timestamp::UNIX_EPOCH, LogLevel::Error, "x", &[("problems", Field::Texts(vec!["a", "b"]))]);
        assert!(text.ends_with("\"message\":\"x\",\"problems\":[\"a\",\"b\"]}\n"), "{text}");
    }
}
