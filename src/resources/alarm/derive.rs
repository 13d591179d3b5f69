//! What an alarm of the file is in CloudWatch's terms: namespaces, dimensions, metric math, limits in the metric's unit.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_cloudwatch::types::ComparisonOperator;
use pipewright_processor::contract::metrics;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::{Alarm, Query, VALUE};
use crate::config::alarm as file;
use crate::config::alarm::{Condition, Limit, MissingData, Statistic, Watched};
use crate::config::metric::Metric;
use crate::config::names::TopicKey;
use crate::config::pipeline::Billing;
use crate::resources::Blueprint;

/// What the processor calls: SystemErrors is kept by operation only.
pub const TABLE_OPERATIONS: [&str; 2] = ["PutItem", "UpdateItem"];

pub fn derive(blueprint: &Blueprint<'_>, alarm: &file::Alarm) -> Alarm {
    let arns = |keys: &BTreeSet<TopicKey>| keys.iter().map(|key| blueprint.topic_arn(key)).collect();
    Alarm {
        description: alarm.description.clone().unwrap_or_else(|| describe_in_words(alarm)),
        actions_enabled: alarm.enabled,
        alarm_actions: arns(&alarm.notify.alarm),
        ok_actions: arns(&alarm.notify.ok),
        insufficient_data_actions: BTreeSet::new(),
        queries: queries(blueprint, alarm),
        comparison: match alarm.condition {
            Condition::Above => ComparisonOperator::GreaterThanThreshold,
            Condition::Below => ComparisonOperator::LessThanThreshold,
        }
        .as_str()
        .to_owned(),
        threshold: threshold(blueprint, alarm).to_f64().unwrap_or_default(),
        evaluation_periods: alarm.evaluation.periods.into(),
        datapoints_to_alarm: alarm.evaluation.datapoints.into(),
        treat_missing_data: missing_word(alarm.missing()).into(),
        tags: blueprint.tags(),
    }
}

pub fn notified(alarm: &file::Alarm) -> impl Iterator<Item = &TopicKey> {
    alarm.notify.alarm.iter().chain(&alarm.notify.ok)
}

fn describe_in_words(alarm: &file::Alarm) -> String {
    let watched = match &alarm.watched {
        Watched::Catalogue(metric) => format!("{} ({})", metric.name(), metric.description()),
        Watched::Raw(raw) => format!("{} {}", raw.namespace, raw.metric),
    };
    let side = match alarm.condition {
        Condition::Above => "above",
        Condition::Below => "below",
    };
    format!("{watched} {side} {} in {} periods of {}", alarm.limit, alarm.evaluation, alarm.period)
}

/// The limit in the metric's own unit. A share of a table's capacity becomes units per period: CloudWatch counts a sum.
fn threshold(blueprint: &Blueprint<'_>, alarm: &file::Alarm) -> Decimal {
    match (alarm.limit, &alarm.watched) {
        (
            Limit::Percent(share),
            Watched::Catalogue(metric @ (Metric::TableConsumedWrites | Metric::TableConsumedReads)),
        ) => {
            let units = match blueprint.pipeline.table.billing {
                Billing::Provisioned(capacity) if *metric == Metric::TableConsumedWrites => capacity.write.get(),
                Billing::Provisioned(capacity) => capacity.read.get(),
                // The rules refuse a share of a capacity that the file does not state.
                Billing::OnDemand | Billing::ManagedElsewhere => 0,
            };
            (share * Decimal::from(units) * Decimal::from(alarm.period.get()) / Decimal::ONE_HUNDRED).normalize()
        }
        // Lambda counts durations in milliseconds.
        (Limit::Duration(seconds), Watched::Catalogue(Metric::FunctionDuration)) => seconds * Decimal::ONE_THOUSAND,
        (Limit::Number(number) | Limit::Duration(number) | Limit::Percent(number), _) => number,
    }
}

fn queries(blueprint: &Blueprint<'_>, alarm: &file::Alarm) -> BTreeMap<String, Query> {
    let statistic = statistic_word(alarm.statistic());
    let period_seconds = alarm.period.get();
    let metric = |namespace: &str, metric: &str, dimensions: BTreeMap<String, String>, statistic: &str| Query::Metric {
        namespace: namespace.to_owned(),
        metric: metric.to_owned(),
        dimensions,
        statistic: statistic.to_owned(),
        period_seconds,
    };
    let one = |query: Query| BTreeMap::from([(VALUE.to_owned(), query)]);
    match &alarm.watched {
        Watched::Raw(raw) => one(metric(&raw.namespace, &raw.metric, raw.dimensions.clone(), &statistic)),
        Watched::Catalogue(watched) => catalogued(blueprint, *watched, &statistic, period_seconds),
    }
}

