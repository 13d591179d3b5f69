//! What the processor is told: the pipeline's part of `contract::Settings`.

use std::collections::BTreeMap;

use pipewright_processor::contract;
use rust_decimal::Decimal;

use super::names::Currency;
use super::pipeline::{Amount, Attributes, LogLevel, Pipeline, Table};

impl Pipeline {
    /// The processor's settings. The ARN of the topic that hears of large orders is used only if there is one.
    #[must_use]
    pub fn settings(&self, topic_arn: &str, quarantine_url: &str) -> contract::Settings {
        let large_orders = self.processing.large_order.as_ref().map(|large| contract::LargeOrders {
            topic_arn: topic_arn.to_owned(),
            thresholds: amounts(&large.threshold),
        });
        contract::Settings {
            pipeline: self.id(),
            table: table(&self.table, self.table_name()),
            quarantine_url: quarantine_url.to_owned(),
            large_orders,
            limits: self.limits(),
            log_level: log_level(self.function.log_level),
            // At most 900, by its type.
            function_timeout_seconds: u32::try_from(self.function.timeout.get()).unwrap_or(u32::MAX),
        }
    }

    fn limits(&self) -> contract::Limits {
        let limits = &self.processing.limits;
        contract::Limits {
            currencies: limits.currencies.iter().map(Currency::to_string).collect(),
            largest_amount: amounts(&limits.largest_amount),
            oldest_seconds: limits.oldest.map(|age| age.get()),
            items_required: limits.items_required,
            items_must_add_up: limits.items_must_add_up,
        }
    }
}

fn amounts(by_currency: &BTreeMap<Currency, Amount>) -> BTreeMap<String, Decimal> {
    by_currency.iter().map(|(currency, amount)| (currency.to_string(), amount.0)).collect()
}

fn table(table: &Table, name: String) -> contract::TableSettings {
    contract::TableSettings {
        name,
        key: table.key.to_string(),
        attributes: attributes(&table.attributes),
        time_to_live: table.time_to_live.as_ref().map(|expiry| contract::TimeToLive {
            attribute: expiry.attribute.to_string(),
            after_seconds: expiry.after.get(),
        }),
    }
}

fn attributes(names: &Attributes) -> contract::Attributes {
    // Taken apart by name: a new attribute is a compile error until it is passed on.
    let Attributes { customer_id, amount, currency, timestamp, items, .. } = names;
    let Attributes { metadata, extra, digest, announcement, judged_by, .. } = names;
    contract::Attributes {
        customer_id: customer_id.to_string(),
        amount: amount.to_string(),
        currency: currency.to_string(),
        timestamp: timestamp.to_string(),
        items: items.to_string(),
        metadata: metadata.to_string(),
        extra: extra.to_string(),
        digest: digest.to_string(),
        announcement: announcement.to_string(),
        judged_by: judged_by.to_string(),
    }
}

fn log_level(level: LogLevel) -> contract::LogLevel {
    match level {
        LogLevel::Debug => contract::LogLevel::Debug,
        LogLevel::Info => contract::LogLevel::Info,
        LogLevel::Warn => contract::LogLevel::Warn,
        LogLevel::Error => contract::LogLevel::Error,
    }
}
