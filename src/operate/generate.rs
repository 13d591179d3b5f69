//! Made-up transactions: a seed makes the same ones again, in exact numbers of each kind, one at a time.

use std::collections::{BTreeMap, BTreeSet};

use fastrand::Rng;
use jiff::{SignedDuration, Timestamp};
use pipewright_processor::currency::minor_digits;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde_json::{Value, json};

use super::mix::Mix;
use crate::config::Pipeline;

mod invalid;

/// Which kind a made-up message is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Small,
    Large,
    Invalid,
    Duplicate,
    Conflicting,
}

/// A made-up message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    pub kind: Kind,
    /// Its transaction's id; `None`: it was left out or spoilt on purpose.
    pub transaction_id: Option<String>,
    pub body: String,
}

/// What the seed and the moment make: messages of a mix, fit for a pipeline's limits.
#[derive(Debug)]
pub struct Generator {
    rng: Rng,
    rules: Rules,
    /// `<prefix>-<seed>-<moment>`: what its ids begin with.
    id: String,
    at: Timestamp,
    left: Mix,
    number: u64,
    /// Orders that were not repeated yet.
    originals: Vec<(String, Value)>,
}

/// Past this many originals a repeat comes first: memory stays as it is whatever the number.
const MOST_ORIGINALS: usize = 256;

impl Generator {
    /// # Errors
    /// The pipeline's limits leave no order to make up.
    pub fn new(pipeline: &Pipeline, mix: Mix, prefix: &str, seed: u64, at: Timestamp) -> Result<Self, String> {
        let id = begins(prefix, seed, at);
        let rules = Rules::of(pipeline);
        if mix.large > 0 && rules.large.is_empty() || mix.fresh > mix.large && rules.small.is_empty() {
            return Err("the pipeline's limits and thresholds leave no such order to make up\nhint: see `processing:`; `--large 0%` makes no large ones".into());
        }
        Ok(Self { rng: Rng::with_seed(seed), rules, id, at, left: mix, number: 0, originals: Vec::new() })
    }

    /// Draws the next kind so that in the end each has come exactly as often as the mix says.
    fn draw(&mut self) -> Option<Kind> {
        let left = &self.left;
        let repeats = left.repeats();
        let forced = repeats > 0 && self.originals.len() >= MOST_ORIGINALS;
        let repeats_now = if self.originals.is_empty() { 0 } else { repeats };
        let others = if forced { 0 } else { left.fresh + left.invalid };
        let total = others + repeats_now;
        if total == 0 {
            return None;
        }
        let drawn = self.rng.u64(0..total);
        Some(if drawn < repeats_now {
            if self.rng.u64(0..repeats) < left.duplicate { Kind::Duplicate } else { Kind::Conflicting }
        } else if drawn - repeats_now < left.invalid {
            Kind::Invalid
        } else if self.rng.u64(0..left.fresh) < left.large {
            Kind::Large
        } else {
            Kind::Small
        })
    }

    fn take(&mut self, kind: Kind) {
        let left = &mut self.left;
        match kind {
            Kind::Small => left.fresh -= 1,
            Kind::Large => {
                left.fresh -= 1;
                left.large -= 1;
            }
            Kind::Invalid => left.invalid -= 1,
            Kind::Duplicate => left.duplicate -= 1,
            Kind::Conflicting => left.conflicting -= 1,
        }
        self.number += 1;
    }

    fn make(&mut self, kind: Kind) -> Made {
        match kind {
            Kind::Small | Kind::Large => {
                let (id, order) = self.order(kind == Kind::Large);
                let body = order.to_string();
                if self.left.repeats() > 0 {
                    self.originals.push((id.clone(), order));
                }
                Made { kind, transaction_id: Some(id), body }
            }
            Kind::Invalid => {
                let (id, order) = self.order(false);
                let (body, keeps_id) = invalid::spoil(order, &mut self.rng);
                Made { kind, transaction_id: keeps_id.then_some(id), body }
            }
            Kind::Duplicate | Kind::Conflicting => {
                let (id, mut order) = self.originals.swap_remove(self.rng.usize(0..self.originals.len()));
                if kind == Kind::Conflicting {
                    order["customer_id"] = Value::from(format!("customer-other-{}", self.number));
                }
                Made { kind, transaction_id: Some(id), body: order.to_string() }
            }
        }
    }

    /// A valid order.
    fn order(&mut self, is_large: bool) -> (String, Value) {
        let id = id(&self.id, self.number);
        let choices = if is_large { &self.rules.large } else { &self.rules.small };
        let fallback = if is_large { &self.rules.small } else { &self.rules.large };
        let choices = if choices.is_empty() { fallback } else { choices };
        let currency = choices[self.rng.usize(0..choices.len())].clone();
        let minor = currency.amount(&mut self.rng, is_large);
        let age = SignedDuration::from_secs(i64::try_from(self.rng.u64(0..=self.rules.most_age)).unwrap_or_default());
        let timestamp = self.at.checked_sub(age).unwrap_or(self.at);
        let mut order = json!({
            "transaction_id": id,
            "customer_id": format!("customer-{:04}", self.rng.u32(1..=5_000)),
            "amount": currency.text(minor),
            "currency": currency.code,
            "timestamp": format!("{timestamp:.0}"),
            "metadata": { "channel": CHANNELS[self.rng.usize(0..CHANNELS.len())] },
        });
        if self.rules.items_required || self.rng.u8(0..10) < 8 {
            order["items"] = items(&currency, minor, &mut self.rng);
        }
        (id, order)
    }
}

