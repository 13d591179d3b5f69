//! The content digest: tells a repeat of a transaction from another one under the same id.
//!
//! It covers what a transaction means, not how it was written: key order, spaces, escapes, `10.5` or `10.50`, the zone
//! of a timestamp make no difference. The version stands before it: should the canonical form ever change, items with
//! an older digest are compared by their fields instead of being taken for conflicts.

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::decimal;
use crate::json::{Member, Value};
use crate::transaction::{OrderItem, Transaction};

/// Version of the canonical form.
pub const VERSION: &str = "1:";

/// `1:` and the SHA-256 of the canonical content, in hexadecimal.
pub fn content_digest(transaction: &Transaction<'_>) -> String {
    let Transaction { transaction_id, customer_id, amount, currency, timestamp, items, metadata, extra } = transaction;
    let mut canonical = Canonical { bytes: Vec::with_capacity(512) };
    canonical.text(transaction_id);
    canonical.text(customer_id);
    canonical.text(&amount.normalize().to_string());
    canonical.text(currency);
    canonical.moment(timestamp.instant);
    canonical.count(b'[', items.len());
    items.iter().for_each(|item| canonical.item(item));
    canonical.optional_members(metadata.as_deref());
    canonical.members(extra);
    let mut digest = String::with_capacity(VERSION.len() + 64);
    digest.push_str(VERSION);
    for byte in Sha256::digest(&canonical.bytes) {
        digest.push(char::from(HEX[usize::from(byte >> 4)]));
        digest.push(char::from(HEX[usize::from(byte & 15)]));
    }
    digest
}

const HEX: [u8; 16] = *b"0123456789abcdef";

/// Writes values so that no two different ones give the same bytes: each begins with its kind and its length.
struct Canonical {
    bytes: Vec<u8>,
}

impl Canonical {
    fn count(&mut self, kind: u8, count: usize) {
        self.bytes.push(kind);
        self.bytes.extend_from_slice(&(count as u64).to_be_bytes());
    }

    fn text(&mut self, text: &str) {
        self.count(b'"', text.len());
        self.bytes.extend_from_slice(text.as_bytes());
    }

    fn moment(&mut self, instant: Timestamp) {
        self.bytes.push(b'@');
        self.bytes.extend_from_slice(&instant.as_nanosecond().to_be_bytes());
    }

    fn item(&mut self, item: &OrderItem<'_>) {
        let OrderItem { sku, quantity, unit_price, extra } = item;
        self.text(sku);
        self.text(&quantity.normalize().to_string());
        self.text(&unit_price.normalize().to_string());
        self.members(extra);
    }

    fn optional_members(&mut self, members: Option<&[Member<'_>]>) {
        match members {
            Some(members) => self.members(members),
            None => self.bytes.push(b'0'),
        }
    }

    fn members(&mut self, members: &[Member<'_>]) {
        self.count(b'{', members.len());
        let mut sorted: Vec<_> = members.iter().collect();
        sorted.sort_unstable_by(|(left, _), (right, _)| left.cmp(right));
        for (key, value) in sorted {
            self.text(key);
            self.value(value);
        }
    }

    fn value(&mut self, value: &Value<'_>) {
        match value {
            Value::Null => self.bytes.push(b'0'),
            Value::Bool(value) => self.bytes.push(if *value { b't' } else { b'f' }),
            Value::Number(text) => self.number(text),
            Value::String(text) => self.text(text),
            Value::Array(values) => {
                self.count(b'[', values.len());
                values.iter().for_each(|value| self.value(value));
            }
            Value::Object(members) => self.members(members),
        }
    }

    /// By its value where it can be held exactly, else as it was written.
    fn number(&mut self, text: &str) {
        let canonical = decimal::parse(text).map(|number| number.to_string());
        self.bytes.push(b'#');
        self.text(canonical.as_deref().unwrap_or(text));
    }
}

#[cfg(test)]
mod tests {
    use super::content_digest;
    use crate::transaction::read;

    fn digest(body: &str) -> String {
        let (draft, reasons) = read(body.as_bytes());
        assert_eq!(reasons, [], "{body}");
        content_digest(&draft.finish().unwrap())
    }

    const BASE: &str = r#"{"transaction_id":"t","customer_id":"c","amount":10.5,"currency":"USD",
        "timestamp":"2026-01-01T00:00:00Z","items":[{"sku":"a","quantity":1,"unit_price":10.5,"x":1}],
        "metadata":{"k":[1,"1"],"z":null},"note":"n"}"#;

    #[test]
    fn how_it_is_written_makes_no_difference() {
        let changes = [
            ("10.5,\"currency", "1050e-2,\"currency"),
            ("10.5,\"currency", "\"10.50\",\"currency"),
            ("2026-01-01T00:00:00Z", "2026-01-01T01:00:00.000+01:00"),
            ("\"note\":\"n\"", "\"note\" : \"\\u006e\""),
            ("\"quantity\":1", "\"quantity\":1.0"),
            ("{\"k\":[1,\"1\"],\"z\":null}", "{\"z\":null,\"k\":[1.0,\"1\"]}"),
        ];
        for (from, to) in changes {
            assert!(BASE.contains(from));
            assert_eq!(digest(&BASE.replace(from, to)), digest(BASE), "{to}");
        }
    }

    #[test]
    fn what_it_means_does() {
        let changes = [
            ("\"t\"", "\"t2\""),
            ("\"c\"", "\"c2\""),
            ("10.5,\"currency", "10.51,\"currency"),
            ("USD", "EUR"),
            ("00:00:00Z", "00:00:00.000000001Z"),
            ("\"sku\":\"a\"", "\"sku\":\"b\""),
            ("\"quantity\":1", "\"quantity\":2"),
            ("\"unit_price\":10.5", "\"unit_price\":1"),
            ("\"x\":1", "\"x\":2"),
            ("[1,\"1\"]", "[\"1\",1]"),
            ("[1,\"1\"]", "[1,[\"1\"]]"),
            ("\"z\":null", "\"z\":false"),
            (",\"z\":null", ""),
            ("\"metadata\":{\"k\":[1,\"1\"],\"z\":null},", ""),
            ("\"note\":\"n\"", "\"note\":\"m\""),
            (",\"note\":\"n\"", ""),
        ];
        for (from, to) in changes {
            assert!(BASE.contains(from), "{from}");
            assert_ne!(digest(&BASE.replace(from, to)), digest(BASE), "{from} to {to}");
        }
    }

    /// Stored digests outlive the code that wrote them: who changes the form changes `VERSION`.
    #[test]
    fn the_form_is_pinned() {
        assert_eq!(digest(BASE), "1:b3151e81506bc1eac826f8b63e2bbfb644c6f1a300aa044010f5c47090a4139f");
    }
}
