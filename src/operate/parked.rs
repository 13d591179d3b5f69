//! Messages that nobody processes any more: dead letters, which failed too often, and what lies in quarantine.
//!
//! The processor writes its reasons into an attribute of ours. If the sender used all ten attributes that SQS takes, the
//! last of them lies inside ours (`pipewright_processor::quarantine`): whoever sends the message on puts it back.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use jiff::Timestamp;
use pipewright_processor::contract::REASONS_ATTRIBUTE;
use pipewright_processor::ports::{MessageAttribute, MessageValue};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// The reason of a message that carries none and of which the log tells nothing.
pub const UNKNOWN: &str = "unknown";

/// A message as it lies there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parked {
    pub message_id: String,
    /// What SQS wants to hear to remove it or to show it to others again.
    pub receipt: String,
    pub body: String,
    pub attributes: BTreeMap<String, MessageAttribute>,
    /// The X-Ray header of whoever sent it.
    pub trace_header: Option<String>,
    /// When it was first sent: a dead letter keeps the moment at which it came into the pipeline.
    pub sent_at: Option<Timestamp>,
    /// Why it failed the last time, from the log: dead letters carry no reasons themselves.
    pub cause: Option<String>,
}

/// One reason, as the processor wrote it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    pub code: String,
    /// JSON pointer into the body.
    #[serde(default)]
    pub at: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

/// `missing_field at /amount: why`; what concerns the whole body has no place.
impl fmt::Display for Reason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.code)?;
        if !self.at.is_empty() {
            write!(formatter, " at {}", self.at)?;
        }
        if !self.detail.is_empty() {
            write!(formatter, ": {}", self.detail)?;
        }
        Ok(())
    }
}

/// The content of our attribute.
#[derive(Debug, Default, Deserialize)]
struct Verdict {
    #[serde(default)]
    reasons: Vec<Reason>,
    #[serde(default)]
    attribute: Option<Moved>,
}

/// A sender's attribute that had to make room for ours.
#[derive(Debug, Deserialize)]
struct Moved {
    name: String,
    #[serde(rename = "type")]
    data_type: String,
    value: Option<String>,
    base64: Option<String>,
}

impl Moved {
    fn read(self) -> Option<(String, MessageAttribute)> {
        let value = match (self.value, self.base64) {
            (Some(text), _) => MessageValue::Text(text),
            (None, Some(text)) => MessageValue::Binary(BASE64.decode(text).ok()?),
            (None, None) => return None,
        };
        Some((self.name, MessageAttribute { data_type: self.data_type, value }))
    }
}

impl Parked {
    fn verdict(&self) -> Verdict {
        match self.attributes.get(REASONS_ATTRIBUTE).map(|attribute| &attribute.value) {
            Some(MessageValue::Text(text)) => serde_json::from_str(text).unwrap_or_default(),
            Some(MessageValue::Binary(_)) | None => Verdict::default(),
        }
    }

    /// Why the processor rejected it, in its own order.
    pub fn reasons(&self) -> Vec<Reason> {
        self.verdict().reasons
    }

    /// What it is grouped and chosen by: every code of its reasons once, else the cause that the log tells.
    pub fn codes(&self, cause: Option<&String>) -> BTreeSet<String> {
        let codes: BTreeSet<_> = self.reasons().into_iter().map(|reason| reason.code).collect();
        if codes.is_empty() {
            return BTreeSet::from([cause.cloned().unwrap_or_else(|| UNKNOWN.to_owned())]);
        }
        codes
    }

    /// The attributes as the sender gave them.
    pub fn original_attributes(&self) -> BTreeMap<String, MessageAttribute> {
        let mut attributes = self.attributes.clone();
        attributes.remove(REASONS_ATTRIBUTE);
        attributes.extend(self.verdict().attribute.and_then(Moved::read));
        attributes
    }

    /// The transaction's id, where the body tells one.
    pub fn transaction_id(&self) -> Option<String> {
        let body: Value = serde_json::from_str(&self.body).ok()?;
        body.get("transaction_id")?.as_str().map(str::to_owned)
    }

