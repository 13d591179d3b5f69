//! Every reason a body can be invalid, and what is valid; the schema says the same as the reader.

use std::collections::BTreeSet;

use proptest::prelude::*;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::{Invalid, Judged, judge};
use crate::contract::{Limits, Settings};
use crate::example::{NOW, settings, transaction};
use crate::reason::Code;
use crate::transaction::{MOST_ID_BYTES, transaction_schema};

fn judged<'a>(body: &'a [u8], settings: &Settings) -> Result<Judged<'a>, Vec<(Code, String)>> {
    let told = |invalid: Invalid<'_>| {
        let pairs = invalid.reasons.into_iter().map(|reason| (reason.code, reason.pointer));
        pairs.collect::<BTreeSet<_>>().into_iter().collect()
    };
    judge(body, settings, NOW.parse().unwrap()).map_err(told)
}

/// A valid transaction with some fields replaced, or taken away by `null`... which is why null has cases of its own.
fn with(changes: Value) -> String {
    let mut body = transaction("t-1");
    for (name, value) in changes.as_object().unwrap() {
        body[name] = value.clone();
    }
    body.to_string()
}

fn without(name: &str) -> String {
    let mut body = transaction("t-1");
    body.as_object_mut().unwrap().remove(name);
    body.to_string()
}

fn item(change: Value) -> String {
    let mut item = json!({"sku": "a", "quantity": 1, "unit_price": 5});
    for (name, value) in change.as_object().unwrap() {
        item[name] = value.clone();
    }
    with(json!({"items": [{"sku": "a", "quantity": 1, "unit_price": 0}, item]}))
}

/// The base with one text replaced: for what serde_json would not print.
fn written(from: &str, to: &str) -> String {
    let body = transaction("t-1").to_string();
    assert!(body.contains(from), "{from} in {body}");
    body.replace(from, to)
}

