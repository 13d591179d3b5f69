//! The announcements port on SNS: batches of ten, side by side.

use aws_sdk_sns::types::{MessageAttributeValue, PublishBatchRequestEntry};
use futures_util::future::join_all;

use super::Aws;
use super::error::{entry_error, missing, port_error};
use crate::announcement::Announcement;
use crate::chunk::chunks;
use crate::ports::{Announcements, PortError};

const PUBLISH: &str = "sns:Publish";
const MOST_ENTRIES: usize = 10;
const MOST_BYTES: usize = 262_144;
/// Room for the attributes' names and types, and for the subject.
const FRAME_BYTES: usize = 512;

impl Announcements for Aws {
    async fn publish(&self, announcements: &[Announcement]) -> Vec<Result<(), PortError>> {
        let Some(large_orders) = &self.settings.large_orders else {
            return announcements
                .iter()
                .map(|_| Err(entry_error(PUBLISH, "NotFound", Some("there is no topic"))))
                .collect();
        };
        let messages: Vec<_> = announcements.iter().map(Announcement::message).collect();
        let bytes: Vec<_> = messages.iter().map(|message| message.len() + FRAME_BYTES).collect();
        let batches = chunks(&bytes, MOST_ENTRIES, MOST_BYTES).into_iter().map(|range| {
            let entries = announcements[range.clone()].iter().zip(&messages[range]);
            self.publish_batch(&large_orders.topic_arn, entries.map(|(about, text)| self.entry(about, text)).collect())
        });
        join_all(batches).await.into_iter().flatten().collect()
    }
}

/// An entry without its id, which is its place in the batch.
type Entry = aws_sdk_sns::types::builders::PublishBatchRequestEntryBuilder;

impl Aws {
    fn entry(&self, announcement: &Announcement, message: &str) -> Entry {
        let pipeline = &self.settings.pipeline;
        let attributes = announcement.attributes(pipeline).into_iter().filter_map(|(name, text)| {
            let value = MessageAttributeValue::builder().data_type("String").string_value(text).build().ok()?;
            Some((name.to_owned(), value))
        });
        PublishBatchRequestEntry::builder()
            .subject(announcement.subject(pipeline))
            .message(message)
            .set_message_attributes(Some(attributes.collect()))
    }

    async fn publish_batch(&self, topic_arn: &str, entries: Vec<Entry>) -> Vec<Result<(), PortError>> {
        let count = entries.len();
        let named = entries.into_iter().enumerate().map(|(place, entry)| entry.id(place.to_string()).build());
        let entries = match named.collect::<Result<Vec<_>, _>>() {
            Ok(entries) => entries,
            Err(_) => return vec![Err(entry_error(PUBLISH, "RequestNotMade", None)); count],
        };
        let call = self.sns.publish_batch().topic_arn(topic_arn).set_publish_batch_request_entries(Some(entries));
        let answer = match call.send().await {
            Ok(answer) => answer,
            Err(error) => return vec![Err(port_error(PUBLISH, &error)); count],
        };
        let mut results = vec![Err(missing(PUBLISH)); count];
        let mut set = |id: Option<&str>, result| {
            if let Some(place) = id.and_then(|id| id.parse::<usize>().ok()).and_then(|place| results.get_mut(place)) {
                *place = result;
            }
        };
        answer.successful().iter().for_each(|entry| set(entry.id(), Ok(())));
        for entry in answer.failed() {
            set(Some(entry.id()), Err(entry_error(PUBLISH, entry.code(), entry.message())));
        }
        results
    }
}
