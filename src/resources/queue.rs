//! SQS queues: the main one, the dead-letter one and the quarantine.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use aws_sdk_sqs::types::QueueAttributeName as Attribute;
use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::policy::{self, Shared};
use super::tags::{self, Tags};
use super::{Blueprint, Found, Planned, Resource, Survey};
use crate::aws::patience::Wait;
use crate::aws::{Aws, Called};
use crate::config::pipeline::QueueEncryption;
use crate::number::counted;
use crate::reconcile::{Changes, CloudError, ErrorKind, Finding, Kind, Name, Property, Say, Severity, Trait};

/// The managed properties of a queue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Queue {
    /// Which of the pipeline's queues it is; kept as the tag `pipewright:part`.
    pub part: Option<String>,
    pub visibility_timeout_seconds: u64,
    pub retention_seconds: u64,
    pub delay_seconds: u64,
    pub receive_wait_seconds: u64,
    pub maximum_message_bytes: u64,
    /// `sqs-managed`, `none`, or `kms:<key as it was named>`.
    pub encryption: String,
    pub redrive: Option<Redrive>,
    /// Which queues may use this one as their dead-letter queue.
    pub redrive_allow: Option<Value>,
    /// Our statements of the queue's policy.
    pub policy: Option<Value>,
    pub tags: Tags,
}

/// Where messages go that failed too often.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redrive {
    pub dead_letter_arn: String,
    pub after_receives: u64,
}

const MAIN: &str = "queue";
const DEAD_LETTER: &str = "dead-letter";
const QUARANTINE: &str = "quarantine";
/// The name is barred for 60 s after a delete; AWS asks for a little more.
const COOLDOWN: Duration = Duration::from_secs(75);

const READ: [Attribute; 1] = [Attribute::All];

impl Resource for Queue {
    const KIND: Kind = Kind::Queue;
    const UNUSUAL: &'static [Property] = &[
        Property { path: "policy", is: Trait::Json, why: "" },
        Property { path: "redrive_allow", is: Trait::Json, why: "" },
        // What is hidden for a shorter time than the function runs is processed twice.
        Property { path: "visibility_timeout_seconds", is: Trait::Room(longer), why: "" },
    ];

    fn desired(blueprint: &Blueprint<'_>) -> Vec<Planned<Self>> {
        let queue = &blueprint.pipeline.queue;
        let (main, dead, quarantine) = (blueprint.queue(), blueprint.dead_letter(), blueprint.quarantine());
        let redrive =
            Redrive { dead_letter_arn: blueprint.queue_arn(&dead), after_receives: queue.dead_letter.after.get() };
        let allow = json!({ "redrivePermission": "byQueue", "sourceQueueArns": [blueprint.queue_arn(&main)] });
        let main_properties = Self {
            part: Some(MAIN.into()),
            visibility_timeout_seconds: blueprint.pipeline.visibility_timeout(),
            retention_seconds: queue.retention.get(),
            delay_seconds: queue.delay.get(),
            receive_wait_seconds: queue.receive_wait.get(),
            redrive: Some(redrive),
            policy: Some(main_policy(blueprint)),
            ..side(blueprint, MAIN, &main.name, 0)
        };
        let dead_properties = Self {
            redrive_allow: Some(allow),
            ..side(blueprint, DEAD_LETTER, &dead.name, queue.dead_letter.retention.get())
        };
        let quarantine_properties = side(blueprint, QUARANTINE, &quarantine.name, queue.quarantine.retention.get());
        vec![
            Planned { name: main.name.to_string(), properties: main_properties, after: vec![dead.clone()] },
            Planned { name: dead.name.to_string(), properties: dead_properties, after: vec![] },
            Planned { name: quarantine.name.to_string(), properties: quarantine_properties, after: vec![] },
        ]
    }

    async fn candidates(aws: &Aws, survey: &Survey, _wanted: &BTreeSet<Name>) -> Result<BTreeSet<Name>, CloudError> {
        Ok(survey.marked(aws, "sqs", "").await?.into_iter().map(Name::new).collect())
    }

    async fn read(aws: &Aws, names: &[Name]) -> Result<Vec<Option<Found<Self>>>, CloudError> {
        try_join_all(names.iter().map(|name| read_one(aws, name))).await
    }

    async fn create(&self, aws: &Aws, name: &Name, say: Say<'_>) -> Result<(), CloudError> {
        let attributes: HashMap<_, _> =
            self.attributes(&Value::Null).into_iter().filter(|(_, v)| !v.is_empty()).collect();
        let tags = self.written_tags(aws);
        let barred = Wait { reason: "until the name is free again (60 s after a delete)", limit: COOLDOWN };
        aws.insist(
            barred,
            say,
            |error| error.kind == ErrorKind::Busy,
            async || {
                aws.sqs
                    .create_queue()
                    .queue_name(name.as_str())
                    .set_attributes(Some(attributes.clone()))
                    .set_tags(Some(tags.clone().into_iter().collect()))
                    .send()
                    .await
                    .called("sqs:CreateQueue", name.as_str())
            },
        )
        .await?;
        Ok(())
    }

    async fn update(
        &self,
        aws: &Aws,
        name: &Name,
        live: &Found<Self>,
        changes: &Changes,
        _say: Say<'_>,
    ) -> Result<(), CloudError> {
        let url = aws.queue_url(name.as_str());
        let written: HashMap<_, _> = self
            .attributes(&live.kept["statements"])
            .into_iter()
            .filter(|(attribute, _)| changes.touch(property_of(attribute)))
            .collect();
        if !written.is_empty() {
            let call = aws.sqs.set_queue_attributes().queue_url(&url).set_attributes(Some(written)).send().await;
            call.called("sqs:SetQueueAttributes", name.as_str())?;
        }
        if changes.touch("tags") || changes.touch("part") || live.wants_mark() {
            self.write_tags(aws, name, &url, live).await?;
        }
        Ok(())
    }

    async fn delete(aws: &Aws, name: &Name, _live: &Found<Self>, _say: Say<'_>) -> Result<(), CloudError> {
        let call = aws.sqs.delete_queue().queue_url(aws.queue_url(name.as_str())).send().await;
        call.called_or_absent("sqs:DeleteQueue", name.as_str()).map(|_| ())
    }

    fn just_deleted(_name: &Name) -> Option<Finding> {
        let message = "was deleted a short while ago: AWS bars the name for 60 s, and apply waits for it";
        Some(Finding::new(Severity::Note, "name-cooldown", message))
    }
}

