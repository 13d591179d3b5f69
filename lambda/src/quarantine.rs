//! The attributes of a quarantined message: the sender's, and one of ours with the reasons.
//!
//! SQS takes ten attributes, and body and attributes together up to 1 MiB. The original always fits, so what has to give
//! way is ours: reasons are left out from the end until the rest fits. If the sender used all ten attributes, the last of
//! them moves into ours.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::base64;
use crate::contract::REASONS_ATTRIBUTE;
use crate::json::print::Quoted;
use crate::ports::{MessageAttribute, MessageValue, Quarantined};
use crate::reason::Reason;

/// The most bytes of a message, attributes included.
pub const MOST_BYTES: usize = 1_048_576;
/// The most attributes of a message.
const MOST_ATTRIBUTES: usize = 10;

/// The attributes to send a message on with.
pub fn attributes(message: &Quarantined<'_>) -> BTreeMap<String, MessageAttribute> {
    let mut attributes = message.attributes.clone();
    attributes.remove(REASONS_ATTRIBUTE);
    let moved = if attributes.len() >= MOST_ATTRIBUTES { attributes.pop_last() } else { None };
    let room = MOST_BYTES.saturating_sub(bytes(message.body, &attributes) + REASONS_ATTRIBUTE.len() + "String".len());
    if let Some(text) = reasons(&message.reasons, moved.as_ref(), room) {
        let attribute = MessageAttribute { data_type: "String".to_owned(), value: MessageValue::Text(text) };
        attributes.insert(REASONS_ATTRIBUTE.to_owned(), attribute);
    } else {
        attributes.extend(moved);
    }
    attributes
}

/// The size of a message as SQS counts it.
pub fn bytes(body: &str, attributes: &BTreeMap<String, MessageAttribute>) -> usize {
    let attribute = |(name, attribute): (&String, &MessageAttribute)| {
        let value = match &attribute.value {
            MessageValue::Text(text) => text.len(),
            MessageValue::Binary(bytes) => bytes.len(),
        };
        name.len() + attribute.data_type.len() + value
    };
    body.len() + attributes.iter().map(attribute).sum::<usize>()
}

/// `{"reasons":[{"code":…,"at":…,"detail":…}],"omitted":3,"attribute":{…}}` in at most this many bytes; `None`: there is
/// no room for a single reason.
fn reasons(reasons: &[Reason], moved: Option<&(String, MessageAttribute)>, room: usize) -> Option<String> {
    let moved =
        moved.map_or(String::new(), |(name, attribute)| format!(",\"attribute\":{}", attribute_text(name, attribute)));
    let frame = "{\"reasons\":[".len() + "],\"omitted\":".len() + 20 + moved.len() + "}".len();
    let mut text = String::from("{\"reasons\":[");
    let mut told = 0;
    for reason in reasons {
        let reason = reason_text(reason);
        let separator = if told == 0 { "" } else { "," };
        if frame + text.len() + separator.len() + reason.len() > room {
            break;
        }
        text.push_str(separator);
        text.push_str(&reason);
        told += 1;
    }
    text.push(']');
    if told < reasons.len() {
        let _ = write!(text, ",\"omitted\":{}", reasons.len() - told);
    }
    text.push_str(&moved);
    text.push('}');
    (told > 0).then_some(text)
}

/// SQS takes some characters only (those of XML): pointers and details hold keys of the sender, so all but printable
/// ASCII is escaped.
fn reason_text(reason: &Reason) -> String {
    let mut text = format!("{{\"code\":\"{}\",\"at\":{}", reason.code.as_str(), ascii(&reason.pointer));
    if !reason.detail.is_empty() {
        let _ = write!(text, ",\"detail\":{}", ascii(&reason.detail));
    }
    text.push('}');
    text
}

fn attribute_text(name: &str, attribute: &MessageAttribute) -> String {
    let (kind, value) = match &attribute.value {
        MessageValue::Text(text) => ("value", ascii(text)),
        MessageValue::Binary(bytes) => ("base64", ascii(&base64::encode(bytes))),
    };
    format!("{{\"name\":{},\"type\":{},\"{kind}\":{value}}}", ascii(name), ascii(&attribute.data_type))
}

