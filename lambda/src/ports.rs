//! What the processor needs of the outside world: a table, a topic, a quarantine queue and a clock.
//!
//! Each port says what must hold, not how AWS is asked: `runtime` binds them to AWS, `memory` to maps in tests.
//! Every call may fail after it took effect (a lost answer): whoever calls reads the state again instead of assuming.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::announcement::Announcement;
use crate::reason::Reason;
use crate::row::{Claim, Row};

/// Where transactions are stored, once each.
#[expect(async_fn_in_trait, reason = "ports are type parameters of one single-threaded program, never `dyn`")]
pub trait Table {
    /// Stores the row if its key is free.
    async fn put_new(&self, row: &Row) -> Result<Put, PortError>;
    /// Replaces a pending claim by another, if it is still exactly that one.
    async fn take_over(&self, id: &str, from: &Claim, to: &Claim) -> Result<Update, PortError>;
    /// Marks the announcement as sent, if the claim is still exactly this one.
    async fn mark_sent(&self, id: &str, claim: &Claim, at: Timestamp) -> Result<Update, PortError>;
}

/// Where large orders are announced.
#[expect(async_fn_in_trait, reason = "ports are type parameters of one single-threaded program, never `dyn`")]
pub trait Announcements {
    /// Publishes each; one result each, in their order.
    async fn publish(&self, announcements: &[Announcement]) -> Vec<Result<(), PortError>>;
}

/// Where invalid messages go.
#[expect(async_fn_in_trait, reason = "ports are type parameters of one single-threaded program, never `dyn`")]
pub trait Quarantine {
    /// Sends each; one result each, in their order.
    async fn send(&self, messages: &[Quarantined<'_>]) -> Vec<Result<(), PortError>>;
}

/// The time of day.
pub trait Clock {
    fn now(&self) -> Timestamp;
}

/// What became of a put.
#[derive(Debug, Clone, PartialEq)]
pub enum Put {
    Stored,
    /// The key is taken, by this row.
    Taken(Row),
}

/// What became of a conditional update.
#[derive(Debug, Clone, PartialEq)]
pub enum Update {
    Done,
    /// The condition did not hold: the row as it is, if there is one.
    Refused(Option<Row>),
}

/// An invalid message, with the reasons.
#[derive(Debug, Clone, PartialEq)]
pub struct Quarantined<'a> {
    pub message_id: &'a str,
    pub body: &'a str,
    pub attributes: &'a BTreeMap<String, MessageAttribute>,
    /// The X-Ray header that came with the message.
    pub trace_header: Option<&'a str>,
    pub reasons: Vec<Reason>,
}

/// An attribute of an SQS message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageAttribute {
    /// `String`, `Number`, `Binary`, with whatever the sender put behind it: `Number.int`.
    pub data_type: String,
    pub value: MessageValue,
}

/// The value of a message attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MessageValue {
    Text(String),
    Binary(Vec<u8>),
}

/// A port could not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{operation}: {code}")]
pub struct PortError {
    pub kind: PortErrorKind,
    /// `dynamodb:PutItem`
    pub operation: &'static str,
    /// The service's word for it: `ThrottlingException`.
    pub code: String,
    /// The service's own words. They may quote the customer's data, so they stay out of the log, save for `Denied`.
    pub message: String,
}

/// What a failure means for the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PortErrorKind {
    /// It may work next time: throttling, timeouts, the service's own errors.
    Transient,
    /// This content is refused, now and always.
    Refused,
    /// Nothing will work until somebody changes permissions or resources.
    Denied,
}