    /// Tells equal messages from others: body and the sender's attributes.
    pub fn digest(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        let mut part = |bytes: &[u8]| {
            hash.update((bytes.len() as u64).to_be_bytes());
            hash.update(bytes);
        };
        part(self.body.as_bytes());
        for (name, attribute) in self.original_attributes() {
            part(name.as_bytes());
            part(attribute.data_type.as_bytes());
            match &attribute.value {
                MessageValue::Text(text) => part(text.as_bytes()),
                MessageValue::Binary(bytes) => part(bytes),
            }
        }
        hash.finalize().into()
    }

    /// Everything about it, for machines and for files. The body is a text, for it need not be JSON.
    pub fn as_json(&self) -> Value {
        json!({
            "message_id": self.message_id,
            "transaction_id": self.transaction_id(),
            "sent_at": self.sent_at.map(|at| at.to_string()),
            "codes": self.codes(self.cause.as_ref()),
            "reasons": self.reasons(),
            "cause": self.cause,
            "body": self.body,
            "attributes": self.original_attributes().iter().map(|(name, attribute)| {
                let value = match &attribute.value {
                    MessageValue::Text(text) => json!({ "type": attribute.data_type, "value": text }),
                    MessageValue::Binary(bytes) => json!({ "type": attribute.data_type, "base64": BASE64.encode(bytes) }),
                };
                (name.clone(), value)
            }).collect::<BTreeMap<_, _>>(),
            "trace_header": self.trace_header,
        })
    }
}

/// Messages by reason. One with two reasons counts for both, as in the processor's metrics.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Groups {
    /// The most frequent first.
    pub groups: Vec<Group>,
}

/// The messages of one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Group {
    pub code: String,
    pub messages: usize,
    /// The places that the reason was found at, with how often; the most frequent first.
    pub places: Vec<(String, usize)>,
    /// The oldest few.
    pub examples: Vec<Example>,
}

/// A message to look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Example {
    pub message_id: String,
    pub transaction_id: Option<String>,
    pub sent_at: Option<Timestamp>,
    /// What would have been right, in the processor's words.
    pub detail: String,
}

/// Examples of a group.
const EXAMPLES: usize = 3;

impl Groups {
    pub fn of(messages: &[Parked]) -> Self {
        let mut oldest_first: Vec<_> = messages.iter().collect();
        oldest_first.sort_by(|a, b| (a.sent_at, &a.message_id).cmp(&(b.sent_at, &b.message_id)));
        let mut by_code: BTreeMap<String, Group> = BTreeMap::new();
        for message in oldest_first {
            let reasons = message.reasons();
            for code in message.codes(message.cause.as_ref()) {
                let group = by_code.entry(code.clone()).or_insert_with(|| Group::new(code));
                group.add(message, &reasons);
            }
        }
        let mut groups: Vec<_> = by_code.into_values().collect();
        groups.sort_by(|a, b| b.messages.cmp(&a.messages).then_with(|| a.code.cmp(&b.code)));
        groups.iter_mut().for_each(|group| group.places.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0))));
        Self { groups }
    }
}

impl Group {
    fn new(code: String) -> Self {
        Self { code, messages: 0, places: Vec::new(), examples: Vec::new() }
    }

    fn add(&mut self, message: &Parked, reasons: &[Reason]) {
        self.messages += 1;
        let mut ours = reasons.iter().filter(|reason| reason.code == self.code).peekable();
        let detail = ours.peek().map(|reason| reason.detail.clone()).unwrap_or_default();
        for place in ours.map(|reason| reason.at.clone()).collect::<BTreeSet<_>>() {
            match self.places.iter_mut().find(|(known, _)| *known == place) {
                Some((_, count)) => *count += 1,
                None => self.places.push((place, 1)),
            }
        }
        if self.examples.len() < EXAMPLES {
            self.examples.push(Example {
                message_id: message.message_id.clone(),
                transaction_id: message.transaction_id(),
                sent_at: message.sent_at,
                detail,
            });
        }
    }
}

#[cfg(test)]
mod tests;
