//! SNS topics, with the policy that says who may publish.

use std::collections::BTreeSet;
use std::time::Duration;

use aws_sdk_sns::types::Tag;
use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::policy::{self, Shared};
use super::queue::policy_finding;
use super::tags::{self, Tags};
use super::{Blueprint, Found, Planned, Resource, Survey};
use crate::aws::patience::Wait;
use crate::aws::{Aws, Called};
use crate::config::names::TopicKey;
use crate::reconcile::{Changes, CloudError, ErrorKind, Kind, Name, Property, Say, Trait};

/// The managed properties of a topic.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Topic {
    /// Empty: none.
    pub display_name: String,
    /// The KMS key as it was named; empty: not encrypted by a key of the customer.
    pub encryption_key: String,
    /// Our statements of the topic's policy.
    pub policy: Option<Value>,
    pub tags: Tags,
}

/// A topic's policy cannot say `sns:*`: these are the actions that SNS takes there.
const ACTIONS: [&str; 8] = [
    "sns:AddPermission",
    "sns:DeleteTopic",
    "sns:GetTopicAttributes",
    "sns:ListSubscriptionsByTopic",
    "sns:Publish",
    "sns:RemovePermission",
    "sns:SetTopicAttributes",
    "sns:Subscribe",
];

/// SNS takes one change of a topic's tags at a time; each subscription makes one.
pub const TAGS: Wait<'_> =
    Wait { reason: "until the topic's tags take another change", limit: Duration::from_secs(60) };

pub fn is_busy(error: &CloudError) -> bool {
    error.kind == ErrorKind::Busy
}

impl Resource for Topic {
    const KIND: Kind = Kind::Topic;
    const UNUSUAL: &'static [Property] = &[Property { path: "policy", is: Trait::Json, why: "" }];

    fn desired(blueprint: &Blueprint<'_>) -> Vec<Planned<Self>> {
        let planned = |(key, topic): (&TopicKey, &crate::config::pipeline::Topic)| Planned {
            name: blueprint.pipeline.topic_name(key),
            properties: Self {
                display_name: topic.display_name.clone().unwrap_or_default(),
                encryption_key: topic.encryption_key.as_ref().map(ToString::to_string).unwrap_or_default(),
                policy: Some(topic_policy(blueprint, key, topic)),
                tags: blueprint.tags(),
            },
            after: vec![],
        };
        blueprint.pipeline.topics.iter().map(planned).collect()
    }

    async fn candidates(aws: &Aws, survey: &Survey, _wanted: &BTreeSet<Name>) -> Result<BTreeSet<Name>, CloudError> {
        // What has a further part is a subscription.
        let names = survey.marked(aws, "sns", "").await?;
        Ok(names.into_iter().filter(|name| !name.contains(':')).map(Name::new).collect())
    }

    async fn read(aws: &Aws, names: &[Name]) -> Result<Vec<Option<Found<Self>>>, CloudError> {
        try_join_all(names.iter().map(|name| read_one(aws, name))).await
    }

    async fn create(&self, aws: &Aws, name: &Name, _say: Say<'_>) -> Result<(), CloudError> {
        let mut call = aws.sns.create_topic().name(name.as_str());
        for (attribute, value) in self.attributes(&Value::Null).into_iter().filter(|(_, value)| !value.is_empty()) {
            call = call.attributes(attribute, value);
        }
        for tag in tag_list(&tags::written(aws, &self.tags))? {
            call = call.tags(tag);
        }
        call.send().await.called("sns:CreateTopic", name.as_str()).map(|_| ())
    }

    async fn update(
        &self,
        aws: &Aws,
        name: &Name,
        live: &Found<Self>,
        changes: &Changes,
        say: Say<'_>,
    ) -> Result<(), CloudError> {
        let arn = arn(aws, name);
        for (attribute, value) in self.attributes(&live.kept["statements"]) {
            if changes.touch(property_of(attribute)) {
                let call =
                    aws.sns.set_topic_attributes().topic_arn(&arn).attribute_name(attribute).attribute_value(value);
                call.send().await.called("sns:SetTopicAttributes", name.as_str())?;
            }
        }
        if changes.touch("tags") || live.wants_mark() {
            let removed = tags::removed(&live.properties.tags, &self.tags);
            if !removed.is_empty() {
                let call = aws.sns.untag_resource().resource_arn(&arn).set_tag_keys(Some(removed)).send().await;
                call.called("sns:UntagResource", name.as_str())?;
            }
            let written = tag_list(&tags::written(aws, &self.tags))?;
            let call = aws.sns.tag_resource().resource_arn(&arn).set_tags(Some(written));
            aws.insist(TAGS, say, is_busy, async || {
                call.clone().send().await.called("sns:TagResource", name.as_str()).map(|_| ())
            })
            .await?;
        }
        Ok(())
    }

