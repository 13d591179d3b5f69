//! The CloudWatch dashboard: the pipeline at a glance.
//!
//! Dashboards are global to the account. The mark is a line of its first text, for not every CloudWatch keeps their tags.

use std::collections::BTreeSet;

use futures_util::future::try_join_all;
use pipewright_processor::contract::metrics;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Blueprint, Found, Planned, Resource, Survey};
use crate::aws::{Aws, Called};
use crate::reconcile::document::canonical;
use crate::reconcile::{Changes, CloudError, ErrorKind, Kind, Name, Owner, Property, Say, Trait};

/// The managed properties of a dashboard.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Dashboard {
    pub body: Value,
}

impl Resource for Dashboard {
    const KIND: Kind = Kind::Dashboard;
    const UNUSUAL: &'static [Property] = &[Property { path: "body", is: Trait::Json, why: "" }];

    fn desired(blueprint: &Blueprint<'_>) -> Vec<Planned<Self>> {
        if !blueprint.pipeline.dashboard.enabled {
            return vec![];
        }
        let name = blueprint.pipeline.dashboard_name(&blueprint.scope.region);
        vec![Planned { name, properties: Self { body: canonical(&body(blueprint)) }, after: vec![] }]
    }

    async fn candidates(aws: &Aws, _survey: &Survey, _wanted: &BTreeSet<Name>) -> Result<BTreeSet<Name>, CloudError> {
        // The derived name, even where the list cannot be read: MiniStack 1.5.33 answers ListDashboards over CBOR with
        // a text where a timestamp belongs, as soon as there is a dashboard.
        let mut names = BTreeSet::from([Name::new(format!("{}-{}", aws.pipeline, aws.scope.region))]);
        let prefix = format!("{}-", aws.pipeline);
        let mut pages = aws.cloudwatch.list_dashboards().dashboard_name_prefix(&prefix).into_paginator().send();
        while let Some(page) = pages.next().await {
            let page = match page.called("cloudwatch:ListDashboards", &prefix) {
                Err(error) if error.kind == ErrorKind::Unreadable => break,
                page => page?,
            };
            let listed = page.dashboard_entries().iter().filter_map(|entry| entry.dashboard_name());
            // Another region's dashboard of this pipeline ends with that region.
            names.extend(listed.filter(|name| name.ends_with(&aws.scope.region)).map(Name::new));
        }
        Ok(names)
    }

    async fn read(aws: &Aws, names: &[Name]) -> Result<Vec<Option<Found<Self>>>, CloudError> {
        try_join_all(names.iter().map(|name| read_one(aws, name))).await
    }

    async fn create(&self, aws: &Aws, name: &Name, say: Say<'_>) -> Result<(), CloudError> {
        self.put(aws, name, say).await
    }

    async fn update(
        &self,
        aws: &Aws,
        name: &Name,
        _live: &Found<Self>,
        _changes: &Changes,
        say: Say<'_>,
    ) -> Result<(), CloudError> {
        self.put(aws, name, say).await
    }

    async fn delete(aws: &Aws, name: &Name, _live: &Found<Self>, _say: Say<'_>) -> Result<(), CloudError> {
        let call = aws.cloudwatch.delete_dashboards().dashboard_names(name.as_str()).send().await;
        call.called_or_absent("cloudwatch:DeleteDashboards", name.as_str()).map(|_| ())
    }
}

impl Dashboard {
    async fn put(&self, aws: &Aws, name: &Name, say: Say<'_>) -> Result<(), CloudError> {
        let call = aws.cloudwatch.put_dashboard().dashboard_name(name.as_str()).dashboard_body(self.body.to_string());
        let answer = call.send().await.called("cloudwatch:PutDashboard", name.as_str())?;
        // CloudWatch stores a faulty dashboard too, and says what is wrong with it.
        for complaint in answer.dashboard_validation_messages() {
            say(&format!("CloudWatch says of the dashboard: {}", complaint.message().unwrap_or_default()));
        }
        Ok(())
    }
}

