//! Which parked messages go back into the pipeline, and which of those that are met again came back from it.
//!
//! A redrive looks at a queue that its own messages may come back to. So it knows what it sent: a dead letter keeps the
//! id that it was sent under, a rejected message comes as a new one with the same content.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::Serialize;

use super::parked::Parked;

/// What the user chose.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// Only messages with this reason.
    pub reason: Option<String>,
    /// At most so many.
    pub limit: Option<usize>,
    /// Why messages that carry no reasons failed, by their ids.
    pub causes: BTreeMap<String, String>,
}

impl Selection {
    pub fn covers(&self, message: &Parked) -> bool {
        let Some(reason) = &self.reason else { return true };
        let cause = self.causes.get(&message.message_id).or(message.cause.as_ref());
        message.codes(cause).contains(reason)
    }

    /// Whether every message is meant.
    pub fn is_everything(&self) -> bool {
        self.reason.is_none() && self.limit.is_none()
    }
}

/// What was done.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Redriven {
    /// Sent into the pipeline again.
    pub sent: usize,
    /// By whom: each message by us, or all of them by SQS, which does not tell what came back.
    pub by: By,
    /// Looked at, and left where they are.
    pub left: usize,
    /// Could not be seen, for others had them in hand: approximately.
    pub hidden: usize,
    /// Sent, and parked again meanwhile.
    pub came_back: usize,
    /// Of these, the ones that are in the other queue now: rejected dead letters, or quarantined ones that failed.
    pub came_elsewhere: usize,
    /// Whether all that is parked now was looked at for it: else more may have come back.
    pub is_all: bool,
    /// In the pipeline's queue at the end, of whomever.
    pub still_on_the_way: usize,
    /// Sent, but not removed: the next redrive sends them again, and the processor absorbs that.
    pub not_removed: usize,
    /// What SQS would not take, by message, with its reason.
    pub refused: BTreeMap<String, String>,
    pub interrupted: bool,
}

/// Who moves the messages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    #[default]
    Messages,
    MoveTask,
}

/// What is to be done with a message that was met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// To be sent, then removed.
    Back,
    /// Was sent already, but not removed: to be removed.
    Remove,
    /// Stays: it was not chosen, came back, or came since.
    Stays,
}

/// Sorts the messages of one redrive as they are met.
#[derive(Debug)]
pub struct Sorter {
    selection: Selection,
    begun: Timestamp,
    /// Chosen and not failed: what counts against the limit.
    chosen: usize,
    /// Ids here that were sent on.
    sent: BTreeSet<String>,
    /// The ids under which they are on their way.
    ids: BTreeSet<String>,
    /// What they contain.
    digests: BTreeSet<[u8; 32]>,
    stays: BTreeSet<String>,
    came_back: BTreeSet<String>,
    came_elsewhere: BTreeSet<String>,
    /// How many in a row were known.
    familiar: usize,
}

impl Sorter {
    pub fn new(selection: Selection, begun: Timestamp) -> Self {
        Self {
            selection,
            begun,
            chosen: 0,
            sent: BTreeSet::new(),
            ids: BTreeSet::new(),
            digests: BTreeSet::new(),
            stays: BTreeSet::new(),
            came_back: BTreeSet::new(),
            came_elsewhere: BTreeSet::new(),
            familiar: 0,
        }
    }

    /// Says what is to be done with a message.
    pub fn sort(&mut self, message: &Parked) -> Fate {
        if self.sent.contains(&message.message_id) {
            return Fate::Remove;
        }
        if self.stays.contains(&message.message_id) {
            self.familiar += 1;
            return Fate::Stays;
        }
        self.familiar = 0;
        if self.is_back(message) {
            self.came_back.insert(message.message_id.clone());
        } else if !self.is_since(message) && self.selection.covers(message) && !self.is_full() {
            self.chosen += 1;
            return Fate::Back;
        }
        self.stays.insert(message.message_id.clone());
        Fate::Stays
    }

    /// Takes notice of a message that is parked here at the end.
    pub fn meet(&mut self, message: &Parked) {
        let is_new = !self.sent.contains(&message.message_id) && self.stays.insert(message.message_id.clone());
        if is_new && self.is_back(message) {
            self.came_back.insert(message.message_id.clone());
        }
    }

    /// Takes notice of a message that is parked in the other queue at the end.
    pub fn meet_elsewhere(&mut self, message: &Parked) {
        if self.is_back(message) {
            self.came_elsewhere.insert(message.message_id.clone());
        }
    }

    /// The message is on its way, under this id.
    pub fn was_sent(&mut self, message: &Parked, new_id: &str) {
        self.sent.insert(message.message_id.clone());
        self.ids.insert(new_id.to_owned());
        self.digests.insert(message.digest());
    }

    /// It could not be sent: it stays.
    pub fn was_refused(&mut self, message: &Parked) {
        self.chosen -= 1;
        self.stays.insert(message.message_id.clone());
    }