    async fn delete(aws: &Aws, name: &Name, _live: &Found<Self>, _say: Say<'_>) -> Result<(), CloudError> {
        let call = aws.sns.delete_topic().topic_arn(arn(aws, name)).send().await;
        call.called_or_absent("sns:DeleteTopic", name.as_str()).map(|_| ())
    }
}

impl Topic {
    /// Every attribute as SNS takes it; the empty text resets one.
    fn attributes(&self, foreign: &Value) -> [(&'static str, String); 3] {
        [
            ("DisplayName", self.display_name.clone()),
            ("KmsMasterKeyId", self.encryption_key.clone()),
            ("Policy", Shared::text(self.policy.as_ref().unwrap_or(&Value::Null), foreign)),
        ]
    }
}

fn property_of(attribute: &str) -> &'static str {
    match attribute {
        "DisplayName" => "display_name",
        "KmsMasterKeyId" => "encryption_key",
        "Policy" => "policy",
        _ => "",
    }
}

/// TLS only; alarms may publish where an alarm notifies the topic; others as the file says.
fn topic_policy(blueprint: &Blueprint<'_>, key: &TopicKey, topic: &crate::config::pipeline::Topic) -> Value {
    let scope = blueprint.scope;
    let arn = blueprint.topic_arn(key);
    let mut statements = vec![policy::tls_only(&ACTIONS, &arn)];
    let notified =
        |alarm: &crate::config::alarm::Alarm| alarm.notify.alarm.contains(key) || alarm.notify.ok.contains(key);
    if blueprint.pipeline.alarms.values().any(notified) {
        statements.push(json!({
            "Sid": "PipewrightAlarms", "Effect": "Allow", "Principal": { "Service": ["cloudwatch.amazonaws.com"] },
            "Action": "sns:Publish", "Resource": arn,
            "Condition": {
                "ArnLike": { "aws:SourceArn": scope.arn("cloudwatch", "alarm:*") },
                "StringEquals": { "aws:SourceAccount": scope.account },
            },
        }));
    }
    let publishers = topic.publishers.iter().map(|publisher| publisher.as_str());
    statements.extend(policy::allow_others("PipewrightPublishers", publishers, "sns:Publish", &arn, &scope.account));
    policy::policy(statements)
}

pub fn arn(aws: &Aws, name: &Name) -> String {
    aws.scope.arn("sns", name.as_str())
}

/// # Errors
/// Never for tags that the file or AWS gave us: key and value are set.
pub fn tag_list(tags: &Tags) -> Result<Vec<Tag>, CloudError> {
    tags.iter()
        .map(|(key, value)| Tag::builder().key(key).value(value).build())
        .collect::<Result<_, _>>()
        .map_err(|error| crate::aws::error::malformed("a tag", error))
}

/// All tags of a topic; none where there is no topic.
pub async fn live_tags(aws: &Aws, name: &Name) -> Result<Option<Tags>, CloudError> {
    let call = aws.sns.list_tags_for_resource().resource_arn(arn(aws, name)).send().await;
    let answer = call.called_or_absent("sns:ListTagsForResource", name.as_str())?;
    Ok(answer.map(|answer| answer.tags().iter().map(|tag| (tag.key().into(), tag.value().into())).collect()))
}

async fn read_one(aws: &Aws, name: &Name) -> Result<Option<Found<Topic>>, CloudError> {
    let attributes = async {
        let call = aws.sns.get_topic_attributes().topic_arn(arn(aws, name)).send().await;
        call.called_or_absent("sns:GetTopicAttributes", name.as_str())
    };
    let (Some(attributes), Some(all_tags)) = tokio::try_join!(attributes, live_tags(aws, name))? else {
        return Ok(None);
    };
    let attributes = attributes.attributes.unwrap_or_default();
    let text = |attribute: &str| attributes.get(attribute).cloned().unwrap_or_default();
    let shared = Shared::read(attributes.get("Policy").map(String::as_str));
    let parts = tags::read(aws, &all_tags);
    let (kept_tags, finding) = tags::foreign(&parts);
    let properties = Topic {
        display_name: text("DisplayName"),
        encryption_key: text("KmsMasterKeyId"),
        policy: Some(shared.ours.clone()).filter(|ours| !ours.is_null()),
        tags: parts.managed,
    };
    let mut found = Found::new(tags::owner(aws, &all_tags), properties);
    found.kept = json!({ "statements": shared.foreign, "tags": kept_tags });
    found.findings.extend(finding);
    found.findings.extend(policy_finding(&shared));
    Ok(Some(found))
}