fn mark(pipeline: &str) -> String {
    format!("managed by pipewright: `{pipeline}`")
}

async fn read_one(aws: &Aws, name: &Name) -> Result<Option<Found<Dashboard>>, CloudError> {
    let call = aws.cloudwatch.get_dashboard().dashboard_name(name.as_str()).send().await;
    let Some(answer) = call.called_or_absent("cloudwatch:GetDashboard", name.as_str())? else { return Ok(None) };
    let text = answer.dashboard_body().unwrap_or_default();
    let body = serde_json::from_str(text).map_or_else(|_| json!(text), |body| canonical(&body));
    let ours =
        body["widgets"][0]["properties"]["markdown"].as_str().is_some_and(|text| text.contains(&mark(&aws.pipeline)));
    let owner = if ours { Owner::Ours } else { Owner::Foreign { pipeline: None } };
    Ok(Some(Found::new(owner, Dashboard { body })))
}

/// Three columns of plots under a heading: what comes in, what is done with it, what it costs.
fn body(blueprint: &Blueprint<'_>) -> Value {
    let pipeline = blueprint.pipeline;
    let id = pipeline.id();
    let heading = format!("# {id}\n{}", mark(&id));
    let mut widgets = vec![json!({
        "type": "text", "x": 0, "y": 0, "width": 24, "height": 2, "properties": { "markdown": heading },
    })];
    let queue = |name: String| vec![json!("QueueName"), json!(name)];
    let ours = || vec![json!(metrics::PIPELINE), json!(id)];
    let function = || vec![json!("FunctionName"), json!(pipeline.function_name())];
    let table = || vec![json!("TableName"), json!(pipeline.table_name())];
    let visible = "ApproximateNumberOfMessagesVisible";
    let plots: [(&str, &str, Vec<Value>); 6] = [
        (
            "Messages waiting",
            "Maximum",
            vec![
                line("AWS/SQS", visible, queue(pipeline.queue_name())),
                line("AWS/SQS", visible, queue(pipeline.dead_letter_name())),
                line("AWS/SQS", visible, queue(pipeline.quarantine_name())),
            ],
        ),
        (
            "Transactions",
            "Sum",
            vec![
                line(metrics::NAMESPACE, metrics::STORED, ours()),
                line(metrics::NAMESPACE, metrics::REJECTED, ours()),
                line(metrics::NAMESPACE, metrics::FAILED, ours()),
                line(metrics::NAMESPACE, metrics::LARGE_ORDERS, ours()),
            ],
        ),
        (
            "Oldest message, seconds",
            "Maximum",
            vec![line("AWS/SQS", "ApproximateAgeOfOldestMessage", queue(pipeline.queue_name()))],
        ),
        ("Duration, milliseconds", "p99", vec![line("AWS/Lambda", "Duration", function())]),
        (
            "Errors and throttles",
            "Sum",
            vec![line("AWS/Lambda", "Errors", function()), line("AWS/Lambda", "Throttles", function())],
        ),
        (
            "Writes",
            "Sum",
            vec![
                line("AWS/DynamoDB", "ConsumedWriteCapacityUnits", table()),
                line("AWS/DynamoDB", "WriteThrottleEvents", table()),
            ],
        ),
    ];
    for (index, (title, statistic, lines)) in plots.into_iter().enumerate() {
        widgets.push(json!({
            "type": "metric", "x": (index % 3) * 8, "y": 2 + (index / 3) * 6, "width": 8, "height": 6,
            "properties": {
                "title": title, "stat": statistic, "period": 60, "region": blueprint.scope.region,
                "view": "timeSeries", "metrics": lines,
            },
        }));
    }
    json!({ "widgets": widgets })
}

fn line(namespace: &str, metric: &str, dimension: Vec<Value>) -> Value {
    let mut parts = vec![json!(namespace), json!(metric)];
    parts.extend(dimension);
    json!(parts)
}
