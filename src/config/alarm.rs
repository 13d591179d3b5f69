//! An alarm as the YAML describes it: a metric of the catalogue (or a raw one), a limit, and whom to tell.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::metric::Metric;
use super::names::{AlarmName, TopicKey};

/// A CloudWatch alarm: exactly one of `metric` and `raw`, exactly one of `above` and `below`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "AlarmFields", into = "AlarmFields")]
#[schemars(with = "AlarmFields")]
pub struct Alarm {
    pub name: Option<AlarmName>,
    pub description: Option<String>,
    pub watched: Watched,
    /// `None`: the metric's usual statistic.
    pub statistic: Option<Statistic>,
    pub condition: Condition,
    pub limit: Limit,
    /// Seconds: 10, 20, 30 or a multiple of 60.
    pub period: Period,
    pub evaluation: Evaluation,
    /// `None`: the metric's usual treatment.
    pub missing: Option<MissingData>,
    pub notify: Notify,
    pub enabled: bool,
}

/// What an alarm watches.
#[derive(Debug, Clone, PartialEq)]
pub enum Watched {
    Catalogue(Metric),
    Raw(RawMetric),
}

/// On which side of the limit the alarm goes off; the limit itself is fine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    Above,
    Below,
}

/// A limit with its unit: `0`, `5m`, `80%`. The metric decides which units it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    Number(Decimal),
    /// Seconds; fractions allowed (`250ms`).
    Duration(Decimal),
    Percent(Decimal),
}
// The helper types AlarmFields, RawMetric, Statistic, Period, Evaluation, MissingData, Notify follow.
