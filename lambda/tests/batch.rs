//! What becomes of the messages of one batch.

use std::collections::BTreeMap;

use futures_util::future::{pending, ready};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::{World, batch, deadline, decisions, failed, invocation, large, metrics, now, record, run};
use pipewright_processor::contract::{Attributes, LogLevel, REASONS_ATTRIBUTE, Settings};
use pipewright_processor::event::SqsEvent;
use pipewright_processor::example::{settings, transaction};
use pipewright_processor::memory::{Fault, Kept};
use pipewright_processor::ports::{MessageAttribute, MessageValue, PortErrorKind};
use pipewright_processor::process::Processor;
use pipewright_processor::row::{Announced, Attribute, Claim, Row};

fn reasons(kept: &Kept) -> Vec<String> {
    let MessageValue::Text(text) = &kept.attributes[REASONS_ATTRIBUTE].value else { panic!("must be text") };
    let told: Value = serde_json::from_str(text).unwrap();
    told["reasons"].as_array().unwrap().iter().map(|reason| reason["code"].as_str().unwrap().to_owned()).collect()
}

fn decided(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(message, decision)| ((*message).to_owned(), (*decision).to_owned())).collect()
}

#[test]
fn a_mixed_batch_accounts_for_every_message() {
    let world = World::new();
    let mut conflict = transaction("t-1");
    conflict["amount"] = json!(11);
    let event = batch([
        record("valid", &transaction("t-1")),
        record("copy", &transaction("t-1")),
        record("conflict", &conflict),
        record("large", &large("t-2")),
        record("invalid", &json!({"transaction_id": "t-3"})),
        record("other", &transaction("t-4")),
    ]);
    let processed = world.process("r-1", &event);
    assert_eq!(failed(&processed), [""; 0]);
    let expected = [
        ("valid", "stored"),
        ("copy", "duplicate"),
        ("conflict", "conflict"),
        ("large", "stored"),
        ("invalid", "rejected"),
        ("other", "stored"),
    ];
    assert_eq!(decisions(&processed), decided(&expected));
    assert_eq!(world.memory.rows().into_keys().collect::<Vec<_>>(), ["t-1", "t-2", "t-4"]);
    let told: Vec<_> = world.memory.quarantined().iter().map(|kept| reasons(kept).len()).collect();
    assert_eq!(told, [4, 1], "the invalid one at once, the conflict when the table has spoken");
    let published = world.memory.published();
    assert_eq!(
        (published.len(), published[0].transaction_id.as_str(), published[0].threshold.as_str()),
        (1, "t-2", "1000")
    );
    let metrics = metrics(&processed);
    for (name, count) in
        [("Stored", 3), ("Duplicates", 1), ("Conflicts", 1), ("Rejected", 1), ("LargeOrders", 1), ("Failed", 0)]
    {
        assert_eq!(metrics[name], count, "{name}");
    }
}

#[test]
fn a_large_orders_row_ends_marked_as_sent() {
    let world = World::new();
    world.process("r-1", &batch([record("m", &large("t-1"))]));
    let row = &world.memory.rows()["t-1"];
    assert_eq!(Announced::read(row.get("announcement")), Announced::Sent);
    assert_eq!(row["judged_by"], Attribute::Text(settings().digest()));
}

#[test]
fn a_repeat_is_a_duplicate_and_is_not_announced_again() {
    let world = World::new();
    for request in ["r-1", "r-2", "r-3"] {
        assert_eq!(failed(&world.process(request, &batch([record("m", &large("t-1"))]))), [""; 0]);
    }
    assert_eq!(world.memory.published().len(), 1);
}

