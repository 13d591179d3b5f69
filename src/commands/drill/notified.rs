//! Who hears of a drill: the live subscribers of the topics that alarms and large orders tell.

use std::collections::BTreeSet;

use anyhow::{Result, bail};
use futures_util::future::try_join_all;

use crate::aws::alarms::LiveAlarm;
use crate::commands::running::Running;
use crate::config::Pipeline;
use crate::config::alarm::{Alarm, Watched};
use crate::config::metric::Metric;
use crate::config::names::TopicKey;
use crate::reconcile::CloudError;

/// One line a topic: `topic shop-alerts notifies email oncall@example.com, https https://… (not confirmed)`.
pub async fn lines(running: &Running, topics: &BTreeSet<TopicKey>) -> Result<Vec<String>, CloudError> {
    let line = |key| async move {
        let name = running.pipeline.topic_name(key);
        let subscribers = running.aws.subscribers(&running.aws.scope.arn("sns", &name)).await?;
        let words: Vec<_> = subscribers
            .iter()
            .map(|one| {
                let more = if one.is_pending { " (not confirmed: hears nothing)" } else { "" };
                format!("{} {}{more}", one.protocol, one.endpoint)
            })
            .collect();
        let words = if words.is_empty() { "nobody".to_owned() } else { words.join(", ") };
        Ok::<_, CloudError>(format!("topic {name} notifies {words}"))
    };
    try_join_all(topics.iter().map(line)).await
}

/// The topics that an alarm tells: none while its actions are switched off.
pub fn topics(alarm: &Alarm) -> impl Iterator<Item = &TopicKey> {
    alarm.notify.alarm.iter().chain(&alarm.notify.ok).filter(|_| alarm.enabled)
}

/// Checks that these alarms are ours, and tell whom the file says: nothing else is to happen when they go off.
///
/// # Errors
/// One of them, or a topic, is not there, not ours, or has other actions; AWS cannot be read.
pub async fn check(running: &Running, alarms: &[(&TopicKey, &Alarm)]) -> Result<()> {
    let blueprint = running.blueprint();
    let told = alarms.iter().flat_map(|(_, alarm)| topics(alarm)).map(|key| blueprint.topic(key));
    let parts: BTreeSet<_> = told.chain(alarms.iter().map(|(key, _)| blueprint.alarm(key))).collect();
    running.check_ours(parts).await?;
    for (key, alarm) in alarms {
        let live = running.aws.alarm(&running.pipeline.alarm_name(key)).await?;
        if let Some(differs) = live.and_then(|live| differs(running, alarm, &live)) {
            bail!("alarm `{key}` {differs}\nhint: `pipewright plan` shows it, `pipewright apply` sets it right");
        }
    }
    Ok(())
}

/// How an alarm's actions are others than the file's, in words.
pub fn differs(running: &Running, alarm: &Alarm, live: &LiveAlarm) -> Option<String> {
    let arns = |topics: &BTreeSet<TopicKey>| topics.iter().map(|key| running.blueprint().topic_arn(key)).collect();
    let (on_alarm, on_ok): (BTreeSet<String>, BTreeSet<String>) = (arns(&alarm.notify.alarm), arns(&alarm.notify.ok));
    let all = [
        (&live.alarm_actions, on_alarm),
        (&live.ok_actions, on_ok),
        // Setting it back to this state would set them off.
        (&live.insufficient_data_actions, BTreeSet::new()),
    ];
    let beyond: Vec<_> = all.iter().flat_map(|(live, file)| live.difference(file)).cloned().collect();
    let missing: Vec<_> = all.iter().flat_map(|(live, file)| file.difference(live)).cloned().collect();
    if live.has_actions && !alarm.enabled {
        return Some("has its actions on, and the file switches them off".into());
    }
    match (&beyond[..], &missing[..]) {
        ([], []) => None,
        ([], missing) => Some(format!("does not tell what the file says: {}", missing.join(", "))),
        (beyond, _) => Some(format!("has actions that the file does not: {}", beyond.join(", "))),
    }
}

/// The alarms that transactions sent through the whole pipeline may set off.
pub fn alarms_at_stake(pipeline: &Pipeline) -> Vec<(&TopicKey, &Alarm)> {
    let is_at_stake = |alarm: &Alarm| match &alarm.watched {
        Watched::Catalogue(metric) => is_touched(*metric),
        // Nobody knows what it measures.
        Watched::Raw(_) => true,
    };
    pipeline.alarms.iter().filter(|(_, alarm)| alarm.enabled && is_at_stake(alarm)).collect()
}

fn is_touched(metric: Metric) -> bool {
    match metric {
        Metric::QuarantineVisible
        | Metric::ProcessorRejected
        | Metric::ProcessorConflicts
        | Metric::ProcessorDuplicates
        | Metric::ProcessorFailed
        | Metric::ProcessorLargeOrders
        | Metric::ProcessorStored
        | Metric::TableConsumedWrites
        | Metric::TableConsumedReads
        | Metric::TableThrottledWrites
        | Metric::QueueVisible
        | Metric::QueueInFlight
        | Metric::QueueOldestMessageAge
        | Metric::FunctionThrottles
        | Metric::FunctionConcurrent => true,
        // These would mean that something is wrong.
        Metric::DeadLetterVisible
        | Metric::FunctionErrors
        | Metric::FunctionErrorRate
        | Metric::FunctionDuration
        | Metric::TableSystemErrors
        | Metric::ProcessorAnnounceFailed => false,
    }
}
