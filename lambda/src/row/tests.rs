//! What a row looks like, how large it is, and when two rows are the same transaction.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::{Announced, Attribute, Claim, Row, bytes, of, same_content};
use crate::contract::{Attributes, Settings, TimeToLive};
use crate::digest::content_digest;
use crate::example::{NOW, settings, transaction};
use crate::transaction::read;

fn row_of(body: &Value, settings: &Settings) -> Row {
    let text = body.to_string();
    let (draft, reasons) = read(text.as_bytes());
    assert_eq!(reasons, []);
    let transaction = draft.finish().unwrap();
    of(&transaction, &content_digest(&transaction), settings, "rules", now())
}

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

fn text(text: &str) -> Attribute {
    Attribute::Text(text.into())
}

fn number(text: &str) -> Attribute {
    Attribute::Number(text.into())
}

fn full() -> Value {
    let mut body = transaction("t-1");
    body["items"] = json!([{"sku": "a", "quantity": 2, "unit_price": "5.250", "color": "red"}]);
    body["metadata"] = json!({"campaign": {"ids": [1, "x", null, true]}});
    body["channel"] = json!("web");
    body
}

#[test]
fn a_row_holds_the_transaction_under_the_tables_names() {
    let mut settings = settings();
    settings.table.key = "pk".into();
    settings.table.attributes = Attributes { amount: "sum".into(), extra: "rest".into(), ..Attributes::default() };
    settings.table.time_to_live = Some(TimeToLive { attribute: "expires_at".into(), after_seconds: 60 });
    let mut row = row_of(&full(), &settings);
    let Some(Attribute::Text(digest)) = row.remove("digest") else { panic!("must be there") };
    assert!(digest.starts_with("1:"));
    let item = BTreeMap::from([
        ("sku".to_owned(), text("a")),
        ("quantity".to_owned(), number("2")),
        ("unit_price".to_owned(), number("5.25")),
        ("extra".to_owned(), text("{\"color\":\"red\"}")),
    ]);
    let ids = Attribute::List(vec![number("1"), text("x"), Attribute::Null, Attribute::Bool(true)]);
    let campaign = Attribute::Map(BTreeMap::from([("ids".to_owned(), ids)]));
    let expected = Row::from([
        ("pk".to_owned(), text("t-1")),
        ("customer_id".to_owned(), text("c-1")),
        ("sum".to_owned(), number("10.5")),
        ("currency".to_owned(), text("USD")),
        ("timestamp".to_owned(), text("2026-06-01T11:59:30Z")),
        ("items".to_owned(), Attribute::List(vec![Attribute::Map(item)])),
        ("metadata".to_owned(), Attribute::Map(BTreeMap::from([("campaign".to_owned(), campaign)]))),
        ("rest".to_owned(), text("{\"channel\":\"web\"}")),
        ("judged_by".to_owned(), text("rules")),
        ("expires_at".to_owned(), number(&(now().as_second() + 60).to_string())),
    ]);
    assert_eq!(row, expected);
}

#[test]
fn what_a_transaction_lacks_its_row_lacks_too() {
    let mut body = transaction("t-1");
    body["items"] = json!([]);
    body["metadata"] = Value::Null;
    let row = row_of(&body, &settings());
    assert!(["items", "metadata", "extra", "announcement", "expires_at"].iter().all(|name| !row.contains_key(*name)));
}

#[test]
fn size_counts_names_and_values() {
    let row = Row::from([
        ("ab".to_owned(), text("xyz")),
        ("n".to_owned(), number("1234")),
        ("m".to_owned(), Attribute::Map(BTreeMap::from([("k".to_owned(), Attribute::List(vec![Attribute::Null]))]))),
    ]);
    assert_eq!(bytes(&row), (2 + 3) + (1 + 4) + (1 + 3 + (1 + 1 + (3 + (1 + 1)))));
}

#[test]
fn with_a_digest_the_digest_decides() {
    let (ours, mut stored) = (row_of(&full(), &settings()), row_of(&full(), &settings()));
    stored.insert("customer_id".into(), text("edited by hand"));
    assert!(same_content(&stored, &ours, &settings()));
    let mut other = full();
    other["amount"] = json!(11);
    assert!(!same_content(&row_of(&other, &settings()), &ours, &settings()));
}

#[test]
fn without_a_known_digest_the_fields_decide() {
    let settings = settings();
    let ours = row_of(&full(), &settings);
    let older = |digest: Option<&str>, changes: &[(&str, Option<Attribute>)]| {
        let mut row = ours.clone();
        row.remove("digest");
        row.extend(digest.map(|digest| ("digest".to_owned(), text(digest))));
        for (name, value) in changes {
            row.remove(*name);
            row.extend(value.clone().map(|value| ((*name).to_owned(), value)));
        }
        same_content(&row, &ours, &settings)
    };
    assert!(older(None, &[]));
    assert!(older(Some("0:abc"), &[]), "a digest of another form says nothing");
    assert!(older(None, &[("amount", Some(text("10.50")))]), "a number kept as text");
    assert!(older(None, &[("timestamp", Some(text("2026-06-01T13:59:30+02:00")))]));
    assert!(older(None, &[("extra", Some(text("{ \"channel\": \"web\" }")))]));
    assert!(older(None, &[("judged_by", None), ("another", Some(text("x")))]), "not content");
    for name in ["customer_id", "amount", "currency", "timestamp", "items", "metadata", "extra"] {
        assert!(!older(None, &[(name, None)]), "{name} is missing");
        assert!(!older(None, &[(name, Some(text("other")))]), "{name} differs");
    }
}

#[test]
fn a_claim_is_read_as_it_was_written() {
    let claim = Claim { owner: "r-1".into(), expires_at: 1_000, threshold: Decimal::new(99_999, 2) };
    assert_eq!(Announced::read(Some(&claim.pending())), Announced::Pending(claim.clone()));
    assert_eq!(Announced::read(Some(&claim.sent(now()))), Announced::Sent);
    assert_eq!(Announced::read(None), Announced::Never);
    let at = |millisecond| claim.has_expired(Timestamp::from_millisecond(millisecond).unwrap());
    assert_eq!((at(999), at(1_000)), (false, true));
}

#[test]
fn an_announcement_that_is_not_ours_is_unreadable() {
    let Attribute::Map(whole) = (Claim { owner: "r".into(), expires_at: 1, threshold: Decimal::ONE }).pending() else {
        panic!("must be a map")
    };
    for name in whole.keys() {
        let mut map = whole.clone();
        map.insert(name.clone(), Attribute::Bool(true));
        assert_eq!(Announced::read(Some(&Attribute::Map(map))), Announced::Unreadable, "{name}");
    }
    assert_eq!(Announced::read(Some(&text("sent"))), Announced::Unreadable);
}
