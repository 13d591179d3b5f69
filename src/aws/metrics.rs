//! Metrics over time, in one call.

use std::collections::BTreeMap;

use aws_sdk_cloudwatch::types::{Dimension, Metric, MetricDataQuery, MetricStat, ScanBy};
use aws_smithy_types::DateTime;
use jiff::Timestamp;

use super::{Aws, Called};
use crate::operate::series::{Metrics, Window};
use crate::reconcile::CloudError;

/// One metric to be asked for, and the key under which its values are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeriesQuery {
    pub key: String,
    pub namespace: String,
    pub metric: String,
    pub dimensions: BTreeMap<String, String>,
    pub statistic: String,
}

impl Aws {
    /// The values of these metrics: at most 500 in a call, the oldest first. No expressions are used: what follows from
    /// several metrics is computed by whoever asks.
    ///
    /// # Errors
    /// CloudWatch cannot be read.
    pub async fn series(&self, queries: &[SeriesQuery], window: Window) -> Result<Metrics, CloudError> {
        let mut metrics = Metrics::new();
        for queries in queries.chunks(500) {
            let asked = queries.iter().enumerate().map(|(place, query)| data_query(place, query, window)).collect();
            let call = self
                .cloudwatch
                .get_metric_data()
                .set_metric_data_queries(Some(asked))
                .start_time(DateTime::from_secs(window.from.as_second()))
                .end_time(DateTime::from_secs(window.to.as_second()))
                .scan_by(ScanBy::TimestampAscending);
            let mut pages = call.into_paginator().send();
            while let Some(page) = pages.next().await {
                let page = page.called("cloudwatch:GetMetricData", &self.pipeline)?;
                for result in page.metric_data_results() {
                    let place = result.id().and_then(|id| id.strip_prefix('m')?.parse::<usize>().ok());
                    let Some(query) = place.and_then(|place| queries.get(place)) else { continue };
                    let points = result.timestamps().iter().zip(result.values());
                    let points =
                        points.filter_map(|(at, value)| Some((Timestamp::from_second(at.secs()).ok()?, *value)));
                    let points: Vec<_> = points.collect();
                    if !points.is_empty() {
                        metrics.entry(query.key.clone()).or_default().extend(points);
                    }
                }
            }
        }
        Ok(metrics)
    }
}

fn data_query(place: usize, query: &SeriesQuery, window: Window) -> MetricDataQuery {
    let dimensions = query.dimensions.iter().map(|(name, value)| Dimension::builder().name(name).value(value).build());
    let metric = Metric::builder()
        .namespace(&query.namespace)
        .metric_name(&query.metric)
        .set_dimensions(Some(dimensions.collect()))
        .build();
    let period = i32::try_from(window.period_seconds).unwrap_or(i32::MAX);
    let stat = MetricStat::builder().metric(metric).period(period).stat(&query.statistic).build();
    MetricDataQuery::builder().id(format!("m{place}")).metric_stat(stat).build()
}
