//! Subscriptions: who hears a topic. Topic, protocol and endpoint are its name, for SNS can change none of them.
//!
//! A subscription takes no tags. Ours are recorded on their topic: one tag for each, so that two that are made at once
//! cannot lose each other's record; its value is the moment we subscribed.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{SystemTime, UNIX_EPOCH};

use aws_sdk_sns::types::{Subscription as Listed, Tag};
use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::topic;
use super::{Blueprint, Found, Planned, Resource, Survey};
use crate::aws::error::malformed;
use crate::aws::{Aws, Called};
use crate::config::pipeline::{Endpoint, Subscriber};
use crate::reconcile::plan::LOCKED;
use crate::reconcile::{Changes, CloudError, ErrorKind, Finding, Kind, Name, Owner, Property, Say, Severity, Trait};

/// The managed properties of a subscription.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Subscription {
    /// Which messages are delivered, by their attributes; absent: all.
    pub filter: Option<Map<String, Value>>,
    /// Without SNS's envelope.
    pub raw: bool,
}

/// What SNS lists where the ARN would be, until the subscriber confirms.
const PENDING: &str = "PendingConfirmation";
/// How long a confirmation link holds, in seconds.
const TOKEN_LIVES: u64 = 2 * 86_400;

impl Resource for Subscription {
    const KIND: Kind = Kind::Subscription;
    const UNUSUAL: &'static [Property] = &[Property { path: "filter", is: Trait::Json, why: "" }];

    fn desired(blueprint: &Blueprint<'_>) -> Vec<Planned<Self>> {
        let mut planned = Vec::new();
        for (key, topic) in &blueprint.pipeline.topics {
            let at = blueprint.topic(key);
            for subscriber in &topic.subscribers {
                planned.push(Planned {
                    name: Key::of(at.name.as_str(), subscriber).to_string(),
                    // The empty filter admits everything: SNS keeps none.
                    properties: Self {
                        filter: subscriber.filter.clone().filter(|filter| !filter.is_empty()),
                        raw: subscriber.raw,
                    },
                    after: vec![at.clone()],
                });
            }
        }
        planned
    }

    /// Every subscription of our topics: others' are mentioned.
    async fn candidates(aws: &Aws, survey: &Survey, wanted: &BTreeSet<Name>) -> Result<BTreeSet<Name>, CloudError> {
        let mut topics: BTreeSet<String> = survey.marked(aws, "sns", "").await?;
        topics.retain(|name| !name.contains(':'));
        topics.extend(wanted.iter().filter_map(Key::parse).map(|key| key.topic));
        let listed =
            try_join_all(topics.iter().map(|topic| async move { (list(aws, topic).await).map(|all| (topic, all)) }));
        let names = listed.await?.into_iter().flat_map(|(topic, all)| {
            all.into_iter().filter_map(move |one| Key::of_listed(topic, &one)).map(|key| Name::new(key.to_string()))
        });
        Ok(names.collect())
    }

    async fn read(aws: &Aws, names: &[Name]) -> Result<Vec<Option<Found<Self>>>, CloudError> {
        let keys: Vec<Option<Key>> = names.iter().map(Key::parse).collect();
        let topics: BTreeSet<&str> = keys.iter().flatten().map(|key| key.topic.as_str()).collect();
        let on_topics = try_join_all(topics.iter().map(|topic| async move {
            let name = Name::new(*topic);
            let (listed, tags) = tokio::try_join!(list(aws, topic), topic::live_tags(aws, &name))?;
            Ok::<_, CloudError>(((*topic).to_owned(), (listed, tags.unwrap_or_default())))
        }));
        let on_topics: BTreeMap<String, (Vec<Listed>, BTreeMap<String, String>)> =
            on_topics.await?.into_iter().collect();
        let read = keys.iter().map(|key| {
            let on_topics = &on_topics;
            async move {
                let Some(key) = key else { return Ok(None) };
                let Some((listed, tags)) = on_topics.get(&key.topic) else { return Ok(None) };
                let Some(one) = listed.iter().find(|one| key.is(one)) else { return Ok(None) };
                found(aws, key, one, tags.get(&key.record())).await
            }
        });
        try_join_all(read).await
    }