#[test]
fn other_content_under_a_stored_id_goes_to_quarantine_and_changes_nothing() {
    let world = World::new();
    world.process("r-1", &batch([record("m-1", &transaction("t-1"))]));
    let before = world.memory.rows();
    let processed = world.process("r-2", &batch([record("m-2", &large("t-1")), record("m-3", &transaction("t-1"))]));
    assert_eq!(decisions(&processed), decided(&[("m-2", "conflict"), ("m-3", "duplicate")]));
    assert_eq!(world.memory.rows(), before);
    assert_eq!(reasons(&world.memory.quarantined()[0]), ["conflict"]);
    assert_eq!(world.memory.published(), []);
}

#[test]
fn a_quarantined_message_keeps_body_and_attributes() {
    let world = World::new();
    let text = MessageAttribute { data_type: "String".into(), value: MessageValue::Text("red".into()) };
    let mut event = batch([record("m", &json!(1))]);
    event.records[0].message_attributes = BTreeMap::from([("color".to_owned(), text.clone())]);
    world.process("r-1", &event);
    let kept = &world.memory.quarantined()[0];
    assert_eq!((kept.body.as_str(), &kept.attributes["color"]), ("1", &text));
}

#[test]
fn what_no_row_can_hold_is_rejected() {
    let world = World::new();
    let mut body = transaction("t-1");
    body["metadata"] = json!({"blob": "x".repeat(400 * 1_024)});
    world.process("r-1", &batch([record("m", &body)]));
    assert_eq!(reasons(&world.memory.quarantined()[0]), ["too_large"]);
}

#[test]
fn what_the_table_refuses_for_good_is_rejected_and_a_copy_with_other_content_gets_its_turn() {
    let world = World::new();
    world.memory.fail(0, Fault::Fails(PortErrorKind::Refused));
    let event = batch([record("refused", &large("t-1")), record("next", &transaction("t-1"))]);
    let processed = world.process("r-1", &event);
    assert_eq!(decisions(&processed), decided(&[("refused", "rejected"), ("next", "stored")]));
    assert_eq!(reasons(&world.memory.quarantined()[0]), ["refused_by_table"]);
}

#[test]
fn a_transient_failure_fails_its_own_message_only() {
    let world = World::new();
    world.memory.fail(1, Fault::Fails(PortErrorKind::Transient));
    let event =
        batch([record("a", &transaction("t-1")), record("b", &transaction("t-2")), record("c", &transaction("t-3"))]);
    let processed = world.process("r-1", &event);
    assert_eq!(failed(&processed), ["b"]);
    assert_eq!(world.memory.rows().into_keys().collect::<Vec<_>>(), ["t-1", "t-3"]);
}

#[test]
fn a_missing_permission_fails_all_with_one_clear_line() {
    let world = World::new();
    (0..3).for_each(|call| world.memory.fail(call, Fault::Fails(PortErrorKind::Denied)));
    let event =
        batch([record("a", &transaction("t-1")), record("b", &transaction("t-2")), record("c", &transaction("t-3"))]);
    let processed = world.process("r-1", &event);
    assert_eq!(failed(&processed), ["a", "b", "c"]);
    let errors: Vec<_> = processed.output.lines().filter(|line| line.contains("\"level\":\"error\"")).collect();
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert!(errors[0].contains("\"operation\":\"dynamodb:PutItem\""), "{errors:?}");
}

#[test]
fn a_message_that_cannot_be_quarantined_is_tried_again() {
    let world = World::new();
    world.memory.fail(0, Fault::Fails(PortErrorKind::Transient));
    let event = batch([record("m", &json!(1))]);
    assert_eq!(failed(&world.process("r-1", &event)), ["m"]);
    assert_eq!(failed(&world.process("r-2", &event)), [""; 0]);
    assert_eq!(world.memory.quarantined().len(), 1);
}

