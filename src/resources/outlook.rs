//! What a plan would lead to that the resources alone do not show: asked of AWS only when the plan has such a step.

use std::time::{Duration, SystemTime};

use aws_sdk_cloudwatch::types::{Dimension, Statistic};

use crate::aws::{Aws, Called};
use crate::reconcile::{Address, CloudError, Finding, Kind, Plan, Severity, Step};

/// How far back the age of the oldest message is looked for; SQS reports it every minute while a queue is in use.
const RECENT: Duration = Duration::from_secs(15 * 60);
const MINUTE: i32 = 60;

/// Findings on the risks of this plan.
pub async fn outlook(aws: &Aws, plan: &Plan) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (step, seconds) in plan.steps.iter().filter_map(|step| Some((step, retention_cut(step)?))) {
        findings.extend(expiring(aws, &step.address, seconds).await);
    }
    findings
}

/// The new retention of a queue, in seconds, where it gets shorter.
fn retention_cut(step: &Step) -> Option<u64> {
    let change = step.changes.iter().find(|change| change.path == "retention_seconds")?;
    let (before, after) = (change.before.as_u64()?, change.after.as_u64()?);
    (step.address.kind == Kind::Queue && after < before).then_some(after)
}

/// Cutting the retention lets every message expire that is older.
async fn expiring(aws: &Aws, queue: &Address, retention: u64) -> Option<Finding> {
    let waiting = waiting(aws, queue.name.as_str()).await.unwrap_or(1);
    if waiting == 0 {
        return None;
    }
    let finding = |severity, message: String| Finding::new(severity, "messages-expire", message).at(queue);
    match oldest(aws, queue.name.as_str()).await {
        Ok(Some(age)) if age < retention as f64 => None,
        Ok(Some(age)) => {
            let message = format!(
                "messages would expire: the oldest waits for {age:.0} s, and the retention is cut to {retention} s"
            );
            Some(finding(Severity::Warning, message).hint("let them be processed first, or keep the retention"))
        }
        Ok(None) => {
            let message = format!(
                "messages older than {retention} s would expire: {waiting} wait, and CloudWatch does not tell the age of the oldest"
            );
            Some(finding(Severity::Warning, message))
        }
        Err(error) => {
            let message = format!(
                "messages older than {retention} s would expire; whether there are any is not known: {}",
                error.message
            );
            Some(finding(Severity::Warning, message))
        }
    }
}

async fn waiting(aws: &Aws, queue: &str) -> Option<u64> {
    let attribute = aws_sdk_sqs::types::QueueAttributeName::ApproximateNumberOfMessages;
    let call = aws.sqs.get_queue_attributes().queue_url(aws.queue_url(queue)).attribute_names(attribute.clone());
    let answer = call.send().await.called("sqs:GetQueueAttributes", queue).ok()?;
    answer.attributes?.get(&attribute)?.parse().ok()
}

/// The age of the oldest message in seconds; `None`: CloudWatch has no recent value.
async fn oldest(aws: &Aws, queue: &str) -> Result<Option<f64>, CloudError> {
    let now = SystemTime::now();
    let call = aws
        .cloudwatch
        .get_metric_statistics()
        .namespace("AWS/SQS")
        .metric_name("ApproximateAgeOfOldestMessage")
        .dimensions(Dimension::builder().name("QueueName").value(queue).build())
        .start_time((now - RECENT).into())
        // The current minute is not over.
        .end_time((now + Duration::from_secs(60)).into())
        .period(MINUTE)
        .statistics(Statistic::Maximum)
        .send()
        .await;
    let answer = call.called("cloudwatch:GetMetricStatistics", queue)?;
    let latest = answer.datapoints().iter().max_by_key(|point| point.timestamp().map(|at| at.secs()));
    Ok(latest.and_then(|point| point.maximum()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::reconcile::{Action, Change, Changes};

    #[test]
    fn only_a_queue_whose_retention_gets_shorter_is_asked_about() {
        let step = |kind, before: u64, after: u64| Step {
            address: Address::new(kind, "a"),
            action: Action::Update,
            changes: Changes(vec![Change::plain("retention_seconds", before, after)]),
            after: BTreeSet::new(),
            loss: None,
            narrowing: None,
        };
        assert_eq!(retention_cut(&step(Kind::Queue, 600, 60)), Some(60));
        assert_eq!(retention_cut(&step(Kind::Queue, 60, 600)), None);
        assert_eq!(retention_cut(&step(Kind::LogGroup, 600, 60)), None);
    }
}
