//! Sends transactions through a live pipeline and watches what becomes of them.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_sqs::types::Message;

use super::listening::Listener;
use super::patience::Wait;
use super::{Aws, Called};
use crate::reconcile::CloudError;

/// A message as its receiver sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    pub body: String,
    /// Text attributes by name.
    pub attributes: BTreeMap<String, String>,
}

/// How long a message may take through the whole pipeline.
const PATIENCE: Duration = Duration::from_secs(60);

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
    pub async fn heard(&self, listener: &Listener, id: &str) -> Result<Received, CloudError> {
        self.received(&listener.queue, id).await
    }

    /// Waits for a message that names `id`, and takes it out of the queue. Others come back in a second.
    ///
    /// # Errors
    /// It did not come within a minute.
    pub async fn received(&self, queue: &str, id: &str) -> Result<Received, CloudError> {
        let wait = Wait { reason: "for the message", limit: PATIENCE };
        self.until(wait, &|_| (), async || {
            for message in self.look(queue).await? {
                if message.body().is_some_and(|body| body.contains(id)) {
                    let handle = message.receipt_handle().unwrap_or_default();
                    let call = self.sqs.delete_message().queue_url(self.queue_url(queue)).receipt_handle(handle);
                    call.send().await.called("sqs:DeleteMessage", queue)?;
                    return Ok(Some(seen(message)));
                }
            }
            Ok(None)
        })
        .await
    }

    async fn look(&self, queue: &str) -> Result<Vec<Message>, CloudError> {
        let call = self
            .sqs
            .receive_message()
            .queue_url(self.queue_url(queue))
            .max_number_of_messages(10)
            .visibility_timeout(1)
            .wait_time_seconds(1)
            .message_attribute_names("All")
            .send()
            .await;
        Ok(call.called("sqs:ReceiveMessage", queue)?.messages.unwrap_or_default())
    }
}

fn seen(message: Message) -> Received {
    let attributes = message.message_attributes.unwrap_or_default().into_iter();
    let attributes = attributes.filter_map(|(name, value)| Some((name, value.string_value?))).collect();
    Received { body: message.body.unwrap_or_default(), attributes }
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
