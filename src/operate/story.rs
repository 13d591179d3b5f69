//! What became of one transaction, told from its traces: the item, the quarantine and dead-letter queues, the log.

use std::collections::BTreeMap;

use jiff::Timestamp;
use pipewright_processor::contract::Attributes;
use pipewright_processor::row::{Attribute, Row, members};
use serde::Serialize;
use serde_json::Value;

use super::letter::Identity;
use super::news::{News, Said};
use super::parked::{Parked, Reason};

/// Everything that was found.
#[derive(Debug, Clone, Default)]
pub struct Traces {
    pub row: Option<Row>,
    pub quarantined: Vec<Parked>,
    pub dead_letters: Vec<Parked>,
    pub hidden: Hidden,
    /// Log lines about it, the oldest first.
    pub lines: Vec<String>,
    /// The digest of the settings that the live function has; `None`: they cannot be read.
    pub live_settings: Option<String>,
    /// Of those in the file.
    pub file_settings: String,
}

/// How many messages could not be looked at, for others had them in hand: approximately.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Hidden {
    pub quarantine: usize,
    pub dead_letters: usize,
}

/// What became of a transaction.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Story {
    pub transaction_id: String,
    pub verdict: Verdict,
    /// The item's attributes.
    pub item: Option<BTreeMap<String, Value>>,
    pub judged_by: Option<JudgedBy>,
    /// Of a large order.
    pub announcement: Option<Announcement>,
    /// Messages in the quarantine queue that name it.
    pub quarantine: Vec<Quarantined>,
    /// Messages in the dead-letter queue that name it.
    pub dead_letters: Vec<DeadLetter>,
    /// Whether the verdict is about everything there is.
    pub hidden: Hidden,
    /// What the log said last of it.
    pub last_word: Option<String>,
    /// Log lines that name it, the oldest first.
    pub log: Vec<Value>,
}

/// The end of it, as far as it has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Stored,
    Rejected,
    /// Tried as often as allowed, in vain.
    DeadLetter,
    /// It failed, and will be tried again.
    Failing,
    /// The log speaks of it, and it is no longer where the log says.
    Gone,
    /// There is no trace of it.
    Unknown,
}

/// Which settings judged a transaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct JudgedBy {
    pub digest: String,
    pub settings: Settings,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Settings {
    /// Those that the function has now.
    Live,
    /// Those of the file, which are not applied.
    File,
    /// Others: limits or thresholds have changed since.
    Earlier,
}

