//! The event source mapping: takes messages from the queue to the function. Its name is `<queue>/<function>`.

pub mod pause;

use std::collections::BTreeSet;
use std::time::Duration;

use aws_sdk_lambda::types::{
    EventSourceMappingConfiguration as Listed, Filter, FilterCriteria, FunctionResponseType, ScalingConfig,
};
use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use pause::{BY_APPLY, Pause};

use super::function::is_not_assumable_yet;
use super::tags::{self, Tags};
use super::{Blueprint, Found, Planned, Resource, Survey, as_i32, as_u64};
use crate::aws::patience::Wait;
use crate::aws::{Aws, Called};
use crate::reconcile::plan::{INTERRUPTED, RESUMED, STOPPED_BY_HAND};
use crate::reconcile::{
    Changes, CloudError, ErrorKind, Finding, Kind, Live, Name, Owner, Property, Say, Severity, Trait,
};

/// The managed properties of an event source mapping.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EventSourceMapping {
    /// Whether it is meant to run, kept as the tag `pipewright:enabled`: what somebody does by hand is an observation.
    pub enabled: bool,
    pub batch_size: u64,
    pub batch_window_seconds: u64,
    /// Absent: Lambda scales freely.
    pub maximum_concurrency: Option<u64>,
    pub response_types: Vec<String>,
    /// Filters drop messages unseen: we have none, and one that somebody adds is removed.
    pub filters: Vec<String>,
    pub tags: Tags,
}

const ENABLED_TAG: &str = "enabled";
const STATE: &str = "state";
const SPREAD: Wait<'_> = Wait { reason: "until the role may read the queue", limit: Duration::from_secs(60) };
const STABLE: Wait<'_> = Wait { reason: "until the mapping is in a stable state", limit: Duration::from_secs(180) };
const GONE: Wait<'_> = Wait { reason: "until the mapping is gone", limit: Duration::from_secs(180) };