    async fn create(&self, aws: &Aws, name: &Name, say: Say<'_>) -> Result<(), CloudError> {
        let key = key(name)?;
        // Recorded first: a subscription that is ours but not recorded would be nobody's to remove.
        record(aws, &key, say).await?;
        let mut call = aws
            .sns
            .subscribe()
            .topic_arn(key.topic_arn(aws))
            .protocol(&key.protocol)
            .endpoint(&key.endpoint)
            .return_subscription_arn(true);
        // Only what differs from SNS's own default is said: e-mail does not even know raw delivery.
        for (attribute, value) in
            self.attributes().into_iter().filter(|(_, value)| !value.is_empty() && value != "false")
        {
            call = call.attributes(attribute, value);
        }
        call.send().await.called("sns:Subscribe", name.as_str()).map(|_| ())
    }

    async fn update(
        &self,
        aws: &Aws,
        name: &Name,
        live: &Found<Self>,
        changes: &Changes,
        say: Say<'_>,
    ) -> Result<(), CloudError> {
        let arn = live.id.as_deref().unwrap_or_default();
        for (attribute, value) in self.attributes() {
            if changes.touch(if attribute == "FilterPolicy" { "filter" } else { "raw" }) {
                // The empty policy admits everything: that is how one is taken away.
                let value = if value.is_empty() { "{}".to_owned() } else { value };
                let call = aws.sns.set_subscription_attributes().subscription_arn(arn);
                let call = call.attribute_name(attribute).attribute_value(value).send().await;
                call.called("sns:SetSubscriptionAttributes", name.as_str())?;
            }
        }
        if live.wants_mark() {
            record(aws, &key(name)?, say).await?;
        }
        Ok(())
    }

    async fn delete(aws: &Aws, name: &Name, live: &Found<Self>, say: Say<'_>) -> Result<(), CloudError> {
        let key = key(name)?;
        let arn = live.id.as_deref().unwrap_or_default();
        aws.sns.unsubscribe().subscription_arn(arn).send().await.called_or_absent("sns:Unsubscribe", name.as_str())?;
        let call = aws.sns.untag_resource().resource_arn(key.topic_arn(aws)).tag_keys(key.record());
        aws.insist(topic::TAGS, say, topic::is_busy, async || {
            call.clone().send().await.called_or_absent("sns:UntagResource", &key.topic).map(|_| ())
        })
        .await
    }
}

impl Subscription {
    fn attributes(&self) -> [(&'static str, String); 2] {
        let filter = self.filter.as_ref().map(|filter| Value::Object(filter.clone()).to_string());
        [("FilterPolicy", filter.unwrap_or_default()), ("RawMessageDelivery", self.raw.to_string())]
    }
}

/// What names a subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Key {
    topic: String,
    protocol: String,
    endpoint: String,
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}/{}", self.topic, self.protocol, self.endpoint)
    }
}

impl Key {
    fn of(topic: &str, subscriber: &Subscriber) -> Self {
        let (protocol, endpoint) = match &subscriber.endpoint {
            Endpoint::Email(address) => ("email", address.as_str()),
            Endpoint::Sms(number) => ("sms", number.as_str()),
            Endpoint::Https(url) => ("https", url.as_str()),
            Endpoint::Sqs(arn) => ("sqs", arn.as_str()),
            Endpoint::Lambda(arn) => ("lambda", arn.as_str()),
        };
        Self { topic: topic.into(), protocol: protocol.into(), endpoint: endpoint.into() }
    }