impl Iterator for Generator {
    type Item = Made;

    fn next(&mut self) -> Option<Made> {
        let kind = self.draw()?;
        let made = self.make(kind);
        self.take(kind);
        Some(made)
    }
}

/// What the ids of a run begin with.
pub fn begins(prefix: &str, seed: u64, at: Timestamp) -> String {
    format!("{prefix}-{seed}-{}", at.as_millisecond())
}

/// The id that the order of this number has, if it has one: from 0 on.
pub fn id(begins: &str, number: u64) -> String {
    format!("{begins}-{number:06}")
}

/// One to four lines whose sum is exactly the amount.
fn items(currency: &Currency, minor: u64, rng: &mut Rng) -> Value {
    let mut left = minor;
    let mut lines = Vec::new();
    for _ in 0..rng.u8(0..4) {
        let quantity = rng.u64(1..=3);
        let most = left / (2 * quantity);
        if most == 0 {
            break;
        }
        let price = rng.u64(1..=most);
        left -= quantity * price;
        lines.push(line(quantity, &currency.text(price), rng));
    }
    lines.push(line(1, &currency.text(left), rng));
    Value::Array(lines)
}

fn line(quantity: u64, price: &str, rng: &mut Rng) -> Value {
    json!({ "sku": format!("sku-{:03}", rng.u16(1..=400)), "quantity": quantity, "unit_price": price })
}

/// What a valid order must be like in this pipeline.
#[derive(Debug)]
struct Rules {
    /// Currencies with room below their threshold.
    small: Vec<Currency>,
    /// Currencies with room from their threshold on; without thresholds, all: large is then only an amount.
    large: Vec<Currency>,
    items_required: bool,
    /// Seconds.
    most_age: u64,
}

/// A currency with its room, in minor units.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Currency {
    code: String,
    digits: u32,
    /// From here on an order is large.
    threshold: u64,
    largest: u64,
}

/// What orders are in where the pipeline does not say.
const USUAL: [&str; 4] = ["USD", "EUR", "GBP", "JPY"];
const CHANNELS: [&str; 3] = ["web", "app", "store"];
/// In major units: where nothing says what is large, this is.
const USUAL_THRESHOLD: u64 = 1_000;

impl Rules {
    fn of(pipeline: &Pipeline) -> Self {
        let limits = &pipeline.processing.limits;
        let large_order = pipeline.processing.large_order.as_ref();
        let thresholds: BTreeMap<String, Decimal> = large_order
            .map(|large| large.threshold.iter().map(|(code, amount)| (code.to_string(), amount.0)).collect())
            .unwrap_or_default();
        let accepted: BTreeSet<String> = if limits.currencies.is_empty() {
            USUAL.iter().map(|code| (*code).to_owned()).chain(thresholds.keys().cloned()).collect()
        } else {
            limits.currencies.iter().map(ToString::to_string).collect()
        };
        let largest = |code: &str| {
            limits.largest_amount.iter().find(|(currency, _)| currency.as_str() == code).map(|(_, amount)| amount.0)
        };
        let currencies: Vec<_> = accepted
            .iter()
            .filter_map(|code| Currency::new(code, thresholds.get(code).copied(), largest(code)))
            .collect();
        let has_threshold = |currency: &&Currency| thresholds.is_empty() || thresholds.contains_key(&currency.code);
        Self {
            small: currencies.iter().filter(|currency| currency.small_most() > 0).cloned().collect(),
            large: currencies
                .iter()
                .filter(has_threshold)
                .filter(|one| one.threshold <= one.largest)
                .cloned()
                .collect(),
            items_required: limits.items_required,
            most_age: limits.oldest.map_or(3_600, |oldest| (oldest.get() / 2).min(3_600)),
        }
    }
}

impl Currency {
    fn new(code: &str, threshold: Option<Decimal>, largest: Option<Decimal>) -> Option<Self> {
        let digits = minor_digits(code)?;
        let factor = Decimal::from(10_u64.pow(digits));
        let minor = |amount: Decimal| (amount * factor).ceil().to_u64();
        // What is dear in dollars is cheap in yen.
        let usual = USUAL_THRESHOLD * 10_u64.pow(digits.max(2));
        Some(Self {
            code: code.to_owned(),
            digits,
            threshold: threshold.map_or(Some(usual), minor)?,
            largest: largest.map_or(Some(u64::MAX), |amount| (amount * factor).floor().to_u64())?.min(10_u64.pow(15)),
        })
    }

    fn small_most(&self) -> u64 {
        self.threshold.saturating_sub(1).min(self.largest)
    }

    /// Many are small and few are not, as orders are.
    fn amount(&self, rng: &mut Rng, is_large: bool) -> u64 {
        if is_large {
            let most = self.largest.min(self.threshold.saturating_mul(5));
            return rng.u64(self.threshold.max(1)..=most.max(self.threshold).max(1));
        }
        let spread = (0..4).map(|_| rng.f64() - 0.5).sum::<f64>();
        let median = 40.0 * 10_f64.powi(i32::try_from(self.digits.max(2)).unwrap_or(2));
        // Past any float's precision nobody made an order up.
        let drawn = (median * (spread * 1.8).exp()).round() as u64;
        drawn.clamp(1, self.small_most().max(1))
    }

    /// Minor units as an amount: `1234` is `12.34`.
    fn text(&self, minor: u64) -> String {
        Decimal::from_i128_with_scale(i128::from(minor), self.digits).to_string()
    }
}

#[cfg(test)]
mod tests;