impl Resource for EventSourceMapping {
    const KIND: Kind = Kind::EventSourceMapping;
    const UNUSUAL: &'static [Property] = &[
        Property { path: "response_types", is: Trait::Unordered, why: "" },
        Property { path: "filters", is: Trait::Unordered, why: "" },
    ];

    fn desired(blueprint: &Blueprint<'_>) -> Vec<Planned<Self>> {
        let function = &blueprint.pipeline.function;
        let properties = Self {
            enabled: function.enabled,
            batch_size: function.batch.size.get(),
            batch_window_seconds: function.batch.window.get(),
            maximum_concurrency: function.max_concurrency.map(|count| count.get()),
            response_types: vec![FunctionResponseType::ReportBatchItemFailures.as_str().into()],
            filters: vec![],
            tags: blueprint.tags(),
        };
        let after = vec![blueprint.queue(), blueprint.function(), blueprint.role()];
        vec![Planned { name: blueprint.mapping().name.to_string(), properties, after }]
    }

    /// Every consumer of our queue, and every source of our function: a foreign one is worth a finding.
    async fn candidates(aws: &Aws, survey: &Survey, wanted: &BTreeSet<Name>) -> Result<BTreeSet<Name>, CloudError> {
        let keys: Vec<Key> = wanted.iter().filter_map(Key::parse).collect();
        let mut functions: BTreeSet<String> = survey.marked(aws, "lambda", "function:").await?;
        functions.retain(|name| !name.contains(':'));
        functions.extend(keys.iter().map(|key| key.function.clone()));
        let (by_queue, by_function) = tokio::try_join!(
            try_join_all(keys.iter().map(|key| list(aws, Some(&key.queue), None))),
            try_join_all(functions.iter().map(|function| list(aws, None, Some(function)))),
        )?;
        let all = by_queue.into_iter().chain(by_function).flatten();
        Ok(all.filter_map(|listed| Key::of(&listed)).map(|key| Name::new(key.to_string())).collect())
    }

    async fn read(aws: &Aws, names: &[Name]) -> Result<Vec<Option<Found<Self>>>, CloudError> {
        try_join_all(names.iter().map(|name| read_one(aws, name))).await
    }

    async fn create(&self, aws: &Aws, name: &Name, say: Say<'_>) -> Result<(), CloudError> {
        let key = key(name)?;
        // One of this name may still be on its way out; Lambda says then that it exists already.
        aws.until(GONE, say, async || {
            let listed = list(aws, Some(&key.queue), None).await?;
            Ok(listed.iter().all(|listed| Key::of(listed).as_ref() != Some(&key)).then_some(()))
        })
        .await?;
        let call = aws
            .lambda
            .create_event_source_mapping()
            .event_source_arn(aws.scope.arn("sqs", &key.queue))
            .function_name(&key.function)
            .enabled(self.enabled)
            .batch_size(as_i32(self.batch_size))
            .maximum_batching_window_in_seconds(as_i32(self.batch_window_seconds))
            .set_scaling_config(self.maximum_concurrency.map(|_| self.scaling()))
            .set_function_response_types(Some(self.response_types()))
            .set_tags(Some(self.written_tags(aws).into_iter().collect()));
        // A role's policy takes some seconds to spread.
        let passing = |error: &CloudError| is_not_assumable_yet(error) || error.kind == ErrorKind::Busy;
        let created = aws
            .insist(SPREAD, say, passing, async || {
                call.clone().send().await.called("lambda:CreateEventSourceMapping", name.as_str())
            })
            .await?;
        stable(aws, created.uuid().unwrap_or_default(), name, say).await
    }

    async fn update(
        &self,
        aws: &Aws,
        name: &Name,
        live: &Found<Self>,
        changes: &Changes,
        say: Say<'_>,
    ) -> Result<(), CloudError> {
        let id = live.id.as_deref().unwrap_or_default();
        stable(aws, id, name, say).await?;
        if changes.touch_other_than(&["tags"]) {
            // Unsaid, it stays as it is: another change does not start what somebody stopped by hand.
            let enabled = (changes.touch("enabled") || changes.touch(RESUMED)).then_some(self.enabled);
            let call = aws
                .lambda
                .update_event_source_mapping()
                .uuid(id)
                .set_enabled(enabled)
                .batch_size(as_i32(self.batch_size))
                .maximum_batching_window_in_seconds(as_i32(self.batch_window_seconds))
                .scaling_config(self.scaling())
                .set_function_response_types(Some(self.response_types()))
                .filter_criteria(self.criteria());
            aws.insist(
                STABLE,
                say,
                |error| error.kind == ErrorKind::Busy,
                async || call.clone().send().await.called("lambda:UpdateEventSourceMapping", name.as_str()),
            )
            .await?;
            stable(aws, id, name, say).await?;
            if changes.touch(RESUMED) {
                pause::forget(aws, id, name).await?;
            }
        }
        if changes.touch("tags") || changes.touch("enabled") || live.wants_mark() {
            self.write_tags(aws, name, id, live).await?;
        }
        Ok(())
    }

    async fn delete(aws: &Aws, name: &Name, live: &Found<Self>, say: Say<'_>) -> Result<(), CloudError> {
        let id = live.id.as_deref().unwrap_or_default();
        aws.insist(
            STABLE,
            say,
            |error| error.kind == ErrorKind::Busy,
            async || {
                let call = aws.lambda.delete_event_source_mapping().uuid(id).send().await;
                call.called_or_absent("lambda:DeleteEventSourceMapping", name.as_str())
            },
        )
        .await?;
        aws.until(GONE, say, async || Ok(state(aws, id, name).await?.is_none().then_some(()))).await
    }
}

impl EventSourceMapping {
    /// Without a limit this resets one.
    fn scaling(&self) -> ScalingConfig {
        ScalingConfig::builder().set_maximum_concurrency(self.maximum_concurrency.map(as_i32)).build()
    }

    /// Without filters this resets them.
    fn criteria(&self) -> FilterCriteria {
        let filters = self.filters.iter().map(|pattern| Filter::builder().pattern(pattern).build());
        FilterCriteria::builder().set_filters(Some(filters.collect()).filter(|all: &Vec<_>| !all.is_empty())).build()
    }

    fn response_types(&self) -> Vec<FunctionResponseType> {
        self.response_types.iter().map(|kind| FunctionResponseType::from(kind.as_str())).collect()
    }

    fn written_tags(&self, aws: &Aws) -> Tags {
        let mut all = tags::written(aws, &self.tags);
        all.insert(format!("pipewright:{ENABLED_TAG}"), self.enabled.to_string());
        all
    }

    async fn write_tags(&self, aws: &Aws, name: &Name, id: &str, live: &Found<Self>) -> Result<(), CloudError> {
        let resource = arn(aws, id);
        let removed = tags::removed(&live.properties.tags, &self.tags);
        if !removed.is_empty() {
            let call = aws.lambda.untag_resource().resource(&resource).set_tag_keys(Some(removed)).send().await;
            call.called("lambda:UntagResource", name.as_str())?;
        }
        let written = self.written_tags(aws).into_iter().collect();
        let call = aws.lambda.tag_resource().resource(&resource).set_tags(Some(written)).send().await;
        call.called("lambda:TagResource", name.as_str()).map(|_| ())
    }
}

/// Whether the live mapping takes messages, or is about to.
pub fn is_running(live: &Live) -> bool {
    live.observations.get(STATE).and_then(Value::as_str).is_some_and(runs)
}

