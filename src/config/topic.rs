//! A topic as the YAML describes it, and who hears it.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::names::{Email, HttpsUrl, KmsKey, Phone, Principal, ResourceArn, TopicName};

/// An SNS topic and who hears it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Topic {
    /// The topic's name; default `<pipeline>[-<environment>]-<key>`.
    pub name: Option<TopicName>,
    /// The sender that people see in e-mails and text messages; at most 100 characters. Default: none.
    #[schemars(length(max = 100))]
    pub display_name: Option<String>,
    /// A customer-managed KMS key that encrypts the topic. Default: not encrypted, for alarms cannot publish under
    /// `alias/aws/sns`.
    pub encryption_key: Option<KmsKey>,
    /// Who else may publish: account ids, ARNs of principals, or service principals.
    pub publishers: BTreeSet<Principal>,
    /// Who hears the topic.
    pub subscribers: Vec<Subscriber>,
}

/// One subscriber of a topic: exactly one of `email`, `sms`, `https`, `sqs`, `lambda`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "SubscriberFields", into = "SubscriberFields")]
#[schemars(with = "SubscriberFields")]
pub struct Subscriber {
    pub endpoint: Endpoint,
    pub filter: Option<serde_json::Map<String, serde_json::Value>>,
    pub raw: bool,
}

/// Where a subscription delivers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Endpoint {
    Email(Email),
    Sms(Phone),
    Https(HttpsUrl),
    Sqs(ResourceArn),
    Lambda(ResourceArn),
}

/// One subscriber of a topic: exactly one of `email`, `sms`, `https`, `sqs`, `lambda`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SubscriberFields {
    /// An e-mail address; its owner must confirm. One of the five endpoints; default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<Email>,
    /// A telephone number, E.164, in quotes: `"+14155550100"`. One of the five endpoints; default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sms: Option<Phone>,
    /// An HTTPS URL that is POSTed to; it must confirm. One of the five endpoints; default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub https: Option<HttpsUrl>,
    /// The ARN of an SQS queue; its policy must admit the topic. One of the five endpoints; default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sqs: Option<ResourceArn>,
    /// The ARN of a Lambda function; its policy must admit the topic. One of the five endpoints;
    /// default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lambda: Option<ResourceArn>,
    /// An SNS filter policy on message attributes: only what matches is delivered. Default: everything is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filter: Option<serde_json::Map<String, serde_json::Value>>,
    /// Deliver the bare message instead of SNS's JSON envelope (`sqs` and `https` only).
    pub raw: bool,
}

impl TryFrom<SubscriberFields> for Subscriber {
    type Error = String;

    fn try_from(fields: SubscriberFields) -> Result<Self, String> {
        let SubscriberFields { email, sms, https, sqs, lambda, filter, raw } = fields;
        let mut endpoints = [
            email.map(Endpoint::Email),
            sms.map(Endpoint::Sms),
            https.map(Endpoint::Https),
            sqs.map(Endpoint::Sqs),
            lambda.map(Endpoint::Lambda),
        ]
        .into_iter()
        .flatten();
        let (Some(endpoint), None) = (endpoints.next(), endpoints.next()) else {
            return Err("a subscriber has exactly one of `email`, `sms`, `https`, `sqs`, `lambda`\nhint: each has its own list item".into());
        };
        if raw && !matches!(endpoint, Endpoint::Sqs(_) | Endpoint::Https(_)) {
            return Err("`raw` delivery is for `sqs` and `https` subscribers only\nhint: leave `raw` out".into());
        }
        Ok(Self { endpoint, filter, raw })
    }
}

impl From<Subscriber> for SubscriberFields {
    fn from(subscriber: Subscriber) -> Self {
        let mut fields = Self { filter: subscriber.filter, raw: subscriber.raw, ..Self::default() };
        match subscriber.endpoint {
            Endpoint::Email(address) => fields.email = Some(address),
            Endpoint::Sms(number) => fields.sms = Some(number),
            Endpoint::Https(url) => fields.https = Some(url),
            Endpoint::Sqs(arn) => fields.sqs = Some(arn),
            Endpoint::Lambda(arn) => fields.lambda = Some(arn),
        }
        fields
    }
}