impl Queue {
    /// Every attribute as SQS takes it; the empty text resets one.
    fn attributes(&self, foreign: &Value) -> HashMap<Attribute, String> {
        let key = self.encryption.strip_prefix("kms:").unwrap_or_default();
        let managed = self.encryption == "sqs-managed";
        let redrive = self.redrive.as_ref().map(|redrive| {
            json!({ "deadLetterTargetArn": redrive.dead_letter_arn, "maxReceiveCount": redrive.after_receives })
        });
        HashMap::from([
            (Attribute::VisibilityTimeout, self.visibility_timeout_seconds.to_string()),
            (Attribute::MessageRetentionPeriod, self.retention_seconds.to_string()),
            (Attribute::DelaySeconds, self.delay_seconds.to_string()),
            (Attribute::ReceiveMessageWaitTimeSeconds, self.receive_wait_seconds.to_string()),
            (Attribute::MaximumMessageSize, self.maximum_message_bytes.to_string()),
            (Attribute::KmsMasterKeyId, key.to_owned()),
            (Attribute::SqsManagedSseEnabled, managed.to_string()),
            (Attribute::RedrivePolicy, redrive.map(|value| value.to_string()).unwrap_or_default()),
            (Attribute::RedriveAllowPolicy, self.redrive_allow.as_ref().map(Value::to_string).unwrap_or_default()),
            (Attribute::Policy, Shared::text(self.policy.as_ref().unwrap_or(&Value::Null), foreign)),
        ])
    }

    fn written_tags(&self, aws: &Aws) -> Tags {
        let mut all = tags::written(aws, &self.tags);
        all.extend(self.part.clone().map(|part| ("pipewright:part".to_owned(), part)));
        all
    }

    async fn write_tags(&self, aws: &Aws, name: &Name, url: &str, live: &Found<Self>) -> Result<(), CloudError> {
        let removed = tags::removed(&live.properties.tags, &self.tags);
        if !removed.is_empty() {
            let call = aws.sqs.untag_queue().queue_url(url).set_tag_keys(Some(removed)).send().await;
            call.called("sqs:UntagQueue", name.as_str())?;
        }
        let written = self.written_tags(aws).into_iter().collect();
        let call = aws.sqs.tag_queue().queue_url(url).set_tags(Some(written)).send().await;
        call.called("sqs:TagQueue", name.as_str()).map(|_| ())
    }
}

