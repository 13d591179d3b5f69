//! CloudWatch alarms: written whole or not at all, read a hundred at a time.

mod derive;
pub mod series;

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_cloudwatch::types::{
    AlarmType, ComparisonOperator, Dimension, Metric as CloudWatchMetric, MetricAlarm, MetricDataQuery, MetricStat,
    Statistic as CloudWatchStatistic, Tag,
};
use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize};
use serde_json::json;

use derive::{derive, notified};

use super::tags::{self, Tags};
use super::{Blueprint, Found, Planned, Resource, Survey, as_i32, as_u64};
use crate::aws::{Aws, Called};
use crate::config::alarm as file;
use crate::config::names::TopicKey;
use crate::reconcile::{Address, Changes, CloudError, Finding, Kind, Name, Property, Say, Severity, Trait};

/// The managed properties of an alarm.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Alarm {
    pub description: String,
    /// Whether it tells anybody.
    pub actions_enabled: bool,
    pub alarm_actions: BTreeSet<String>,
    pub ok_actions: BTreeSet<String>,
    pub insufficient_data_actions: BTreeSet<String>,
    /// One metric or metric math: the queries by id. The one called `value` is compared.
    pub queries: BTreeMap<String, Query>,
    pub comparison: String,
    pub threshold: f64,
    pub evaluation_periods: u64,
    pub datapoints_to_alarm: u64,
    pub treat_missing_data: String,
    pub tags: Tags,
}

/// A metric, or an expression over others.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Query {
    Metric {
        namespace: String,
        metric: String,
        dimensions: BTreeMap<String, String>,
        /// `Sum`, `p99`, …
        statistic: String,
        period_seconds: u64,
    },
    Expression {
        expression: String,
    },
}

/// The id of the query that is compared with the threshold.
const VALUE: &str = "value";
/// CloudWatch describes at most so many alarms in one call.
const AT_ONCE: usize = 100;

impl Resource for Alarm {
    const KIND: Kind = Kind::Alarm;
    const UNUSUAL: &'static [Property] = &[
        Property { path: "alarm_actions", is: Trait::Unordered, why: "" },
        Property { path: "ok_actions", is: Trait::Unordered, why: "" },
        Property { path: "insufficient_data_actions", is: Trait::Unordered, why: "" },
    ];

    fn desired(blueprint: &Blueprint<'_>) -> Vec<Planned<Self>> {
        let planned = |(key, alarm): (&TopicKey, &file::Alarm)| Planned {
            name: blueprint.pipeline.alarm_name(key),
            properties: derive(blueprint, alarm),
            after: notified(alarm)
                .map(|topic| blueprint.topic(topic))
                .collect::<BTreeSet<Address>>()
                .into_iter()
                .collect(),
        };
        blueprint.pipeline.alarms.iter().map(planned).collect()
    }

    async fn candidates(aws: &Aws, survey: &Survey, _wanted: &BTreeSet<Name>) -> Result<BTreeSet<Name>, CloudError> {
        let prefix = format!("{}-", aws.pipeline);
        let call = aws.cloudwatch.describe_alarms().alarm_types(AlarmType::MetricAlarm).alarm_name_prefix(&prefix);
        let mut pages = call.into_paginator().send();
        let mut names = BTreeSet::new();
        while let Some(page) = pages.next().await {
            let page = page.called("cloudwatch:DescribeAlarms", &prefix)?;
            names.extend(page.metric_alarms().iter().filter_map(|alarm| alarm.alarm_name()).map(Name::new));
        }
        names.extend(survey.marked(aws, "cloudwatch", "alarm:").await?.into_iter().map(Name::new));
        Ok(names)
    }

    async fn read(aws: &Aws, names: &[Name]) -> Result<Vec<Option<Found<Self>>>, CloudError> {
        let described = try_join_all(names.chunks(AT_ONCE).map(|names| describe(aws, names)));
        let tags = try_join_all(names.iter().map(|name| live_tags(aws, name)));
        let (described, tags) = tokio::try_join!(described, tags)?;
        let by_name: BTreeMap<String, MetricAlarm> = described.into_iter().flatten().collect();
        let found = |(name, tags): (&Name, Tags)| by_name.get(name.as_str()).map(|alarm| found(aws, alarm, &tags));
        Ok(names.iter().zip(tags).map(found).collect())
    }

    async fn create(&self, aws: &Aws, name: &Name, _say: Say<'_>) -> Result<(), CloudError> {
        self.put(aws, name, Some(tag_list(&tags::written(aws, &self.tags)))).await
    }

    /// PutMetricAlarm overwrites everything, keeps the state, and ignores tags.
    async fn update(
        &self,
        aws: &Aws,
        name: &Name,
        live: &Found<Self>,
        changes: &Changes,
        _say: Say<'_>,
    ) -> Result<(), CloudError> {
        if changes.touch_other_than(&["tags"]) {
            self.put(aws, name, None).await?;
        }
        if changes.touch("tags") || live.wants_mark() {
            let arn = arn(aws, name);
            let removed = tags::removed(&live.properties.tags, &self.tags);
            if !removed.is_empty() {
                let call = aws.cloudwatch.untag_resource().resource_arn(&arn).set_tag_keys(Some(removed)).send().await;
                call.called("cloudwatch:UntagResource", name.as_str())?;
            }
            let written = tag_list(&tags::written(aws, &self.tags));
            let call = aws.cloudwatch.tag_resource().resource_arn(&arn).set_tags(Some(written)).send().await;
            call.called("cloudwatch:TagResource", name.as_str())?;
        }
        Ok(())
    }

    async fn delete(aws: &Aws, name: &Name, _live: &Found<Self>, _say: Say<'_>) -> Result<(), CloudError> {
        let call = aws.cloudwatch.delete_alarms().alarm_names(name.as_str()).send().await;
        call.called_or_absent("cloudwatch:DeleteAlarms", name.as_str()).map(|_| ())
    }
}

