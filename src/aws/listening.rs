//! Temporary queues that hear topics: made for a while, and found again should nobody have taken them away.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use aws_sdk_sqs::types::{DeleteMessageBatchRequestEntry, QueueAttributeName};
use futures_util::future::try_join_all;
use serde_json::{Value, json};

use super::error::malformed;
use super::{Aws, Called};
use crate::reconcile::CloudError;

/// A temporary queue that hears topics.
#[derive(Debug)]
pub struct Listener {
    pub queue: String,
    subscriptions: Vec<String>,
}

/// Whether messages come as they were published, or in SNS's envelope, which names their topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrapping {
    Raw,
    Envelope,
}

/// What came through a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    pub topic_arn: String,
    pub message: String,
}

/// Who hears a topic.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Subscriber {
    pub protocol: String,
    pub endpoint: String,
    /// Not confirmed yet: hears nothing.
    pub is_pending: bool,
    /// What SNS lists: an ARN, or a word for what is none.
    arn: String,
}

impl Aws {
    /// Subscribes a temporary queue to a topic.
    ///
    /// # Errors
    /// AWS refuses the queue or the subscription.
    pub async fn listen(&self, topic_arn: &str) -> Result<Listener, CloudError> {
        let nanos = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        let queue = format!("pipewright-listener-{nanos}");
        self.listen_as(&queue, &[topic_arn.to_owned()], Wrapping::Raw, &BTreeMap::new()).await
    }

    /// Makes a temporary queue of this name with these tags, and subscribes it to topics. What was made of it is taken
    /// away again if the rest fails.
    ///
    /// # Errors
    /// AWS refuses the queue or a subscription.
    pub async fn listen_as(
        &self,
        queue: &str,
        topics: &[String],
        wrapping: Wrapping,
        tags: &BTreeMap<String, String>,
    ) -> Result<Listener, CloudError> {
        let call = self.sqs.create_queue().queue_name(queue);
        let call = if topics.is_empty() {
            call
        } else {
            call.attributes(QueueAttributeName::Policy, self.admits(queue, topics).to_string())
        };
        let tags = if tags.is_empty() { None } else { Some(tags.clone().into_iter().collect()) };
        call.set_tags(tags).send().await.called("sqs:CreateQueue", queue)?;
        let mut listener = Listener { queue: queue.to_owned(), subscriptions: Vec::new() };
        for topic in topics {
            match self.subscribe_queue(queue, topic, wrapping).await {
                Ok(subscription) => listener.subscriptions.push(subscription),
                Err(error) => {
                    self.stop_listening(&listener).await?;
                    return Err(error);
                }
            }
        }
        Ok(listener)
    }

