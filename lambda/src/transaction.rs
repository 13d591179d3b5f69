//! A transaction: what a message's body must be.
//!
//! Reading finds every reason a body is invalid, not the first: whoever sent it wants to mend it once. So a body becomes
//! a [`Draft`] of what could be read, the limits add their reasons to those of the shape, and only a draft without a
//! reason becomes a [`Transaction`].

mod fields;
mod read;

use std::borrow::Cow;

use jiff::Timestamp;
use rust_decimal::Decimal;
use schemars::JsonSchema;

use crate::json::Member;

pub use read::read;

/// The most bytes of an id: DynamoDB's limit for a partition key, and an announcement holds two ids.
pub const MOST_ID_BYTES: usize = 2_048;

/// An order that was paid. Unknown fields are kept as they are.
#[derive(Debug, Clone, PartialEq, JsonSchema)]
#[schemars(title = "Transaction")]
pub struct Transaction<'a> {
    /// Names the transaction: the same id with the same content is stored once. At most 2,048 bytes.
    #[schemars(length(min = 1, max = 2_048))]
    pub transaction_id: Cow<'a, str>,
    /// Who ordered. At most 2,048 bytes.
    #[schemars(length(min = 1, max = 2_048))]
    pub customer_id: Cow<'a, str>,
    /// What was paid, greater than zero, with at most the currency's digits after the point. A number, or a string that
    /// holds one; never rounded.
    #[schemars(schema_with = "fields::amount_schema")]
    pub amount: Decimal,
    /// The amount's currency: a code of ISO 4217.
    #[schemars(schema_with = "fields::currency_schema")]
    pub currency: &'static str,
    /// When it was paid: RFC 3339, with seconds and zone.
    #[schemars(schema_with = "fields::timestamp_schema")]
    pub timestamp: Moment<'a>,
    /// What was ordered.
    #[schemars(default, schema_with = "fields::items_schema")]
    pub items: Vec<OrderItem<'a>>,
    /// Whatever the sender wants to keep with it: an object.
    #[schemars(default, schema_with = "fields::metadata_schema")]
    pub metadata: Option<Vec<Member<'a>>>,
    /// Unknown fields, in the order they came.
    #[schemars(skip)]
    pub extra: Vec<Member<'a>>,
}

/// One line of an order. Unknown fields are kept as they are.
#[derive(Debug, Clone, PartialEq, JsonSchema)]
pub struct OrderItem<'a> {
    /// Names the article.
    #[schemars(length(min = 1))]
    pub sku: Cow<'a, str>,
    /// How many: a whole number greater than zero, as a number or as a string that holds one.
    #[schemars(schema_with = "fields::quantity_schema")]
    pub quantity: Decimal,
    /// The price of one, in the transaction's currency; may have more digits than an amount, may be zero.
    #[schemars(schema_with = "fields::unit_price_schema")]
    pub unit_price: Decimal,
    /// Unknown fields, in the order they came.
    #[schemars(skip)]
    pub extra: Vec<Member<'a>>,
}

/// A time as it was written, and the moment it means.
#[derive(Debug, Clone, PartialEq)]
pub struct Moment<'a> {
    pub text: Cow<'a, str>,
    pub instant: Timestamp,
}

/// What could be read of a body.
#[derive(Debug, Default)]
pub struct Draft<'a> {
    pub transaction_id: Option<Cow<'a, str>>,
    pub customer_id: Option<Cow<'a, str>>,
    pub amount: Option<Decimal>,
    pub currency: Option<&'static str>,
    pub timestamp: Option<Moment<'a>>,
    /// `None`: there is a list, but it is not valid. No list is an empty one.
    pub items: Option<Vec<OrderItem<'a>>>,
    pub metadata: Option<Vec<Member<'a>>>,
    pub extra: Vec<Member<'a>>,
}

impl<'a> Draft<'a> {
    /// The transaction, if nothing is missing.
    pub fn finish(self) -> Option<Transaction<'a>> {
        Some(Transaction {
            transaction_id: self.transaction_id?,
            customer_id: self.customer_id?,
            amount: self.amount?,
            currency: self.currency?,
            timestamp: self.timestamp?,
            items: self.items?,
            metadata: self.metadata,
            extra: self.extra,
        })
    }
}

/// The JSON Schema of a transaction: `schema/transaction.schema.json`.
pub fn transaction_schema() -> serde_json::Value {
    schemars::schema_for!(Transaction<'static>).to_value()
}
