//! Letters on their way: sent, and followed to their end if asked to, with progress, until done or interrupted.

use std::cell::{Cell, RefCell};
use std::pin::pin;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Notify;
use tokio::sync::mpsc::Receiver;

use super::interrupt::Interrupt;
use super::running::Running;
use crate::aws::following::{Following, Places};
use crate::aws::sending::Delivery as Outcome;
use crate::aws::sweep::Fate;
use crate::number::grouped;
use crate::operate::Letter;
use crate::operate::account::{Account, Ids, Statement};
use crate::operate::pace::Pace;
use crate::reconcile::CloudError;
use crate::render::gauge::{Gauge, Reached};

/// A delivery to come.
pub struct Delivery<'a> {
    pub running: &'a Running,
    pub interrupt: &'a Interrupt,
    pub gauge: &'a Gauge<'a>,
    pub pace: Pace,
    /// Follow every message, for so long without news.
    pub patience: Option<Duration>,
    pub ids: Ids,
    /// What is to happen with our own messages in the quarantine queue, once they were found. Where they are deleted,
    /// an interruption ends the sending at once, and the following when they have come, within a minute.
    pub quarantined: Fate,
    /// How much of the whole that is: so many sent.
    pub share: &'a dyn Fn(u64) -> Option<f64>,
    /// What else there is to say meanwhile, each once.
    pub words: &'a dyn Fn() -> Vec<String>,
}

/// A delivery that is over.
#[derive(Debug)]
pub struct Delivered {
    pub sent: u64,
    /// What SQS did not take.
    pub refused: u64,
    /// Of those that were followed.
    pub account: Option<Statement>,
    pub is_interrupted: bool,
    pub failure: Option<CloudError>,
}

impl Delivered {
    /// Messages whose end is not known, of those that were followed.
    pub fn open(&self) -> u64 {
        self.account.as_ref().map_or(0, |account| account.unaccounted)
    }

    /// Whether no news came any more before all was settled.
    pub fn is_given_up(&self) -> bool {
        self.open() > 0 && !self.is_interrupted && self.failure.is_none()
    }
}

/// So many messages that SQS refuses are told one by one.
const MOST_TOLD: u64 = 100;
/// What is to be taken out of the quarantine queue must have come there first: after an interruption it is waited for,
/// so long without news and so long in all.
const LAST_NEWS: Duration = Duration::from_secs(15);
const LAST_WAIT: Duration = Duration::from_secs(60);
/// How often progress is shown.
pub const TICK: Duration = Duration::from_millis(200);

/// What has happened so far.
#[derive(Default)]
struct Tally {
    sent: Cell<u64>,
    refused: Cell<u64>,
    is_all_sent: Cell<bool>,
    account: Option<RefCell<Account>>,
}