/// Why the live mapping takes no messages, in words; `None`: it takes them.
pub fn idle(live: &Live) -> Option<String> {
    let why: Vec<&str> = live.findings.iter().map(|finding| finding.message.as_str()).collect();
    let why = if why.is_empty() { "the mapping is not running".to_owned() } else { why.join("; ") };
    (!is_running(live)).then_some(why)
}

fn runs(state: &str) -> bool {
    matches!(state, "Enabled" | "Enabling" | "Creating")
}

/// What names a mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Key {
    queue: String,
    function: String,
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.queue, self.function)
    }
}

impl Key {
    fn parse(name: &Name) -> Option<Self> {
        let (queue, function) = name.as_str().split_once('/')?;
        Some(Self { queue: queue.into(), function: function.into() })
    }

    /// `None` for what is no queue. A function's version or alias stays part of its name.
    fn of(listed: &Listed) -> Option<Self> {
        let queue = listed.event_source_arn()?.split_once(":sqs:")?.1.rsplit(':').next()?;
        let function = listed.function_arn()?.split_once(":function:")?.1;
        Some(Self { queue: queue.into(), function: function.into() })
    }
}

fn key(name: &Name) -> Result<Key, CloudError> {
    Key::parse(name).ok_or_else(|| CloudError::new(ErrorKind::Local, format!("`{name}` is not `<queue>/<function>`")))
}

fn arn(aws: &Aws, id: &str) -> String {
    aws.scope.arn("lambda", &format!("event-source-mapping:{id}"))
}

async fn list(aws: &Aws, queue: Option<&str>, function: Option<&str>) -> Result<Vec<Listed>, CloudError> {
    let call = aws
        .lambda
        .list_event_source_mappings()
        .set_event_source_arn(queue.map(|queue| aws.scope.arn("sqs", queue)))
        .set_function_name(function.map(str::to_owned));
    let mut pages = call.into_paginator().send();
    let mut all = Vec::new();
    while let Some(page) = pages.next().await {
        let about = queue.or(function).unwrap_or_default();
        match page.called_or_absent("lambda:ListEventSourceMappings", about)? {
            Some(page) => all.extend(page.event_source_mappings.unwrap_or_default()),
            None => break,
        }
    }
    Ok(all)
}

async fn state(aws: &Aws, id: &str, name: &Name) -> Result<Option<String>, CloudError> {
    let call = aws.lambda.get_event_source_mapping().uuid(id).send().await;
    Ok(call.called_or_absent("lambda:GetEventSourceMapping", name.as_str())?.and_then(|answer| answer.state))
}

/// Lambda takes changes only in a stable state.
async fn stable(aws: &Aws, id: &str, name: &Name, say: Say<'_>) -> Result<(), CloudError> {
    aws.until(STABLE, say, async || {
        let state = state(aws, id, name).await?;
        Ok(state.is_some_and(|state| matches!(state.as_str(), "Enabled" | "Disabled")).then_some(()))
    })
    .await
}

async fn read_one(aws: &Aws, name: &Name) -> Result<Option<Found<EventSourceMapping>>, CloudError> {
    let Some(wanted) = Key::parse(name) else { return Ok(None) };
    let listed = list(aws, Some(&wanted.queue), None).await?;
    let is_it = |listed: &&Listed| Key::of(listed).as_ref() == Some(&wanted) && listed.state() != Some("Deleting");
    let Some(listed) = listed.iter().find(is_it) else { return Ok(None) };
    let id = listed.uuid().unwrap_or_default();
    let call = aws.lambda.list_tags().resource(arn(aws, id)).send().await;
    let tags = call.called_or_absent("lambda:ListTags", name.as_str())?.and_then(|answer| answer.tags);
    Ok(Some(found(aws, listed, &tags.unwrap_or_default().into_iter().collect())))
}

