//! A line of the function's log: what the processor says, what Lambda says, and what is for CloudWatch alone.

use std::collections::BTreeSet;

use jiff::Timestamp;
use pipewright_processor::contract::LogLevel;
use serde_json::{Map, Value};

/// What a line is.
#[derive(Debug, Clone, PartialEq)]
pub enum Line {
    /// The processor's word.
    Said(Said),
    /// Lambda's own: an invocation's start, end and report.
    Platform,
    /// Metrics in a line: CloudWatch reads them, not people.
    Metrics,
    /// Anything else, such as the last words of a crash.
    Raw,
}

/// What the processor said.
#[derive(Debug, Clone, PartialEq)]
pub struct Said {
    pub at: Option<Timestamp>,
    pub level: LogLevel,
    pub message: String,
    /// The rest, the most telling first.
    pub fields: Vec<(String, String)>,
}

/// The order in which fields are told; those that are not listed follow by name.
const ORDER: [&str; 6] = ["decision", "transaction_id", "reasons", "cause", "announced", "message_id"];

impl Line {
    pub fn read(text: &str) -> Self {
        let Ok(Value::Object(members)) = serde_json::from_str(text) else {
            let words = ["START RequestId: ", "END RequestId: ", "REPORT RequestId: ", "INIT_START ", "XRAY TraceId: "];
            return if words.iter().any(|word| text.starts_with(word)) { Self::Platform } else { Self::Raw };
        };
        if members.contains_key("_aws") {
            return Self::Metrics;
        }
        if members.get("type").and_then(Value::as_str).is_some_and(|kind| kind.starts_with("platform.")) {
            return Self::Platform;
        }
        Said::read(members).map_or(Self::Raw, Self::Said)
    }

    /// Whether a line is wanted: from this level on, and of this transaction alone. What is neither the processor's nor
    /// Lambda's routine is bad news, of whatever level; Lambda's routine is for the curious.
    pub fn is_wanted(&self, level: LogLevel, transaction: Option<&str>) -> bool {
        match self {
            Self::Said(said) => said.level >= level && transaction.is_none_or(|id| said.transaction() == Some(id)),
            Self::Platform => level == LogLevel::Debug && transaction.is_none(),
            Self::Raw => transaction.is_none(),
            Self::Metrics => false,
        }
    }
}

impl Said {
    fn read(mut members: Map<String, Value>) -> Option<Self> {
        let mut text = |name: &str| members.remove(name).and_then(|value| value.as_str().map(str::to_owned));
        let (at, level, message) = (text("timestamp"), text("level")?, text("message")?);
        let level = LogLevel::ALL.into_iter().find(|known| known.as_str() == level)?;
        let names: BTreeSet<_> = members.keys().cloned().collect();
        let told = ORDER.iter().map(|name| (*name).to_owned()).filter(|name| names.contains(name));
        let others = names.iter().filter(|name| !ORDER.contains(&name.as_str())).cloned();
        let fields = told.chain(others).map(|name| (name.clone(), plain(&members[&name]))).collect();
        Some(Self { at: at.and_then(|at| at.parse().ok()), level, message, fields })
    }

    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn transaction(&self) -> Option<&str> {
        self.field("transaction_id")
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().map(plain).collect::<Vec<_>>().join(", "),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use pipewright_processor::emf::BatchMetrics;
    use pipewright_processor::log::{Field, line};

    use super::*;

    fn said(level: LogLevel, fields: &[(&str, Field<'_>)]) -> Line {
        Line::read(&line(Timestamp::UNIX_EPOCH, level, "message processed", fields))
    }

    #[test]
    fn the_processor_s_word_is_read_as_it_writes_it() {
        let Line::Said(said) = said(
            LogLevel::Warn,
            &[
                ("request_id", Field::Text("r")),
                ("message_id", Field::Text("m")),
                ("transaction_id", Field::Text("t")),
                ("decision", Field::Text("rejected")),
                ("reasons", Field::Texts(vec!["empty", "too_old"])),
            ],
        ) else {
            panic!("the processor's word")
        };
        assert_eq!((said.at, said.level), (Some(Timestamp::UNIX_EPOCH), LogLevel::Warn));
        let fields: Vec<_> = said.fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(
            fields,
            ["decision=rejected", "transaction_id=t", "reasons=empty, too_old", "message_id=m", "request_id=r"]
        );
    }

    #[test]
    fn metrics_and_routine_are_told_from_words() {
        for text in BatchMetrics::default().lines("shop", Timestamp::UNIX_EPOCH).lines() {
            assert_eq!(Line::read(text), Line::Metrics);
        }
        for text in [
            "START RequestId: 1 Version: $LATEST",
            "REPORT RequestId: 1\tDuration: 5 ms",
            r#"{"time":"2026-01-01T00:00:00Z","type":"platform.report","record":{}}"#,
        ] {
            assert_eq!(Line::read(text), Line::Platform, "{text}");
        }
        for text in
            ["RequestId: 1 Error: Runtime exited", "{\"a\":1}", "[1]", "", "{\"level\":\"loud\",\"message\":\"\"}"]
        {
            assert_eq!(Line::read(text), Line::Raw, "{text}");
        }
    }

    #[test]
    fn level_and_transaction_choose() {
        let of = |level, id| said(level, &[("transaction_id", Field::Text(id))]);
        let wanted = |line: &Line, level, id| line.is_wanted(level, id);
        assert!(wanted(&of(LogLevel::Warn, "t"), LogLevel::Warn, Some("t")));
        assert!(!wanted(&of(LogLevel::Warn, "t2"), LogLevel::Warn, Some("t")), "not what only begins so");
        assert!(!wanted(&of(LogLevel::Info, "t"), LogLevel::Warn, None));
        assert!(wanted(&Line::Raw, LogLevel::Error, None) && !wanted(&Line::Raw, LogLevel::Error, Some("t")));
        assert!(!wanted(&Line::Platform, LogLevel::Info, None) && wanted(&Line::Platform, LogLevel::Debug, None));
        assert!(!wanted(&Line::Metrics, LogLevel::Debug, None));
    }
}