    /// Whether there is nothing more to look for: the limit is reached, or a whole round brought only what is known.
    pub fn is_done(&self) -> bool {
        self.is_full() || self.familiar > self.stays.len().max(20)
    }

    pub fn count_sent(&self) -> usize {
        self.sent.len()
    }

    pub fn count_staying(&self) -> usize {
        self.stays.len() - self.came_back.len()
    }

    /// Wherever they are now.
    pub fn count_back(&self) -> usize {
        self.came_back.len() + self.came_elsewhere.len()
    }

    pub fn count_elsewhere(&self) -> usize {
        self.came_elsewhere.len()
    }

    fn is_full(&self) -> bool {
        self.selection.limit.is_some_and(|limit| self.chosen >= limit)
    }

    fn is_since(&self, message: &Parked) -> bool {
        message.sent_at.is_some_and(|at| at >= self.begun)
    }

    fn is_back(&self, message: &Parked) -> bool {
        self.ids.contains(&message.message_id) || self.is_since(message) && self.digests.contains(&message.digest())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn message(id: &str, body: &str, second: i64) -> Parked {
        Parked {
            message_id: id.into(),
            receipt: String::new(),
            body: body.into(),
            attributes: BTreeMap::new(),
            trace_header: None,
            sent_at: Timestamp::from_second(second).ok(),
            cause: Some(if body.contains("late") { "late" } else { "other" }.into()),
        }
    }

    fn sorter(reason: Option<&str>, limit: Option<usize>) -> Sorter {
        let selection = Selection { reason: reason.map(str::to_owned), limit, causes: BTreeMap::new() };
        Sorter::new(selection, Timestamp::from_second(100).unwrap())
    }

    #[test]
    fn only_the_chosen_reason_goes_back() {
        let mut sorter = sorter(Some("late"), None);
        assert_eq!(sorter.sort(&message("a", "late", 1)), Fate::Back);
        assert_eq!(sorter.sort(&message("b", "x", 1)), Fate::Stays);
        assert_eq!(sorter.count_staying(), 1);
    }

    #[test]
    fn a_limit_counts_what_was_chosen_and_not_what_was_refused() {
        let mut sorter = sorter(None, Some(1));
        let (a, b, c) = (message("a", "1", 1), message("b", "2", 1), message("c", "3", 1));
        assert_eq!(sorter.sort(&a), Fate::Back);
        assert_eq!(sorter.sort(&b), Fate::Stays);
        assert!(sorter.is_done());
        sorter.was_refused(&a);
        assert_eq!(sorter.sort(&c), Fate::Back);
        assert_eq!(sorter.sort(&a), Fate::Stays);
    }

    #[test]
    fn what_comes_back_is_counted_and_not_sent_in_a_circle() {
        let mut sorter = sorter(None, None);
        let first = message("a", "x", 1);
        assert_eq!(sorter.sort(&first), Fate::Back);
        sorter.was_sent(&first, "m-1");
        // Rejected again: a new message with the same content. Failed again: the message itself.
        assert_eq!(sorter.sort(&message("b", "x", 101)), Fate::Stays);
        assert_eq!(sorter.sort(&message("m-1", "x", 99)), Fate::Stays);
        assert_eq!((sorter.count_back(), sorter.count_staying(), sorter.count_sent()), (2, 0, 1));
        // At the end some are met again, and others for the first time, here and in the other queue.
        for (id, body) in [("b", "x"), ("c", "x"), ("other", "y")] {
            sorter.meet(&message(id, body, 102));
        }
        for (id, body) in [("e", "x"), ("other-e", "y")] {
            sorter.meet_elsewhere(&message(id, body, 102));
        }
        assert_eq!((sorter.count_back(), sorter.count_elsewhere(), sorter.count_staying()), (4, 1, 1));
        // A twin that lay there before did not come back.
        assert_eq!(sorter.sort(&message("twin", "x", 2)), Fate::Back);
    }

    #[test]
    fn what_came_since_stays_for_the_next_time() {
        let mut sorter = sorter(None, None);
        assert_eq!(sorter.sort(&message("new", "x", 100)), Fate::Stays);
        assert_eq!((sorter.count_back(), sorter.count_staying()), (0, 1));
    }

    #[test]
    fn what_was_sent_and_is_still_there_is_removed_and_not_sent_again() {
        let mut sorter = sorter(None, None);
        let one = message("a", "x", 1);
        sorter.sort(&one);
        sorter.was_sent(&one, "m-1");
        assert_eq!(sorter.sort(&one), Fate::Remove);
        assert_eq!(sorter.count_sent(), 1);
    }

    #[test]
    fn a_round_of_nothing_new_is_the_end() {
        let mut sorter = sorter(Some("late"), None);
        let others: Vec<_> = (0..30).map(|index| message(&index.to_string(), "x", 1)).collect();
        others.iter().for_each(|other| assert_eq!(sorter.sort(other), Fate::Stays));
        assert!(!sorter.is_done());
        others.iter().cycle().take(31).for_each(|other| assert_eq!(sorter.sort(other), Fate::Stays));
        assert!(sorter.is_done());
    }
}
