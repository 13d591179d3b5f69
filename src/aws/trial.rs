//! Sends transactions through a live pipeline and watches what becomes of them.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use tokio::time::Instant;

use super::listening::Listener;
use super::patience::Wait;
use super::peeking::BATCH;
use super::{Aws, Called};
use crate::operate::Parked;
use crate::reconcile::{CloudError, ErrorKind};

/// How long a message may take through the whole pipeline.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long others must wait for what was looked at, if nobody shows it again.
const HIDDEN: Duration = Duration::from_secs(30);

impl Aws {
    /// Sends one message.
    ///
    /// # Errors
    /// AWS refuses it.
    pub async fn send(&self, queue: &str, body: &str) -> Result<(), CloudError> {
        let call = self.sqs.send_message().queue_url(self.queue_url(queue)).message_body(body).send().await;
        call.called("sqs:SendMessage", queue).map(|_| ())
    }

    /// Waits for an item to be stored; its attributes as text.
    ///
    /// # Errors
    /// It did not come within a minute; the table cannot be read.
    pub async fn stored(&self, table: &str, key: &str, id: &str) -> Result<BTreeMap<String, String>, CloudError> {
        let wait = Wait { reason: "for the item", limit: PATIENCE };
        self.until(wait, &|_| (), async || {
            let call = self
                .dynamodb
                .get_item()
                .table_name(table)
                .key(key, AttributeValue::S(id.to_owned()))
                .consistent_read(true)
                .send()
                .await;
            let item = call.called("dynamodb:GetItem", table)?.item;
            Ok(item.map(|item| item.iter().map(|(name, value)| (name.clone(), plain(value))).collect()))
        })
        .await
    }

    /// Waits for a message that the listener hears and that names `id`.
    ///
    /// # Errors
    /// It did not come within a minute.
    pub async fn heard(&self, listener: &Listener, id: &str) -> Result<Parked, CloudError> {
        self.received(&listener.queue, id).await
    }

    /// Waits for a message that names `id`, and takes it out of the queue. Others are shown again when it was found,
    /// however many there are before it.
    ///
    /// # Errors
    /// It did not come within a minute; the queue cannot be read.
    pub async fn received(&self, queue: &str, id: &str) -> Result<Parked, CloudError> {
        let mut others = Vec::new();
        let found = self.find(queue, id, &mut others).await;
        self.show_again(queue, others.iter().map(String::as_str)).await;
        found
    }

    /// The receipts of all others go to `others`.
    async fn find(&self, queue: &str, id: &str, others: &mut Vec<String>) -> Result<Parked, CloudError> {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            let mut messages = self.take(queue, BATCH, HIDDEN).await?;
            let named = messages.iter().position(|message| message.body.contains(id));
            let named = named.map(|place| messages.swap_remove(place));
            others.extend(messages.into_iter().map(|message| message.receipt));
            if let Some(message) = named {
                self.remove(queue, &[&message.receipt]).await?;
                return Ok(message);
            }
        }
        let waited = format!("waited {} s for the message, in vain", PATIENCE.as_secs());
        Err(CloudError::new(ErrorKind::TimedOut, waited))
    }
}

fn plain(value: &AttributeValue) -> String {
    match value {
        AttributeValue::S(text) | AttributeValue::N(text) => text.clone(),
        AttributeValue::Bool(value) => value.to_string(),
        AttributeValue::M(members) => {
            let mut members: Vec<_> = members.iter().map(|(name, value)| format!("{name}: {}", plain(value))).collect();
            members.sort();
            format!("{{{}}}", members.join(", "))
        }
        AttributeValue::L(values) => format!("[{}]", values.iter().map(plain).collect::<Vec<_>>().join(", ")),
        other => format!("{other:?}"),
    }
}
