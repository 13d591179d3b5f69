//! Settings and a transaction to start from: for tests and benchmarks.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::contract::{Attributes, LargeOrders, Limits, LogLevel, Settings, TableSettings};

/// The time of day in tests.
pub const NOW: &str = "2026-06-01T12:00:00Z";

/// Settings with orders large from 1000 USD on, and no limits.
pub fn settings() -> Settings {
    Settings {
        pipeline: "shop".into(),
        table: TableSettings {
            name: "shop-transactions".into(),
            key: "transaction_id".into(),
            attributes: Attributes::default(),
            time_to_live: None,
        },
        quarantine_url: "https://sqs.us-east-1.amazonaws.com/123456789012/shop-quarantine".into(),
        large_orders: Some(LargeOrders {
            topic_arn: "arn:aws:sns:us-east-1:123456789012:shop-large-orders".into(),
            thresholds: BTreeMap::from([("USD".into(), Decimal::from(1_000))]),
        }),
        limits: Limits::default(),
        log_level: LogLevel::Info,
        function_timeout_seconds: 30,
    }
}

/// A valid transaction of 10.5 USD.
pub fn transaction(id: &str) -> Value {
    json!({"transaction_id": id, "customer_id": "c-1", "amount": 10.5, "currency": "USD",
        "timestamp": "2026-06-01T11:59:30Z", "metadata": {}})
}
