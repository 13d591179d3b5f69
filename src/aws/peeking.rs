//! Looking at messages without keeping them from others for long, and the few calls that removing and returning take.
//!
//! SQS has no way to look: who receives a message hides it. So it is hidden for a short time, and shown again as soon as
//! we are done.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_sqs::primitives::Blob;
use aws_sdk_sqs::types::{
    ChangeMessageVisibilityBatchRequestEntry, DeleteMessageBatchRequestEntry, Message, MessageAttributeValue,
    MessageSystemAttributeName, MessageSystemAttributeNameForSends, MessageSystemAttributeValue, QueueAttributeName,
    SendMessageBatchRequestEntry,
};
use futures_util::future::try_join_all;
use jiff::Timestamp;
use pipewright_processor::chunk::chunks;
use pipewright_processor::ports::{MessageAttribute, MessageValue};
use pipewright_processor::quarantine::{MOST_BYTES, bytes};

use super::error::malformed;
use super::{Aws, Called};
use crate::operate::Parked;
use crate::reconcile::CloudError;

/// Entries of one batch call.
pub const BATCH: usize = 10;

/// How many messages a queue has, as far as SQS knows: its counts are approximate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Depth {
    pub waiting: usize,
    /// Received by somebody, and not yet deleted.
    pub in_flight: usize,
}

impl Depth {
    pub fn all(self) -> usize {
        self.waiting + self.in_flight
    }
}

/// What was seen of a queue.
#[derive(Debug, Default)]
pub struct Seen {
    pub messages: Vec<Parked>,
    pub depth: Depth,
    /// Whether nothing more was found: else the limit was reached, or the user asked to stop.
    pub is_all: bool,
}

/// What became of one message of a batch: the id it got, or why it was refused.
pub type Sent = Result<String, String>;

impl Aws {
    /// How many messages a queue has.
    ///
    /// # Errors
    /// The queue cannot be read.
    pub async fn depth(&self, queue: &str) -> Result<Depth, CloudError> {
        let [waiting, in_flight] = [
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
        ];
        let call = self
            .sqs
            .get_queue_attributes()
            .queue_url(self.queue_url(queue))
            .attribute_names(waiting.clone())
            .attribute_names(in_flight.clone());
        let answer = call.send().await.called("sqs:GetQueueAttributes", queue)?;
        let number = |name: &QueueAttributeName| {
            answer.attributes().and_then(|all| all.get(name)).and_then(|text| text.parse().ok()).unwrap_or_default()
        };
        Ok(Depth { waiting: number(&waiting), in_flight: number(&in_flight) })
    }

    /// Receives at most ten messages, hidden from others for so long. None: after a second of asking every server of
    /// the queue there was none.
    ///
    /// # Errors
    /// The queue cannot be read.
    pub async fn take(&self, queue: &str, at_most: usize, hidden: Duration) -> Result<Vec<Parked>, CloudError> {
        let call = self
            .sqs
            .receive_message()
            .queue_url(self.queue_url(queue))
            .max_number_of_messages(i32::try_from(at_most.clamp(1, BATCH)).unwrap_or(1))
            .visibility_timeout(i32::try_from(hidden.as_secs()).unwrap_or(i32::MAX))
            .wait_time_seconds(1)
            .message_attribute_names("All")
            .message_system_attribute_names(MessageSystemAttributeName::SentTimestamp)
            .message_system_attribute_names(MessageSystemAttributeName::AwsTraceHeader);
        let answer = call.send().await.called("sqs:ReceiveMessage", queue)?;
        Ok(answer.messages.unwrap_or_default().into_iter().map(parked).collect())
    }