/// The properties that a queue has beside the main one; the main one begins with them too.
fn side(blueprint: &Blueprint<'_>, part: &str, name: &Name, retention_seconds: u64) -> Queue {
    let queue = &blueprint.pipeline.queue;
    Queue {
        part: Some(part.to_owned()),
        visibility_timeout_seconds: 30,
        retention_seconds,
        delay_seconds: 0,
        receive_wait_seconds: 0,
        maximum_message_bytes: queue.maximum_message_size.get(),
        encryption: match &queue.encryption {
            QueueEncryption::Sqs => "sqs-managed".into(),
            QueueEncryption::Kms(key) => format!("kms:{key}"),
        },
        redrive: None,
        redrive_allow: None,
        policy: Some(policy::policy(vec![policy::tls_only(&["sqs:*"], &blueprint.scope.arn("sqs", name.as_str()))])),
        tags: blueprint.tags(),
    }
}

fn main_policy(blueprint: &Blueprint<'_>) -> Value {
    let arn = blueprint.queue_arn(&blueprint.queue());
    let senders = blueprint.pipeline.queue.senders.iter().map(|sender| sender.as_str());
    let mut statements = vec![policy::tls_only(&["sqs:*"], &arn)];
    statements.extend(policy::allow_others(
        "PipewrightSenders",
        senders,
        "sqs:SendMessage",
        &arn,
        &blueprint.scope.account,
    ));
    policy::policy(statements)
}

fn longer(before: &Value, after: &Value) -> Value {
    if before.as_u64() > after.as_u64() { before.clone() } else { after.clone() }
}

/// The property that an attribute carries.
fn property_of(attribute: &Attribute) -> &'static str {
    match attribute {
        Attribute::VisibilityTimeout => "visibility_timeout_seconds",
        Attribute::MessageRetentionPeriod => "retention_seconds",
        Attribute::DelaySeconds => "delay_seconds",
        Attribute::ReceiveMessageWaitTimeSeconds => "receive_wait_seconds",
        Attribute::MaximumMessageSize => "maximum_message_bytes",
        Attribute::KmsMasterKeyId | Attribute::SqsManagedSseEnabled => "encryption",
        Attribute::RedrivePolicy => "redrive",
        Attribute::RedriveAllowPolicy => "redrive_allow",
        Attribute::Policy => "policy",
        _ => "",
    }
}

async fn read_one(aws: &Aws, name: &Name) -> Result<Option<Found<Queue>>, CloudError> {
    let url = aws.queue_url(name.as_str());
    let attributes = async {
        let call = aws.sqs.get_queue_attributes().queue_url(&url).set_attribute_names(Some(READ.to_vec())).send().await;
        call.called_or_absent("sqs:GetQueueAttributes", name.as_str())
    };
    let tags = async {
        let call = aws.sqs.list_queue_tags().queue_url(&url).send().await;
        call.called_or_absent("sqs:ListQueueTags", name.as_str())
    };
    let (Some(attributes), Some(tags)) = tokio::try_join!(attributes, tags)? else { return Ok(None) };
    let attributes = attributes.attributes.unwrap_or_default();
    let tags: Tags = tags.tags.unwrap_or_default().into_iter().collect();
    Ok(Some(found(aws, &attributes, &tags)))
}

fn found(aws: &Aws, attributes: &HashMap<Attribute, String>, all_tags: &Tags) -> Found<Queue> {
    let text = |attribute: &Attribute| attributes.get(attribute).map(String::as_str).filter(|text| !text.is_empty());
    let number = |attribute| text(&attribute).and_then(|text| text.parse::<u64>().ok()).unwrap_or_default();
    let shared = Shared::read(text(&Attribute::Policy));
    let parts = tags::read(aws, all_tags);
    // Asked for all, SQS leaves out what was never set: since 2022 a queue is encrypted unless it says otherwise.
    let managed = text(&Attribute::SqsManagedSseEnabled).is_none_or(|value| value == "true");
    let encryption = match text(&Attribute::KmsMasterKeyId) {
        Some(key) => format!("kms:{key}"),
        None if managed => "sqs-managed".into(),
        None => "none".into(),
    };
    let mut found = Found::new(
        tags::owner(aws, all_tags),
        Queue {
            part: parts.notes.get("part").cloned(),
            visibility_timeout_seconds: number(Attribute::VisibilityTimeout),
            retention_seconds: number(Attribute::MessageRetentionPeriod),
            delay_seconds: number(Attribute::DelaySeconds),
            receive_wait_seconds: number(Attribute::ReceiveMessageWaitTimeSeconds),
            maximum_message_bytes: number(Attribute::MaximumMessageSize),
            encryption,
            redrive: text(&Attribute::RedrivePolicy).and_then(redrive),
            redrive_allow: text(&Attribute::RedriveAllowPolicy).and_then(|text| serde_json::from_str(text).ok()),
            policy: Some(shared.ours.clone()).filter(|ours| !ours.is_null()),
            tags: parts.managed.clone(),
        },
    );
    let waiting = number(Attribute::ApproximateNumberOfMessages);
    let in_flight = number(Attribute::ApproximateNumberOfMessagesNotVisible);
    let delayed = number(Attribute::ApproximateNumberOfMessagesDelayed);
    found.observe("messages_waiting", waiting);
    found.observe("messages_in_flight", in_flight);
    let all = waiting + in_flight + delayed;
    if all > 0 {
        found.holds = Some(format!("{all} message{}", if all == 1 { "" } else { "s" }));
    }
    let (kept_tags, finding) = tags::foreign(&parts);
    found.kept = json!({ "statements": shared.foreign, "tags": kept_tags });
    found.findings.extend(finding);
    found.findings.extend(policy_finding(&shared));
    found.findings.extend(backlog_finding(found.properties.part.as_deref(), waiting));
    found
}

