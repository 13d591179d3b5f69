//! The ports as maps: for tests that need to see every state and to break every call.
//!
//! Each call yields before and after its effect, so that a test that polls by hand can stop a batch, or let another
//! run, at every point that matters. Calls are numbered from zero; a fault set for a number makes that call fail before
//! its effect, or lose its answer after it.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use jiff::Timestamp;

use crate::announcement::Announcement;
use crate::contract::TableSettings;
use crate::ports::{
    Announcements, Clock, MessageAttribute, PortError, PortErrorKind, Put, Quarantine, Quarantined, Table, Update,
};
use crate::quarantine;
use crate::row::{Announced, Attribute, Claim, Row};

/// The outside world of a test.
#[derive(Debug)]
pub struct Memory {
    table: TableSettings,
    rows: RefCell<BTreeMap<String, Row>>,
    published: RefCell<Vec<Announcement>>,
    quarantined: RefCell<Vec<Kept>>,
    now: Cell<Timestamp>,
    faults: RefCell<BTreeMap<usize, Fault>>,
    calls: RefCell<Vec<&'static str>>,
}

/// A message in the quarantine queue.
#[derive(Debug, Clone, PartialEq)]
pub struct Kept {
    pub body: String,
    pub attributes: BTreeMap<String, MessageAttribute>,
}

/// How a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing happens, and the caller hears so.
    Fails(PortErrorKind),
    /// It happens, but the caller hears of a transient failure.
    LosesAnswer,
    /// The client loses the answer, asks again by itself, and hands over the second answer.
    AsksTwice,
}

impl Memory {
    /// An empty world at this time.
    pub fn new(table: TableSettings, now: Timestamp) -> Self {
        Self {
            table,
            rows: RefCell::default(),
            published: RefCell::default(),
            quarantined: RefCell::default(),
            now: Cell::new(now),
            faults: RefCell::default(),
            calls: RefCell::default(),
        }
    }

    /// Moves the clock.
    pub fn set_now(&self, now: Timestamp) {
        self.now.set(now);
    }

    /// Makes the call of this number fail.
    pub fn fail(&self, call: usize, fault: Fault) {
        self.faults.borrow_mut().insert(call, fault);
    }

    /// Puts a row there, whatever was there before.
    pub fn insert(&self, row: Row) {
        self.rows.borrow_mut().insert(self.key(&row), row);
    }

    /// The rows by id.
    pub fn rows(&self) -> BTreeMap<String, Row> {
        self.rows.borrow().clone()
    }

    /// What was published, in that order.
    pub fn published(&self) -> Vec<Announcement> {
        self.published.borrow().clone()
    }

    /// What is in the quarantine queue, in that order.
    pub fn quarantined(&self) -> Vec<Kept> {
        self.quarantined.borrow().clone()
    }

    /// The calls made so far, by the names of AWS's operations.
    pub fn calls(&self) -> Vec<&'static str> {
        self.calls.borrow().clone()
    }

    fn key(&self, row: &Row) -> String {
        row.get(&self.table.key).and_then(Attribute::as_text).unwrap_or_default().to_owned()
    }

    /// One call: yields, takes effect unless it fails, yields again.
    async fn call<T>(&self, operation: &'static str, effect: impl Fn() -> T) -> Result<T, PortError> {
        let number = self.calls.borrow().len();
        self.calls.borrow_mut().push(operation);
        Yield::default().await;
        let fault = self.faults.borrow().get(&number).copied();
        let failed =
            |kind| Err(PortError { kind, operation, code: "Injected".to_owned(), message: "by a test".to_owned() });
        if let Some(Fault::Fails(kind)) = fault {
            return failed(kind);
        }
        if fault == Some(Fault::AsksTwice) {
            effect();
        }
        let value = effect();
        Yield::default().await;
        if fault == Some(Fault::LosesAnswer) { failed(PortErrorKind::Transient) } else { Ok(value) }
    }

    /// Replaces the announcement's state if the row holds this claim.
    fn update(&self, id: &str, from: &Claim, to: Attribute) -> Update {
        let mut rows = self.rows.borrow_mut();
        let Some(row) = rows.get_mut(id) else { return Update::Refused(None) };
        let name = &self.table.attributes.announcement;
        if Announced::read(row.get(name)) != Announced::Pending(from.clone()) {
            return Update::Refused(Some(row.clone()));
        }
        row.insert(name.clone(), to);
        Update::Done
    }
}

impl Table for &Memory {
    async fn put_new(&self, row: &Row) -> Result<Put, PortError> {
        let put = || {
            let mut rows = self.rows.borrow_mut();
            match rows.get(&self.key(row)) {
                Some(taken) => Put::Taken(taken.clone()),
                None => {
                    rows.insert(self.key(row), row.clone());
                    Put::Stored
                }
            }
        };
        self.call("dynamodb:PutItem", put).await
    }

    async fn take_over(&self, id: &str, from: &Claim, to: &Claim) -> Result<Update, PortError> {
        self.call("dynamodb:UpdateItem", || self.update(id, from, to.pending())).await
    }

    async fn mark_sent(&self, id: &str, claim: &Claim, at: Timestamp) -> Result<Update, PortError> {
        self.call("dynamodb:UpdateItem", || self.update(id, claim, claim.sent(at))).await
    }
}

impl Announcements for &Memory {
    async fn publish(&self, announcements: &[Announcement]) -> Vec<Result<(), PortError>> {
        let publish = || self.published.borrow_mut().extend_from_slice(announcements);
        let result = self.call("sns:Publish", publish).await;
        vec![result; announcements.len()]
    }
}

impl Quarantine for &Memory {
    async fn send(&self, messages: &[Quarantined<'_>]) -> Vec<Result<(), PortError>> {
        let keep = |message: &Quarantined<'_>| Kept {
            body: message.body.to_owned(),
            attributes: quarantine::attributes(message),
        };
        let send = || self.quarantined.borrow_mut().extend(messages.iter().map(keep));
        let result = self.call("sqs:SendMessage", send).await;
        vec![result; messages.len()]
    }
}

impl Clock for &Memory {
    fn now(&self) -> Timestamp {
        self.now.get()
    }
}

/// Ready at the second poll.
#[derive(Default)]
struct Yield {
    polled: bool,
}

impl Future for Yield {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.polled {
            return Poll::Ready(());
        }
        self.polled = true;
        context.waker().wake_by_ref();
        Poll::Pending
    }
}