/// Whether a large order was announced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Announcement {
    /// `pending` or `sent`.
    pub state: String,
    pub sent_at: Option<String>,
    pub threshold: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Quarantined {
    pub message_id: String,
    pub sent_at: Option<String>,
    /// As the processor wrote them.
    pub reasons: Vec<Reason>,
    pub body: String,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DeadLetter {
    pub message_id: String,
    pub sent_at: Option<String>,
    pub body: String,
}

impl Story {
    pub fn tell(transaction_id: &str, traces: Traces, names: &Attributes) -> Self {
        let Traces { row, quarantined, dead_letters, hidden, lines, live_settings, file_settings } = traces;
        let log: Vec<Value> = lines.iter().filter_map(|line| serde_json::from_str(line).ok()).collect();
        let verdict = verdict(&row, &quarantined, &dead_letters, &lines);
        let row = row.as_ref();
        let digest = row.and_then(|row| row.get(&names.judged_by)?.as_text());
        Self {
            transaction_id: transaction_id.to_owned(),
            verdict,
            item: row.map(|row| row.iter().map(|(name, value)| (name.clone(), json(value))).collect()),
            judged_by: digest.map(|digest| judged_by(digest, live_settings.as_deref(), &file_settings)),
            announcement: row.and_then(|row| announcement(row.get(&names.announcement)?)),
            quarantine: quarantined.into_iter().map(quarantine).collect(),
            dead_letters: dead_letters
                .into_iter()
                .map(|Parked { message_id, body, sent_at, .. }| DeadLetter {
                    message_id,
                    sent_at: moment(sent_at),
                    body,
                })
                .collect(),
            hidden,
            last_word: log.iter().rev().find_map(|line| line["decision"].as_str().map(str::to_owned)),
            log,
        }
    }
}

/// Whether a message names this transaction: by its id, or, where no id can be read, by its text.
pub fn names(body: &str, transaction_id: &str) -> bool {
    match Identity::read(body).transaction_id {
        Some(id) => id == transaction_id,
        None => body.contains(&Value::from(transaction_id).to_string()),
    }
}

/// Whether a log line is about this transaction.
pub fn is_about(line: &str, transaction_id: &str) -> bool {
    serde_json::from_str::<Value>(line).is_ok_and(|line| line["transaction_id"] == transaction_id)
}

fn verdict(row: &Option<Row>, quarantined: &[Parked], dead_letters: &[Parked], lines: &[String]) -> Verdict {
    let last = lines.iter().rev().find_map(|line| News::read(line));
    match last {
        _ if row.is_some() => Verdict::Stored,
        _ if !dead_letters.is_empty() => Verdict::DeadLetter,
        _ if !quarantined.is_empty() => Verdict::Rejected,
        Some(News { said: Said::Failed { .. }, .. }) => Verdict::Failing,
        Some(_) => Verdict::Gone,
        None => Verdict::Unknown,
    }
}

fn judged_by(digest: &str, live: Option<&str>, file: &str) -> JudgedBy {
    let settings = match digest {
        digest if Some(digest) == live => Settings::Live,
        digest if digest == file => Settings::File,
        _ => Settings::Earlier,
    };
    JudgedBy { digest: digest.to_owned(), settings }
}

fn announcement(attribute: &Attribute) -> Option<Announcement> {
    let Attribute::Map(map) = attribute else { return None };
    let text = |name: &str| map.get(name).and_then(|value| value.as_text().or(value.as_number())).map(str::to_owned);
    Some(Announcement {
        state: text(members::STATE)?,
        sent_at: text(members::SENT_AT),
        threshold: text(members::THRESHOLD),
    })
}

fn quarantine(message: Parked) -> Quarantined {
    let reasons = message.reasons();
    Quarantined { message_id: message.message_id, sent_at: moment(message.sent_at), reasons, body: message.body }
}

/// RFC 3339.
fn moment(at: Option<Timestamp>) -> Option<String> {
    at.map(|at| format!("{at:.3}"))
}

/// An attribute as JSON. Numbers are text: a reader's float must not change them.
fn json(attribute: &Attribute) -> Value {
    match attribute {
        Attribute::Null => Value::Null,
        Attribute::Bool(value) => Value::from(*value),
        Attribute::Number(text) | Attribute::Text(text) => Value::from(text.as_str()),
        Attribute::List(values) => values.iter().map(json).collect(),
        Attribute::Map(members) => {
            Value::Object(members.iter().map(|(name, value)| (name.clone(), json(value))).collect())
        }
        Attribute::Foreign => Value::from("(a type that the processor does not write)"),
    }
}

#[cfg(test)]
mod tests {
    use pipewright_processor::contract::REASONS_ATTRIBUTE;
    use pipewright_processor::ports::{MessageAttribute, MessageValue};
    use serde_json::json;

    use super::*;

    fn row(judged_by: &str) -> Row {
        let state = BTreeMap::from([
            ("state".to_owned(), Attribute::Text("sent".into())),
            ("sent_at".to_owned(), Attribute::Text("2026-01-01T00:00:00Z".into())),
            ("threshold".to_owned(), Attribute::Number("1000".into())),
        ]);
        Row::from([
            ("amount".to_owned(), Attribute::Number("1250.50".into())),
            ("judged_by".to_owned(), Attribute::Text(judged_by.into())),
            ("announcement".to_owned(), Attribute::Map(state)),
        ])
    }

    fn message(attributes: BTreeMap<String, MessageAttribute>) -> Parked {
        Parked {
            message_id: "m".into(),
            receipt: String::new(),
            body: "{}".into(),
            attributes,
            trace_header: None,
            sent_at: None,
            cause: None,
        }
    }

    fn tell(traces: Traces) -> Story {
        Story::tell("t", traces, &Attributes::default())
    }

    #[test]
    fn an_item_tells_who_judged_it_and_when_it_was_announced() {
        let settings = |live: Option<&str>, file: &str| {
            let traces = Traces {
                row: Some(row("d1")),
                live_settings: live.map(str::to_owned),
                file_settings: file.into(),
                ..Traces::default()
            };
            tell(traces)
        };
        let story = settings(Some("d1"), "d2");
        assert_eq!(story.verdict, Verdict::Stored);
        assert_eq!(story.item.unwrap()["amount"], "1250.50");
        assert_eq!(story.judged_by.unwrap().settings, Settings::Live);
        assert_eq!(story.announcement.unwrap().sent_at.as_deref(), Some("2026-01-01T00:00:00Z"));
        assert_eq!(settings(Some("d2"), "d1").judged_by.unwrap().settings, Settings::File);
        assert_eq!(settings(None, "d3").judged_by.unwrap().settings, Settings::Earlier);
    }

    #[test]
    fn a_rejected_one_tells_its_reasons() {
        let reasons = json!({ "reasons": [{ "code": "empty", "at": "/sku" }] }).to_string();
        let reasons = MessageAttribute { data_type: "String".into(), value: MessageValue::Text(reasons) };
        let attributes = BTreeMap::from([(REASONS_ATTRIBUTE.to_owned(), reasons)]);
        let story = tell(Traces { quarantined: vec![message(attributes)], ..Traces::default() });
        assert_eq!(story.verdict, Verdict::Rejected);
        assert_eq!(
            serde_json::to_value(&story.quarantine[0].reasons).unwrap(),
            json!([{ "code": "empty", "at": "/sku" }])
        );
    }

    #[test]
    fn the_log_s_last_word_counts_where_nothing_else_is_left() {
        let line = |decision: &str| {
            json!({
                "timestamp": "2026-01-01T00:00:00Z", "message": "message processed", "message_id": "m",
                "transaction_id": "t", "decision": decision,
            })
            .to_string()
        };
        let told = |decisions: &[&str]| {
            tell(Traces { lines: decisions.iter().map(|decision| line(decision)).collect(), ..Traces::default() })
        };
        assert_eq!(told(&["failed"]).verdict, Verdict::Failing);
        let gone = told(&["failed", "rejected"]);
        assert_eq!((gone.verdict, gone.last_word.as_deref()), (Verdict::Gone, Some("rejected")));
        assert_eq!(told(&[]).verdict, Verdict::Unknown);
        let dead =
            Traces { dead_letters: vec![message(BTreeMap::new())], lines: vec![line("failed")], ..Traces::default() };
        assert_eq!(tell(dead).verdict, Verdict::DeadLetter);
    }

    #[test]
    fn a_message_names_its_id_or_holds_it_where_it_cannot_be_read() {
        assert!(names(r#"{"transaction_id":"t-1"}"#, "t-1"));
        assert!(!names(r#"{"transaction_id":"t-1"#, "t-1") && names(r#"{"transaction_id":"t-1","#, "t-1"));
        assert!(!names(r#"{"transaction_id":"t-2","metadata":{"of":"t-1"}}"#, "t-1"));
        assert!(is_about(r#"{"transaction_id":"t-1"}"#, "t-1") && !is_about("START t-1", "t-1"));
    }
}
