//! What becomes of a body: a transaction that is stored, and announced if it is large; or every reason it is not.

use std::borrow::Cow;

use jiff::Timestamp;
use rust_decimal::Decimal;

use crate::contract::{Limits, Settings};
use crate::decimal;
use crate::reason::{Code, Reason};
use crate::transaction::{self, Draft, OrderItem, Transaction};

/// A valid transaction, judged by the settings.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged<'a> {
    pub transaction: Transaction<'a>,
    /// The threshold that makes it a large order; `None`: it is none.
    pub large: Option<Decimal>,
}

/// An invalid body.
#[derive(Debug, Clone, PartialEq)]
pub struct Invalid<'a> {
    /// As far as it could be read.
    pub transaction_id: Option<Cow<'a, str>>,
    /// At least one.
    pub reasons: Vec<Reason>,
}

/// Judges a body at a moment.
pub fn judge<'a>(body: &'a [u8], settings: &Settings, now: Timestamp) -> Result<Judged<'a>, Invalid<'a>> {
    let (mut draft, mut reasons) = transaction::read(body);
    exceeded(&draft, &settings.limits, now, &mut reasons);
    if !reasons.is_empty() {
        return Err(Invalid { transaction_id: draft.transaction_id.take(), reasons });
    }
    // A draft without a reason is whole; were it not, the message would be kept, not lost.
    let transaction = draft.finish().ok_or_else(|| {
        let reasons = vec![Reason::new(Code::MissingField, "")];
        Invalid { transaction_id: None, reasons }
    })?;
    Ok(Judged { large: large(&transaction, settings), transaction })
}

/// The threshold that this amount reaches, if any.
fn large(transaction: &Transaction<'_>, settings: &Settings) -> Option<Decimal> {
    let threshold = *settings.large_orders.as_ref()?.thresholds.get(transaction.currency)?;
    (transaction.amount >= threshold).then_some(threshold)
}

/// Adds a reason for each limit that what could be read exceeds.
fn exceeded(draft: &Draft<'_>, limits: &Limits, now: Timestamp, reasons: &mut Vec<Reason>) {
    reasons.extend(currency_not_accepted(draft, limits));
    reasons.extend(amount_too_large(draft, limits));
    reasons.extend(too_old(draft, limits, now));
    if let Some(items) = &draft.items {
        if limits.items_required && items.is_empty() {
            reasons.push(Reason::new(Code::ItemsRequired, "/items").with("at least one item"));
        }
        if limits.items_must_add_up
            && !items.is_empty()
            && draft.amount.is_some_and(|amount| sum(items) != Some(amount))
        {
            let detail = "quantity × unit price over all items must equal the amount";
            reasons.push(Reason::new(Code::ItemsDoNotAddUp, "/items").with(detail));
        }
    }
}

fn currency_not_accepted(draft: &Draft<'_>, limits: &Limits) -> Option<Reason> {
    let refused = !limits.currencies.is_empty() && !limits.currencies.contains(draft.currency?);
    let accepted = || limits.currencies.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
    refused.then(|| Reason::new(Code::CurrencyNotAccepted, "/currency").with(format!("one of {}", accepted())))
}

fn amount_too_large(draft: &Draft<'_>, limits: &Limits) -> Option<Reason> {
    let largest = limits.largest_amount.get(draft.currency?)?;
    let detail = || format!("at most {}", largest.normalize());
    (draft.amount? > *largest).then(|| Reason::new(Code::AmountTooLarge, "/amount").with(detail()))
}

fn too_old(draft: &Draft<'_>, limits: &Limits, now: Timestamp) -> Option<Reason> {
    let oldest = limits.oldest_seconds?;
    let age = now.duration_since(draft.timestamp.as_ref()?.instant).as_secs();
    let exceeded = u64::try_from(age).is_ok_and(|age| age > oldest);
    exceeded.then(|| Reason::new(Code::TooOld, "/timestamp").with(format!("at most {oldest} seconds ago")))
}

/// Quantity × unit price over all items; `None`: more digits than any amount has.
fn sum(items: &[OrderItem<'_>]) -> Option<Decimal> {
    items.iter().try_fold(Decimal::ZERO, |sum, item| {
        decimal::exact_sum(sum, decimal::exact_product(item.quantity, item.unit_price)?)
    })
}

#[cfg(test)]
mod tests;
