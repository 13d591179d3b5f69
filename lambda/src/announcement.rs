//! The announcement of a large order: a message that people read in their mail, and programs as JSON.

use std::collections::BTreeMap;

use crate::json::print::Quoted;

/// The most characters of a subject that SNS takes.
const MOST_SUBJECT: usize = 99;

/// A large order as the world is told of it. Numbers are text: a reader's float must not change them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announcement {
    pub transaction_id: String,
    pub customer_id: String,
    pub amount: String,
    pub currency: String,
    /// The amount from which on an order is large.
    pub threshold: String,
    /// As the transaction states it.
    pub timestamp: String,
}

impl Announcement {
    /// The message: JSON, one member a line.
    pub fn message(&self) -> String {
        let Self { transaction_id, customer_id, amount, currency, threshold, timestamp } = self;
        let members = [
            ("transaction_id", transaction_id),
            ("amount", amount),
            ("currency", currency),
            ("customer_id", customer_id),
            ("threshold", threshold),
            ("timestamp", timestamp),
        ];
        let lines: Vec<_> = members.iter().map(|(name, value)| format!("  \"{name}\": {}", Quoted(value))).collect();
        format!("{{\n{}\n}}", lines.join(",\n"))
    }

    /// The subject of a mail: ASCII, one short line.
    pub fn subject(&self, pipeline: &str) -> String {
        let subject = format!("Large order: {} {} ({pipeline})", self.amount, self.currency);
        subject.chars().filter(|character| matches!(character, ' '..='~')).take(MOST_SUBJECT).collect()
    }

    /// What subscribers can filter by.
    pub fn attributes(&self, pipeline: &str) -> BTreeMap<&'static str, String> {
        BTreeMap::from([("currency", self.currency.clone()), ("pipeline", pipeline.to_owned())])
    }
}

#[cfg(test)]
mod tests {
    use super::Announcement;

    fn example() -> Announcement {
        Announcement {
            transaction_id: "t-\"1\"\n".into(),
            customer_id: "c-1".into(),
            amount: "1250.5".into(),
            currency: "USD".into(),
            threshold: "1000".into(),
            timestamp: "2026-01-01T00:00:00Z".into(),
        }
    }

    #[test]
    fn the_message_is_json_that_people_can_read() {
        let message = example().message();
        let json: serde_json::Value = serde_json::from_str(&message).unwrap();
        assert_eq!(json["transaction_id"], "t-\"1\"\n");
        assert_eq!(json["amount"], "1250.5");
        assert_eq!(message.lines().count(), 8);
    }

    #[test]
    fn the_subject_is_one_short_line_of_ascii() {
        assert_eq!(example().subject("shop"), "Large order: 1250.5 USD (shop)");
        let odd = example().subject(&"ü\n".repeat(300)) + &example().subject(&"x".repeat(300));
        assert!(odd.chars().all(|character| matches!(character, ' '..='~')) && odd.len() < 200, "{odd}");
    }
}