fn ascii(text: &str) -> String {
    let mut escaped = String::new();
    let mut units = [0; 2];
    for character in Quoted(text).to_string().chars() {
        if matches!(character, ' '..='~') {
            escaped.push(character);
        } else {
            for unit in character.encode_utf16(&mut units) {
                let _ = write!(escaped, "\\u{unit:04x}");
            }
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use serde_json::Value;

    use super::{MOST_BYTES, attributes, bytes};
    use crate::contract::REASONS_ATTRIBUTE;
    use crate::ports::{MessageAttribute, MessageValue, Quarantined};
    use crate::reason::{Code, Reason};

    fn text(value: &str) -> MessageAttribute {
        MessageAttribute { data_type: "String".into(), value: MessageValue::Text(value.into()) }
    }

    fn sent(
        body: &str,
        original: &BTreeMap<String, MessageAttribute>,
        reasons: Vec<Reason>,
    ) -> BTreeMap<String, MessageAttribute> {
        attributes(&Quarantined { message_id: "m", body, attributes: original, trace_header: None, reasons })
    }

    fn reasons(attributes: &BTreeMap<String, MessageAttribute>) -> Value {
        let MessageValue::Text(text) = &attributes[REASONS_ATTRIBUTE].value else { panic!("must be text") };
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn the_original_attributes_stay_and_ours_tells_every_reason() {
        let original = BTreeMap::from([("color".to_owned(), text("red")), (REASONS_ATTRIBUTE.to_owned(), text("old"))]);
        let found =
            vec![Reason::new(Code::Empty, "/a\u{1f600}\u{1}"), Reason::new(Code::TooOld, "/t").with("at most 1")];
        let sent = sent("{}", &original, found);
        assert_eq!(sent["color"], text("red"));
        assert_eq!(
            reasons(&sent),
            serde_json::json!({"reasons": [{"code": "empty", "at": "/a\u{1f600}\u{1}"},
                {"code": "too_old", "at": "/t", "detail": "at most 1"}]})
        );
        let MessageValue::Text(text) = &sent[REASONS_ATTRIBUTE].value else { panic!("must be text") };
        assert!(text.is_ascii(), "{text}");
    }

    #[test]
    fn with_ten_attributes_the_last_moves_into_ours() {
        let mut original: BTreeMap<_, _> = (0..9).map(|index| (format!("a{index}"), text("x"))).collect();
        let blob = MessageAttribute { data_type: "Binary".into(), value: MessageValue::Binary(vec![0, 255]) };
        original.insert("z".into(), blob);
        let sent = sent("{}", &original, vec![Reason::new(Code::NotJson, "")]);
        assert_eq!(sent.len(), 10);
        assert_eq!(reasons(&sent)["attribute"], serde_json::json!({"name": "z", "type": "Binary", "base64": "AP8="}));
    }

    #[test]
    fn a_body_that_fills_the_message_leaves_no_room_for_reasons() {
        let mut original: BTreeMap<_, _> = (0..10).map(|index| (format!("a{index}"), text("x"))).collect();
        let body = "x".repeat(MOST_BYTES - bytes("", &original));
        assert_eq!(sent(&body, &original, vec![Reason::new(Code::NotJson, "")]), original);
        original.clear();
        let body = "x".repeat(MOST_BYTES);
        assert_eq!(sent(&body, &original, vec![Reason::new(Code::NotJson, "")]), original);
    }

    #[test]
    fn reasons_that_do_not_fit_are_counted() {
        let many = vec![Reason::new(Code::MissingField, "/items/0/sku"); 1_000];
        let body = "x".repeat(MOST_BYTES - 500);
        let sent = sent(&body, &BTreeMap::new(), many);
        let told = reasons(&sent)["reasons"].as_array().unwrap().len();
        assert!(told > 3, "{told}");
        assert_eq!(reasons(&sent)["omitted"], 1_000 - told);
    }

    proptest! {
        #[test]
        fn a_message_always_fits(free in 0..2_000_usize, count in 0..=10_usize, pointers in prop::collection::vec(any::<String>(), 1..40)) {
            let original: BTreeMap<_, _> = (0..count).map(|index| (format!("a{index}"), text("x"))).collect();
            let body = "x".repeat((MOST_BYTES - bytes("", &original)).saturating_sub(free));
            let reasons = pointers.into_iter().map(|pointer| Reason::new(Code::Empty, pointer)).collect();
            let sent = sent(&body, &original, reasons);
            prop_assert!(sent.len() <= 10);
            prop_assert!(bytes(&body, &sent) <= MOST_BYTES);
        }
    }
}
