//! What became of every message that was sent, to the last one.
//!
//! The processor's log says what it decided about each message: only there does an identical copy leave a trace. The
//! word alone does not count: what was stored must be in the table with that content, what was announced must be marked
//! so, what was rejected must lie in the quarantine queue. A message is settled when both agree; then it is forgotten,
//! so that the account is as small as what is still open.
//!
//! The processor may take an order for a repeat of itself: where the answer to its first write was lost, the second finds
//! the item. Where the ids are new, one of the messages must have been the first: it is counted as stored. Where they
//! may have been stored earlier, nobody can tell.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use pipewright_processor::contract::Attributes;
use pipewright_processor::digest;
use pipewright_processor::row::{Announced, Attribute, Row};
use serde::Serialize;

use super::latency::{Latency, Percentiles};
use super::letter::Identity;
use super::news::{News, Said};

/// The account of a run.
#[derive(Debug)]
pub struct Account {
    names: Attributes,
    /// A message is in the quarantine queue at most this long before the processor says so.
    batch_time: SignedDuration,
    open: HashMap<String, Open>,
    /// Quarantined messages, by their ids, that stand for one of ours already.
    counted: BTreeSet<String>,
    totals: Totals,
    /// Of new ids, what became of each.
    new: Option<New>,
    latency: Latency,
    /// Counts what changes: whoever waits sees whether there is news.
    changes: u64,
}

/// A message that is not settled.
#[derive(Debug)]
struct Open {
    identity: Identity,
    body: u64,
    sent_at: Timestamp,
    /// The last word.
    said: Option<Said>,
    said_at: Timestamp,
    /// Whether the table has confirmed what the word says about it.
    in_table: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Totals {
    sent: u64,
    stored: u64,
    rejected: u64,
    rejected_by: BTreeMap<String, u64>,
    duplicate: u64,
    conflict: u64,
    announced: u64,
    dead_letter: u64,
}

/// Orders whose ids nobody used before, by a digest of their ids.
#[derive(Debug, Default)]
struct New {
    stored: HashSet<u64>,
    /// Said to be repeats, and whether the order was announced.
    repeated: HashMap<u64, bool>,
}

impl New {
    /// Orders of which every message was said to be a repeat: how many, and how many of them were announced.
    fn taken_for_repeats(&self) -> (u64, u64) {
        let first = self.repeated.iter().filter(|(id, _)| !self.stored.contains(id));
        first.fold((0, 0), |(count, announced), (_, is)| (count + 1, announced + u64::from(*is)))
    }
}

/// Whether the ids that are sent may have been used before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ids {
    New,
    PerhapsUsed,
}

/// The account as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Statement {
    pub sent: u64,
    pub stored: u64,
    pub rejected: u64,
    pub duplicate: u64,
    pub conflict: u64,
    /// Of those stored, the large orders whose announcement is out.
    pub announced: u64,
    /// Of those stored, the ones that the processor took for repeats of themselves; known of new ids only.
    pub taken_for_repeats: u64,
    /// Of those sent, the ones of which nobody can say what became of them: `in_flight` and `unconfirmed`.
    pub unaccounted: u64,
    /// Not decided yet: waiting, or to be tried again.
    pub in_flight: u64,
    /// Of those in flight, the ones that failed so far, by the last cause.
    pub failing: BTreeMap<String, u64>,
    /// Decided by the processor's word, which table or quarantine did not confirm.
    pub unconfirmed: u64,
    /// In the dead-letter queue: tried as often as allowed, in vain.
    pub dead_letter: u64,
    /// Rejected messages by reason; one with two reasons counts for both.
    pub rejected_by: BTreeMap<String, u64>,
    /// From sending to the processor's decision, in milliseconds, by the clocks of both.
    pub latency_ms: Option<Percentiles>,
}

/// How far the clocks of AWS's services may be apart.
const CLOCKS: Duration = Duration::from_secs(5);

impl Account {
    /// `names`: what the table calls its attributes.
    pub fn new(names: Attributes, function_timeout: Duration, ids: Ids) -> Self {
        Self {
            names,
            batch_time: SignedDuration::try_from(function_timeout + CLOCKS).unwrap_or(SignedDuration::MAX),
            open: HashMap::new(),
            counted: BTreeSet::new(),
            totals: Totals::default(),
            new: match ids {
                Ids::New => Some(New::default()),
                Ids::PerhapsUsed => None,
            },
            latency: Latency::default(),
            changes: 0,
        }
    }