impl Alarm {
    async fn put(&self, aws: &Aws, name: &Name, tags: Option<Vec<Tag>>) -> Result<(), CloudError> {
        let list = |actions: &BTreeSet<String>| Some(actions.iter().cloned().collect());
        let call = aws
            .cloudwatch
            .put_metric_alarm()
            .alarm_name(name.as_str())
            .alarm_description(&self.description)
            .actions_enabled(self.actions_enabled)
            .set_alarm_actions(list(&self.alarm_actions))
            .set_ok_actions(list(&self.ok_actions))
            .set_insufficient_data_actions(list(&self.insufficient_data_actions))
            .comparison_operator(ComparisonOperator::from(self.comparison.as_str()))
            .threshold(self.threshold)
            .evaluation_periods(as_i32(self.evaluation_periods))
            .datapoints_to_alarm(as_i32(self.datapoints_to_alarm))
            .treat_missing_data(&self.treat_missing_data)
            .set_tags(tags);
        let call = match self.queries.get(VALUE) {
            Some(Query::Metric { namespace, metric, dimensions, statistic, period_seconds }) => {
                let call = call
                    .namespace(namespace)
                    .metric_name(metric)
                    .set_dimensions(Some(dimension_list(dimensions)))
                    .period(as_i32(*period_seconds));
                if is_percentile(statistic) {
                    call.extended_statistic(statistic)
                } else {
                    call.statistic(CloudWatchStatistic::from(statistic.as_str()))
                }
            }
            Some(Query::Expression { .. }) | None => call.set_metrics(Some(query_list(&self.queries))),
        };
        call.send().await.called("cloudwatch:PutMetricAlarm", name.as_str()).map(|_| ())
    }
}

fn is_percentile(statistic: &str) -> bool {
    statistic.starts_with('p')
}

fn dimension_list(dimensions: &BTreeMap<String, String>) -> Vec<Dimension> {
    dimensions.iter().map(|(name, value)| Dimension::builder().name(name).value(value).build()).collect()
}

fn query_list(queries: &BTreeMap<String, Query>) -> Vec<MetricDataQuery> {
    let build = |(id, query): (&String, &Query)| {
        let builder = MetricDataQuery::builder().id(id).return_data(id == VALUE);
        match query {
            Query::Expression { expression } => builder.expression(expression).build(),
            Query::Metric { namespace, metric, dimensions, statistic, period_seconds } => {
                let metric = CloudWatchMetric::builder()
                    .namespace(namespace)
                    .metric_name(metric)
                    .set_dimensions(Some(dimension_list(dimensions)))
                    .build();
                let stat = MetricStat::builder().metric(metric).period(as_i32(*period_seconds)).stat(statistic).build();
                builder.metric_stat(stat).build()
            }
        }
    };
    queries.iter().map(build).collect()
}

