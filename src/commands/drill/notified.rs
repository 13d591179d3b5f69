//! Who hears of a drill: the live subscribers of topics.

use std::collections::BTreeSet;

use futures_util::future::try_join_all;

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

/// The topics that an alarm tells.
pub fn topics(alarm: &Alarm) -> impl Iterator<Item = &TopicKey> {
    alarm.notify.alarm.iter().chain(&alarm.notify.ok)
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
