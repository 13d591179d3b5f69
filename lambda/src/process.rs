//! One batch: judge every message, store each transaction once, announce the large ones, quarantine the invalid ones,
//! and answer which messages are to be tried again.
//!
//! The order of steps for one transaction is what makes it safe to be killed at any point:
//! 1. put the row, if its id is free; a large order's row carries a claim on the announcement;
//! 2. publish the announcement;
//! 3. mark it as sent.
//!
//! Whoever comes later (a retry, another copy) learns from the row what is left to do. Killed between 1 and 2: the claim
//! expires and the next takes it over. Killed between 2 and 3: the next cannot know, and announces again; nowhere else is
//! anything said twice. A message is done only when all of this is.

mod announce;
mod group;
mod ledger;
mod settle;

use std::future::Future;
use std::pin::pin;

use futures_util::StreamExt;
use futures_util::future::{join, select};
use futures_util::stream;
use jiff::Timestamp;

use crate::budget;
use crate::contract::Settings;
use crate::event::{BatchResponse, Record, SqsEvent};
use crate::ports::{Announcements, Clock, Quarantine, Quarantined, Table};
use crate::reason::Reason;
use group::Sorted;
use ledger::{Failure, Ledger, Outcome};
use settle::Settled;

/// How many calls of one kind are under way at a time. At a table's usual few milliseconds this is more than the
/// processor's time allows for; each one more holds a connection and its memory.
const MOST_CALLS: usize = 32;

/// The processor of one pipeline: lives as long as the function's environment.
#[derive(Debug)]
pub struct Processor<P> {
    settings: Settings,
    judged_by: String,
    ports: P,
}

/// The outside world: what implements all four ports.
pub trait Ports: Table + Announcements + Quarantine + Clock {}

impl<P: Table + Announcements + Quarantine + Clock> Ports for P {}

/// What the invocation brings beside the batch.
#[derive(Debug, Clone, Copy)]
pub struct Invocation<'a> {
    pub request_id: &'a str,
    /// The X-Ray trace, if tracing is on.
    pub trace_id: Option<&'a str>,
    /// When Lambda cuts the function off.
    pub deadline: Timestamp,
}

/// What an invocation leaves.
#[derive(Debug, Clone, PartialEq)]
pub struct Processed {
    pub response: BatchResponse,
    /// Log and metric lines.
    pub output: String,
}

impl<P: Ports> Processor<P> {
    /// A processor with these settings.
    pub fn new(settings: Settings, ports: P) -> Self {
        Self { judged_by: settings.digest(), settings, ports }
    }

    /// How long a batch may take from now on.
    pub fn time_left(&self, invocation: &Invocation<'_>) -> std::time::Duration {
        budget::time_left(invocation.deadline, self.ports.now(), self.settings.function_timeout_seconds)
    }

    /// Processes a batch. When `time_is_up`, what is not done is answered as failed.
    pub async fn process(
        &self,
        event: &SqsEvent,
        invocation: &Invocation<'_>,
        time_is_up: impl Future<Output = ()>,
    ) -> Processed {
        let batch = Batch {
            processor: self,
            invocation,
            records: &event.records,
            started: self.ports.now(),
            ledger: Ledger::new(event.records.len()),
        };
        select(pin!(batch.work()), pin!(time_is_up)).await;
        batch.ledger.close(&self.settings, invocation, &event.records, self.ports.now())
    }
}

/// A batch that is being processed.
struct Batch<'a, P> {
    processor: &'a Processor<P>,
    invocation: &'a Invocation<'a>,
    records: &'a [Record],
    started: Timestamp,
    ledger: Ledger<'a>,
}

/// A message that goes to the quarantine queue, and why.
struct Reject {
    record: usize,
    reasons: Vec<Reason>,
}

impl<'a, P: Ports> Batch<'a, P> {
    /// Invalid messages go while transactions are stored; what the table refuses goes while the rest is announced.
    async fn work(&self) {
        let Sorted { groups, rejects } = self.sort();
        let transactions = async {
            let settled: Vec<Settled<'_>> =
                stream::iter(groups).map(|group| self.settle(group)).buffer_unordered(MOST_CALLS).collect().await;
            let (orders, rejects): (Vec<_>, Vec<_>) =
                settled.into_iter().map(|settled| (settled.order, settled.rejects)).unzip();
            let rejects: Vec<_> = rejects.into_iter().flatten().collect();
            join(self.announce(orders.into_iter().flatten().collect()), self.quarantine(rejects)).await;
        };
        join(transactions, self.quarantine(rejects)).await;
    }

    /// Sends messages to the quarantine queue; each is done once it is there.
    async fn quarantine(&self, rejects: Vec<Reject>) {
        if rejects.is_empty() || self.is_late() {
            return;
        }
        let messages: Vec<_> = rejects.iter().map(|reject| self.quarantined(reject)).collect();
        let results = self.processor.ports.send(&messages).await;
        for (reject, result) in rejects.into_iter().zip(results) {
            let outcome = match result {
                Ok(()) => Outcome::of_rejected(&reject.reasons),
                Err(error) => Outcome::Failed(Failure::Port(error)),
            };
            self.ledger.set(reject.record, outcome);
        }
    }

    fn quarantined(&self, reject: &Reject) -> Quarantined<'a> {
        let record = &self.records[reject.record];
        Quarantined {
            message_id: &record.message_id,
            body: &record.body,
            attributes: &record.message_attributes,
            trace_header: record.attributes.trace_header.as_deref(),
            reasons: reject.reasons.clone(),
        }
    }

    /// Whether it is too late to begin anything.
    fn is_late(&self) -> bool {
        let timeout = self.processor.settings.function_timeout_seconds;
        self.processor.ports.now() >= budget::start_by(self.invocation.deadline, timeout)
    }
}