/// The number may come as a number or as a text.
fn redrive(text: &str) -> Option<Redrive> {
    let value: Value = serde_json::from_str(text).ok()?;
    let count = &value["maxReceiveCount"];
    Some(Redrive {
        dead_letter_arn: value["deadLetterTargetArn"].as_str()?.to_owned(),
        after_receives: count.as_u64().or_else(|| count.as_str()?.parse().ok())?,
    })
}

/// Mentions others' statements in a policy.
pub fn policy_finding(shared: &Shared) -> Option<Finding> {
    if shared.foreign.is_empty() {
        return None;
    }
    let message = format!("policy statements that are not ours stay: {}", shared.foreign_sids().join(", "));
    Some(Finding::new(Severity::Note, "foreign-statements", message))
}

fn backlog_finding(part: Option<&str>, waiting: u64) -> Option<Finding> {
    let (code, what) = match part? {
        DEAD_LETTER => ("dead-letters-waiting", "waiting in the dead-letter queue: failed too often"),
        QUARANTINE => ("quarantine-not-empty", "waiting in quarantine: invalid"),
        _ => return None,
    };
    let message = || format!("{} {what}", counted(waiting, "message"));
    (waiting > 0).then(|| Finding::new(Severity::Warning, code, message()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources::tests::aws;

    #[test]
    fn one_message_is_not_many() {
        let told = |part, waiting| backlog_finding(Some(part), waiting).map(|finding| finding.message);
        let one = told(DEAD_LETTER, 1);
        assert_eq!(one.as_deref(), Some("1 message waiting in the dead-letter queue: failed too often"));
        assert_eq!(told(QUARANTINE, 2).as_deref(), Some("2 messages waiting in quarantine: invalid"));
        assert_eq!(told(QUARANTINE, 0), None);
    }

    #[test]
    fn what_we_write_reads_back_as_what_we_meant() {
        let queue = Queue {
            part: Some(MAIN.into()),
            visibility_timeout_seconds: 180,
            retention_seconds: 345_600,
            delay_seconds: 0,
            receive_wait_seconds: 20,
            maximum_message_bytes: 1_048_576,
            encryption: "kms:alias/orders".into(),
            redrive: Some(Redrive { dead_letter_arn: "arn:aws:sqs:r:1:dead".into(), after_receives: 5 }),
            redrive_allow: Some(json!({ "redrivePermission": "denyAll" })),
            policy: Some(policy::policy(vec![policy::tls_only(&["sqs:*"], "arn")])),
            tags: Tags::from([("team".into(), "payments".into())]),
        };
        let live = found(&aws(), &queue.attributes(&json!([{"Sid": "Theirs"}])), &queue.written_tags(&aws()));
        assert_eq!(live.properties, queue);
        assert_eq!(live.kept["statements"], json!([{"Sid": "Theirs"}]));
        assert!(live.findings.iter().any(|finding| finding.code == "foreign-statements"));
    }

    #[test]
    fn the_receive_count_may_be_a_text() {
        let text = r#"{"deadLetterTargetArn":"arn","maxReceiveCount":"5"}"#;
        assert_eq!(redrive(text).unwrap().after_receives, 5);
    }

    #[test]
    fn every_attribute_that_is_written_belongs_to_a_property() {
        let queue = found(&aws(), &HashMap::new(), &Tags::new()).properties;
        for attribute in queue.attributes(&Value::Null).keys() {
            assert_ne!(property_of(attribute), "", "{attribute:?}");
        }
    }

    #[test]
    fn a_queue_with_messages_holds_data_and_an_empty_one_does_not() {
        let full = HashMap::from([(Attribute::ApproximateNumberOfMessages, "3".to_owned())]);
        assert_eq!(found(&aws(), &full, &Tags::new()).holds.as_deref(), Some("3 messages"));
        assert_eq!(found(&aws(), &HashMap::new(), &Tags::new()).holds, None);
    }
}
