//! The function's log group: made before the function, so that Lambda does not make one that keeps lines forever.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::tags::{self, Tags};
use super::{Blueprint, Found, Planned, Resource, Survey};
use crate::aws::{Aws, Called};
use crate::config::pipeline::LogRetention;
use crate::reconcile::plan::UNCLAIMED;
use crate::reconcile::{Changes, CloudError, ErrorKind, Kind, Name, Owner, Property, Say};

/// The managed properties of a log group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LogGroup {
    /// Absent: lines are kept forever.
    pub retention_days: Option<u32>,
    /// Whether it carries our mark. Lambda makes the function's group by itself when a line comes first: that one is
    /// nobody's, so it is ours to mark.
    pub marked: bool,
    pub tags: Tags,
}

/// How long after its function a log group may come back.
const LATE_LINES: Duration = Duration::from_secs(1);
/// How often it is deleted again.
const ROUNDS: usize = 10;

impl Resource for LogGroup {
    const KIND: Kind = Kind::LogGroup;
    const UNUSUAL: &'static [Property] = &[];

    fn desired(blueprint: &Blueprint<'_>) -> Vec<Planned<Self>> {
        let retention_days = match blueprint.pipeline.function.log_retention {
            LogRetention::Days(days) => Some(days),
            LogRetention::Forever => None,
        };
        let properties = Self { retention_days, marked: true, tags: blueprint.tags() };
        vec![Planned { name: blueprint.log_group().name.to_string(), properties, after: vec![] }]
    }

    async fn candidates(aws: &Aws, survey: &Survey, _wanted: &BTreeSet<Name>) -> Result<BTreeSet<Name>, CloudError> {
        let prefix = format!("/aws/lambda/{}-", aws.pipeline);
        let (marked, prefixed) = tokio::join!(survey.marked(aws, "logs", "log-group:"), list(aws, &prefix));
        // The tagging API ends a log group's ARN with `:*` at times.
        let mut names: BTreeSet<Name> =
            marked?.into_iter().map(|name| Name::new(name.trim_end_matches(":*"))).collect();
        let listed = prefixed?;
        let owned = try_join_all(listed.iter().map(|group| async {
            let name = Name::new(group.log_group_name().unwrap_or_default());
            Ok::<_, CloudError>((tags::owner(aws, &live_tags(aws, &name).await?) == Owner::Ours).then_some(name))
        }));
        names.extend(owned.await?.into_iter().flatten());
        Ok(names)
    }

    async fn read(aws: &Aws, names: &[Name]) -> Result<Vec<Option<Found<Self>>>, CloudError> {
        try_join_all(names.iter().map(|name| read_one(aws, name))).await
    }

    async fn create(&self, aws: &Aws, name: &Name, _say: Say<'_>) -> Result<(), CloudError> {
        let written: HashMap<_, _> = tags::written(aws, &self.tags).into_iter().collect();
        let call = aws.logs.create_log_group().log_group_name(name.as_str()).set_tags(Some(written)).send().await;
        call.called("logs:CreateLogGroup", name.as_str())?;
        self.write_retention(aws, name).await
    }

    async fn update(
        &self,
        aws: &Aws,
        name: &Name,
        live: &Found<Self>,
        changes: &Changes,
        _say: Say<'_>,
    ) -> Result<(), CloudError> {
        if changes.touch("retention_days") {
            self.write_retention(aws, name).await?;
        }
        if changes.touch("tags") || changes.touch("marked") || live.wants_mark() {
            let removed = tags::removed(&live.properties.tags, &self.tags);
            if !removed.is_empty() {
                let call =
                    aws.logs.untag_resource().resource_arn(arn(aws, name)).set_tag_keys(Some(removed)).send().await;
                call.called("logs:UntagResource", name.as_str())?;
            }
            let written: HashMap<_, _> = tags::written(aws, &self.tags).into_iter().collect();
            let call = aws.logs.tag_resource().resource_arn(arn(aws, name)).set_tags(Some(written)).send().await;
            call.called("logs:TagResource", name.as_str())?;
        }
        Ok(())
    }

