//! An alarm as the YAML describes it: a metric of the catalogue (or a raw one), a limit, and whom to tell.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::metric::Metric;
use super::names::AlarmName;

mod limit;
mod notify;
mod raw;
mod statistic;
mod timing;

pub use limit::Limit;
pub use notify::Notify;
pub use raw::RawMetric;
pub use statistic::Statistic;
pub use timing::{Evaluation, Period};

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
    pub period: Period,
    pub evaluation: Evaluation,
    /// `None`: the metric's usual treatment.
    pub missing: Option<MissingData>,
    pub notify: Notify,
    pub enabled: bool,
}

impl Alarm {
    /// The statistic that is watched: what the YAML names, else the metric's usual one.
    #[must_use]
    pub fn statistic(&self) -> Statistic {
        self.statistic.unwrap_or(match &self.watched {
            Watched::Catalogue(metric) => metric.default_statistic(),
            Watched::Raw(_) => Statistic::Average,
        })
    }

    /// How missing data counts: what the YAML says, else the metric's usual treatment.
    #[must_use]
    pub fn missing(&self) -> MissingData {
        self.missing.unwrap_or(match &self.watched {
            Watched::Catalogue(metric) => metric.default_missing(),
            Watched::Raw(_) => MissingData::Missing,
        })
    }
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

impl Condition {
    /// The key that states it.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Above => "above",
            Self::Below => "below",
        }
    }
}

/// How periods without data count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MissingData {
    /// The alarm goes to "insufficient data".
    Missing,
    /// The alarm stays as it is.
    Ignore,
    /// As beyond the limit.
    Breaching,
    /// As within the limit.
    NotBreaching,
}

/// A CloudWatch alarm: exactly one of `metric` and `raw`, exactly one of `above` and `below`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AlarmFields {
    /// The alarm's name; default `<pipeline>[-<environment>]-<key>`.
    #[serde(default)]
    pub name: Option<AlarmName>,
    /// What people read in the alarm's message; at most 1024 characters. Default: the metric and the limit in words.
    #[serde(default)]
    #[schemars(length(max = 1_024))]
    pub description: Option<String>,
    /// The metric of the catalogue that is watched. Without it: `raw`.
    #[serde(default)]
    pub metric: Option<Metric>,
    /// Any other CloudWatch metric. Without it: `metric`.
    #[serde(default)]
    pub raw: Option<RawMetric>,
    /// How the values of a period become one: `average`, `sum`, `minimum`, `maximum`, `sample_count`, or a percentile
    /// such as `p99.9`. Default: the metric's usual one; `average` for a raw metric.
    #[serde(default)]
    pub statistic: Option<Statistic>,
    /// The alarm goes off above this limit: a number, a duration (`5m`) or a share (`80%`), as the metric takes it.
    /// Without it: `below`.
    #[serde(default)]
    pub above: Option<Limit>,
    /// The alarm goes off below this limit. Without it: `above`.
    #[serde(default)]
    pub below: Option<Limit>,
    /// How long the values are gathered before they are compared: whole minutes; `10s`, `20s` and `30s` for raw
    /// metrics of high resolution only.
    #[serde(default)]
    pub period: Period,
    /// How many of the latest periods must be beyond the limit: `3 of 5`.
    #[serde(default, rename = "for")]
    pub evaluation: Evaluation,
    /// How periods without data count. Default: the metric's usual treatment; `missing` for a raw metric.
    #[serde(default)]
    pub missing: Option<MissingData>,
    /// Which topics (by their name in this file) hear of it: one, a list, or `{ alarm: [..], ok: [..] }`.
    #[serde(default)]
    pub notify: Notify,
    /// `false` keeps the alarm silent: it changes its state and tells nobody.
    #[serde(default = "AlarmFields::default_enabled")]
    pub enabled: bool,
}

impl AlarmFields {
    fn default_enabled() -> bool {
        true
    }
}

impl TryFrom<AlarmFields> for Alarm {
    type Error = String;

    fn try_from(fields: AlarmFields) -> Result<Self, String> {
        let AlarmFields { name, description, metric, raw, statistic, above, below, .. } = fields;
        let AlarmFields { period, evaluation, missing, notify, enabled, .. } = fields;
        let watched = match (metric, raw) {
            (Some(metric), None) => Watched::Catalogue(metric),
            (None, Some(raw)) => Watched::Raw(raw),
            (Some(_), Some(_)) | (None, None) => {
                return Err("an alarm has exactly one of `metric` and `raw`\nhint: `metric: processor.failed`".into());
            }
        };
        let (condition, limit) = match (above, below) {
            (Some(limit), None) => (Condition::Above, limit),
            (None, Some(limit)) => (Condition::Below, limit),
            (Some(_), Some(_)) | (None, None) => {
                return Err("an alarm has exactly one of `above` and `below`\nhint: `above: 0`".into());
            }
        };
        if description.as_deref().is_some_and(|text| text.chars().count() > 1_024) {
            return Err("an alarm's `description` has at most 1024 characters\nhint: shorten it".into());
        }
        Ok(Self {
            name,
            description,
            watched,
            statistic,
            condition,
            limit,
            period,
            evaluation,
            missing,
            notify,
            enabled,
        })
    }
}

impl From<Alarm> for AlarmFields {
    fn from(alarm: Alarm) -> Self {
        let Alarm { name, description, watched, statistic, condition, limit, .. } = alarm;
        let Alarm { period, evaluation, missing, notify, enabled, .. } = alarm;
        let (metric, raw) = match watched {
            Watched::Catalogue(metric) => (Some(metric), None),
            Watched::Raw(raw) => (None, Some(raw)),
        };
        let (above, below) = match condition {
            Condition::Above => (Some(limit), None),
            Condition::Below => (None, Some(limit)),
        };
        Self { name, description, metric, raw, statistic, above, below, period, evaluation, missing, notify, enabled }
    }
}