fn found(aws: &Aws, listed: &Listed, all_tags: &Tags) -> Found<EventSourceMapping> {
    let parts = tags::read(aws, all_tags);
    let (kept, finding) = tags::foreign(&parts);
    let state = listed.state().unwrap_or_default();
    let running = runs(state);
    let meant = parts.notes.get(ENABLED_TAG).map_or(running, |meant| meant == "true");
    let concurrency = listed.scaling_config().and_then(|scaling| scaling.maximum_concurrency());
    let filters = listed.filter_criteria().map(|criteria| criteria.filters()).unwrap_or_default();
    let owner = tags::owner(aws, all_tags);
    let mut found = Found::new(
        owner.clone(),
        EventSourceMapping {
            enabled: meant,
            batch_size: as_u64(listed.batch_size()),
            batch_window_seconds: as_u64(listed.maximum_batching_window_in_seconds()),
            maximum_concurrency: concurrency.map(|count| as_u64(Some(count))),
            response_types: listed.function_response_types().iter().map(|kind| kind.as_str().to_owned()).collect(),
            filters: filters.iter().filter_map(|filter| filter.pattern().map(str::to_owned)).collect(),
            tags: parts.managed,
        },
    );
    found.id = listed.uuid().map(str::to_owned);
    found.kept = json!({ "tags": kept });
    found.observe(STATE, state);
    found.observe("last_result", json!(listed.last_processing_result()));
    found.findings.extend(finding);
    if owner != Owner::Ours {
        let function = listed.function_arn().unwrap_or("?");
        let message = format!(
            "`{function}` consumes a queue of ours, or our function another queue: each takes messages from the other"
        );
        found.findings.push(Finding::new(Severity::Warning, "foreign-mapping", message));
    }
    if meant && !running {
        let pause = Pause::of(&parts.notes);
        let by_apply = pause.as_ref().is_some_and(|pause| pause.by == BY_APPLY);
        found.observe(if by_apply { INTERRUPTED } else { STOPPED_BY_HAND }, true);
        let reason = listed.state_transition_reason().unwrap_or("no reason given");
        found.findings.push(stopped(pause, &format!("{state} ({reason})")));
    }
    if !meant {
        let message = "the processing is switched off (`function.enabled: false`): messages pile up in the queue";
        found.findings.push(Finding::new(Severity::Note, "mapping-off", message));
    }
    found
}

/// Why nothing is processed though it is meant to be.
fn stopped(pause: Option<Pause>, state: &str) -> Finding {
    match pause {
        Some(Pause { since, by }) if by == BY_APPLY => {
            let message =
                format!("an apply paused the processing at {since} and did not finish; the next one starts it");
            Finding::new(Severity::Warning, "mapping-interrupted", message)
        }
        Some(Pause { since, by }) => {
            let message = format!("the pipeline is paused since {since}, by {by}; messages pile up in the queue");
            Finding::new(Severity::Warning, "mapping-paused", message).hint("start it with `pipewright resume`")
        }
        None => {
            let message = format!("the pipeline is stopped: the mapping is {state}; messages pile up in the queue");
            Finding::new(Severity::Warning, "mapping-disabled", message).hint(
                "start it with `pipewright resume`; to stop it on purpose, `pipewright pause` or write `function.enabled: false`",
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources::tests::aws;

    fn listed(state: &str) -> Listed {
        Listed::builder()
            .event_source_arn("arn:aws:sqs:eu-west-1:123456789012:orders")
            .function_arn("arn:aws:lambda:eu-west-1:123456789012:function:processor")
            .state(state)
            .build()
    }

    fn tags(meant: &str) -> Tags {
        let mut tags = tags::written(&aws(), &Tags::new());
        tags.insert("pipewright:enabled".into(), meant.into());
        tags
    }

    #[test]
    fn a_mapping_is_known_by_queue_and_function() {
        let key = Key::of(&listed("Enabled")).unwrap();
        assert_eq!(key.to_string(), "orders/processor");
        assert_eq!(Key::parse(&Name::new("orders/processor")), Some(key));
    }

    #[test]
    fn stopped_by_hand_is_seen_against_what_was_meant() {
        let stopped = found(&aws(), &listed("Disabled"), &tags("true"));
        assert!(stopped.properties.enabled, "nothing to change: only `--resume` starts it again");
        assert_eq!(stopped.findings[0].code, "mapping-disabled");
        assert_eq!(stopped.observations.get(STOPPED_BY_HAND), Some(&json!(true)));
        let meant = found(&aws(), &listed("Disabled"), &tags("false"));
        assert!(!meant.properties.enabled);
        assert_eq!(meant.findings[0].code, "mapping-off");
    }

    #[test]
    fn a_pause_says_who_and_since_when_and_one_of_an_apply_ends_with_the_next() {
        let paused = |by: &str| {
            let mut tags = tags("true");
            tags.insert("pipewright:paused".into(), format!("2026-11-26T08:00:00Z {by}"));
            found(&aws(), &listed("Disabled"), &tags)
        };
        let by_hand = paused("arn:aws:iam::123456789012:user/jo");
        assert_eq!(by_hand.findings[0].code, "mapping-paused");
        assert!(
            by_hand.findings[0].message.contains("since 2026-11-26T08:00:00Z, by arn:aws:iam::123456789012:user/jo")
        );
        assert!(by_hand.observations.contains_key(STOPPED_BY_HAND));
        let by_apply = paused("apply");
        assert_eq!(by_apply.findings[0].code, "mapping-interrupted");
        assert!(by_apply.observations.contains_key(INTERRUPTED));
    }
}