    fn of_listed(topic: &str, listed: &Listed) -> Option<Self> {
        let (protocol, endpoint) = (listed.protocol()?.to_owned(), listed.endpoint()?.to_owned());
        Some(Self { topic: topic.to_owned(), protocol, endpoint })
    }

    /// A topic's name has no slash, nor has a protocol: the endpoint is the rest.
    fn parse(name: &Name) -> Option<Self> {
        let mut parts = name.as_str().splitn(3, '/').map(str::to_owned);
        Some(Self { topic: parts.next()?, protocol: parts.next()?, endpoint: parts.next()? })
    }

    fn is(&self, listed: &Listed) -> bool {
        listed.protocol() == Some(&self.protocol) && listed.endpoint() == Some(&self.endpoint)
    }

    fn topic_arn(&self, aws: &Aws) -> String {
        topic::arn(aws, &Name::new(&self.topic))
    }

    /// The tag on the topic that says that this one is ours. A digest: endpoints have characters that no tag takes.
    fn record(&self) -> String {
        let digest = Sha256::digest(format!("{}/{}", self.protocol, self.endpoint).as_bytes());
        let short: String = digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        format!("pipewright:subscription:{short}")
    }
}

fn key(name: &Name) -> Result<Key, CloudError> {
    Key::parse(name)
        .ok_or_else(|| CloudError::new(ErrorKind::Local, format!("`{name}` is not `<topic>/<protocol>/<endpoint>`")))
}

async fn record(aws: &Aws, key: &Key, say: Say<'_>) -> Result<(), CloudError> {
    let tag = Tag::builder().key(key.record()).value(now().to_string()).build();
    let tag = tag.map_err(|error| malformed("a tag", error))?;
    let call = aws.sns.tag_resource().resource_arn(key.topic_arn(aws)).tags(tag);
    aws.insist(topic::TAGS, say, topic::is_busy, async || {
        call.clone().send().await.called("sns:TagResource", &key.topic).map(|_| ())
    })
    .await
}

async fn list(aws: &Aws, topic: &str) -> Result<Vec<Listed>, CloudError> {
    let arn = topic::arn(aws, &Name::new(topic));
    let mut pages = aws.sns.list_subscriptions_by_topic().topic_arn(arn).into_paginator().send();
    let mut all = Vec::new();
    while let Some(page) = pages.next().await {
        match page.called_or_absent("sns:ListSubscriptionsByTopic", topic)? {
            Some(page) => all.extend(page.subscriptions.unwrap_or_default()),
            None => break,
        }
    }
    // What was unsubscribed stays listed for a while, under this word. What is confirmed comes first.
    all.retain(|one| one.subscription_arn() != Some("Deleted"));
    all.sort_by_key(|one| one.subscription_arn() == Some(PENDING));
    Ok(all)
}

async fn found(
    aws: &Aws,
    key: &Key,
    listed: &Listed,
    recorded: Option<&String>,
) -> Result<Option<Found<Subscription>>, CloudError> {
    let owner = if recorded.is_some() { Owner::Ours } else { Owner::Foreign { pipeline: None } };
    let arn = listed.subscription_arn().unwrap_or(PENDING);
    if arn == PENDING {
        return Ok(Some(pending(key, owner, recorded)));
    }
    let call = aws.sns.get_subscription_attributes().subscription_arn(arn).send().await;
    let Some(answer) = call.called_or_absent("sns:GetSubscriptionAttributes", &key.to_string())? else {
        return Ok(None);
    };
    let attributes = answer.attributes.unwrap_or_default();
    let filter = attributes.get("FilterPolicy").and_then(|text| serde_json::from_str::<Map<String, Value>>(text).ok());
    let raw = attributes.get("RawMessageDelivery").is_some_and(|raw| raw == "true");
    // The empty filter admits everything: it is none.
    let properties = Subscription { filter: filter.filter(|filter| !filter.is_empty()), raw };
    let mut found = Found::new(owner.clone(), properties);
    found.id = Some(arn.to_owned());
    if owner != Owner::Ours {
        let message = format!("somebody else subscribed {} `{}` to the topic; it stays", key.protocol, key.endpoint);
        found.findings.push(Finding::new(Severity::Note, "foreign-subscription", message));
    }
    Ok(Some(found))
}