    /// A queue's policy that admits these topics and nobody else.
    fn admits(&self, queue: &str, topics: &[String]) -> Value {
        json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Effect": "Allow", "Principal": { "Service": "sns.amazonaws.com" }, "Action": "sqs:SendMessage",
                "Resource": self.scope.arn("sqs", queue), "Condition": { "ArnEquals": { "aws:SourceArn": topics } },
            }],
        })
    }

    async fn subscribe_queue(&self, queue: &str, topic: &str, wrapping: Wrapping) -> Result<String, CloudError> {
        let call = self
            .sns
            .subscribe()
            .topic_arn(topic)
            .protocol("sqs")
            .endpoint(self.scope.arn("sqs", queue))
            .set_attributes(match wrapping {
                Wrapping::Raw => Some([("RawMessageDelivery".to_owned(), "true".to_owned())].into()),
                Wrapping::Envelope => None,
            })
            .return_subscription_arn(true)
            .send()
            .await;
        Ok(call.called("sns:Subscribe", topic)?.subscription_arn.unwrap_or_default())
    }

    /// Takes the listener away again; subscriptions first, for they would hide without their queue.
    ///
    /// # Errors
    /// AWS refuses.
    pub async fn stop_listening(&self, listener: &Listener) -> Result<(), CloudError> {
        for subscription in &listener.subscriptions {
            self.unsubscribe(subscription).await?;
        }
        self.remove_queue(&listener.queue).await
    }

    async fn unsubscribe(&self, subscription: &str) -> Result<(), CloudError> {
        let call = self.sns.unsubscribe().subscription_arn(subscription).send().await;
        call.called_or_absent("sns:Unsubscribe", subscription).map(|_| ())
    }

    async fn remove_queue(&self, queue: &str) -> Result<(), CloudError> {
        let call = self.sqs.delete_queue().queue_url(self.queue_url(queue)).send().await;
        call.called_or_absent("sqs:DeleteQueue", queue).map(|_| ())
    }

    /// What has come since the last time. Empty: nothing within a second.
    ///
    /// # Errors
    /// The queue cannot be read.
    pub async fn hear(&self, listener: &Listener) -> Result<Vec<Heard>, CloudError> {
        let url = self.queue_url(&listener.queue);
        let call = self.sqs.receive_message().queue_url(&url).max_number_of_messages(10).wait_time_seconds(1);
        let answer = call.send().await.called("sqs:ReceiveMessage", &listener.queue)?;
        let messages = answer.messages.unwrap_or_default();
        let receipts = messages.iter().filter_map(|message| message.receipt_handle()).enumerate();
        let entries: Result<Vec<_>, _> = receipts
            .map(|(index, receipt)| {
                DeleteMessageBatchRequestEntry::builder().id(index.to_string()).receipt_handle(receipt).build()
            })
            .collect();
        let entries = entries.map_err(|error| malformed("a receipt", error))?;
        if !entries.is_empty() {
            let call = self.sqs.delete_message_batch().queue_url(&url).set_entries(Some(entries)).send().await;
            call.called("sqs:DeleteMessage", &listener.queue)?;
        }
        Ok(messages.iter().filter_map(|message| unwrap(message.body()?)).collect())
    }

    /// Who hears a topic. No topic: nobody.
    ///
    /// # Errors
    /// SNS cannot be read.
    pub async fn subscribers(&self, topic_arn: &str) -> Result<Vec<Subscriber>, CloudError> {
        let mut pages = self.sns.list_subscriptions_by_topic().topic_arn(topic_arn).into_paginator().send();
        let mut found = Vec::new();
        while let Some(page) = pages.next().await {
            let Some(page) = page.called_or_absent("sns:ListSubscriptionsByTopic", topic_arn)? else { break };
            found.extend(page.subscriptions.unwrap_or_default().into_iter().map(|one| Subscriber {
                is_pending: one.subscription_arn() == Some("PendingConfirmation"),
                protocol: one.protocol.unwrap_or_default(),
                endpoint: one.endpoint.unwrap_or_default(),
                arn: one.subscription_arn.unwrap_or_default(),
            }));
        }
        // What was unsubscribed stays listed for a while, under this word.
        found.retain(|one| one.arn != "Deleted");
        found.sort();
        Ok(found)
    }

    /// Temporary queues whose names begin so, with their tags: by their names, and by their subscriptions to these
    /// topics, for a list of queues lags.
    ///
    /// # Errors
    /// SQS or SNS cannot be read.
    pub async fn listeners(
        &self,
        prefix: &str,
        topics: &[String],
    ) -> Result<Vec<(Listener, BTreeMap<String, String>)>, CloudError> {
        let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let urls = self.sqs.list_queues().queue_name_prefix(prefix).send().await.called("sqs:ListQueues", prefix)?;
        for url in urls.queue_urls.unwrap_or_default() {
            found.entry(url.rsplit('/').next().unwrap_or_default().to_owned()).or_default();
        }
        let begins = self.scope.arn("sqs", prefix);
        for subscribers in try_join_all(topics.iter().map(|topic| self.subscribers(topic))).await? {
            for one in subscribers.into_iter().filter(|one| one.endpoint.starts_with(&begins)) {
                let queue = one.endpoint.rsplit(':').next().unwrap_or_default().to_owned();
                found.entry(queue).or_default().push(one.arn);
            }
        }
        let tagged = found.into_iter().map(|(queue, subscriptions)| async move {
            let listener = Listener { queue, subscriptions };
            let tags = self.noted(&listener).await?;
            Ok((listener, tags))
        });
        try_join_all(tagged).await
    }

    /// The tags of a temporary queue: none where it is gone.
    ///
    /// # Errors
    /// SQS cannot be read.
    pub async fn noted(&self, listener: &Listener) -> Result<BTreeMap<String, String>, CloudError> {
        let call = self.sqs.list_queue_tags().queue_url(self.queue_url(&listener.queue)).send().await;
        let tags = call.called_or_absent("sqs:ListQueueTags", &listener.queue)?.and_then(|answer| answer.tags);
        Ok(tags.unwrap_or_default().into_iter().collect())
    }

    /// Sets tags on a temporary queue.
    ///
    /// # Errors
    /// AWS refuses.
    pub async fn note(&self, listener: &Listener, tags: &BTreeMap<String, String>) -> Result<(), CloudError> {
        let tags = tags.clone().into_iter().collect();
        let call = self.sqs.tag_queue().queue_url(self.queue_url(&listener.queue)).set_tags(Some(tags)).send().await;
        call.called("sqs:TagQueue", &listener.queue).map(|_| ())
    }
}

/// Takes a message out of SNS's envelope. `None`: it came another way.
fn unwrap(body: &str) -> Option<Heard> {
    let envelope: Value = serde_json::from_str(body).ok()?;
    let text = |name: &str| envelope[name].as_str().map(str::to_owned);
    Some(Heard { topic_arn: text("TopicArn")?, message: text("Message")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_envelope_names_its_topic() {
        let body = r#"{"Type":"Notification","TopicArn":"arn:t","Message":"{\"a\":1}"}"#;
        assert_eq!(unwrap(body), Some(Heard { topic_arn: "arn:t".into(), message: r#"{"a":1}"#.into() }));
        assert_eq!(unwrap("{}"), None);
    }
}
