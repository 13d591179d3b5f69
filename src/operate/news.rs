//! What the processor's log says became of a message: one JSON line each.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::Deserialize;

/// What every such line holds: to find them by.
pub const MESSAGE: &str = "message processed";

/// The processor's decision about one message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct News {
    pub message_id: String,
    pub transaction_id: Option<String>,
    pub at: Timestamp,
    pub said: Said,
}

/// A decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// Stored for the first time.
    Stored,
    /// Stored by an invocation that did not come to announce it: announced now.
    Resumed,
    Duplicate,
    Rejected(BTreeSet<String>),
    Conflict,
    /// To be tried again.
    Failed {
        cause: String,
    },
}

impl Said {
    /// Whether nothing more comes of the message.
    pub fn is_final(&self) -> bool {
        match self {
            Self::Stored | Self::Resumed | Self::Duplicate | Self::Rejected(_) | Self::Conflict => true,
            Self::Failed { .. } => false,
        }
    }
}

#[derive(Deserialize)]
struct Line {
    timestamp: String,
    message: String,
    message_id: String,
    transaction_id: Option<String>,
    decision: String,
    #[serde(default)]
    reasons: BTreeSet<String>,
    #[serde(default)]
    cause: String,
}

impl News {
    /// `None`: the line says something else.
    pub fn read(line: &str) -> Option<Self> {
        let Line { timestamp, message, message_id, transaction_id, decision, reasons, cause } =
            serde_json::from_str(line).ok()?;
        if message != MESSAGE {
            return None;
        }
        let said = match decision.as_str() {
            "stored" => Said::Stored,
            "announced" => Said::Resumed,
            "duplicate" => Said::Duplicate,
            "rejected" => Said::Rejected(reasons),
            "conflict" => Said::Conflict,
            "failed" => Said::Failed { cause },
            _ => return None,
        };
        Some(Self { message_id, transaction_id, at: timestamp.parse().ok()?, said })
    }
}

#[cfg(test)]
mod tests {
    use pipewright_processor::contract::LogLevel;
    use pipewright_processor::log::{Field, line};

    use super::*;

    /// Written by the processor's own writer.
    fn written(fields: &[(&str, Field<'_>)]) -> String {
        line(Timestamp::UNIX_EPOCH, LogLevel::Info, MESSAGE, fields)
    }

    #[test]
    fn a_decision_is_read_as_the_processor_writes_it() {
        let text = written(&[
            ("message_id", Field::Text("m")),
            ("transaction_id", Field::Text("t")),
            ("decision", Field::Text("rejected")),
            ("reasons", Field::Texts(vec!["empty", "too_old"])),
        ]);
        let reasons = BTreeSet::from(["empty".to_owned(), "too_old".to_owned()]);
        let expected = News {
            message_id: "m".into(),
            transaction_id: Some("t".into()),
            at: Timestamp::UNIX_EPOCH,
            said: Said::Rejected(reasons),
        };
        assert_eq!(News::read(&text), Some(expected));
    }

    #[test]
    fn other_lines_are_no_news() {
        let other = line(Timestamp::UNIX_EPOCH, LogLevel::Warn, "announced, but not marked as sent", &[]);
        for text in [other.as_str(), "START RequestId: 1", "{\"_aws\":{}}", ""] {
            assert_eq!(News::read(text), None, "{text}");
        }
        let unknown = written(&[("message_id", Field::Text("m")), ("decision", Field::Text("eaten"))]);
        assert_eq!(News::read(&unknown), None);
    }
}