    /// A message is in the queue.
    pub fn send(&mut self, message_id: String, body: &str, at: Timestamp) {
        self.totals.sent += 1;
        self.changes += 1;
        let identity = Identity::read(body);
        let open = Open { identity, body: hash(body), sent_at: at, said: None, said_at: at, in_table: false };
        self.open.insert(message_id, open);
    }

    /// The processor has said something. Of two last words about a message the first counts: after it, it is done, and
    /// only its receipt was lost.
    pub fn hear(&mut self, news: &News) {
        let Some(open) = self.open.get_mut(&news.message_id) else { return };
        if open.said.as_ref().is_some_and(Said::is_final) || open.said.as_ref() == Some(&news.said) {
            return;
        }
        open.said = Some(news.said.clone());
        open.said_at = news.at;
        self.changes += 1;
        if news.said.is_final() {
            let took = news.at.duration_since(open.sent_at).as_millis();
            self.latency.add(u64::try_from(took).unwrap_or_default());
        }
    }

    /// The transactions of which the table is still to be asked.
    pub fn to_look_up(&self) -> BTreeSet<String> {
        let asks = |open: &&Open| {
            let about_table = match &open.said {
                Some(Said::Stored | Said::Resumed | Said::Duplicate | Said::Conflict) => true,
                Some(Said::Rejected(_) | Said::Failed { .. }) | None => false,
            };
            about_table && !open.in_table
        };
        self.open.values().filter(asks).filter_map(|open| open.identity.transaction_id.clone()).collect()
    }

    /// What the table holds of the transactions that were looked up; what is not there is absent.
    pub fn look_up(&mut self, rows: &BTreeMap<String, Row>) {
        let mut settled = Vec::new();
        for (message_id, open) in &mut self.open {
            let (Some(said), false) = (&open.said, open.in_table) else { continue };
            let Some(row) = open.identity.transaction_id.as_ref().and_then(|id| rows.get(id)) else { continue };
            if !agrees(said, &open.identity, row, &self.names) {
                continue;
            }
            open.in_table = true;
            self.changes += 1;
            let is_announced = announced(row, &self.names) == Announced::Sent;
            let id = hash(open.identity.transaction_id.as_deref().unwrap_or_default());
            match said {
                Said::Stored | Said::Resumed => {
                    self.totals.stored += 1;
                    self.totals.announced += u64::from(is_announced);
                    if let Some(new) = &mut self.new {
                        new.stored.insert(id);
                    }
                }
                Said::Duplicate => {
                    self.totals.duplicate += 1;
                    if let Some(new) = &mut self.new {
                        new.repeated.insert(id, is_announced);
                    }
                }
                // Its message must still be found in the quarantine queue.
                Said::Conflict => continue,
                Said::Rejected(_) | Said::Failed { .. } => continue,
            }
            settled.push(message_id.clone());
        }
        for message_id in settled {
            self.open.remove(&message_id);
        }
    }

    /// How many messages are to be found in the quarantine queue.
    pub fn to_find_in_quarantine(&self) -> usize {
        self.open.values().filter(|open| open.waits_for_quarantine()).count()
    }

    /// Whether nothing is left to wait for but the quarantine queue.
    pub fn waits_for_quarantine_only(&self) -> bool {
        !self.open.is_empty() && self.open.values().all(Open::waits_for_quarantine)
    }

