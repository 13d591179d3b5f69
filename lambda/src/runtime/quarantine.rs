//! The quarantine port on SQS: batches of ten, side by side.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_sqs::primitives::Blob;
use aws_sdk_sqs::types::{
    MessageAttributeValue, MessageSystemAttributeNameForSends, MessageSystemAttributeValue,
    SendMessageBatchRequestEntry,
};
use futures_util::StreamExt;
use futures_util::stream;

use super::Aws;
use super::error::{entry_error, missing, port_error};
use crate::chunk::chunks;
use crate::ports::{MessageAttribute, MessageValue, PortError, Quarantine, Quarantined};
use crate::quarantine::{MOST_BYTES, attributes, bytes};

const SEND: &str = "sqs:SendMessage";
const MOST_ENTRIES: usize = 10;
/// Batches under way at a time.
const MOST_CALLS: usize = 16;

impl Quarantine for Aws {
    async fn send(&self, messages: &[Quarantined<'_>]) -> Vec<Result<(), PortError>> {
        let attributes: Vec<_> = messages.iter().map(attributes).collect();
        let sizes: Vec<_> =
            messages.iter().zip(&attributes).map(|(message, attributes)| bytes(message.body, attributes)).collect();
        let batches = chunks(&sizes, MOST_ENTRIES, MOST_BYTES).into_iter().map(|range| {
            let entries = messages[range.clone()].iter().zip(&attributes[range]);
            self.send_batch(entries.map(|(message, attributes)| entry(message, attributes)).collect())
        });
        let results: Vec<_> = stream::iter(batches).buffered(MOST_CALLS).collect().await;
        results.into_iter().flatten().collect()
    }
}

/// An entry without its id, which is its place in the batch.
type Entry = aws_sdk_sqs::types::builders::SendMessageBatchRequestEntryBuilder;

fn entry(message: &Quarantined<'_>, attributes: &BTreeMap<String, MessageAttribute>) -> Entry {
    let attributes: HashMap<_, _> =
        attributes.iter().filter_map(|(name, attribute)| Some((name.clone(), value(attribute)?))).collect();
    let trace = message.trace_header.and_then(|header| {
        MessageSystemAttributeValue::builder().data_type("String").string_value(header).build().ok()
    });
    let trace = trace.map(|value| HashMap::from([(MessageSystemAttributeNameForSends::AwsTraceHeader, value)]));
    SendMessageBatchRequestEntry::builder()
        .message_body(message.body)
        .set_message_attributes((!attributes.is_empty()).then_some(attributes))
        .set_message_system_attributes(trace)
}

fn value(attribute: &MessageAttribute) -> Option<MessageAttributeValue> {
    let builder = MessageAttributeValue::builder().data_type(&attribute.data_type);
    match &attribute.value {
        MessageValue::Text(text) => builder.string_value(text),
        MessageValue::Binary(bytes) => builder.binary_value(Blob::new(bytes.clone())),
    }
    .build()
    .ok()
}

impl Aws {
    async fn send_batch(&self, entries: Vec<Entry>) -> Vec<Result<(), PortError>> {
        let count = entries.len();
        let named = entries.into_iter().enumerate().map(|(place, entry)| entry.id(place.to_string()).build());
        let entries = match named.collect::<Result<Vec<_>, _>>() {
            Ok(entries) => entries,
            Err(_) => return vec![Err(entry_error(SEND, "RequestNotMade", None)); count],
        };
        let call = self.sqs.send_message_batch().queue_url(&self.settings.quarantine_url).set_entries(Some(entries));
        let answer = match call.send().await {
            Ok(answer) => answer,
            Err(error) => return vec![Err(port_error(SEND, &error)); count],
        };
        let mut results = vec![Err(missing(SEND)); count];
        let mut set = |id: &str, result| {
            if let Some(place) = id.parse::<usize>().ok().and_then(|place| results.get_mut(place)) {
                *place = result;
            }
        };
        answer.successful().iter().for_each(|entry| set(entry.id(), Ok(())));
        for entry in answer.failed() {
            set(entry.id(), Err(entry_error(SEND, entry.code(), entry.message())));
        }
        results
    }
}