fn tag_list(tags: &Tags) -> Vec<Tag> {
    tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect()
}

fn arn(aws: &Aws, name: &Name) -> String {
    aws.scope.arn("cloudwatch", &format!("alarm:{name}"))
}

async fn describe(aws: &Aws, names: &[Name]) -> Result<Vec<(String, MetricAlarm)>, CloudError> {
    let call = aws
        .cloudwatch
        .describe_alarms()
        .alarm_types(AlarmType::MetricAlarm)
        .set_alarm_names(Some(names.iter().map(ToString::to_string).collect()))
        .max_records(as_i32(AT_ONCE as u64))
        .send()
        .await;
    let alarms = call.called("cloudwatch:DescribeAlarms", "alarms")?.metric_alarms.unwrap_or_default();
    Ok(alarms.into_iter().filter_map(|alarm| Some((alarm.alarm_name()?.to_owned(), alarm))).collect())
}

async fn live_tags(aws: &Aws, name: &Name) -> Result<Tags, CloudError> {
    let call = aws.cloudwatch.list_tags_for_resource().resource_arn(arn(aws, name)).send().await;
    let tags = call.called_or_absent("cloudwatch:ListTagsForResource", name.as_str())?.and_then(|answer| answer.tags);
    let pair = |tag: Tag| Some((tag.key?, tag.value.unwrap_or_default()));
    Ok(tags.unwrap_or_default().into_iter().filter_map(pair).collect())
}

fn found(aws: &Aws, alarm: &MetricAlarm, all_tags: &Tags) -> Found<Alarm> {
    let periods = as_u64(alarm.evaluation_periods());
    let parts = tags::read(aws, all_tags);
    let (kept, finding) = tags::foreign(&parts);
    let mut found = Found::new(
        tags::owner(aws, all_tags),
        Alarm {
            description: alarm.alarm_description().unwrap_or_default().to_owned(),
            actions_enabled: alarm.actions_enabled().unwrap_or(true),
            alarm_actions: alarm.alarm_actions().iter().cloned().collect(),
            ok_actions: alarm.ok_actions().iter().cloned().collect(),
            insufficient_data_actions: alarm.insufficient_data_actions().iter().cloned().collect(),
            queries: live_queries(alarm),
            comparison: alarm.comparison_operator().map(|operator| operator.as_str().to_owned()).unwrap_or_default(),
            threshold: alarm.threshold().unwrap_or_default(),
            evaluation_periods: periods,
            datapoints_to_alarm: alarm.datapoints_to_alarm().map_or(periods, |count| as_u64(Some(count))),
            treat_missing_data: alarm.treat_missing_data().unwrap_or("missing").to_owned(),
            tags: parts.managed,
        },
    );
    found.kept = json!({ "tags": kept });
    found.findings.extend(finding);
    let state = alarm.state_value().map(|state| state.as_str().to_owned());
    found.observe("state", json!(state));
    found.observe("reason", json!(alarm.state_reason()));
    if !found.properties.actions_enabled {
        let message = "the alarm is silent: its actions are off, nobody hears of it";
        found.findings.push(Finding::new(Severity::Warning, "alarm-silent", message));
    }
    if state.as_deref() == Some("ALARM") {
        let reason = alarm.state_reason().unwrap_or("no reason given");
        found.findings.push(Finding::new(Severity::Warning, "alarm-raised", format!("the alarm is raised: {reason}")));
    }
    found
}

