//! What a drill sets up for a while: a queue that hears topics. It is the drill's record too: its tags say who set it up,
//! and what is to be undone should he be killed.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};

use anyhow::{Result, bail};
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

use crate::aws::listening::{Listener, Wrapping};
use crate::commands::running::Running;
use crate::operate::generate::id;
use crate::reconcile::CloudError;
use crate::render::Terminal;

const PIPELINE: &str = "pipewright:drill";
const SINCE: &str = "pipewright:drill-since";
const HOST: &str = "pipewright:drill-host";
const PROCESS: &str = "pipewright:drill-process";
/// What the ids of items begin with, and how many there are: they are to be removed.
const ITEMS: &str = "pipewright:drill-items";
/// An alarm that was set off, and its state before.
const ALARM: &str = "pipewright:drill-alarm";
const STATE: &str = "pipewright:drill-state";

/// Of a drill on another machine nobody here knows whether it lives; longer than this none takes.
const LONGEST: SignedDuration = SignedDuration::from_hours(2);

/// A drill under way.
pub struct Stage<'a> {
    running: &'a Running,
    pub listener: Listener,
}

/// Why alarms change their state in a drill: who finds it there knows whose it is.
pub const REASON: &str = "pipewright drill: a rehearsal, nothing is wrong";

impl<'a> Stage<'a> {
    /// Sets up a queue that hears these topics. `remove`: ids of items that are to be removed whatever happens.
    pub async fn set_up(running: &'a Running, topics: &[String], remove: Option<(&str, u64)>) -> Result<Self> {
        let now = Timestamp::now();
        let mut tags = BTreeMap::from([
            (PIPELINE.to_owned(), running.aws.pipeline.clone()),
            (SINCE.to_owned(), format!("{now:.0}")),
            (HOST.to_owned(), host()),
            (PROCESS.to_owned(), std::process::id().to_string()),
        ]);
        tags.extend(remove.map(|(begins, count)| (ITEMS.to_owned(), format!("{begins} {count}"))));
        let queue = format!("{}{}", prefix(running), now.as_millisecond());
        let listener = running.aws.listen_as(&queue, topics, Wrapping::Envelope, &tags).await?;
        Ok(Self { running, listener })
    }

    /// Notes which alarm is about to be set off.
    pub async fn note_alarm(&self, alarm: &str, state_before: &str) -> Result<(), CloudError> {
        let tags = [(ALARM, alarm), (STATE, state_before)].map(|(key, value)| (key.to_owned(), value.to_owned()));
        self.running.aws.note(&self.listener, &tags.into()).await
    }

    /// Takes it away again.
    pub async fn take_down(self) -> Result<(), CloudError> {
        self.running.aws.stop_listening(&self.listener).await
    }
}

/// What the names of this pipeline's drill queues begin with. A digest, for a queue's name is short.
fn prefix(running: &Running) -> String {
    let digest = Sha256::digest(running.aws.pipeline.as_bytes());
    let short: String = digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    format!("pipewright-drill-{short}-")
}

/// Takes away what drills left behind that were killed.
///
/// # Errors
/// A drill is still under way; AWS refuses.
pub async fn clear(running: &Running, terminal: &Terminal) -> Result<()> {
    let pipeline = &running.pipeline;
    let arn = |key| running.aws.scope.arn("sns", &pipeline.topic_name(key));
    let topics: Vec<_> = pipeline.topics.keys().map(arn).collect();
    for (listener, tags) in running.aws.listeners(&prefix(running), &topics).await? {
        let since = tags.get(SINCE).map_or("an unknown time", String::as_str);
        if is_under_way(&tags) {
            let host = tags.get(HOST).map_or("another machine", String::as_str);
            bail!(
                "a drill on this pipeline is under way, since {since}, on {host}\nhint: wait for its end; if it was killed there, run the next one there, or in two hours"
            );
        }
        terminal.talk(&format!(
            "a drill of {since} was killed: what it left behind is taken away (queue {}, its subscriptions{})",
            listener.queue,
            if tags.contains_key(ITEMS) { ", its items" } else { "" }
        ));
        undo(running, &tags).await?;
        running.aws.stop_listening(&listener).await?;
    }
    Ok(())
}

async fn undo(running: &Running, tags: &BTreeMap<String, String>) -> Result<(), CloudError> {
    let items = tags.get(ITEMS).and_then(|text| text.split_once(' '));
    if let Some((begins, Ok(count))) = items.map(|(begins, count)| (begins, count.parse())) {
        remove_items(running, begins, count).await?;
    }
    let (Some(alarm), Some(state)) = (tags.get(ALARM), tags.get(STATE)) else { return Ok(()) };
    match running.aws.alarm(alarm).await? {
        // Set back only what a drill set: meanwhile it may be off for a reason.
        Some(live) if live.reason == REASON => running.aws.set_alarm(alarm, state, REASON).await,
        Some(_) | None => Ok(()),
    }
}

/// Removes the items of a drill, whichever of them there are.
pub async fn remove_items(running: &Running, begins: &str, count: u64) -> Result<(), CloudError> {
    const TOGETHER: u64 = 1_000;
    for first in (0..count).step_by(TOGETHER as usize) {
        let ids: Vec<_> = (first..count.min(first + TOGETHER)).map(|number| id(begins, number)).collect();
        running.aws.remove_rows(running.keyed(), &ids).await?;
    }
    Ok(())
}

/// Whether whoever made this may still be at it.
fn is_under_way(tags: &BTreeMap<String, String>) -> bool {
    let (Some(on), Some(process)) = (tags.get(HOST), tags.get(PROCESS)) else { return false };
    if *on == host() {
        return is_alive(process);
    }
    let since: Option<Timestamp> = tags.get(SINCE).and_then(|since| since.parse().ok());
    since.is_some_and(|since| Timestamp::now().duration_since(since) < LONGEST)
}

/// Of another process of ours or of anybody: a signal that does nothing says whether it is there.
fn is_alive(process: &str) -> bool {
    let kill = Command::new("kill").args(["-0", process]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    kill.is_ok_and(|status| status.success())
}

/// This machine, in characters that a tag takes.
fn host() -> String {
    let name = Command::new("uname").arg("-n").stderr(Stdio::null()).output();
    let name = name.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default();
    let is_allowed = |character: &char| character.is_ascii_alphanumeric() || ".-_".contains(*character);
    let name: String = name.chars().filter(is_allowed).collect();
    if name.is_empty() { "this machine".into() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(host: &str, process: &str, since: Timestamp) -> BTreeMap<String, String> {
        let pairs = [(HOST, host.to_owned()), (PROCESS, process.to_owned()), (SINCE, since.to_string())];
        pairs.map(|(key, value)| (key.to_owned(), value)).into()
    }

    #[test]
    fn a_drill_is_under_way_while_its_process_lives_or_as_long_as_none_takes() {
        let (now, ours) = (Timestamp::now(), std::process::id().to_string());
        assert!(is_under_way(&tags(&host(), &ours, now)));
        let mut ended = Command::new("true").spawn().unwrap();
        ended.wait().unwrap();
        assert!(!is_under_way(&tags(&host(), &ended.id().to_string(), now)));
        assert!(is_under_way(&tags("elsewhere", "1", now)));
        assert!(!is_under_way(&tags("elsewhere", "1", now - LONGEST)));
        assert!(!is_under_way(&BTreeMap::new()));
    }
}
