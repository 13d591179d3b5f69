//! What is read out of a parked message, against the processor that wrote it.

use pipewright_processor::ports::Quarantined;
use pipewright_processor::quarantine::attributes as quarantined;
use pipewright_processor::reason::{Code, Reason as Written};

use super::*;

fn text(value: &str) -> MessageAttribute {
    MessageAttribute { data_type: "String".into(), value: MessageValue::Text(value.into()) }
}

fn parked(id: &str, body: &str, attributes: BTreeMap<String, MessageAttribute>) -> Parked {
    Parked {
        message_id: id.into(),
        receipt: format!("receipt-{id}"),
        body: body.into(),
        attributes,
        trace_header: None,
        sent_at: None,
        cause: None,
    }
}

/// As the processor sends it to quarantine.
fn rejected(id: &str, original: &BTreeMap<String, MessageAttribute>, reasons: Vec<Written>) -> Parked {
    let body = format!("{{\"transaction_id\":\"{id}\"}}");
    let message = Quarantined { message_id: id, body: &body, attributes: original, trace_header: None, reasons };
    parked(id, &body, quarantined(&message))
}

#[test]
fn reasons_are_read_as_the_processor_writes_them() {
    let reasons = vec![Written::new(Code::MissingField, "/amount"), Written::new(Code::TooOld, "/timestamp").with("x")];
    let message = rejected("a", &BTreeMap::new(), reasons);
    let [missing, old] = &message.reasons()[..] else { panic!("two reasons") };
    assert_eq!((missing.code.as_str(), missing.at.as_str()), ("missing_field", "/amount"));
    assert_eq!((old.code.as_str(), old.detail.as_str()), ("too_old", "x"));
    assert_eq!(message.transaction_id().as_deref(), Some("a"));
}

#[test]
fn the_sender_s_attributes_come_back_as_they_were_also_the_one_that_made_room() {
    let blob = MessageAttribute { data_type: "Binary.png".into(), value: MessageValue::Binary(vec![0, 255]) };
    for last in [text("é\u{1f600}"), blob] {
        let mut original: BTreeMap<_, _> = (0..9).map(|index| (format!("a{index}"), text("x"))).collect();
        original.insert("z".into(), last);
        let message = rejected("a", &original, vec![Written::new(Code::NotJson, "")]);
        assert!(message.attributes.contains_key(REASONS_ATTRIBUTE) && !message.attributes.contains_key("z"));
        assert_eq!(message.original_attributes(), original);
    }
}

#[test]
fn an_attribute_of_ours_that_nobody_of_us_wrote_tells_nothing() {
    for value in
        [text("nonsense"), MessageAttribute { data_type: "Binary".into(), value: MessageValue::Binary(vec![]) }]
    {
        let message = parked("a", "x", BTreeMap::from([(REASONS_ATTRIBUTE.into(), value)]));
        assert_eq!(message.codes(None), BTreeSet::from([UNKNOWN.to_owned()]));
        assert_eq!(message.original_attributes(), BTreeMap::new());
    }
}

#[test]
fn what_was_rejected_again_is_known_by_its_digest() {
    let original = BTreeMap::from([("color".to_owned(), text("red"))]);
    let first = rejected("a", &original, vec![Written::new(Code::TooOld, "/timestamp")]);
    let again = Parked { message_id: "b".into(), ..rejected("a", &original, vec![Written::new(Code::Empty, "/x")]) };
    assert_eq!(first.digest(), again.digest());
    assert_ne!(first.digest(), rejected("a", &BTreeMap::new(), vec![]).digest());
    assert_ne!(first.digest(), rejected("b", &original, vec![]).digest());
}

#[test]
fn groups_count_every_reason_and_show_the_oldest() {
    let old = |id: &str, seconds, reasons| Parked {
        sent_at: Timestamp::from_second(seconds).ok(),
        ..rejected(id, &BTreeMap::new(), reasons)
    };
    let amount = || Written::new(Code::MissingField, "/amount");
    let messages = [
        old("d", 4, vec![amount()]),
        old("c", 3, vec![amount(), Written::new(Code::MissingField, "/currency")]),
        old("b", 2, vec![amount()]),
        old("a", 1, vec![amount(), Written::new(Code::TooOld, "/timestamp").with("at most 1d")]),
        Parked { cause: Some("dynamodb:PutItem: AccessDenied".into()), ..parked("x", "not JSON", BTreeMap::new()) },
    ];
    let groups = Groups::of(&messages).groups;
    let counts: Vec<_> = groups.iter().map(|group| (group.code.as_str(), group.messages)).collect();
    assert_eq!(counts, [("missing_field", 4), ("dynamodb:PutItem: AccessDenied", 1), ("too_old", 1)]);
    assert_eq!(groups[0].places, [("/amount".to_owned(), 4), ("/currency".to_owned(), 1)]);
    let ids: Vec<_> = groups[0].examples.iter().map(|example| example.message_id.as_str()).collect();
    assert_eq!(ids, ["a", "b", "c"]);
    assert_eq!(groups[2].examples[0].detail, "at most 1d");
}
