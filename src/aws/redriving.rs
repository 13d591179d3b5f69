//! Puts parked messages back into the pipeline: received, sent, and only then removed.
//!
//! Killed between any two calls, a message is in the pipeline, or still parked, or both: never in neither. What is sent
//! twice the processor absorbs: the same transaction is stored once. Where everything moves, SQS does it itself.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::join_all;
use jiff::Timestamp;

use super::patience::Wait;
use super::peeking::{BATCH, Depth};
use super::{Aws, sweep};
use crate::operate::Parked;
use crate::operate::redrive::{By, Fate, Redriven, Selection, Sorter};
use crate::reconcile::{CloudError, ErrorKind};

/// How long a message is hidden while it is under way, and while a round goes on that it is not chosen in.
const HIDDEN: Duration = Duration::from_secs(20);
/// Rounds of receiving, sending and removing side by side.
const ROUNDS: usize = 4;

/// From where to where, and which.
#[derive(Debug, Clone)]
pub struct Redrive {
    pub from: String,
    pub to: String,
    /// Where else messages may end that were put back.
    pub elsewhere: String,
    pub selection: Selection,
}

/// One redrive that is going on.
struct Job<'a> {
    aws: &'a Aws,
    what: &'a Redrive,
    sorter: RefCell<Sorter>,
    /// Receipts of what stays, to be shown again at the end.
    held: RefCell<BTreeMap<String, String>>,
    refused: RefCell<BTreeMap<String, String>>,
    not_removed: RefCell<BTreeMap<String, String>>,
    is_stopped: &'a dyn Fn() -> bool,
    on: &'a dyn Fn(usize),
}

impl Aws {
    /// Sends the chosen messages on, and waits at most so long for the pipeline to be done with them. `on` hears how
    /// many are sent; once `is_stopped`, what is under way is finished and nothing is begun.
    ///
    /// # Errors
    /// A queue cannot be read or written to. What was sent until then is sent, and removed where that was possible.
    pub async fn redrive(
        &self,
        what: &Redrive,
        wait: Duration,
        is_stopped: &dyn Fn() -> bool,
        on: &dyn Fn(usize),
    ) -> Result<Redriven, CloudError> {
        let hidden = self.depth(&what.from).await?.in_flight;
        let job = Job {
            aws: self,
            what,
            sorter: RefCell::new(Sorter::new(what.selection.clone(), Timestamp::now())),
            held: RefCell::default(),
            refused: RefCell::default(),
            not_removed: RefCell::default(),
            is_stopped,
            on,
        };
        let outcomes = join_all((0..ROUNDS).map(|_| job.rounds())).await;
        let held = job.held.take();
        self.show_again(&what.from, held.values().map(String::as_str)).await;
        if let Some(error) = outcomes.into_iter().find_map(Result::err) {
            let message =
                format!("{} messages were put back, then: {}", job.sorter.borrow().count_sent(), error.message);
            return Err(CloudError { message, ..error });
        }
        let (mut on_the_way, mut is_all) = (0, true);
        if job.sorter.borrow().count_sent() > 0 {
            on_the_way = self.drained(&what.to, wait, is_stopped).await?.all();
            is_all = job.meet_again().await?;
        }
        let sorter = job.sorter.borrow();
        Ok(Redriven {
            sent: sorter.count_sent(),
            by: By::Messages,
            left: sorter.count_staying(),
            hidden,
            came_back: sorter.count_back(),
            came_elsewhere: sorter.count_elsewhere(),
            is_all,
            still_on_the_way: on_the_way,
            not_removed: job.not_removed.borrow().len(),
            refused: job.refused.take(),
            interrupted: is_stopped(),
        })
    }

    /// Waits until a queue is empty, at most so long; what it holds then.
    ///
    /// # Errors
    /// The queue cannot be read.
    pub async fn drained(
        &self,
        queue: &str,
        limit: Duration,
        is_stopped: &dyn Fn() -> bool,
    ) -> Result<Depth, CloudError> {
        let wait = Wait { reason: "until the queue is empty", limit };
        let ask = async || {
            let depth = self.depth(queue).await?;
            Ok((depth.all() == 0 || is_stopped()).then_some(depth))
        };
        match self.until(wait, &|_| (), ask).await {
            Err(error) if error.kind == ErrorKind::TimedOut => self.depth(queue).await,
            outcome => outcome,
        }
    }
}

impl Job<'_> {
    /// One round after the other, until there is nothing more.
    async fn rounds(&self) -> Result<(), CloudError> {
        while !(self.is_stopped)() && !self.sorter.borrow().is_done() {
            let batch = self.aws.take(&self.what.from, BATCH, HIDDEN).await?;
            if batch.is_empty() {
                return Ok(());
            }
            let hands: Vec<_> = batch.iter().map(|one| (one.message_id.clone(), one.receipt.clone())).collect();
            if let Err(error) = self.round(batch).await {
                self.held.borrow_mut().extend(hands);
                return Err(error);
            }
        }
        Ok(())
    }

    async fn round(&self, batch: Vec<Parked>) -> Result<(), CloudError> {
        let (mut back, mut done) = (Vec::new(), Vec::new());
        for message in batch {
            let fate = self.sorter.borrow_mut().sort(&message);
            match fate {
                Fate::Back => back.push(message),
                Fate::Remove => done.push(message),
                Fate::Stays => {
                    self.held.borrow_mut().insert(message.message_id, message.receipt);
                }
            }
        }
        let sent = if back.is_empty() { Vec::new() } else { self.aws.send_on(&self.what.to, &back).await? };
        for (message, sent) in back.into_iter().zip(sent) {
            match sent {
                Ok(id) => {
                    self.sorter.borrow_mut().was_sent(&message, &id);
                    done.push(message);
                }
                Err(why) => {
                    self.sorter.borrow_mut().was_refused(&message);
                    self.refused.borrow_mut().insert(message.message_id.clone(), why);
                    self.held.borrow_mut().insert(message.message_id, message.receipt);
                }
            }
        }
        self.remove(&done).await?;
        (self.on)(self.sorter.borrow().count_sent());
        Ok(())
    }

    async fn remove(&self, done: &[Parked]) -> Result<(), CloudError> {
        let receipts: Vec<_> = done.iter().map(|message| message.receipt.as_str()).collect();
        let left = self.aws.remove_twice(&self.what.from, &receipts).await?;
        let mut not_removed = self.not_removed.borrow_mut();
        for message in done {
            if left.contains(&message.receipt.as_str()) {
                not_removed.insert(message.message_id.clone(), message.receipt.clone());
            } else {
                not_removed.remove(&message.message_id);
            }
        }
        Ok(())
    }

    /// Meets what is parked now, here and in the other queue. Whether all of it was seen.
    async fn meet_again(&self) -> Result<bool, CloudError> {
        let look = async |queue: &str, meet: fn(&mut Sorter, &Parked)| {
            let on = &mut |message: &Parked| {
                meet(&mut self.sorter.borrow_mut(), message);
                sweep::Fate::Stays
            };
            self.aws.sweep(queue, self.is_stopped, on).await
        };
        let (here, elsewhere) =
            tokio::join!(look(&self.what.from, Sorter::meet), look(&self.what.elsewhere, Sorter::meet_elsewhere));
        let (here, elsewhere) = (here?, elsewhere?);
        Ok(here && elsewhere)
    }
}
