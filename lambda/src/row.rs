//! A row: what the table keeps of a transaction (DynamoDB says item, but an order has items too).
//!
//! Pure data in DynamoDB's types, so that what is stored and what is compared can be tested without AWS.

mod announcement;
mod compare;

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::contract::Settings;
use crate::json::{Member, Value};
use crate::transaction::{OrderItem, Transaction};

pub use announcement::{Announced, Claim, members};
pub use compare::same_content;

/// The most bytes of a row that DynamoDB takes.
pub const MOST_BYTES: usize = 400 * 1_024;

/// The attributes by name, the key among them.
pub type Row = BTreeMap<String, Attribute>;

/// A value as DynamoDB types it.
#[derive(Debug, Clone, PartialEq)]
pub enum Attribute {
    Null,
    Bool(bool),
    /// A number's text.
    Number(String),
    Text(String),
    List(Vec<Attribute>),
    Map(BTreeMap<String, Attribute>),
    /// A type that is never written here (sets, binary): somebody else's.
    Foreign,
}

impl Attribute {
    /// The text, if it is one.
    pub fn as_text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// The number's text, if it is one.
    pub fn as_number(&self) -> Option<&str> {
        if let Self::Number(text) = self { Some(text) } else { None }
    }

    /// As DynamoDB counts.
    fn bytes(&self) -> usize {
        match self {
            Self::Null | Self::Bool(_) | Self::Foreign => 1,
            // Two digits a byte, and one for the sign and the exponent each.
            Self::Number(text) => text.len().div_ceil(2) + 2,
            Self::Text(text) => text.len(),
            Self::List(values) => 3 + values.iter().map(|value| 1 + value.bytes()).sum::<usize>(),
            Self::Map(members) => 3 + members.iter().map(|(name, value)| 1 + name.len() + value.bytes()).sum::<usize>(),
        }
    }
}

/// The row's size as DynamoDB counts it, never less.
pub fn bytes(row: &Row) -> usize {
    row.iter().map(|(name, value)| name.len() + value.bytes()).sum()
}

/// The row of a transaction that is stored now.
pub fn of(transaction: &Transaction<'_>, digest: &str, settings: &Settings, judged_by: &str, now: Timestamp) -> Row {
    let table = &settings.table;
    let names = &table.attributes;
    let mut row = content(transaction, settings);
    row.insert(names.digest.clone(), Attribute::Text(digest.to_owned()));
    row.insert(names.judged_by.clone(), Attribute::Text(judged_by.to_owned()));
    if let Some(time_to_live) = &table.time_to_live {
        let after = i64::try_from(time_to_live.after_seconds).unwrap_or(i64::MAX);
        let expiry = now.as_second().saturating_add(after);
        row.insert(time_to_live.attribute.clone(), Attribute::Number(expiry.to_string()));
    }
    row
}

/// The attributes that come from the transaction.
fn content(transaction: &Transaction<'_>, settings: &Settings) -> Row {
    let Transaction { transaction_id, customer_id, amount, currency, timestamp, items, metadata, extra } = transaction;
    let names = &settings.table.attributes;
    let mut row = Row::from([
        (settings.table.key.clone(), text(transaction_id)),
        (names.customer_id.clone(), text(customer_id)),
        (names.amount.clone(), Attribute::Number(amount.normalize().to_string())),
        (names.currency.clone(), text(currency)),
        (names.timestamp.clone(), text(&timestamp.text)),
    ]);
    if !items.is_empty() {
        row.insert(names.items.clone(), Attribute::List(items.iter().map(order_item).collect()));
    }
    if let Some(metadata) = metadata {
        row.insert(names.metadata.clone(), map(metadata));
    }
    if !extra.is_empty() {
        row.insert(names.extra.clone(), json_text(extra));
    }
    row
}

fn order_item(item: &OrderItem<'_>) -> Attribute {
    let OrderItem { sku, quantity, unit_price, extra } = item;
    let mut map = BTreeMap::from([
        ("sku".to_owned(), text(sku)),
        ("quantity".to_owned(), Attribute::Number(quantity.normalize().to_string())),
        ("unit_price".to_owned(), Attribute::Number(unit_price.normalize().to_string())),
    ]);
    if !extra.is_empty() {
        map.insert("extra".to_owned(), json_text(extra));
    }
    Attribute::Map(map)
}

fn text(text: &str) -> Attribute {
    Attribute::Text(text.to_owned())
}

/// Unknown fields as one JSON string: nobody knows whether the table could hold them otherwise.
fn json_text(members: &[Member<'_>]) -> Attribute {
    Attribute::Text(Value::Object(members.to_vec()).to_string())
}

fn map(members: &[Member<'_>]) -> Attribute {
    Attribute::Map(members.iter().map(|(key, value)| (Cow::to_string(key), attribute(value))).collect())
}

fn attribute(value: &Value<'_>) -> Attribute {
    match value {
        Value::Null => Attribute::Null,
        Value::Bool(value) => Attribute::Bool(*value),
        Value::Number(number) => Attribute::Number((*number).to_owned()),
        Value::String(value) => text(value),
        Value::Array(values) => Attribute::List(values.iter().map(attribute).collect()),
        Value::Object(members) => map(members),
    }
}

#[cfg(test)]
mod tests;