/// Seconds since 1970.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// ` for 3 hours`: whole units, the largest that fits.
fn age(seconds: u64) -> String {
    let (count, unit) = match seconds {
        0..60 => return " yet".into(),
        60..3_600 => (seconds / 60, "minute"),
        3_600..86_400 => (seconds / 3_600, "hour"),
        86_400.. => (seconds / 86_400, "day"),
    };
    format!(" for {count} {unit}{}", if count == 1 { "" } else { "s" })
}

/// SNS tells nothing of a pending subscription, and lets nobody change or remove it.
fn pending(key: &Key, owner: Owner, recorded: Option<&String>) -> Found<Subscription> {
    let mut found = Found::new(owner, Subscription { filter: None, raw: false });
    found.observe(LOCKED, true);
    let since = recorded.and_then(|text| text.parse::<u64>().ok());
    if let Some(since) = since {
        found.observe("subscribed_at", json!(since));
    }
    let age = since.map(|since| age(now().saturating_sub(since))).unwrap_or_default();
    let message =
        format!("{} `{}` has not confirmed the subscription{age}, and hears nothing", key.protocol, key.endpoint);
    // botocore, SNS, Subscribe: a confirmation token is valid for two days.
    let hint = if since.is_some_and(|since| now().saturating_sub(since) > TOKEN_LIVES) {
        "the link that AWS sent no longer holds; SNS forgets the request by itself, and the apply after that sends a new one"
    } else {
        "its owner must follow the link that AWS sent; the link holds for 2 days, then SNS forgets the request"
    };
    found.findings.push(Finding::new(Severity::Warning, "subscription-pending", message).hint(hint));
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources::tests::{blueprint_of, pipeline};

    #[test]
    fn a_name_reads_back_even_where_the_endpoint_has_slashes() {
        let name = Name::new("alerts/https/https://hooks.example.com/a/b");
        let key = Key::parse(&name).unwrap();
        assert_eq!(key.endpoint, "https://hooks.example.com/a/b");
        assert_eq!(key.to_string(), name.as_str());
    }

    #[test]
    fn a_pending_subscription_tells_its_age_and_whether_its_link_still_holds() {
        let key = Key { topic: "t".into(), protocol: "email".into(), endpoint: "a@example.com".into() };
        let asked = |ago: u64| pending(&key, Owner::Ours, Some(&(now() - ago).to_string())).findings.remove(0);
        assert!(asked(3 * 3_600 + 60).message.contains("has not confirmed the subscription for 3 hours"));
        assert!(asked(70).message.contains("for 1 minute,"));
        assert!(asked(0).message.contains("subscription yet,"));
        assert!(asked(3_600).hint.unwrap().contains("holds for 2 days"));
        assert!(asked(3 * 86_400).hint.unwrap().contains("no longer holds"));
    }

    #[test]
    fn an_empty_filter_is_none_as_sns_keeps_it() {
        let pipeline = pipeline(json!({
            "topics": { "alerts": { "subscribers": [{ "https": "https://hooks.example.com", "filter": {} }] } },
        }));
        let planned = blueprint_of(&pipeline, Subscription::desired);
        assert_eq!(planned[0].properties.filter, None);
    }

    #[test]
    fn each_subscriber_has_a_record_of_its_own_that_a_tag_key_can_hold() {
        let record =
            |endpoint: &str| Key { topic: "t".into(), protocol: "email".into(), endpoint: endpoint.into() }.record();
        assert_ne!(record("a@example.com"), record("b@example.com"));
        assert!(record("a@example.com").len() <= 128);
    }
}