impl Delivery<'_> {
    pub async fn carry_out(&self, letters: &mut Receiver<Letter>) -> Delivered {
        let since = Timestamp::now();
        let account = self.patience.map(|_| RefCell::new(self.running.account(self.ids)));
        let tally = Tally { account, ..Tally::default() };
        // What cannot be followed any more is not sent either.
        let lost = Notify::new();
        let sending = async {
            let outcome = self.send(letters, &tally, &lost).await;
            tally.is_all_sent.set(true);
            outcome
        };
        let following = async {
            let outcome = self.follow(&tally, since).await;
            if outcome.is_err() {
                lost.notify_one();
            }
            outcome
        };
        let work = async { tokio::join!(sending, following) };
        let show = async {
            loop {
                tokio::time::sleep(TICK).await;
                self.show(&tally);
            }
        };
        let (sent, followed) = tokio::select! {
            biased;
            outcome = work => outcome,
            () = show => (Ok(false), Ok(false)),
        };
        (self.words)().iter().for_each(|words| self.gauge.line(words));
        let was_stopped = [&sent, &followed].into_iter().any(|outcome| matches!(outcome, Ok(true)));
        Delivered {
            sent: tally.sent.get(),
            refused: tally.refused.get(),
            account: tally.account.map(|account| account.into_inner().statement()),
            is_interrupted: was_stopped && self.interrupt.is_asked(),
            failure: sent.err().or(followed.err()),
        }
    }

    /// Whether it was stopped before its end, by the user or because what is sent is lost from sight.
    async fn send(&self, letters: &mut Receiver<Letter>, tally: &Tally, lost: &Notify) -> Result<bool, CloudError> {
        let aws = &self.running.aws;
        let queue = self.running.pipeline.queue_name();
        let mut on = |outcome: Outcome| match outcome {
            Outcome::Sent { letter, message_id, at } => {
                tally.sent.set(tally.sent.get() + 1);
                if let Some(account) = &tally.account {
                    account.borrow_mut().send(message_id, &letter.body, at);
                }
            }
            Outcome::Refused { letter, cause } => {
                tally.refused.set(tally.refused.get() + 1);
                if tally.refused.get() <= MOST_TOLD {
                    self.gauge.line(&format!("{}: refused: {cause}", letter.place));
                }
            }
        };
        let stop = async {
            tokio::select! {
                () = self.interrupt.asked() => {}
                () = lost.notified() => {}
            }
        };
        aws.send_all(&queue, letters, self.pace.clone(), stop, &mut on).await
    }

    /// Whether the user stopped it before its end.
    async fn follow(&self, tally: &Tally, since: Timestamp) -> Result<bool, CloudError> {
        let (Some(account), Some(patience)) = (&tally.account, self.patience) else { return Ok(false) };
        let names = self.running.places();
        let (patience, is_stopped) = (Cell::new(patience), Cell::new(false));
        let following = Following {
            places: names.places(self.running),
            account,
            is_all_sent: &tally.is_all_sent,
            patience: &patience,
            is_stopped: &is_stopped,
            since,
            quarantined: self.quarantined,
        };
        let mut follow = pin!(self.running.aws.follow(following));
        tokio::select! {
            biased;
            outcome = &mut follow => return outcome.map(|()| false),
            () = self.interrupt.asked() => {}
        }
        if self.quarantined == Fate::Deleted {
            patience.set(LAST_NEWS);
            tokio::select! {
                biased;
                outcome = &mut follow => return outcome.map(|()| true),
                () = tokio::time::sleep(LAST_WAIT) => {}
            }
        }
        is_stopped.set(true);
        follow.await.map(|()| true)
    }

    fn show(&self, tally: &Tally) {
        (self.words)().iter().for_each(|words| self.gauge.line(words));
        let sent = tally.sent.get();
        let open = tally.account.as_ref().map(|account| account.borrow().statement().unaccounted);
        if tally.is_all_sent.get() {
            let open = open.unwrap_or_default();
            return self.gauge.show(&format!("sent {}; following {} still open", grouped(sent), grouped(open)));
        }
        let more = open.map_or_else(String::new, |open| format!("{} still open", grouped(open)));
        self.gauge.rate("sent", Reached { count: sent, share: (self.share)(sent) }, &more);
    }
}

/// The names of the places where traces are.
pub struct PlaceNames {
    log_group: String,
    quarantine: String,
    dead_letter: String,
}

impl PlaceNames {
    pub fn places<'a>(&'a self, running: &'a Running) -> Places<'a> {
        Places {
            log_group: &self.log_group,
            keyed: running.keyed(),
            quarantine: &self.quarantine,
            dead_letter: &self.dead_letter,
        }
    }
}

impl Running {
    pub fn places(&self) -> PlaceNames {
        PlaceNames {
            log_group: self.pipeline.log_group_name(),
            quarantine: self.pipeline.quarantine_name(),
            dead_letter: self.pipeline.dead_letter_name(),
        }
    }

    /// An account that is still empty.
    fn account(&self, ids: Ids) -> Account {
        let settings = self.pipeline.settings("", "");
        Account::new(settings.table.attributes, Duration::from_secs(self.pipeline.function.timeout.get()), ids)
    }
}
