//! The catalogue of metrics: what an alarm can watch by name, with the unit, statistic and treatment that follow from it.
//!
//! Namespaces, dimensions and metric math belong to CloudWatch and live with the alarm's resource.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::alarm::{MissingData, Statistic};

/// Which units a metric's limit takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LimitUnit {
    /// `0`
    Number,
    /// `5m`
    Duration,
    /// `5%`
    Percent,
    /// `300`, or `80%` of the provisioned capacity.
    NumberOrPercent,
}

/// The one table of metrics: everything that follows from a name stands in its row.
macro_rules! catalogue {
    ($($metric:ident $name:literal, $unit:ident, $statistic:ident, $description:literal;)*) => {
        /// A metric of the catalogue.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Metric {
            $(#[doc = $description] #[serde(rename = $name)] $metric,)*
        }

        impl Metric {
            /// All of them, in the catalogue's order.
            pub const ALL: &'static [Self] = &[$(Self::$metric),*];

            /// The name in the YAML.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$metric => $name),* }
            }

            /// What it measures, in a few words.
            #[must_use]
            pub const fn description(self) -> &'static str {
                match self { $(Self::$metric => $description),* }
            }

            /// The units its limit takes.
            #[must_use]
            pub const fn limit_unit(self) -> LimitUnit {
                match self { $(Self::$metric => LimitUnit::$unit),* }
            }

            /// The statistic where the YAML names none: levels take their maximum, events their sum, durations their p99.
            #[must_use]
            pub const fn default_statistic(self) -> Statistic {
                match self { $(Self::$metric => Statistic::$statistic),* }
            }
        }
    };
}

catalogue! {
    QueueVisible "queue.visible", Number, Maximum, "messages waiting in the queue";
    QueueOldestMessageAge "queue.oldest_message_age", Duration, Maximum, "age of the oldest message in the queue";
    QueueInFlight "queue.in_flight", Number, Maximum, "messages received and not yet deleted";
    DeadLetterVisible "dead_letter.visible", Number, Maximum, "messages in the dead-letter queue";
    QuarantineVisible "quarantine.visible", Number, Maximum, "messages in the quarantine queue";
    FunctionErrors "function.errors", Number, Sum, "invocations that failed as a whole";
    FunctionErrorRate "function.error_rate", Percent, Sum, "failed invocations, as a share of all invocations";
    FunctionThrottles "function.throttles", Number, Sum, "invocations that Lambda refused for lack of concurrency";
    FunctionDuration "function.duration", Duration, P99, "how long an invocation takes";
    FunctionConcurrent "function.concurrent", Number, Maximum, "invocations running at once";
    TableConsumedWrites "table.consumed_writes", NumberOrPercent, Sum, "write capacity units consumed in a period";
    TableConsumedReads "table.consumed_reads", NumberOrPercent, Sum, "read capacity units consumed in a period";
    TableThrottledWrites "table.throttled_writes", Number, Sum, "writes that the table refused for lack of capacity";
    TableSystemErrors "table.system_errors", Number, Sum, "requests that DynamoDB failed to serve";
    ProcessorStored "processor.stored", Number, Sum, "transactions stored";
    ProcessorFailed "processor.failed", Number, Sum, "messages that failed and will be retried";
    ProcessorRejected "processor.rejected", Number, Sum, "invalid messages put into quarantine";
    ProcessorDuplicates "processor.duplicates", Number, Sum, "repeats of transactions already stored";
    ProcessorConflicts "processor.conflicts", Number, Sum, "transactions whose id is stored with other content";
    ProcessorLargeOrders "processor.large_orders", Number, Sum, "large orders announced";
    ProcessorAnnounceFailed "processor.announce_failed", Number, Sum, "large orders that could not be announced";
}

impl Metric {
    /// Whether metric math fixes the statistic.
    #[must_use]
    pub const fn statistic_is_fixed(self) -> bool {
        matches!(self, Self::FunctionErrorRate | Self::TableSystemErrors)
    }

    /// Whether percentiles make sense: only where single measurements are recorded.
    #[must_use]
    pub const fn has_percentiles(self) -> bool {
        matches!(self, Self::FunctionDuration)
    }

    /// Whether it is one of AWS/DynamoDB, whose alarms ignore missing data whatever is set.
    #[must_use]
    pub const fn is_of_table(self) -> bool {
        matches!(
            self,
            Self::TableConsumedWrites | Self::TableConsumedReads | Self::TableThrottledWrites | Self::TableSystemErrors
        )
    }

    /// The treatment of missing data where the YAML names none: a quiet pipeline is not an alarm.
    #[must_use]
    pub const fn default_missing(self) -> MissingData {
        if self.is_of_table() { MissingData::Ignore } else { MissingData::NotBreaching }
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

impl JsonSchema for Metric {
    fn schema_name() -> Cow<'static, str> {
        "Metric".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let choices: Vec<_> = Self::ALL
            .iter()
            .map(|metric| json_schema!({ "const": metric.name(), "description": metric.description() }))
            .collect();
        json_schema!({ "description": "A metric of the catalogue.", "oneOf": choices })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_what_serde_reads_and_writes() {
        for &metric in Metric::ALL {
            assert_eq!(serde_json::to_value(metric).unwrap(), metric.name());
            assert_eq!(serde_json::from_value::<Metric>(metric.name().into()).unwrap(), metric);
        }
    }

    #[test]
    fn a_quiet_pipeline_raises_no_alarm() {
        for metric in Metric::ALL {
            assert!(matches!(metric.default_missing(), MissingData::NotBreaching | MissingData::Ignore), "{metric}");
        }
    }
}