fn live_queries(alarm: &MetricAlarm) -> BTreeMap<String, Query> {
    if alarm.metrics().is_empty() {
        let plain = alarm.statistic().map(|statistic| statistic.as_str().to_owned());
        let statistic = plain.or_else(|| alarm.extended_statistic().map(str::to_owned)).unwrap_or_default();
        let query = Query::Metric {
            namespace: alarm.namespace().unwrap_or_default().to_owned(),
            metric: alarm.metric_name().unwrap_or_default().to_owned(),
            dimensions: live_dimensions(alarm.dimensions()),
            statistic,
            period_seconds: as_u64(alarm.period()),
        };
        return BTreeMap::from([(VALUE.to_owned(), query)]);
    }
    let read = |query: &MetricDataQuery| {
        let id = query.id()?.to_owned();
        let Some(stat) = query.metric_stat() else {
            return Some((id, Query::Expression { expression: query.expression().unwrap_or_default().to_owned() }));
        };
        let metric = stat.metric()?;
        let query = Query::Metric {
            namespace: metric.namespace().unwrap_or_default().to_owned(),
            metric: metric.metric_name().unwrap_or_default().to_owned(),
            dimensions: live_dimensions(metric.dimensions()),
            statistic: stat.stat().unwrap_or_default().to_owned(),
            period_seconds: as_u64(stat.period()),
        };
        Some((id, query))
    };
    alarm.metrics().iter().filter_map(read).collect()
}

fn live_dimensions(dimensions: &[Dimension]) -> BTreeMap<String, String> {
    let pair = |dimension: &Dimension| Some((dimension.name()?.to_owned(), dimension.value()?.to_owned()));
    dimensions.iter().filter_map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::derive::TABLE_OPERATIONS;
    use super::*;
    use crate::config::metric::Metric;
    use crate::resources::tests::{blueprint_of, pipeline};

    fn derived(alarm: serde_json::Value) -> Alarm {
        let pipeline = pipeline(json!({
            "table": { "billing": { "provisioned": { "read": 5, "write": 10 } } },
            "alarms": { "x": alarm },
        }));
        blueprint_of(&pipeline, |blueprint| derive(blueprint, &blueprint.pipeline.alarms[&TopicKey::of("x")]))
    }

    #[test]
    fn a_share_of_the_capacity_becomes_units_per_period() {
        let alarm = derived(json!({ "metric": "table.consumed_writes", "above": "80%", "period": "5m" }));
        assert_eq!(alarm.threshold, 0.8 * 10.0 * 300.0);
        let Query::Metric { statistic, .. } = &alarm.queries[VALUE] else { panic!("a metric") };
        assert_eq!(statistic, "Sum");
    }

    #[test]
    fn a_duration_is_in_the_metric_s_own_unit() {
        assert_eq!(derived(json!({ "metric": "function.duration", "above": "2s" })).threshold, 2000.0);
        assert_eq!(derived(json!({ "metric": "queue.oldest_message_age", "above": "5m" })).threshold, 300.0);
    }

    #[test]
    fn system_errors_are_summed_over_operations_because_the_table_alone_is_silent() {
        let alarm = derived(json!({ "metric": "table.system_errors", "above": 0 }));
        assert_eq!(alarm.queries.len(), TABLE_OPERATIONS.len() + 1);
        assert_eq!(
            alarm.queries[VALUE],
            Query::Expression { expression: "FILL(putitem, 0) + FILL(updateitem, 0)".into() }
        );
    }

    #[test]
    fn every_metric_of_the_catalogue_reads_back_as_it_was_written() {
        for metric in Metric::ALL {
            let limit = match metric.limit_unit() {
                crate::config::metric::LimitUnit::Duration => json!("5m"),
                crate::config::metric::LimitUnit::Percent => json!("5%"),
                crate::config::metric::LimitUnit::Number | crate::config::metric::LimitUnit::NumberOrPercent => {
                    json!(1)
                }
            };
            let alarm = derived(json!({ "metric": metric.name(), "above": limit }));
            let live = match alarm.queries.get(VALUE) {
                Some(Query::Expression { .. }) => MetricAlarm::builder().set_metrics(Some(query_list(&alarm.queries))),
                Some(Query::Metric { namespace, metric, dimensions, statistic, period_seconds }) => {
                    let live = MetricAlarm::builder()
                        .namespace(namespace)
                        .metric_name(metric)
                        .set_dimensions(Some(dimension_list(dimensions)))
                        .period(as_i32(*period_seconds));
                    if is_percentile(statistic) {
                        live.extended_statistic(statistic)
                    } else {
                        live.statistic(CloudWatchStatistic::from(statistic.as_str()))
                    }
                }
                None => panic!("{metric} has no value"),
            };
            assert_eq!(live_queries(&live.build()), alarm.queries, "{metric}");
        }
    }
}