#[test]
fn a_failed_announcement_is_tried_again_once_the_claim_has_expired() {
    let world = World::new();
    world.memory.fail(1, Fault::Fails(PortErrorKind::Refused));
    let event = batch([record("m", &large("t-1"))]);
    let first = world.process("r-1", &event);
    assert_eq!((failed(&first), metrics(&first)["AnnounceFailed"].clone()), (vec!["m"], json!(1)));
    assert_eq!(failed(&world.process("r-2", &event)), ["m"], "the claim of the first still lives");
    world.wait_until_claims_expire();
    let last = world.process("r-3", &event);
    assert_eq!(decisions(&last), decided(&[("m", "announced")]));
    assert_eq!(metrics(&last)["Stored"], 0);
    assert_eq!(world.memory.published().len(), 1);
}

#[test]
fn an_announcement_that_was_made_is_done_even_if_it_cannot_be_marked() {
    let world = World::new();
    world.memory.fail(2, Fault::Fails(PortErrorKind::Transient));
    let processed = world.process("r-1", &batch([record("m", &large("t-1"))]));
    assert_eq!(failed(&processed), [""; 0]);
    assert!(processed.output.contains("announced, but not marked as sent"), "{}", processed.output);
}

/// The rules may have changed since the order was stored: the decision of then holds.
#[test]
fn whoever_takes_a_claim_over_announces_what_was_decided_then() {
    let world = World::new();
    world.memory.fail(1, Fault::Fails(PortErrorKind::Transient));
    let event = batch([record("m", &large("t-1"))]);
    world.process("r-1", &event);
    world.wait_until_claims_expire();
    let mut settings = settings();
    settings.large_orders.as_mut().unwrap().thresholds.insert("USD".into(), Decimal::from(9_999));
    let later = Processor::new(settings, &world.memory);
    run(later.process(&event, &invocation("r-2", deadline(&world.memory)), pending()));
    assert_eq!(world.memory.published()[0].threshold, "1000");
}

#[test]
fn without_a_topic_an_old_claim_asks_for_nothing() {
    let world = World::new();
    world.memory.fail(1, Fault::Fails(PortErrorKind::Transient));
    let event = batch([record("m", &large("t-1"))]);
    world.process("r-1", &event);
    let silent = Processor::new(Settings { large_orders: None, ..settings() }, &world.memory);
    let processed = run(silent.process(&event, &invocation("r-2", deadline(&world.memory)), pending()));
    assert_eq!(decisions(&processed), decided(&[("m", "duplicate")]));
}

#[test]
fn an_announcement_state_that_cannot_be_read_fails_the_message() {
    let world = World::new();
    world.process("r-1", &batch([record("m", &transaction("t-1"))]));
    let mut row: Row = world.memory.rows()["t-1"].clone();
    row.insert("announcement".into(), Attribute::Text("?".into()));
    world.memory.insert(row);
    assert_eq!(failed(&world.process("r-2", &batch([record("m", &transaction("t-1"))]))), ["m"]);
}

#[test]
fn a_claim_that_cannot_be_taken_over_fails_the_message() {
    let world = World::new();
    let claim = Claim { owner: "gone".into(), expires_at: 0, threshold: Decimal::ONE };
    world.process("r-0", &batch([record("m", &transaction("t-1"))]));
    let mut row = world.memory.rows()["t-1"].clone();
    row.insert("announcement".into(), claim.pending());
    world.memory.insert(row);
    world.memory.fail(2, Fault::Fails(PortErrorKind::Transient));
    assert_eq!(failed(&world.process("r-1", &batch([record("m", &transaction("t-1"))]))), ["m"]);
}

/// The client of AWS repeats a call whose answer it lost: the repeat then meets what the first call wrote.
#[test]
fn our_own_claim_is_known_again() {
    let world = World::new();
    world.memory.fail(0, Fault::AsksTwice);
    let processed = world.process("r-1", &batch([record("m", &large("t-1"))]));
    assert_eq!(decisions(&processed), decided(&[("m", "stored")]));
    assert_eq!((metrics(&processed)["Stored"].clone(), world.memory.published().len()), (json!(1), 1));

    let world = World::new();
    world.memory.fail(1, Fault::Fails(PortErrorKind::Transient));
    world.process("r-1", &batch([record("m", &large("t-1"))]));
    world.wait_until_claims_expire();
    world.memory.fail(3, Fault::AsksTwice);
    let processed = world.process("r-2", &batch([record("m", &large("t-1"))]));
    assert_eq!(world.memory.calls()[3], "dynamodb:UpdateItem");
    assert_eq!(decisions(&processed), decided(&[("m", "announced")]));
}

