//! The queues as the YAML describes them: the one that takes the transactions, and where its failures go.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::names::{KmsKey, Principal, QueueName};
use super::units::{Count, Seconds, Size};

/// An SQS queue with its dead-letter and quarantine queues.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Queue {
    /// The queue's name; default `<pipeline>[-<environment>]-queue`.
    pub name: Option<QueueName>,
    /// How long a received message stays hidden while it is processed; at least the function's timeout.
    /// Default: 6 × the function's timeout plus the batch window.
    pub visibility_timeout: Option<Seconds<0, 43_200>>,
    /// How long a message waits before it expires.
    pub retention: Seconds<60, 1_209_600>,
    /// How long a new message is held back.
    pub delay: Seconds<0, 900>,
    /// How long a receive waits for a message (long polling).
    pub receive_wait: Seconds<0, 20>,
    /// The largest message the queue takes.
    pub maximum_message_size: Size<1_024, 1_048_576>,
    /// How messages are encrypted at rest: `sqs`, or `{ kms: <key> }`. Holds for all three queues.
    pub encryption: QueueEncryption,
    /// Who else may send: account ids, ARNs of principals, or service principals. The own account always may, by IAM.
    pub senders: BTreeSet<Principal>,
    /// Takes what failed too often.
    pub dead_letter: DeadLetter,
    /// Takes what is invalid, with the reasons.
    pub quarantine: Quarantine,
}

impl Default for Queue {
    fn default() -> Self {
        Self {
            name: None,
            visibility_timeout: None,
            retention: Seconds::of(4 * 86_400),
            delay: Seconds::of(0),
            receive_wait: Seconds::of(20),
            maximum_message_size: Size::of(1_048_576),
            encryption: QueueEncryption::Sqs,
            senders: BTreeSet::new(),
            dead_letter: DeadLetter::default(),
            quarantine: Quarantine::default(),
        }
    }
}

/// Encryption of queues at rest: `sqs` (SQS-managed keys) or `{ kms: <key id, ARN or alias> }`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum QueueEncryption {
    /// Keys that SQS manages; free.
    Sqs,
    /// A KMS key: its id, ARN or `alias/…`.
    Kms(KmsKey),
}

/// The dead-letter queue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DeadLetter {
    /// The queue's name; default `<pipeline>[-<environment>]-dead-letter`.
    pub name: Option<QueueName>,
    /// After how many receives a message moves here.
    pub after: Count<1, 1_000>,
    /// How long a message waits here; counts from its first send, so longer than the queue's.
    pub retention: Seconds<60, 1_209_600>,
}

impl Default for DeadLetter {
    fn default() -> Self {
        Self { name: None, after: Count::of(5), retention: Seconds::of(14 * 86_400) }
    }
}

/// The quarantine queue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Quarantine {
    /// The queue's name; default `<pipeline>[-<environment>]-quarantine`.
    pub name: Option<QueueName>,
    /// How long an invalid message is kept.
    pub retention: Seconds<60, 1_209_600>,
}

impl Default for Quarantine {
    fn default() -> Self {
        Self { name: None, retention: Seconds::of(14 * 86_400) }
    }
}
