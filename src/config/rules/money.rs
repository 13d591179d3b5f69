//! Amounts must be possible in their currency, and thresholds must be reachable.

use std::collections::BTreeMap;

use pipewright_processor::currency::minor_digits;

use super::super::names::Currency;
use super::super::pipeline::{Amount, Pipeline};
use super::super::tree::Path;
use super::Breach;

const THRESHOLD: &str = "processing.large_order.threshold";
const LARGEST: &str = "processing.limits.largest_amount";
const CURRENCIES: &str = "processing.limits.currencies";

pub(super) fn check(pipeline: &Pipeline) -> Vec<Breach> {
    let processing = &pipeline.processing;
    let none = BTreeMap::new();
    let thresholds = processing.large_order.as_ref().map_or(&none, |large| &large.threshold);
    let mut breaches = vec![];
    for (group, amounts) in [(THRESHOLD, thresholds), (LARGEST, &processing.limits.largest_amount)] {
        for (currency, amount) in amounts {
            let at = Path::of(group).key(currency.as_str());
            breaches.extend(minor(currency, *amount, at.clone()));
            breaches.extend(accepted(pipeline, currency, at));
        }
    }
    breaches.extend(thresholds.iter().filter_map(|(currency, amount)| reachable(pipeline, currency, *amount)));
    if processing.large_order.is_some() && thresholds.is_empty() {
        let message = "no currency has a threshold: no order would ever be large";
        breaches.push(Breach::error(Path::of(THRESHOLD), message, "`threshold: { USD: 1000 }`"));
    }
    breaches
}

fn minor(currency: &Currency, amount: Amount, at: Path) -> Option<Breach> {
    let digits = minor_digits(currency.as_str())?;
    (amount.0.normalize().scale() > digits).then(|| {
        let hint = format!("for example `{}`", amount.0.trunc_with_scale(digits));
        Breach::error(at, format!("`{amount}` is no amount of {currency}, which has {digits} decimals"), hint)
    })
}

fn accepted(pipeline: &Pipeline, currency: &Currency, at: Path) -> Option<Breach> {
    let accepted = &pipeline.processing.limits.currencies;
    (!accepted.is_empty() && !accepted.contains(currency)).then(|| {
        let hint = format!("add `{currency}` to `{CURRENCIES}`, or drop this line");
        let breach = Breach::error(at, format!("transactions in {currency} are not accepted at all"), hint);
        breach.involving(Path::of(CURRENCIES))
    })
}

fn reachable(pipeline: &Pipeline, currency: &Currency, threshold: Amount) -> Option<Breach> {
    let largest = pipeline.processing.limits.largest_amount.get(currency)?;
    (threshold > *largest).then(|| {
        let message = format!("no order in {currency} could be large: amounts above `{largest}` are refused");
        let breach = Breach::error(Path::of(THRESHOLD).key(currency.as_str()), message, format!("at most `{largest}`"));
        breach.involving(Path::of(LARGEST).key(currency.as_str()))
    })
}
