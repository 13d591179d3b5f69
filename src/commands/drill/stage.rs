//! What a drill sets up for a while: a queue that hears topics. It is the drill's record too: its tags say who set it up,
//! and what is to be undone should he be killed. It goes last, and not before all that is undone.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use anyhow::{Result, bail};
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::holder::Holder;
use super::remains::Remains;
use crate::aws::listening::{Listener, Wrapping};
use crate::commands::running::Running;
use crate::reconcile::CloudError;
use crate::render::Terminal;
use crate::render::gauge::Gauge;

const PIPELINE: &str = "pipewright:drill";
/// An alarm that was set off, and its state before.
const ALARM: &str = "pipewright:drill-alarm";
const STATE: &str = "pipewright:drill-state";

/// A drill under way.
pub struct Stage<'a> {
    running: &'a Running,
    pub listener: Listener,
    tags: RefCell<BTreeMap<String, String>>,
    /// Whether something that its tags name is still to be undone.
    is_pending: Cell<bool>,
}

/// Why alarms change their state in a drill: who finds it there knows whose it is.
pub const REASON: &str = "pipewright drill: a rehearsal, nothing is wrong";

impl<'a> Stage<'a> {
    /// Sets up a queue that hears these topics, unless another drill has begun since `clear`. Of two that begin at the
    /// same moment each sees the other, and both give way.
    ///
    /// # Errors
    /// Another drill is under way; AWS refuses.
    pub async fn set_up(
        running: &'a Running,
        topics: &[String],
        remains: Option<&Remains>,
        terminal: &Terminal,
    ) -> Result<Self> {
        let mut tags = Holder::this().tags();
        tags.insert(PIPELINE.into(), running.aws.pipeline.clone());
        tags.extend(remains.map(Remains::tag));
        let queue = format!("{}{}-{:04x}", prefix(running), Timestamp::now().as_millisecond(), fastrand::u16(..));
        let listener = running.aws.listen_as(&queue, topics, Wrapping::Envelope, &tags).await?;
        let stage = Self { running, listener, tags: RefCell::new(tags), is_pending: Cell::new(false) };
        if let Err(another) = stage.check_alone().await {
            // What stays of it is said there.
            let _ = stage.take_down(terminal).await;
            return Err(another);
        }
        stage.is_pending.set(remains.is_some());
        Ok(stage)
    }

    async fn check_alone(&self) -> Result<()> {
        for (listener, tags) in found(self.running).await? {
            if listener.queue != self.listener.queue {
                check_over(&tags)?;
            }
        }
        Ok(())
    }

    /// Notes which alarm is about to be set off.
    pub async fn note_alarm(&self, alarm: &str, state_before: &str) -> Result<(), CloudError> {
        let tags = [(ALARM, alarm), (STATE, state_before)].map(|(key, value)| (key.to_owned(), value.to_owned()));
        let tags = tags.into();
        self.running.aws.note(&self.listener, &tags).await?;
        self.tags.borrow_mut().extend(tags);
        self.is_pending.set(true);
        Ok(())
    }

    /// All that was noted is undone: the record may go.
    pub fn release(&self) {
        self.is_pending.set(false);
    }

    /// Takes it away again, unless something is still to be undone. What stays is named.
    ///
    /// # Errors
    /// AWS refuses.
    pub async fn take_down(self, terminal: &Terminal) -> Result<(), CloudError> {
        let is_pending = self.is_pending.get();
        let taken = if is_pending { Ok(()) } else { self.running.aws.stop_listening(&self.listener).await };
        if is_pending || taken.is_err() {
            let more = if is_pending { undone(&self.tags.borrow()) } else { String::new() };
            terminal.talk(&format!(
                "left behind: queue {} with its subscriptions{more}; the next drill takes it away",
                self.listener.queue
            ));
        }
        taken
    }
}

/// `, its items`: what is to be undone by these tags.
fn undone(tags: &BTreeMap<String, String>) -> String {
    let remains = Remains::of(tags).map(|remains| format!(", {}", remains.words()));
    let alarm = tags.get(ALARM).map(|alarm| format!(", the state of alarm {alarm}"));
    [remains, alarm].into_iter().flatten().collect()
}

/// What the names of this pipeline's drill queues begin with. A digest, for a queue's name is short.
fn prefix(running: &Running) -> String {
    let digest = Sha256::digest(running.aws.pipeline.as_bytes());
    let short: String = digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    format!("pipewright-drill-{short}-")
}

/// The records of this pipeline's drills.
async fn found(running: &Running) -> Result<Vec<(Listener, BTreeMap<String, String>)>, CloudError> {
    let arn = |key| running.blueprint().topic_arn(key);
    let topics: Vec<_> = running.pipeline.topics.keys().map(arn).collect();
    running.aws.listeners(&prefix(running), &topics).await
}

/// # Errors
/// Whoever set it up is still at it.
fn check_over(tags: &BTreeMap<String, String>) -> Result<()> {
    let Some(holder) = Holder::of(tags).filter(Holder::is_at_it) else { return Ok(()) };
    let (place, hint) = holder.place_and_hint();
    bail!("a drill on this pipeline is under way, since {}, {place}\nhint: {hint}", holder.since())
}

/// The records that drills left behind that were killed.
///
/// # Errors
/// A drill is still under way; AWS cannot be read.
async fn left(running: &Running) -> Result<Vec<(Listener, BTreeMap<String, String>)>> {
    let mut left = Vec::new();
    for (listener, tags) in found(running).await? {
        check_over(&tags)?;
        // Whoever came to his end in between took his record with him.
        let tags = running.aws.noted(&listener).await?;
        if !tags.is_empty() {
            left.push((listener, tags));
        }
    }
    Ok(left)
}

/// What is undone first: one line for each drill that was killed.
///
/// # Errors
/// A drill is still under way; AWS cannot be read.
pub async fn left_behind(running: &Running) -> Result<Vec<String>> {
    let line = |(listener, tags): &(Listener, _)| {
        let since = Holder::of(tags).map_or_else(|| "an unknown time".into(), |holder| holder.since());
        format!(
            "a drill of {since} was killed or cut off: what it left behind is undone first (queue {} with its subscriptions{})",
            listener.queue,
            undone(tags)
        )
    };
    Ok(left(running).await?.iter().map(line).collect())
}

/// Undoes what drills left behind that were killed. The record of what is not undone completely stays for the next one.
///
/// # Errors
/// A drill is still under way; AWS refuses.
pub async fn clear(running: &Running, terminal: &Terminal) -> Result<()> {
    for (listener, tags) in left(running).await? {
        if undo(running, &tags, terminal).await? {
            running.aws.stop_listening(&listener).await?;
        } else {
            terminal.talk(&format!(
                "not all of it is undone, for messages are still on their way or hidden: queue {} stays, and the next drill tries again",
                listener.queue
            ));
        }
    }
    Ok(())
}

/// Whether it is undone completely.
async fn undo(running: &Running, tags: &BTreeMap<String, String>, terminal: &Terminal) -> Result<bool, CloudError> {
    if let (Some(alarm), Some(state)) = (tags.get(ALARM), tags.get(STATE)) {
        // Set back only what a drill set: meanwhile it may be off for a reason.
        if running.aws.alarm(alarm).await?.is_some_and(|live| live.reason == REASON) {
            running.aws.set_alarm(alarm, state, REASON).await?;
        }
    }
    match Remains::of(tags) {
        Some(remains) => remains.remove_all(running, &Gauge::new(terminal)).await,
        None => Ok(true),
    }
}