    /// A message lies in the quarantine queue: it stands for one of ours with its body. Whether it did. `sent_at`: when it
    /// came there; what came earlier than ours can have is another's.
    pub fn find_in_quarantine(&mut self, quarantine_id: &str, body: &str, sent_at: Option<Timestamp>) -> bool {
        let hash = hash(body);
        let earliest = |open: &Open| open.said_at.checked_sub(self.batch_time).unwrap_or(Timestamp::MIN);
        let is_it = |open: &Open| {
            open.body == hash && open.waits_for_quarantine() && sent_at.is_none_or(|at| at >= earliest(open))
        };
        if self.counted.contains(quarantine_id) {
            return true;
        }
        let Some(message_id) = self.open.iter().find(|(_, open)| is_it(open)).map(|(id, _)| id.clone()) else {
            return false;
        };
        self.counted.insert(quarantine_id.to_owned());
        self.changes += 1;
        match self.open.remove(&message_id).and_then(|open| open.said) {
            Some(Said::Conflict) => self.totals.conflict += 1,
            Some(Said::Rejected(reasons)) => {
                self.totals.rejected += 1;
                for reason in reasons {
                    *self.totals.rejected_by.entry(reason).or_default() += 1;
                }
            }
            Some(Said::Stored | Said::Resumed | Said::Duplicate | Said::Failed { .. }) | None => {}
        }
        true
    }

    /// A message lies in the dead-letter queue.
    pub fn find_in_dead_letters(&mut self, message_id: &str) {
        let is_undecided = |open: &Open| !open.said.as_ref().is_some_and(Said::is_final);
        if self.open.get(message_id).is_some_and(is_undecided) {
            self.open.remove(message_id);
            self.totals.dead_letter += 1;
            self.changes += 1;
        }
    }

    /// Whether the end of every message is known.
    pub fn is_settled(&self) -> bool {
        self.open.is_empty()
    }

    /// Grows with every change.
    pub fn changes(&self) -> u64 {
        self.changes
    }

    fn failing(&self) -> BTreeMap<String, u64> {
        let mut failing = BTreeMap::new();
        for open in self.open.values() {
            if let Some(Said::Failed { cause }) = &open.said {
                *failing.entry(cause.clone()).or_default() += 1;
            }
        }
        failing
    }

    pub fn statement(&self) -> Statement {
        let Totals { sent, stored, rejected, rejected_by, duplicate, conflict, announced, dead_letter } =
            self.totals.clone();
        let (taken, taken_announced) = self.new.as_ref().map_or((0, 0), New::taken_for_repeats);
        let decided = |open: &&Open| open.said.as_ref().is_some_and(Said::is_final);
        let unaccounted = self.open.len() as u64;
        let unconfirmed = self.open.values().filter(decided).count() as u64;
        Statement {
            sent,
            stored: stored + taken,
            rejected,
            duplicate: duplicate - taken,
            conflict,
            announced: announced + taken_announced,
            taken_for_repeats: taken,
            unaccounted,
            in_flight: unaccounted - unconfirmed,
            failing: self.failing(),
            unconfirmed,
            dead_letter,
            rejected_by,
            latency_ms: self.latency.percentiles(),
        }
    }
}

impl Open {
    fn waits_for_quarantine(&self) -> bool {
        match &self.said {
            Some(Said::Rejected(_)) => true,
            // What the table refuses is no conflict with anything in it; then there is no id or no digest to compare.
            Some(Said::Conflict) => self.in_table || self.identity.digest.is_none(),
            Some(Said::Stored | Said::Resumed | Said::Duplicate | Said::Failed { .. }) | None => false,
        }
    }
}

impl Statement {
    /// Whether every message that was sent is accounted for, and none of them in vain.
    pub fn is_clean(&self) -> bool {
        self.unaccounted == 0 && self.dead_letter == 0
    }
}

/// Whether the table holds what the word implies.
fn agrees(said: &Said, identity: &Identity, row: &Row, names: &Attributes) -> bool {
    let stored = row.get(&names.digest).and_then(Attribute::as_text);
    // A digest of another version says nothing either way.
    let comparable = stored.filter(|stored| stored.starts_with(digest::VERSION));
    let same = comparable.map(|stored| Some(stored) == identity.digest.as_deref());
    match said {
        Said::Stored | Said::Resumed => same == Some(true) && !is_pending(row, names),
        Said::Duplicate => same != Some(false),
        Said::Conflict => same != Some(true),
        Said::Rejected(_) | Said::Failed { .. } => false,
    }
}

fn announced(row: &Row, names: &Attributes) -> Announced {
    Announced::read(row.get(&names.announcement))
}

fn is_pending(row: &Row, names: &Attributes) -> bool {
    match announced(row, names) {
        Announced::Pending(_) | Announced::Unreadable => true,
        Announced::Never | Announced::Sent => false,
    }
}

/// A digest of a body.
fn hash(body: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    body.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests;
