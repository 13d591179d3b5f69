//! Looks at every message of a queue without taking it out.
//!
//! SQS shows a message by hiding it from others for a while. So all are received, hidden for as long as the look may
//! take at most, and let go as soon as it is over: whoever is killed meanwhile hides them no longer than that.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_sqs::types::{
    ChangeMessageVisibilityBatchRequestEntry, DeleteMessageBatchRequestEntry, Message, MessageSystemAttributeName,
};
use futures_util::future::try_join_all;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use tokio::time::Instant;

use super::error::malformed;
use super::{Aws, Called};
use crate::reconcile::CloudError;

/// The longest look.
const LOOK: Duration = Duration::from_secs(20);
/// How long a message stays hidden if nobody lets it go: longer than the look, so that no message is seen as two.
const HIDDEN_SECONDS: i32 = 30;
/// How many calls are under way at a time.
const MOST_CALLS: usize = 4;

/// A message that is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    pub message_id: String,
    pub body: String,
    /// Text attributes by name.
    pub attributes: BTreeMap<String, String>,
    /// When it was sent: milliseconds since 1970.
    pub sent_at: Option<i64>,
}

/// What is to happen with a message that was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It stays where it is.
    Stays,
    /// It is taken out for good.
    Deleted,
}

/// Receipts, by what is to happen with their messages.
#[derive(Debug, Default)]
struct Receipts {
    stay: Vec<String>,
    deleted: Vec<String>,
}

impl Aws {
    /// Looks at every message, and decides about each. What comes meanwhile may be seen or not.
    ///
    /// # Errors
    /// The queue cannot be read.
    pub async fn sweep(&self, queue: &str, on: &mut dyn FnMut(&Seen) -> Fate) -> Result<(), CloudError> {
        let until = Instant::now() + LOOK;
        let (receipts, on) = (RefCell::<Receipts>::default(), RefCell::new(on));
        let look = |_| async {
            while Instant::now() < until {
                let messages = self.receive_hidden(queue).await?;
                if messages.is_empty() {
                    break;
                }
                for message in messages {
                    let (seen, receipt) = seen(message);
                    let fate = (*on.borrow_mut())(&seen);
                    let mut receipts = receipts.borrow_mut();
                    match fate {
                        Fate::Stays => receipts.stay.push(receipt),
                        Fate::Deleted => receipts.deleted.push(receipt),
                    }
                }
            }
            Ok(())
        };
        let looked = try_join_all((0..MOST_CALLS).map(look)).await;
        // Also what was seen before a failure is let go.
        let Receipts { stay, deleted } = receipts.into_inner();
        let (let_go, taken_out) = tokio::join!(self.let_go(queue, &stay), self.take_out(queue, &deleted));
        looked.and(let_go).and(taken_out)
    }

    async fn receive_hidden(&self, queue: &str) -> Result<Vec<Message>, CloudError> {
        let call = self
            .sqs
            .receive_message()
            .queue_url(self.queue_url(queue))
            .max_number_of_messages(10)
            .visibility_timeout(HIDDEN_SECONDS)
            // With a wait all of SQS's servers are asked, not a few: then nothing is nothing.
            .wait_time_seconds(1)
            .message_attribute_names("All")
            .message_system_attribute_names(MessageSystemAttributeName::SentTimestamp)
            .send()
            .await;
        Ok(call.called("sqs:ReceiveMessage", queue)?.messages.unwrap_or_default())
    }

    async fn let_go(&self, queue: &str, receipts: &[String]) -> Result<(), CloudError> {
        let some = |part: &[String]| {
            let entry = |(index, receipt): (usize, &String)| {
                let entry = ChangeMessageVisibilityBatchRequestEntry::builder().id(index.to_string());
                entry.receipt_handle(receipt).visibility_timeout(0).build()
            };
            let entries: Result<Vec<_>, _> = part.iter().enumerate().map(entry).collect();
            async move {
                let entries = entries.map_err(|error| malformed("a receipt", error))?;
                let call = self.sqs.change_message_visibility_batch().queue_url(self.queue_url(queue));
                // One that cannot be let go comes back by itself.
                call.set_entries(Some(entries)).send().await.called("sqs:ChangeMessageVisibility", queue).map(|_| ())
            }
        };
        stream::iter(receipts.chunks(10)).map(some).buffer_unordered(MOST_CALLS).try_collect().await
    }

    async fn take_out(&self, queue: &str, receipts: &[String]) -> Result<(), CloudError> {
        let some = |part: &[String]| {
            let entry = |(index, receipt): (usize, &String)| {
                DeleteMessageBatchRequestEntry::builder().id(index.to_string()).receipt_handle(receipt).build()
            };
            let entries: Result<Vec<_>, _> = part.iter().enumerate().map(entry).collect();
            async move {
                let entries = entries.map_err(|error| malformed("a receipt", error))?;
                let call = self.sqs.delete_message_batch().queue_url(self.queue_url(queue));
                call.set_entries(Some(entries)).send().await.called("sqs:DeleteMessage", queue).map(|_| ())
            }
        };
        stream::iter(receipts.chunks(10)).map(some).buffer_unordered(MOST_CALLS).try_collect().await
    }
}

/// A message, and its receipt.
fn seen(message: Message) -> (Seen, String) {
    let attributes = message.message_attributes.unwrap_or_default().into_iter();
    let system = message.attributes.unwrap_or_default();
    let sent_at = system.get(&MessageSystemAttributeName::SentTimestamp).and_then(|text| text.parse().ok());
    let seen = Seen {
        message_id: message.message_id.unwrap_or_default(),
        body: message.body.unwrap_or_default(),
        attributes: attributes.filter_map(|(name, value)| Some((name, value.string_value?))).collect(),
        sent_at,
    };
    (seen, message.receipt_handle.unwrap_or_default())
}