    /// Looks at a queue's messages, and shows them to others again.
    ///
    /// # Errors
    /// The queue cannot be read.
    pub async fn peek(&self, queue: &str, limit: usize, is_stopped: &dyn Fn() -> bool) -> Result<Seen, CloudError> {
        /// Longer than a look takes; after a kill -9, how long others must wait.
        const HIDDEN: Duration = Duration::from_secs(30);
        let mut seen = Seen { depth: self.depth(queue).await?, ..Seen::default() };
        let mut by_id: BTreeMap<String, Parked> = BTreeMap::new();
        let looked = loop {
            if is_stopped() || by_id.len() >= limit {
                break Ok(());
            }
            let batch = match self.take(queue, limit - by_id.len(), HIDDEN).await {
                Ok(batch) => batch,
                Err(error) => break Err(error),
            };
            let is_news = batch.iter().any(|message| !by_id.contains_key(&message.message_id));
            // The newest receipt counts where a message is met twice.
            by_id.extend(batch.into_iter().map(|message| (message.message_id.clone(), message)));
            if !is_news {
                seen.is_all = true;
                break Ok(());
            }
        };
        self.show_again(queue, by_id.values().map(|message| message.receipt.as_str())).await;
        looked?;
        seen.messages = by_id.into_values().collect();
        Ok(seen)
    }

    /// Shows received messages to others at once. Where that fails they are shown when their time is over.
    pub async fn show_again(&self, queue: &str, receipts: impl Iterator<Item = &str>) {
        let receipts: Vec<_> = receipts.collect();
        let calls = receipts.chunks(BATCH).filter_map(|chunk| {
            let entries = chunk.iter().enumerate().map(|(place, receipt)| {
                let entry = ChangeMessageVisibilityBatchRequestEntry::builder().id(place.to_string());
                entry.receipt_handle(*receipt).visibility_timeout(0).build()
            });
            let entries = entries.collect::<Result<Vec<_>, _>>().ok()?;
            let call = self.sqs.change_message_visibility_batch().queue_url(self.queue_url(queue));
            Some(call.set_entries(Some(entries)).send())
        });
        futures_util::future::join_all(calls).await;
    }

    /// Sends parked messages on as their senders sent them; what became of each, in their order.
    ///
    /// # Errors
    /// A call failed as a whole: what it held may or may not be sent.
    pub async fn send_on(&self, queue: &str, messages: &[Parked]) -> Result<Vec<Sent>, CloudError> {
        let originals: Vec<_> = messages.iter().map(Parked::original_attributes).collect();
        let sizes: Vec<_> =
            messages.iter().zip(&originals).map(|(message, original)| bytes(&message.body, original)).collect();
        let batches = chunks(&sizes, BATCH, MOST_BYTES);
        let calls = batches.into_iter().map(async |range| {
            let entries = messages[range.clone()].iter().zip(&originals[range]).enumerate();
            let entries: Result<Vec<_>, _> =
                entries.map(|(place, (message, original))| entry(place, message, original)).collect();
            self.send_parked(queue, entries?).await
        });
        Ok(try_join_all(calls).await?.into_iter().flatten().collect())
    }

    async fn send_parked(
        &self,
        queue: &str,
        entries: Vec<SendMessageBatchRequestEntry>,
    ) -> Result<Vec<Sent>, CloudError> {
        let count = entries.len();
        let call = self.sqs.send_message_batch().queue_url(self.queue_url(queue)).set_entries(Some(entries));
        let answer = call.send().await.called("sqs:SendMessage", queue)?;
        let mut sent: Vec<Sent> = vec![Err("SQS did not say what became of it".into()); count];
        let mut set = |id: &str, outcome| {
            if let Some(place) = id.parse::<usize>().ok().and_then(|place| sent.get_mut(place)) {
                *place = outcome;
            }
        };
        answer.successful().iter().for_each(|entry| set(entry.id(), Ok(entry.message_id().to_owned())));
        for entry in answer.failed() {
            set(entry.id(), Err(format!("{} ({})", entry.message().unwrap_or("no reason given"), entry.code())));
        }
        Ok(sent)
    }

