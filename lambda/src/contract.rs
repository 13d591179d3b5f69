//! What the reconciler and the processor agree on: settings, item attributes, metric names.
//!
//! The reconciler writes the function's environment with [`Settings::to_environment`], the processor reads it with
//! [`Settings::from_environment`]: one definition, so the two cannot drift apart. No AWS here.

mod environment;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use rust_decimal::Decimal;
use sha2::{Digest, Sha256};

pub use environment::{SettingProblem, SettingsError};

/// Everything the processor is told: it has no other source of settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// `<pipeline>[-<environment>]`: the ownership id, and the metrics' dimension.
    pub pipeline: String,
    pub table: TableSettings,
    /// The queue that takes what is invalid.
    pub quarantine_url: String,
    /// `None`: no order is large.
    pub large_orders: Option<LargeOrders>,
    pub limits: Limits,
    pub log_level: LogLevel,
    /// The function's timeout: a claim on an announcement lives longer than this.
    pub function_timeout_seconds: u32,
}

/// The table and what its items look like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableSettings {
    pub name: String,
    /// The partition key's attribute: holds the transaction's id.
    pub key: String,
    pub attributes: Attributes,
    /// `None`: items stay.
    pub time_to_live: Option<TimeToLive>,
}

/// The names of an item's attributes beside the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attributes {
    pub customer_id: String,
    pub amount: String,
    pub currency: String,
    pub timestamp: String,
    pub items: String,
    pub metadata: String,
    pub extra: String,
    pub digest: String,
    pub announcement: String,
    pub judged_by: String,
}

impl Default for Attributes {
    fn default() -> Self {
        Self {
            customer_id: "customer_id".into(),
            amount: "amount".into(),
            currency: "currency".into(),
            timestamp: "timestamp".into(),
            items: "items".into(),
            metadata: "metadata".into(),
            extra: "extra".into(),
            digest: "digest".into(),
            announcement: "announcement".into(),
            judged_by: "judged_by".into(),
        }
    }
}

/// Expiry of items: `attribute` holds seconds since 1970, `after_seconds` past the moment of storing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeToLive {
    pub attribute: String,
    pub after_seconds: u64,
}

/// Which orders are announced, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LargeOrders {
    pub topic_arn: String,
    /// By currency, the amount from which on an order is large. A currency that is not listed has no large orders.
    pub thresholds: BTreeMap<String, Decimal>,
}

/// What makes a transaction invalid beyond its shape.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Limits {
    /// The currencies that are accepted; empty: all of ISO 4217.
    pub currencies: BTreeSet<String>,
    /// The largest amount that is accepted, by currency.
    pub largest_amount: BTreeMap<String, Decimal>,
    /// The greatest age that is accepted, by the transaction's timestamp.
    pub oldest_seconds: Option<u64>,
    pub items_required: bool,
    /// Quantity × unit price over all items must equal the amount.
    pub items_must_add_up: bool,
}

/// Severity of a log line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    Debug,
    #[default]
    Info,
    Warn,
    Error,
}

impl LogLevel {
    /// All levels, the chattiest first.
    pub const ALL: [Self; 4] = [Self::Debug, Self::Info, Self::Warn, Self::Error];

    /// As the YAML and the log lines write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for LogLevel {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl Settings {
    /// A short digest of what judges a transaction (limits and thresholds): kept with every item, so that one can tell
    /// later under which rules it was let in. 16 hexadecimal digits: it separates rule sets, it proves nothing.
    pub fn digest(&self) -> String {
        let mut hash = Sha256::new();
        for (variable, value) in environment::decisions(self) {
            // Lengths, so that no two lists of pairs read alike.
            for text in [variable, value.as_str()] {
                hash.update((text.len() as u64).to_be_bytes());
                hash.update(text.as_bytes());
            }
        }
        hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    }
}

/// The SQS message attribute on a quarantined message that carries the reasons.
pub const REASONS_ATTRIBUTE: &str = "pipewright.reasons";

/// The name that every variable of ours starts with.
pub const VARIABLE_PREFIX: &str = "PIPEWRIGHT_";

/// The processor's own metrics, as alarms and dashboards ask for them.
pub mod metrics {
    /// CloudWatch namespace of every metric here.
    pub const NAMESPACE: &str = "pipewright";
    /// The dimension that every metric has: the pipeline's ownership id.
    pub const PIPELINE: &str = "Pipeline";
    /// A second dimension of `REJECTED`, beside the sum over all reasons.
    pub const REASON: &str = "Reason";
    /// The second dimension of `ORDER_AMOUNT`: amounts of different currencies do not mix.
    pub const CURRENCY: &str = "Currency";

    /// Transactions stored for the first time.
    pub const STORED: &str = "Stored";
    /// Messages given back to the queue, to be tried again.
    pub const FAILED: &str = "Failed";
    /// Invalid messages that went to the quarantine queue.
    pub const REJECTED: &str = "Rejected";
    /// Repeats of a stored transaction with the same content.
    pub const DUPLICATES: &str = "Duplicates";
    /// Repeats of a stored transaction's id with other content: quarantined.
    pub const CONFLICTS: &str = "Conflicts";
    /// Large orders announced.
    pub const LARGE_ORDERS: &str = "LargeOrders";
    /// Announcements that failed; their messages are tried again.
    pub const ANNOUNCE_FAILED: &str = "AnnounceFailed";
    /// Milliseconds from the receipt of a batch to the announcement of a large order in it.
    pub const ANNOUNCE_LATENCY: &str = "AnnounceLatency";
    /// The amounts of stored transactions, as values: percentiles and counts above any threshold can be asked for.
    pub const ORDER_AMOUNT: &str = "OrderAmount";
}

#[cfg(test)]
mod tests;
