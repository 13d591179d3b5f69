//! What became of each message of a batch; in the end, the answer to Lambda, the log lines and the metrics.
//!
//! A message without an entry is a failed one: whatever interrupts the work, nothing is taken for done that is not.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{Invocation, Processed};
use crate::contract::{LogLevel, Settings};
use crate::emf::BatchMetrics;
use crate::event::{BatchItemFailure, BatchResponse, Record};
use crate::log::{Field, Log};
use crate::ports::{PortError, PortErrorKind};
use crate::reason::{Code, Reason};

/// What became of a message.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Outcome {
    /// Stored for the first time, and announced if it is a large order.
    Stored { announced: bool },
    /// Stored by somebody who did not come to announce it: announced now.
    Resumed,
    /// Stored before.
    Duplicate,
    /// In the quarantine queue, invalid.
    Rejected(BTreeSet<Code>),
    /// In the quarantine queue: its id is taken by other content.
    Conflict,
    /// To be tried again.
    Failed(Failure),
}

/// Why a message is to be tried again.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub(super) enum Failure {
    #[error("{0}")]
    Port(PortError),
    #[error("another invocation is about to announce it")]
    ClaimedByOther,
    #[error("the announcement's state in the table cannot be read")]
    ClaimUnreadable,
    #[error("no time was left")]
    OutOfTime,
}

impl Outcome {
    /// What a message is that was sent to the quarantine queue for these reasons.
    pub(super) fn of_rejected(reasons: &[Reason]) -> Self {
        let codes: BTreeSet<_> = reasons.iter().map(|reason| reason.code).collect();
        if codes.contains(&Code::Conflict) { Self::Conflict } else { Self::Rejected(codes) }
    }
}

/// The book of a batch. Entries are made from many futures on one thread.
#[derive(Debug)]
pub(super) struct Ledger<'a> {
    outcomes: RefCell<Vec<Option<Outcome>>>,
    transaction_ids: RefCell<Vec<Option<Cow<'a, str>>>>,
    metrics: RefCell<BatchMetrics>,
    /// Orders that were announced and not marked, and why.
    unmarked: RefCell<Vec<(String, String)>>,
}

impl<'a> Ledger<'a> {
    pub(super) fn new(records: usize) -> Self {
        Self {
            outcomes: RefCell::new(vec![None; records]),
            transaction_ids: RefCell::new(vec![None; records]),
            metrics: RefCell::default(),
            unmarked: RefCell::default(),
        }
    }

    pub(super) fn identify(&self, record: usize, transaction_id: Option<Cow<'a, str>>) {
        self.transaction_ids.borrow_mut()[record] = transaction_id;
    }

    pub(super) fn set(&self, record: usize, outcome: Outcome) {
        self.outcomes.borrow_mut()[record] = Some(outcome);
    }

    /// The outcome is the first message's; the others repeat it.
    pub(super) fn set_all(&self, records: &[usize], outcome: Outcome) {
        let mut outcome = Some(outcome);
        for record in records {
            self.set(*record, outcome.take().unwrap_or(Outcome::Duplicate));
        }
    }

    pub(super) fn metrics(&self, change: impl FnOnce(&mut BatchMetrics)) {
        change(&mut self.metrics.borrow_mut());
    }

    pub(super) fn unmarked(&self, transaction_id: &str, cause: &str) {
        self.unmarked.borrow_mut().push((transaction_id.to_owned(), cause.to_owned()));
    }

