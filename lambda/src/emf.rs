//! The batch's metrics in CloudWatch's embedded metric format: log lines that CloudWatch turns into metrics.
//!
//! Counters are stated also where they are zero, so that a metric exists from the first batch on. Amounts go out as
//! values, not as sums: CloudWatch can then be asked for percentiles and for counts above any amount.

use std::collections::BTreeMap;
use std::fmt::{Display, Write};

use jiff::Timestamp;
use rust_decimal::Decimal;

use crate::contract::metrics;
use crate::json::print::Quoted;
use crate::reason::Code;

/// CloudWatch takes this many values of a metric in one line.
const MOST_VALUES: usize = 100;

/// What one batch came to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct BatchMetrics {
    pub stored: usize,
    pub failed: usize,
    pub rejected: usize,
    /// Messages by reason; a message with two reasons counts for both.
    pub rejected_by: BTreeMap<Code, usize>,
    pub duplicates: usize,
    pub conflicts: usize,
    pub large_orders: usize,
    pub announce_failed: usize,
    /// Milliseconds, one value an announcement.
    pub announce_latency: Vec<i64>,
    /// The amounts stored, by currency.
    pub amounts: BTreeMap<&'static str, Vec<Decimal>>,
}

impl BatchMetrics {
    /// The lines, to be written to the log.
    pub fn lines(&self, pipeline: &str, now: Timestamp) -> String {
        let mut text = String::new();
        let mut latencies = self.announce_latency.chunks(MOST_VALUES);
        entry(&mut text, pipeline, now, None, &self.counters(latencies.next().unwrap_or_default()));
        for more in latencies {
            entry(&mut text, pipeline, now, None, &[(metrics::ANNOUNCE_LATENCY, "Milliseconds", array(more))]);
        }
        for (code, count) in &self.rejected_by {
            let by = Some((metrics::REASON, code.as_str()));
            entry(&mut text, pipeline, now, by, &[(metrics::REJECTED, "Count", count.to_string())]);
        }
        for (currency, amounts) in &self.amounts {
            for some in amounts.chunks(MOST_VALUES) {
                let by = Some((metrics::CURRENCY, *currency));
                entry(&mut text, pipeline, now, by, &[(metrics::ORDER_AMOUNT, "None", array(some))]);
            }
        }
        text
    }

    fn counters(&self, latencies: &[i64]) -> Vec<Metric> {
        let mut metrics: Vec<Metric> = [
            (metrics::STORED, self.stored),
            (metrics::FAILED, self.failed),
            (metrics::REJECTED, self.rejected),
            (metrics::DUPLICATES, self.duplicates),
            (metrics::CONFLICTS, self.conflicts),
            (metrics::LARGE_ORDERS, self.large_orders),
            (metrics::ANNOUNCE_FAILED, self.announce_failed),
        ]
        .map(|(name, count)| (name, "Count", count.to_string()))
        .into();
        if !latencies.is_empty() {
            metrics.push((metrics::ANNOUNCE_LATENCY, "Milliseconds", array(latencies)));
        }
        metrics
    }
}

/// Name, unit, and the value as JSON.
type Metric = (&'static str, &'static str, String);

fn array(values: &[impl Display]) -> String {
    let texts: Vec<_> = values.iter().map(ToString::to_string).collect();
    format!("[{}]", texts.join(","))
}

/// One line: the metrics, the pipeline, and perhaps a second dimension.
fn entry(text: &mut String, pipeline: &str, now: Timestamp, by: Option<(&str, &str)>, metrics: &[Metric]) {
    let named = |(name, unit, _): &Metric| format!("{{\"Name\":\"{name}\",\"Unit\":\"{unit}\"}}");
    let definitions: Vec<_> = metrics.iter().map(named).collect();
    let dimensions = by.map_or(String::new(), |(name, _)| format!(",\"{name}\""));
    let _ = write!(
        text,
        "{{\"_aws\":{{\"Timestamp\":{},\"CloudWatchMetrics\":[{{\"Namespace\":\"{}\",\"Dimensions\":[[\"{}\"{dimensions}]],\
            \"Metrics\":[{}]}}]}},\"{}\":{}",
        now.as_millisecond(),
        metrics::NAMESPACE,
        metrics::PIPELINE,
        definitions.join(","),
        metrics::PIPELINE,
        Quoted(pipeline),
    );
    if let Some((name, value)) = by {
        let _ = write!(text, ",\"{name}\":{}", Quoted(value));
    }
    for (name, _, value) in metrics {
        let _ = write!(text, ",\"{name}\":{value}");
    }
    text.push_str("}\n");
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use jiff::Timestamp;
    use rust_decimal::Decimal;
    use serde_json::{Value, json};

    use super::BatchMetrics;
    use crate::reason::Code;

    fn lines(metrics: &BatchMetrics) -> Vec<Value> {
        let text = metrics.lines("shop", Timestamp::UNIX_EPOCH);
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn an_empty_batch_states_every_counter() {
        let lines = lines(&BatchMetrics::default());
        let names = ["Stored", "Failed", "Rejected", "Duplicates", "Conflicts", "LargeOrders", "AnnounceFailed"];
        let directive = &lines[0]["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(lines.len(), 1);
        assert_eq!(directive["Namespace"], "pipewright");
        assert_eq!(directive["Dimensions"], json!([["Pipeline"]]));
        assert_eq!(lines[0]["Pipeline"], "shop");
        assert_eq!(lines[0]["_aws"]["Timestamp"], 0);
        let defined: Vec<_> = directive["Metrics"].as_array().unwrap().iter().map(|metric| &metric["Name"]).collect();
        assert_eq!(defined, names);
        assert!(names.iter().all(|name| lines[0][name] == 0));
    }

    #[test]
    fn reasons_and_amounts_have_a_dimension_of_their_own() {
        let metrics = BatchMetrics {
            rejected: 2,
            rejected_by: BTreeMap::from([(Code::Empty, 1), (Code::TooOld, 2)]),
            amounts: BTreeMap::from([("USD", vec![Decimal::new(1999, 2), Decimal::ONE])]),
            ..BatchMetrics::default()
        };
        let lines = lines(&metrics);
        assert_eq!(lines[0]["Rejected"], 2);
        assert_eq!((&lines[1]["Reason"], &lines[1]["Rejected"]), (&json!("empty"), &json!(1)));
        assert_eq!((&lines[2]["Reason"], &lines[2]["Rejected"]), (&json!("too_old"), &json!(2)));
        assert_eq!((&lines[3]["Currency"], &lines[3]["OrderAmount"]), (&json!("USD"), &json!([19.99, 1])));
        let dimensions = |line: &Value| line["_aws"]["CloudWatchMetrics"][0]["Dimensions"].clone();
        assert_eq!(dimensions(&lines[1]), json!([["Pipeline", "Reason"]]));
        assert_eq!(dimensions(&lines[3]), json!([["Pipeline", "Currency"]]));
    }

    #[test]
    fn a_line_holds_at_most_a_hundred_values() {
        let amounts = BTreeMap::from([("EUR", vec![Decimal::ONE; 250])]);
        let lines = lines(&BatchMetrics { amounts, announce_latency: vec![5; 101], ..BatchMetrics::default() });
        let counts = |name: &str| -> Vec<usize> {
            lines.iter().filter_map(|line| Some(line.get(name)?.as_array()?.len())).collect()
        };
        assert_eq!(counts("OrderAmount"), [100, 100, 50]);
        assert_eq!(counts("AnnounceLatency"), [100, 1]);
    }
}
