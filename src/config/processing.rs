//! What the processor does with a transaction, as the YAML describes it.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::amount::Amount;
use super::names::{Currency, TopicKey};
use super::units::Seconds;

/// What the processor does with a transaction.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Processing {
    /// Which orders are large, and which topic hears of them. Default: none is large.
    pub large_order: Option<LargeOrder>,
    /// What makes a transaction invalid beyond its shape.
    pub limits: Limits,
}

/// A large order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LargeOrder {
    /// The amount, by currency, from which on an order is large. A currency not listed has no large orders.
    pub threshold: BTreeMap<Currency, Amount>,
    /// The topic (its name in this file) that hears of large orders.
    pub notify: TopicKey,
}

/// Limits of a valid transaction.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// The currencies that are accepted; empty: every currency of ISO 4217.
    pub currencies: BTreeSet<Currency>,
    /// The largest amount that is accepted, by currency.
    pub largest_amount: BTreeMap<Currency, Amount>,
    /// The oldest transaction that is accepted, by its timestamp. Without it: any age.
    pub oldest: Option<Seconds<60, 3_153_600_000>>,
    /// A transaction must list its items.
    pub items_required: bool,
    /// Quantity × unit price over all items must equal the amount.
    pub items_must_add_up: bool,
}