    async fn delete(aws: &Aws, name: &Name, _live: &Found<Self>, _say: Say<'_>) -> Result<(), CloudError> {
        for _ in 0..ROUNDS {
            let call = aws.logs.delete_log_group().log_group_name(name.as_str()).send().await;
            call.called_or_absent("logs:DeleteLogGroup", name.as_str())?;
            // A late invocation makes the group again with its last lines.
            aws.pause(LATE_LINES).await;
            if !list(aws, name.as_str()).await?.iter().any(|group| group.log_group_name() == Some(name.as_str())) {
                return Ok(());
            }
        }
        let message = format!("the log group `{name}` comes back each time it is deleted: somebody still writes to it");
        Err(CloudError::new(ErrorKind::Refused, message).hint("find out who does, and apply again"))
    }
}

impl LogGroup {
    async fn write_retention(&self, aws: &Aws, name: &Name) -> Result<(), CloudError> {
        let group = name.as_str();
        match self.retention_days.and_then(|days| i32::try_from(days).ok()) {
            Some(days) => {
                let call = aws.logs.put_retention_policy().log_group_name(group).retention_in_days(days).send().await;
                call.called("logs:PutRetentionPolicy", group).map(|_| ())
            }
            None => {
                let call = aws.logs.delete_retention_policy().log_group_name(group).send().await;
                call.called_or_absent("logs:DeleteRetentionPolicy", group).map(|_| ())
            }
        }
    }
}

fn arn(aws: &Aws, name: &Name) -> String {
    aws.scope.arn("logs", &format!("log-group:{name}"))
}

async fn list(aws: &Aws, prefix: &str) -> Result<Vec<aws_sdk_cloudwatchlogs::types::LogGroup>, CloudError> {
    let mut pages = aws.logs.describe_log_groups().log_group_name_prefix(prefix).into_paginator().send();
    let mut groups = Vec::new();
    while let Some(page) = pages.next().await {
        groups.extend(page.called("logs:DescribeLogGroups", prefix)?.log_groups.unwrap_or_default());
    }
    Ok(groups)
}

async fn live_tags(aws: &Aws, name: &Name) -> Result<Tags, CloudError> {
    let call = aws.logs.list_tags_for_resource().resource_arn(arn(aws, name)).send().await;
    let answer = call.called_or_absent("logs:ListTagsForResource", name.as_str())?;
    Ok(answer.and_then(|answer| answer.tags).unwrap_or_default().into_iter().collect())
}

async fn read_one(aws: &Aws, name: &Name) -> Result<Option<Found<LogGroup>>, CloudError> {
    let (listed, all_tags) = tokio::try_join!(list(aws, name.as_str()), live_tags(aws, name))?;
    let Some(group) = listed.into_iter().find(|group| group.log_group_name() == Some(name.as_str())) else {
        return Ok(None);
    };
    let parts = tags::read(aws, &all_tags);
    let mark = tags::owner(aws, &all_tags);
    let (kept, finding) = tags::foreign(&parts);
    let retention_days = group.retention_in_days().and_then(|days| u32::try_from(days).ok());
    let properties = LogGroup { retention_days, marked: mark == Owner::Ours, tags: parts.managed };
    // Lambda makes its function's group by itself: unmarked, and nobody's. Any other unmarked group is somebody's.
    let is_of_function = aws.function_log_group.as_deref() == Some(name.as_str());
    let unclaimed = is_of_function && mark == Owner::Foreign { pipeline: None };
    let mut found = Found::new(if unclaimed { Owner::Ours } else { mark }, properties);
    if unclaimed {
        found.observe(UNCLAIMED, true);
    }
    found.kept = json!({ "tags": kept });
    found.findings.extend(finding);
    let bytes = group.stored_bytes().unwrap_or_default();
    found.observe("stored_bytes", Value::from(bytes));
    found.holds = Some(format!("its log lines ({bytes} bytes; AWS counts late)"));
    Ok(Some(found))
}