    /// The answer, and what the log says.
    pub(super) fn close(
        self,
        settings: &Settings,
        invocation: &Invocation<'_>,
        records: &[Record],
        now: Timestamp,
    ) -> Processed {
        let outcomes: Vec<_> = self
            .outcomes
            .take()
            .into_iter()
            .map(|outcome| outcome.unwrap_or(Outcome::Failed(Failure::OutOfTime)))
            .collect();
        let mut metrics = self.metrics.take();
        outcomes.iter().for_each(|outcome| count(outcome, &mut metrics));
        let mut log = Log::new(settings.log_level, invocation.request_id, invocation.trace_id);
        for ((outcome, record), id) in outcomes.iter().zip(records).zip(self.transaction_ids.take()) {
            tell(&mut log, now, outcome, &record.message_id, id.as_deref());
        }
        for (id, cause) in self.unmarked.take() {
            let fields = [("transaction_id", Field::Text(&id)), ("cause", Field::Text(&cause))];
            log.line(now, LogLevel::Warn, "announced, but not marked as sent", &fields);
        }
        denied(&mut log, now, &outcomes);
        let failed = outcomes.iter().zip(records).filter(|(outcome, _)| matches!(outcome, Outcome::Failed(_)));
        let failures = failed.map(|(_, record)| BatchItemFailure { message_id: record.message_id.clone() }).collect();
        let output = log.into_text() + &metrics.lines(&settings.pipeline, now);
        Processed { response: BatchResponse { failures }, output }
    }
}

/// Stored and announced are counted when they happen; the rest is what messages became.
fn count(outcome: &Outcome, metrics: &mut BatchMetrics) {
    match outcome {
        Outcome::Stored { .. } | Outcome::Resumed => {}
        Outcome::Duplicate => metrics.duplicates += 1,
        Outcome::Conflict => metrics.conflicts += 1,
        Outcome::Failed(_) => metrics.failed += 1,
        Outcome::Rejected(codes) => {
            metrics.rejected += 1;
            codes.iter().for_each(|code| *metrics.rejected_by.entry(*code).or_default() += 1);
        }
    }
}

/// One line a message.
fn tell(log: &mut Log<'_>, now: Timestamp, outcome: &Outcome, message_id: &str, transaction_id: Option<&str>) {
    let (level, decision) = match outcome {
        Outcome::Stored { .. } => (LogLevel::Info, "stored"),
        Outcome::Resumed => (LogLevel::Info, "announced"),
        Outcome::Duplicate => (LogLevel::Info, "duplicate"),
        Outcome::Rejected(_) => (LogLevel::Warn, "rejected"),
        Outcome::Conflict => (LogLevel::Warn, "conflict"),
        Outcome::Failed(_) => (LogLevel::Warn, "failed"),
    };
    if !log.keeps(level) {
        return;
    }
    let cause = if let Outcome::Failed(failure) = outcome { Some(failure.to_string()) } else { None };
    let mut fields = vec![("message_id", Field::Text(message_id))];
    fields.extend(transaction_id.map(|id| ("transaction_id", Field::Text(id))));
    fields.push(("decision", Field::Text(decision)));
    fields.extend(cause.as_deref().map(|cause| ("cause", Field::Text(cause))));
    match outcome {
        Outcome::Stored { announced: true } => fields.push(("announced", Field::Flag(true))),
        Outcome::Rejected(codes) => {
            fields.push(("reasons", Field::Texts(codes.iter().map(|code| code.as_str()).collect())));
        }
        Outcome::Stored { announced: false }
        | Outcome::Resumed
        | Outcome::Duplicate
        | Outcome::Conflict
        | Outcome::Failed(_) => {}
    }
    log.line(now, level, "message processed", &fields);
}

/// One clear line for each operation that cannot work at all.
fn denied(log: &mut Log<'_>, now: Timestamp, outcomes: &[Outcome]) {
    let mut told = BTreeSet::new();
    for outcome in outcomes {
        if let Outcome::Failed(Failure::Port(error)) = outcome
            && error.kind == PortErrorKind::Denied
            && told.insert(error.operation)
        {
            let message = "every message fails until permissions and resources are put right";
            let fields = [
                ("operation", Field::Text(error.operation)),
                ("code", Field::Text(&error.code)),
                ("cause", Field::Text(&error.message)),
            ];
            log.line(now, LogLevel::Error, message, &fields);
        }
    }
}