#[test]
fn an_item_of_an_older_function_is_a_duplicate_by_its_fields() {
    let world = World::new();
    let old = [
        ("transaction_id", Attribute::Text("t-1".into())),
        ("customer_id", Attribute::Text("c-1".into())),
        ("amount", Attribute::Number("10.50".into())),
        ("currency", Attribute::Text("USD".into())),
        ("timestamp", Attribute::Text("2026-06-01T11:59:30+00:00".into())),
        ("metadata", Attribute::Map(BTreeMap::new())),
    ];
    world.memory.insert(old.map(|(name, value)| (name.to_owned(), value)).into());
    let event = batch([record("same", &transaction("t-1")), record("other", &large("t-1"))]);
    let processed = world.process("r-1", &event);
    assert_eq!(decisions(&processed), decided(&[("same", "duplicate"), ("other", "conflict")]));
}

#[test]
fn what_is_not_begun_before_the_deadline_is_given_back() {
    let world = World::new();
    let processor = Processor::new(settings(), &world.memory);
    let event = batch([record("valid", &transaction("t-1")), record("invalid", &json!(1))]);
    let processed = run(processor.process(&event, &invocation("r-1", now()), pending()));
    assert_eq!(failed(&processed), ["valid", "invalid"]);
    assert_eq!(world.memory.calls(), [""; 0]);
}

#[test]
fn what_is_under_way_when_time_is_up_is_given_back() {
    let world = World::new();
    let processor = Processor::new(settings(), &world.memory);
    let event = batch([record("m", &large("t-1"))]);
    let processed = run(processor.process(&event, &invocation("r-1", deadline(&world.memory)), ready(())));
    assert_eq!(failed(&processed), ["m"]);
    assert!(processed.output.contains("no time was left"), "{}", processed.output);
}

#[test]
fn an_empty_batch_is_answered() {
    let world = World::new();
    assert_eq!(failed(&world.process("r-1", &SqsEvent::default())), [""; 0]);
}

#[test]
fn log_lines_hold_ids_and_nothing_else_of_the_customer() {
    let world = World::with(Settings { log_level: LogLevel::Debug, ..settings() });
    let mut body = large("t-1");
    body["customer_id"] = json!("secret-customer");
    body["metadata"] = json!({"secret-key": "secret-value"});
    let mut invalid = body.clone();
    invalid["transaction_id"] = json!("t-2");
    invalid["currency"] = json!("secret-currency");
    let processed = world.process("r-1", &batch([record("m-1", &body), record("m-2", &invalid)]));
    assert!(!processed.output.contains("secret"), "{}", processed.output);
    let line = processed.output.lines().find(|line| line.contains("m-2")).unwrap();
    let line: Value = serde_json::from_str(line).unwrap();
    assert_eq!((&line["request_id"], &line["transaction_id"]), (&json!("r-1"), &json!("t-2")));
    assert_eq!(line["reasons"], json!(["unknown_currency"]));
}

#[test]
fn the_tables_own_names_are_used_throughout() {
    let mut settings = settings();
    settings.table.key = "pk".into();
    settings.table.attributes =
        Attributes { announcement: "told".into(), digest: "sum".into(), ..Attributes::default() };
    let world = World::with(settings);
    for request in ["r-1", "r-2"] {
        assert_eq!(failed(&world.process(request, &batch([record("m", &large("t-1"))]))), [""; 0]);
    }
    assert_eq!(Announced::read(world.memory.rows()["t-1"].get("told")), Announced::Sent);
    assert_eq!(world.memory.published().len(), 1);
}
