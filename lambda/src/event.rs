//! The event that Lambda hands over, and the answer that it expects: an SQS batch and which messages of it failed.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};

use crate::base64;
use crate::ports::{MessageAttribute, MessageValue};

/// A batch of messages.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct SqsEvent {
    #[serde(rename = "Records")]
    pub records: Vec<Record>,
}

/// A message.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    pub message_id: String,
    pub body: String,
    /// What SQS says about the message.
    #[serde(default)]
    pub attributes: SystemAttributes,
    #[serde(default, deserialize_with = "message_attributes")]
    pub message_attributes: BTreeMap<String, MessageAttribute>,
}

/// The attributes of SQS's own that matter here.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct SystemAttributes {
    /// The X-Ray header of whoever sent the message.
    #[serde(rename = "AWSTraceHeader", default)]
    pub trace_header: Option<String>,
}

/// Which messages of the batch are to be tried again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct BatchResponse {
    #[serde(rename = "batchItemFailures")]
    pub failures: Vec<BatchItemFailure>,
}

/// A message that is to be tried again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BatchItemFailure {
    #[serde(rename = "itemIdentifier")]
    pub message_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireAttribute {
    data_type: String,
    #[serde(default)]
    string_value: Option<String>,
    #[serde(default)]
    binary_value: Option<String>,
}

fn message_attributes<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeMap<String, MessageAttribute>, D::Error> {
    let wire = Option::<BTreeMap<String, WireAttribute>>::deserialize(from)?.unwrap_or_default();
    Ok(wire.into_iter().filter_map(|(name, attribute)| Some((name, attribute.read()?))).collect())
}

impl WireAttribute {
    /// An attribute without a value cannot be sent on, and SQS takes none: there is none in practice.
    fn read(self) -> Option<MessageAttribute> {
        let value = match (self.string_value, self.binary_value) {
            (Some(text), _) => MessageValue::Text(text),
            (None, Some(binary)) => MessageValue::Binary(base64::decode(&binary)?),
            (None, None) => return None,
        };
        Some(MessageAttribute { data_type: self.data_type, value })
    }
}

#[cfg(test)]
mod tests {
    use super::{BatchItemFailure, BatchResponse, SqsEvent};
    use crate::ports::{MessageAttribute, MessageValue};

    #[test]
    fn an_event_as_lambda_sends_it_is_read() {
        let event: SqsEvent = serde_json::from_str(
            r#"{"Records":[{"messageId":"m-1","receiptHandle":"r","body":"{\"a\":1}",
            "attributes":{"ApproximateReceiveCount":"1","AWSTraceHeader":"Root=1-2-3"},
            "messageAttributes":{"color":{"stringValue":"red","stringListValues":[],"binaryListValues":[],
            "dataType":"String"},"blob":{"binaryValue":"AAEC/w==","dataType":"Binary.x"}},
            "md5OfBody":"x","eventSource":"aws:sqs","eventSourceARN":"arn:aws:sqs:us-east-1:1:q","awsRegion":"us-east-1"}]}"#,
        )
        .unwrap();
        let record = &event.records[0];
        assert_eq!((record.message_id.as_str(), record.body.as_str()), ("m-1", "{\"a\":1}"));
        assert_eq!(record.attributes.trace_header.as_deref(), Some("Root=1-2-3"));
        let attribute = |data_type: &str, value| MessageAttribute { data_type: data_type.to_owned(), value };
        assert_eq!(record.message_attributes["color"], attribute("String", MessageValue::Text("red".into())));
        assert_eq!(record.message_attributes["blob"], attribute("Binary.x", MessageValue::Binary(vec![0, 1, 2, 255])));
    }

    #[test]
    fn a_bare_record_is_read() {
        let event: SqsEvent = serde_json::from_str(r#"{"Records":[{"messageId":"m","body":""}]}"#).unwrap();
        assert!(event.records[0].message_attributes.is_empty());
    }

    #[test]
    fn the_answer_names_the_failed_messages() {
        let response = BatchResponse { failures: vec![BatchItemFailure { message_id: "m-1".into() }] };
        let text = serde_json::to_string(&response).unwrap();
        assert_eq!(text, r#"{"batchItemFailures":[{"itemIdentifier":"m-1"}]}"#);
        assert_eq!(serde_json::to_string(&BatchResponse::default()).unwrap(), r#"{"batchItemFailures":[]}"#);
    }
}
