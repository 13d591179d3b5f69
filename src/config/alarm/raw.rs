//! A CloudWatch metric outside the catalogue, named as CloudWatch names it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Any CloudWatch metric.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawMetric {
    /// The namespace, such as `AWS/SQS`.
    #[schemars(length(min = 1, max = 255))]
    pub namespace: String,
    /// The metric's name, such as `SentMessageSize`.
    #[schemars(length(min = 1, max = 255))]
    pub metric: String,
    /// The dimensions, name to value; at most 30. Default: none.
    #[serde(default)]
    #[schemars(extend("maxProperties" = 30))]
    pub dimensions: BTreeMap<String, String>,
}
