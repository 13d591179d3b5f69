//! The reader against serde_json: the same texts are JSON, and mean the same.

use proptest::prelude::*;

use super::print::Quoted;
use super::{MOST_DEPTH, Value, read};
use crate::reason::Code;

fn standard(value: &Value<'_>) -> serde_json::Value {
    serde_json::from_str(&value.to_string()).unwrap()
}

fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_filter("finite", |number| number.is_finite()).prop_map(Into::into),
        any::<String>().prop_map(Into::into),
    ];
    leaf.prop_recursive(5, 60, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Into::into),
            prop::collection::btree_map(any::<String>(), inner, 0..24)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn what_serde_json_prints_is_read_and_printed_back(json in any_json(), pretty: bool) {
        let text = if pretty { serde_json::to_string_pretty(&json) } else { serde_json::to_string(&json) }.unwrap();
        let (value, repeated) = read(&text).unwrap();
        // serde_json reads floats inexactly: so both readings go through it.
        prop_assert_eq!(standard(&value), serde_json::from_str::<serde_json::Value>(&text).unwrap());
        prop_assert!(repeated.is_empty());
        let printed = value.to_string();
        prop_assert_eq!(read(&printed).unwrap().0, value);
    }

    #[test]
    fn any_text_is_json_for_both_or_for_neither(text in "[\\[\\]{}:,\"\\\\u0-9a-fnrtlsE+. -]{0,24}|\\PC{0,16}") {
        let ours = read(&text);
        match serde_json::from_str::<serde_json::Value>(&text) {
            Ok(_) => prop_assert!(ours.is_ok(), "{:?}", ours),
            // A float that overflows is JSON all the same: only serde_json cannot hold it.
            Err(error) if error.to_string().starts_with("number out of range") => {}
            Err(_) => prop_assert!(ours.is_err(), "{:?}", ours),
        }
    }

    #[test]
    fn a_quoted_text_is_that_text(text in any::<String>()) {
        prop_assert_eq!(serde_json::from_str::<String>(&Quoted(&text).to_string()).unwrap(), text);
    }
}

#[test]
fn numbers_keep_their_source_text() {
    let (value, _) = read(" [0.10, 1E400, -0] ").unwrap();
    assert_eq!(value, Value::Array(vec![Value::Number("0.10"), Value::Number("1E400"), Value::Number("-0")]));
}

#[test]
fn every_repeated_key_is_told_with_its_place_and_the_first_value_stays() {
    let (value, repeated) = read(r#"{"a":{"x":1,"\u0078":2},"b":[{"y":1,"y":2,"y":3}],"a":0}"#).unwrap();
    assert_eq!(value.to_string(), r#"{"a":{"x":1},"b":[{"y":1}]}"#);
    let places: Vec<_> = repeated.iter().map(|reason| (reason.code, reason.pointer.as_str())).collect();
    let code = Code::DuplicateKey;
    assert_eq!(places, [(code, "/a/x"), (code, "/b/0/y"), (code, "/b/0/y"), (code, "/a")]);
}

#[test]
fn repeated_keys_are_found_among_many() {
    let keys: Vec<_> = (0..500).chain([7, 499]).map(|key| format!("\"{key}\":0")).collect();
    let text = format!("{{{}}}", keys.join(","));
    let pointers: Vec<_> = read(&text).unwrap().1.into_iter().map(|reason| reason.pointer).collect();
    assert_eq!(pointers, ["/7", "/499"]);
}

#[test]
fn nesting_is_bounded_and_the_place_is_told() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(read(&nested(MOST_DEPTH)).is_ok());
    let reason = read(&nested(MOST_DEPTH + 1)).unwrap_err();
    assert_eq!((reason.code, reason.pointer), (Code::TooDeep, "/0".repeat(MOST_DEPTH)));
    assert_eq!(read(&"[".repeat(1_000_000)).unwrap_err().code, Code::TooDeep);
}

#[test]
fn what_is_no_json_is_told_with_its_byte() {
    let cases = [
        ("", "a value at byte 0"),
        ("nul", "a value at byte 0"),
        ("{} x", "the end at byte 3"),
        ("{\"a\" 1}", "`:` at byte 5"),
        ("{\"a\":1 \"b\":2}", "`,` or `}` at byte 7"),
        ("{,}", "a key at byte 1"),
        ("[1,]", "a value at byte 3"),
        ("[1", "`,` or `]` at byte 2"),
        ("01", "the end at byte 1"),
        ("-", "a digit at byte 1"),
        ("1.", "a digit at byte 2"),
        ("\"\u{1}\"", "`\"` at byte 1"),
        ("\"abc", "`\"` at byte 4"),
        ("\"\\x\"", "an escape at byte 2"),
        ("\"\\u12g4\"", "four hexadecimal digits at byte 3"),
        ("\"\\ud800\"", "the second half of a character at byte 7"),
        ("\"\\ud800\\u0041\"", "the second half of a character at byte 13"),
        ("\"\\udc00\"", "a whole character at byte 7"),
    ];
    for (text, expected) in cases {
        let reason = read(text).unwrap_err();
        assert_eq!((reason.code, reason.detail), (Code::NotJson, format!("expected {expected}")), "{text}");
    }
}