struct Case {
    body: Vec<u8>,
    reasons: Vec<(Code, &'static str)>,
    limits: Limits,
}

fn case(body: impl Into<Vec<u8>>, reasons: &[(Code, &'static str)]) -> Case {
    Case { body: body.into(), reasons: reasons.to_vec(), limits: Limits::default() }
}

fn limited(body: impl Into<Vec<u8>>, reasons: &[(Code, &'static str)], change: impl Fn(&mut Limits)) -> Case {
    let mut case = case(body, reasons);
    change(&mut case.limits);
    case
}

fn unreadable() -> Vec<Case> {
    vec![
        case(b"{\"a\":\"\xff\"}", &[(Code::NotUtf8, "")]),
        case("", &[(Code::NotJson, "")]),
        case("{\"transaction_id\":", &[(Code::NotJson, "")]),
        case("{} {}", &[(Code::NotJson, "")]),
        case("\"text\"", &[(Code::WrongType, "")]),
        case("[]", &[(Code::WrongType, "")]),
        case(
            format!("{{\"a\":{}", "[".repeat(40)),
            &[(Code::TooDeep, Box::leak(format!("/a{}", "/0".repeat(31)).into_boxed_str()))],
        ),
        case(written("\"currency\":", "\"amount\":1,\"currency\":"), &[(Code::DuplicateKey, "/amount")]),
    ]
}

fn shapes() -> Vec<Case> {
    let required = ["transaction_id", "customer_id", "amount", "currency", "timestamp"];
    let mut cases: Vec<_> = required
        .iter()
        .map(|name| case(without(name), &[(Code::MissingField, Box::leak(format!("/{name}").into_boxed_str()))]))
        .collect();
    let all: Vec<_> = ["/amount", "/currency", "/customer_id", "/timestamp", "/transaction_id"]
        .map(|at| (Code::MissingField, at))
        .into();
    cases.push(case("{}", &all));
    cases.extend([
        case(with(json!({"transaction_id": 7})), &[(Code::WrongType, "/transaction_id")]),
        case(with(json!({"transaction_id": null})), &[(Code::WrongType, "/transaction_id")]),
        case(with(json!({"transaction_id": ""})), &[(Code::Empty, "/transaction_id")]),
        case(with(json!({"transaction_id": "x".repeat(MOST_ID_BYTES + 1)})), &[(Code::TooLong, "/transaction_id")]),
        case(with(json!({"customer_id": []})), &[(Code::WrongType, "/customer_id")]),
        case(with(json!({"customer_id": ""})), &[(Code::Empty, "/customer_id")]),
        case(with(json!({"customer_id": "x".repeat(MOST_ID_BYTES + 1)})), &[(Code::TooLong, "/customer_id")]),
        case(with(json!({"amount": true})), &[(Code::WrongType, "/amount")]),
        case(with(json!({"amount": "ten"})), &[(Code::NotANumber, "/amount")]),
        case(with(json!({"amount": ""})), &[(Code::NotANumber, "/amount")]),
        case(written("10.5", "1e99"), &[(Code::NumberOutOfRange, "/amount")]),
        case(written("10.5", "1e-99"), &[(Code::NumberOutOfRange, "/amount")]),
        case(with(json!({"amount": 0})), &[(Code::NotPositive, "/amount")]),
        case(with(json!({"amount": "-0.01"})), &[(Code::NotPositive, "/amount")]),
        case(with(json!({"amount": "10.005"})), &[(Code::TooManyDecimals, "/amount")]),
        case(with(json!({"amount": 10.5, "currency": "JPY"})), &[(Code::TooManyDecimals, "/amount")]),
        case(with(json!({"currency": 840})), &[(Code::WrongType, "/currency")]),
        case(with(json!({"currency": ""})), &[(Code::Empty, "/currency")]),
        case(with(json!({"currency": "usd"})), &[(Code::UnknownCurrency, "/currency")]),
        case(with(json!({"timestamp": 1_767_225_600})), &[(Code::WrongType, "/timestamp")]),
        case(with(json!({"timestamp": ""})), &[(Code::Empty, "/timestamp")]),
        case(with(json!({"timestamp": "2026-01-01"})), &[(Code::NotATimestamp, "/timestamp")]),
        case(with(json!({"timestamp": "2026-02-30T00:00:00Z"})), &[(Code::NotATimestamp, "/timestamp")]),
        case(with(json!({"items": {}})), &[(Code::WrongType, "/items")]),
        case(with(json!({"items": ["a"]})), &[(Code::WrongType, "/items/0")]),
        case(
            with(json!({"items": [{}]})),
            &[
                (Code::MissingField, "/items/0/quantity"),
                (Code::MissingField, "/items/0/sku"),
                (Code::MissingField, "/items/0/unit_price"),
            ],
        ),
        case(item(json!({"sku": ""})), &[(Code::Empty, "/items/1/sku")]),
        case(item(json!({"sku": 1})), &[(Code::WrongType, "/items/1/sku")]),
        case(item(json!({"quantity": 0})), &[(Code::NotPositive, "/items/1/quantity")]),
        case(item(json!({"quantity": 1.5})), &[(Code::NotWhole, "/items/1/quantity")]),
        case(item(json!({"quantity": "two"})), &[(Code::NotANumber, "/items/1/quantity")]),
        case(item(json!({"unit_price": -1})), &[(Code::Negative, "/items/1/unit_price")]),
        case(item(json!({"unit_price": null})), &[(Code::WrongType, "/items/1/unit_price")]),
        case(with(json!({"metadata": "x"})), &[(Code::WrongType, "/metadata")]),
        case(written("\"metadata\":{}", "\"metadata\":{\"a\":[1e999]}"), &[(Code::NumberOutOfRange, "/metadata/a/0")]),
    ]);
    cases
}

fn beyond_limits() -> Vec<Case> {
    let dollars =
        |amount| move |limits: &mut Limits| limits.largest_amount.extend([("USD".into(), Decimal::from(amount))]);
    let adds_up = |limits: &mut Limits| limits.items_must_add_up = true;
    vec![
        limited(with(json!({})), &[(Code::CurrencyNotAccepted, "/currency")], |limits| {
            limits.currencies.insert("EUR".into());
        }),
        limited(with(json!({"amount": "10.01"})), &[(Code::AmountTooLarge, "/amount")], dollars(10)),
        limited(with(json!({"timestamp": "2026-06-01T11:58:59Z"})), &[(Code::TooOld, "/timestamp")], |limits| {
            limits.oldest_seconds = Some(60);
        }),
        limited(with(json!({})), &[(Code::ItemsRequired, "/items")], |limits| limits.items_required = true),
        limited(item(json!({"quantity": 2})), &[(Code::ItemsDoNotAddUp, "/items")], adds_up),
        limited(item(json!({"unit_price": "1e27", "quantity": "1e27"})), &[(Code::ItemsDoNotAddUp, "/items")], adds_up),
        // Limits speak beside the shape: all reasons at once.
        limited(
            with(json!({"amount": 99, "customer_id": "", "items": [1]})),
            &[(Code::WrongType, "/items/0"), (Code::Empty, "/customer_id"), (Code::AmountTooLarge, "/amount")],
            dollars(10),
        ),
    ]
}

#[test]
fn each_invalid_body_has_exactly_its_reasons() {
    for case in unreadable().into_iter().chain(shapes()).chain(beyond_limits()) {
        let body = String::from_utf8_lossy(&case.body).into_owned();
        let settings = Settings { limits: case.limits, ..settings() };
        let expected: BTreeSet<_> = case.reasons.iter().map(|(code, at)| (*code, (*at).to_owned())).collect();
        let found = judged(&case.body, &settings).expect_err(&body);
        assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), expected, "{body}");
    }
}

#[test]
fn every_reason_has_a_case() {
    let here = unreadable().into_iter().chain(shapes()).chain(beyond_limits()).flat_map(|case| case.reasons);
    let shown: BTreeSet<_> = here.map(|(code, _)| code).collect();
    // These need a table: the tests of a batch show them.
    let elsewhere = [Code::TooLarge, Code::RefusedByTable, Code::Conflict];
    let missing: Vec<_> = Code::ALL.iter().filter(|code| !shown.contains(code) && !elsewhere.contains(code)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

fn valid() -> Vec<String> {
    vec![
        with(json!({})),
        without("metadata"),
        with(json!({"transaction_id": "x".repeat(MOST_ID_BYTES)})),
        with(json!({"amount": "10.50"})),
        with(json!({"amount": "1e3"})),
        with(json!({"amount": 1, "currency": "JPY"})),
        written("10.5", "10.50000"),
        with(json!({"amount": "0.001", "currency": "KWD"})),
        with(json!({"timestamp": "2026-01-01t00:00:00.123+05:30"})),
        with(json!({"items": null, "metadata": null})),
        with(json!({"items": []})),
        item(json!({"quantity": 2.0, "unit_price": "0.0001", "color": "red"})),
        with(json!({"metadata": {"a": [1, "x", null, {"b": true}]}, "anything": {"else": []}})),
    ]
}

#[test]
fn what_is_valid_is_read() {
    for body in valid() {
        assert!(judged(body.as_bytes(), &settings()).is_ok(), "{body}: {:?}", judged(body.as_bytes(), &settings()));
    }
}

#[test]
fn limits_include_their_own_value() {
    let mut settings = settings();
    settings.limits.largest_amount.insert("USD".into(), Decimal::new(105, 1));
    settings.limits.oldest_seconds = Some(60);
    settings.limits.items_must_add_up = true;
    settings.limits.currencies.insert("USD".into());
    let items = json!([{"sku": "a", "quantity": 3, "unit_price": "3.5"}]);
    let body = with(json!({"timestamp": "2026-06-01T11:59:00Z", "items": items}));
    assert!(judged(body.as_bytes(), &settings).is_ok());
    let body = with(json!({"timestamp": "2027-01-01T00:00:00Z"}));
    assert!(
        judged(body.as_bytes(), &settings).is_ok(),
        "clocks differ: the future is not too old, no items need not add up"
    );
}

#[test]
fn an_order_is_large_from_its_currencys_threshold_on() {
    let large = |amount: &str, currency: &str| {
        let body = with(json!({"amount": amount, "currency": currency}));
        judged(body.as_bytes(), &settings()).unwrap().large
    };
    assert_eq!(large("999.99", "USD"), None);
    assert_eq!(large("1000", "USD"), Some(Decimal::from(1_000)));
    assert_eq!(large("999999", "EUR"), None, "no threshold, no large orders");
    let silent = Settings { large_orders: None, ..settings() };
    assert_eq!(judged(with(json!({"amount": 5_000})).as_bytes(), &silent).unwrap().large, None);
}

#[test]
fn the_id_of_an_invalid_transaction_is_told_where_it_can_be_read() {
    let id = |body: String| {
        let told = judge(body.as_bytes(), &settings(), NOW.parse().unwrap()).unwrap_err().transaction_id;
        told.map(std::borrow::Cow::into_owned)
    };
    assert_eq!(id(without("amount")).as_deref(), Some("t-1"));
    assert_eq!(id("{}".into()), None);
}

/// Codes that a JSON Schema cannot express, or that depend on the pipeline.
const BEYOND_SCHEMA: [Code; 4] = [Code::DuplicateKey, Code::TooManyDecimals, Code::NumberOutOfRange, Code::TooLong];

#[test]
fn the_schema_says_what_the_reader_does() {
    let schema = jsonschema::validator_for(&transaction_schema()).unwrap();
    for body in valid() {
        let json: Value = serde_json::from_str(&body).unwrap();
        assert!(
            schema.is_valid(&json),
            "{body}: {:?}",
            schema.iter_errors(&json).map(|e| e.to_string()).collect::<Vec<_>>()
        );
    }
    for case in shapes() {
        let Ok(json) = serde_json::from_slice::<Value>(&case.body) else { continue };
        let beyond = case.reasons.iter().all(|(code, _)| BEYOND_SCHEMA.contains(code));
        // A day that does not exist, and a text that is zero or less: only the reader sees these.
        let seen = !matches!(case.reasons[..], [(Code::NotATimestamp | Code::NotPositive, _)]);
        assert!(beyond || !seen || !schema.is_valid(&json), "{json}");
    }
}

#[test]
fn the_schema_is_published() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../schema/transaction.schema.json");
    let text = serde_json::to_string_pretty(&transaction_schema()).unwrap() + "\n";
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, &text).unwrap();
    }
    let published = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        published == text,
        "schema/transaction.schema.json is not what the types say\nhint: `UPDATE=1 cargo test -p pipewright-processor`"
    );
}

proptest! {
    #[test]
    fn any_bytes_are_judged(bytes: Vec<u8>) {
        if let Err(reasons) = judged(&bytes, &settings()) {
            prop_assert!(!reasons.is_empty());
        }
    }

    #[test]
    fn a_damaged_transaction_is_judged(at in 0..200_usize, byte: u8, cut in 0..200_usize) {
        let mut body = item(json!({"note": "\u{1f600}"})).into_bytes();
        let end = body.len();
        body[at % end] = byte;
        for body in [&body[..], &body[..cut.min(end)]] {
            let _ = judged(body, &settings());
        }
    }

    #[test]
    fn any_value_in_any_field_is_judged(name in "transaction_id|customer_id|amount|currency|timestamp|items|metadata", text: String, number: f64) {
        for value in [json!(text), json!(number), json!([text]), json!({"a": text}), json!([{"quantity": number}])] {
            let _ = judged(with(json!({ name.clone(): value })).as_bytes(), &settings());
        }
    }
}
