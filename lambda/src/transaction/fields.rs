//! The kinds of field that a transaction has: for each how it is read, and how the schema describes it.
//!
//! The two stand side by side so that they are changed together; a test holds every case of the reader against the schema.

use std::borrow::Cow;

use rust_decimal::Decimal;
use schemars::{Schema, SchemaGenerator, json_schema};

use super::{MOST_ID_BYTES, Moment, OrderItem};
use crate::currency;
use crate::decimal;
use crate::json::{Member, Value};
use crate::reason::{Code, Place, Reason};
use crate::timestamp;

/// What a field is read into: the value, or the reason it has none.
pub(super) type Field<T> = Result<T, Reason>;

/// A string that is not empty.
pub(super) fn text<'a>(value: Value<'a>, place: &Place<'_>) -> Field<Cow<'a, str>> {
    match value {
        Value::String(text) if text.is_empty() => Err(Reason::new(Code::Empty, place.pointer())),
        Value::String(text) => Ok(text),
        other => Err(wrong_type(&other, "a string", place)),
    }
}

/// An id: a string that is not empty and not too long.
pub(super) fn id<'a>(value: Value<'a>, place: &Place<'_>) -> Field<Cow<'a, str>> {
    let text = text(value, place)?;
    if text.len() > MOST_ID_BYTES {
        return Err(Reason::new(Code::TooLong, place.pointer()).with(format!("at most {MOST_ID_BYTES} bytes")));
    }
    Ok(text)
}

/// A decimal number, or a string that holds one: some senders protect their numbers from floats that way.
fn number(value: Value<'_>, place: &Place<'_>) -> Field<Decimal> {
    let text = match &value {
        Value::Number(text) => *text,
        Value::String(text) => text,
        other => return Err(wrong_type(other, "a number", place)),
    };
    decimal::parse(text).ok_or_else(|| match decimal::is_number(text) {
        true => Reason::new(Code::NumberOutOfRange, place.pointer()).with("at most 28 significant digits"),
        false => Reason::new(Code::NotANumber, place.pointer()),
    })
}

fn positive(value: Value<'_>, place: &Place<'_>) -> Field<Decimal> {
    let number = number(value, place)?;
    let fits = number > Decimal::ZERO;
    if fits { Ok(number) } else { Err(Reason::new(Code::NotPositive, place.pointer()).with("greater than zero")) }
}

/// What was paid. Its digits are checked once the currency is known.
pub(super) fn amount(value: Value<'_>, place: &Place<'_>) -> Field<Decimal> {
    positive(value, place)
}

pub(super) fn amount_schema(_: &mut SchemaGenerator) -> Schema {
    let pattern = "^0*[0-9]*[0-9](\\.[0-9]+)?([eE][+-]?[0-9]+)?$";
    json_schema!({
        "description": "What was paid, greater than zero, with at most the currency's digits after the point. A number, \
            or a string that holds one; never rounded.",
        "anyOf": [{ "type": "number", "exclusiveMinimum": 0 }, { "type": "string", "pattern": pattern }],
    })
}

/// How many.
pub(super) fn quantity(value: Value<'_>, place: &Place<'_>) -> Field<Decimal> {
    let number = positive(value, place)?;
    let whole = number.is_integer();
    if whole { Ok(number) } else { Err(Reason::new(Code::NotWhole, place.pointer()).with("a whole number")) }
}

pub(super) fn quantity_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "description": "How many: a whole number greater than zero, as a number or as a string that holds one.",
        "anyOf": [{ "type": "integer", "minimum": 1 }, { "type": "string", "pattern": "^[0-9]+(\\.0+)?([eE][+-]?[0-9]+)?$" }],
    })
}

/// The price of one.
pub(super) fn unit_price(value: Value<'_>, place: &Place<'_>) -> Field<Decimal> {
    let number = number(value, place)?;
    if number >= Decimal::ZERO {
        Ok(number)
    } else {
        Err(Reason::new(Code::Negative, place.pointer()).with("zero or more"))
    }
}

pub(super) fn unit_price_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "description": "The price of one, in the transaction's currency; may have more digits than an amount, may be zero.",
        "anyOf": [
            { "type": "number", "minimum": 0 },
            { "type": "string", "pattern": "^-?[0-9]+(\\.[0-9]+)?([eE][+-]?[0-9]+)?$" },
        ],
    })
}

/// A currency of ISO 4217.
pub(super) fn currency(value: Value<'_>, place: &Place<'_>) -> Field<&'static str> {
    let code = text(value, place)?;
    currency::find(&code)
        .map(|currency| currency.code)
        .ok_or_else(|| Reason::new(Code::UnknownCurrency, place.pointer()).with("a code of ISO 4217, in capitals"))
}

pub(super) fn currency_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "description": "The amount's currency: a code of ISO 4217.",
        "type": "string",
        "enum": currency::codes().collect::<Vec<_>>(),
    })
}

/// A moment as RFC 3339 writes it.
pub(super) fn timestamp<'a>(value: Value<'a>, place: &Place<'_>) -> Field<Moment<'a>> {
    let text = text(value, place)?;
    match timestamp::parse(&text) {
        Some(instant) => Ok(Moment { text, instant }),
        None => {
            Err(Reason::new(Code::NotATimestamp, place.pointer())
                .with("RFC 3339 with seconds and zone, up to nanoseconds"))
        }
    }
}

pub(super) fn timestamp_schema(_: &mut SchemaGenerator) -> Schema {
    let pattern =
        "^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9]{1,9})?([Zz]|[+-][0-9]{2}:[0-9]{2})$";
    json_schema!({
        "description": "When it was paid: RFC 3339, with seconds and zone.",
        "type": "string",
        "format": "date-time",
        "pattern": pattern,
    })
}

pub(super) fn items_schema(generator: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "description": "What was ordered.",
        "type": ["array", "null"],
        "items": generator.subschema_for::<OrderItem<'static>>(),
    })
}

/// The sender's own object, with numbers that the table keeps exactly.
pub(super) fn metadata<'a>(value: Value<'a>, place: &Place<'_>, reasons: &mut Vec<Reason>) -> Option<Vec<Member<'a>>> {
    storable(&value, place, reasons);
    match value {
        Value::Null => None,
        Value::Object(members) => Some(members),
        other => {
            reasons.push(wrong_type(&other, "an object", place));
            None
        }
    }
}

pub(super) fn metadata_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "description": "Whatever the sender wants to keep with it: an object.",
        "type": ["object", "null"],
    })
}

fn storable(value: &Value<'_>, place: &Place<'_>, reasons: &mut Vec<Reason>) {
    match value {
        Value::Null | Value::Bool(_) | Value::String(_) => {}
        Value::Number(text) if decimal::fits_table(text) => {}
        Value::Number(_) => {
            reasons.push(Reason::new(Code::NumberOutOfRange, place.pointer()).with("at most 38 significant digits"));
        }
        Value::Array(values) => {
            for (index, value) in values.iter().enumerate() {
                storable(value, &Place::Index(place, index), reasons);
            }
        }
        Value::Object(members) => {
            for (key, value) in members {
                storable(value, &Place::Key(place, key), reasons);
            }
        }
    }
}

/// The reason for a value of another type.
pub(super) fn wrong_type(value: &Value<'_>, wanted: &str, place: &Place<'_>) -> Reason {
    Reason::new(Code::WrongType, place.pointer()).with(format!("must be {wanted}, is {}", value.kind()))
}
