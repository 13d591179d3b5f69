//! A message on its way: its body, and what the processor will read in it.

use pipewright_processor::digest::content_digest;
use pipewright_processor::transaction;

/// The most bytes of a message, attributes included (aws quotas page of SQS).
pub const MOST_BYTES: usize = 1_048_576;

/// A message to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    pub body: String,
    /// Where it comes from, for messages about it: `orders.jsonl:17`.
    pub place: String,
}

/// What a body says of itself, read as the processor reads it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Identity {
    pub transaction_id: Option<String>,
    /// Of a body that is a transaction by its shape.
    pub digest: Option<String>,
}

impl Identity {
    pub fn read(body: &str) -> Self {
        let (draft, reasons) = transaction::read(body.as_bytes());
        let transaction_id = draft.transaction_id.as_deref().map(str::to_owned);
        let whole = if reasons.is_empty() { draft.finish() } else { None };
        Self { transaction_id, digest: whole.as_ref().map(content_digest) }
    }
}

/// Why SQS would not take this body.
///
/// # Errors
/// The reason, in words.
pub fn sendable(body: &str) -> Result<(), String> {
    if body.len() > MOST_BYTES {
        return Err(format!("it is longer than the {MOST_BYTES} bytes that a message may have"));
    }
    match body.chars().find(|character| !is_allowed(*character)) {
        Some(character) => Err(format!("SQS takes no character U+{:04X}", u32::from(character))),
        None => Ok(()),
    }
}

/// The characters of XML 1.0 (API reference of SendMessage).
fn is_allowed(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_sqs_refuses_is_known_before_it_is_asked() {
        assert_eq!(sendable("{\"note\":\"é😀\t\"}"), Ok(()));
        assert!(sendable("a\u{0}b").unwrap_err().contains("U+0000"));
        assert!(sendable("\u{FFFE}").unwrap_err().contains("U+FFFE"));
        assert!(sendable(&"x".repeat(MOST_BYTES + 1)).unwrap_err().contains("1048576"));
        assert_eq!(sendable(&"x".repeat(MOST_BYTES)), Ok(()));
    }

    #[test]
    fn two_ways_to_write_one_transaction_have_one_digest() {
        let one = Identity::read(
            r#"{"transaction_id":"t","customer_id":"c","amount":"1.50","currency":"USD","timestamp":"2026-01-01T00:00:00Z"}"#,
        );
        let other = Identity::read(
            r#"{"currency":"USD","customer_id":"c","amount":1.5,"transaction_id":"t","timestamp":"2026-01-01T01:00:00+01:00"}"#,
        );
        assert_eq!(one, other);
        assert_eq!(one.transaction_id.as_deref(), Some("t"));
        assert!(one.digest.is_some());
        let invalid = Identity::read(r#"{"transaction_id":"t","amount":-1}"#);
        assert_eq!((invalid.transaction_id.as_deref(), invalid.digest), (Some("t"), None));
    }
}