/// What CloudWatch is asked for a metric of the catalogue: the query called `value`, and those that it is made of.
pub fn catalogued(
    blueprint: &Blueprint<'_>,
    watched: Metric,
    statistic: &str,
    period_seconds: u64,
) -> BTreeMap<String, Query> {
    let metric = |namespace: &str, metric: &str, dimensions: BTreeMap<String, String>, statistic: &str| Query::Metric {
        namespace: namespace.to_owned(),
        metric: metric.to_owned(),
        dimensions,
        statistic: statistic.to_owned(),
        period_seconds,
    };
    let one = |query: Query| BTreeMap::from([(VALUE.to_owned(), query)]);
    match cloudwatch_name(watched) {
        Source::One(namespace, name) => {
            one(metric(namespace, name, dimensions(blueprint, namespace, watched), statistic))
        }
        Source::ErrorRate => {
            let of = |name| metric("AWS/Lambda", name, dimensions(blueprint, "AWS/Lambda", watched), "Sum");
            BTreeMap::from([
                ("errors".to_owned(), of("Errors")),
                ("invocations".to_owned(), of("Invocations")),
                (VALUE.to_owned(), Query::Expression { expression: "100 * errors / invocations".into() }),
            ])
        }
        Source::ByOperation(name) => {
            let mut queries: BTreeMap<String, Query> = BTreeMap::new();
            for operation in TABLE_OPERATIONS {
                let mut dimensions = dimensions(blueprint, "AWS/DynamoDB", watched);
                dimensions.insert("Operation".into(), operation.into());
                queries.insert(operation.to_lowercase(), metric("AWS/DynamoDB", name, dimensions, "Sum"));
            }
            let filled: Vec<_> = queries.keys().map(|id| format!("FILL({id}, 0)")).collect();
            queries.insert(VALUE.to_owned(), Query::Expression { expression: filled.join(" + ") });
            queries
        }
    }
}

/// Where a metric of the catalogue comes from.
enum Source {
    /// Namespace and name.
    One(&'static str, &'static str),
    ErrorRate,
    /// A sum over the operations that the pipeline uses.
    ByOperation(&'static str),
}

fn cloudwatch_name(metric: Metric) -> Source {
    match metric {
        Metric::QueueVisible | Metric::DeadLetterVisible | Metric::QuarantineVisible => {
            Source::One("AWS/SQS", "ApproximateNumberOfMessagesVisible")
        }
        Metric::QueueOldestMessageAge => Source::One("AWS/SQS", "ApproximateAgeOfOldestMessage"),
        Metric::QueueInFlight => Source::One("AWS/SQS", "ApproximateNumberOfMessagesNotVisible"),
        Metric::FunctionErrors => Source::One("AWS/Lambda", "Errors"),
        Metric::FunctionErrorRate => Source::ErrorRate,
        Metric::FunctionThrottles => Source::One("AWS/Lambda", "Throttles"),
        Metric::FunctionDuration => Source::One("AWS/Lambda", "Duration"),
        Metric::FunctionConcurrent => Source::One("AWS/Lambda", "ConcurrentExecutions"),
        Metric::TableConsumedWrites => Source::One("AWS/DynamoDB", "ConsumedWriteCapacityUnits"),
        Metric::TableConsumedReads => Source::One("AWS/DynamoDB", "ConsumedReadCapacityUnits"),
        Metric::TableThrottledWrites => Source::One("AWS/DynamoDB", "WriteThrottleEvents"),
        Metric::TableSystemErrors => Source::ByOperation("SystemErrors"),
        Metric::ProcessorStored => Source::One(metrics::NAMESPACE, metrics::STORED),
        Metric::ProcessorFailed => Source::One(metrics::NAMESPACE, metrics::FAILED),
        Metric::ProcessorRejected => Source::One(metrics::NAMESPACE, metrics::REJECTED),
        Metric::ProcessorDuplicates => Source::One(metrics::NAMESPACE, metrics::DUPLICATES),
        Metric::ProcessorConflicts => Source::One(metrics::NAMESPACE, metrics::CONFLICTS),
        Metric::ProcessorLargeOrders => Source::One(metrics::NAMESPACE, metrics::LARGE_ORDERS),
        Metric::ProcessorAnnounceFailed => Source::One(metrics::NAMESPACE, metrics::ANNOUNCE_FAILED),
    }
}

fn dimensions(blueprint: &Blueprint<'_>, namespace: &str, metric: Metric) -> BTreeMap<String, String> {
    let pipeline = blueprint.pipeline;
    let (name, value) = match (namespace, metric) {
        ("AWS/SQS", Metric::DeadLetterVisible) => ("QueueName", pipeline.dead_letter_name()),
        ("AWS/SQS", Metric::QuarantineVisible) => ("QueueName", pipeline.quarantine_name()),
        ("AWS/SQS", _) => ("QueueName", pipeline.queue_name()),
        ("AWS/Lambda", _) => ("FunctionName", pipeline.function_name()),
        ("AWS/DynamoDB", _) => ("TableName", pipeline.table_name()),
        _ => (metrics::PIPELINE, pipeline.id()),
    };
    BTreeMap::from([(name.to_owned(), value)])
}

pub fn statistic_word(statistic: Statistic) -> String {
    match statistic {
        Statistic::Average => "Average".into(),
        Statistic::Sum => "Sum".into(),
        Statistic::Minimum => "Minimum".into(),
        Statistic::Maximum => "Maximum".into(),
        Statistic::SampleCount => "SampleCount".into(),
        Statistic::Percentile(_) => statistic.to_string(),
    }
}

fn missing_word(missing: MissingData) -> &'static str {
    match missing {
        MissingData::Missing => "missing",
        MissingData::Ignore => "ignore",
        MissingData::Breaching => "breaching",
        MissingData::NotBreaching => "notBreaching",
    }
}