    /// Removes messages for good; the receipts of those that are still there.
    ///
    /// # Errors
    /// A call failed as a whole.
    pub async fn remove<'a>(&self, queue: &str, receipts: &[&'a str]) -> Result<Vec<&'a str>, CloudError> {
        let calls = receipts.chunks(BATCH).map(async |chunk| {
            let entries = chunk.iter().enumerate().map(|(place, receipt)| {
                let entry = DeleteMessageBatchRequestEntry::builder().id(place.to_string());
                entry.receipt_handle(*receipt).build().map_err(|error| malformed("an entry of a deletion", error))
            });
            let entries = entries.collect::<Result<Vec<_>, _>>()?;
            let call = self.sqs.delete_message_batch().queue_url(self.queue_url(queue)).set_entries(Some(entries));
            let answer = call.send().await.called("sqs:DeleteMessage", queue)?;
            let left = answer.failed().iter().filter_map(|entry| chunk.get(entry.id().parse::<usize>().ok()?).copied());
            Ok::<_, CloudError>(left.collect::<Vec<_>>())
        });
        Ok(try_join_all(calls).await?.into_iter().flatten().collect())
    }

    /// The same, and once more for what was not removed: most failures of single messages pass.
    ///
    /// # Errors
    /// A call failed as a whole.
    pub async fn remove_twice<'a>(&self, queue: &str, receipts: &[&'a str]) -> Result<Vec<&'a str>, CloudError> {
        let left = self.remove(queue, receipts).await?;
        if left.is_empty() { Ok(left) } else { self.remove(queue, &left).await }
    }
}

fn parked(message: Message) -> Parked {
    let system = message.attributes.unwrap_or_default();
    let sent_at = system.get(&MessageSystemAttributeName::SentTimestamp).and_then(|text| text.parse().ok());
    let attributes = message.message_attributes.unwrap_or_default().into_iter();
    Parked {
        message_id: message.message_id.unwrap_or_default(),
        receipt: message.receipt_handle.unwrap_or_default(),
        body: message.body.unwrap_or_default(),
        attributes: attributes.filter_map(|(name, value)| Some((name, attribute(value)?))).collect(),
        trace_header: system.get(&MessageSystemAttributeName::AwsTraceHeader).cloned(),
        sent_at: sent_at.and_then(|milliseconds| Timestamp::from_millisecond(milliseconds).ok()),
        cause: None,
    }
}

fn attribute(value: MessageAttributeValue) -> Option<MessageAttribute> {
    let data_type = value.data_type;
    let value = match (value.string_value, value.binary_value) {
        (Some(text), _) => MessageValue::Text(text),
        (None, Some(blob)) => MessageValue::Binary(blob.into_inner()),
        (None, None) => return None,
    };
    Some(MessageAttribute { data_type, value })
}

fn entry(
    place: usize,
    message: &Parked,
    original: &BTreeMap<String, MessageAttribute>,
) -> Result<SendMessageBatchRequestEntry, CloudError> {
    let wrong = |error| malformed("a message to be sent on", error);
    let mut entry = SendMessageBatchRequestEntry::builder().id(place.to_string()).message_body(&message.body);
    for (name, attribute) in original {
        let value = MessageAttributeValue::builder().data_type(&attribute.data_type);
        let value = match &attribute.value {
            MessageValue::Text(text) => value.string_value(text),
            MessageValue::Binary(bytes) => value.binary_value(Blob::new(bytes.clone())),
        };
        entry = entry.message_attributes(name, value.build().map_err(wrong)?);
    }
    if let Some(header) = &message.trace_header {
        let value = MessageSystemAttributeValue::builder().data_type("String").string_value(header);
        let value = value.build().map_err(wrong)?;
        entry = entry.message_system_attributes(MessageSystemAttributeNameForSends::AwsTraceHeader, value);
    }
    entry.build().map_err(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_sent_on_with_its_attributes_and_its_trace() {
        let message = Message::builder().body("body").message_id("m").receipt_handle("r");
        let message = message
            .attributes(MessageSystemAttributeName::AwsTraceHeader, "Root=1")
            .attributes(MessageSystemAttributeName::SentTimestamp, "1500")
            .message_attributes(
                "color",
                MessageAttributeValue::builder().data_type("String.x").string_value("red").build().unwrap(),
            );
        let message = parked(message.build());
        assert_eq!(message.sent_at.map(Timestamp::as_millisecond), Some(1_500));
        let entry = entry(3, &message, &message.original_attributes()).unwrap();
        let trace = &entry.message_system_attributes().unwrap()[&MessageSystemAttributeNameForSends::AwsTraceHeader];
        assert_eq!((entry.id(), entry.message_body(), trace.string_value()), ("3", "body", Some("Root=1")));
        let color = &entry.message_attributes().unwrap()["color"];
        assert_eq!((color.data_type(), color.string_value()), ("String.x", Some("red")));
    }
}
