//! Who is at a drill: a process on a machine, since when. It is noted where others see it, and tells them whether whoever
//! began it is still there.

use std::collections::BTreeMap;
use std::fs;

use jiff::{SignedDuration, Timestamp};
use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};
use rustix::system::uname;

const SINCE: &str = "pipewright:drill-since";
const HOST: &str = "pipewright:drill-host";
const PROCESS: &str = "pipewright:drill-process";
const STARTED: &str = "pipewright:drill-process-started";

/// Where nothing tells whether its process lives, as on another machine, a drill counts as dead after so long.
const LONGEST: SignedDuration = SignedDuration::from_hours(2);

/// Who is at a drill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    since: Option<Timestamp>,
    host: String,
    process: String,
    /// When the process started, in ticks since the machine did: another one of the same number started later. `None`:
    /// this system does not say.
    started: Option<String>,
}

impl Holder {
    /// This process, from now on.
    pub fn this() -> Self {
        let process = std::process::id().to_string();
        Self { since: Some(Timestamp::now()), host: host(), started: started(&process), process }
    }

    /// As the tags tell it; `None`: they name nobody.
    pub fn of(tags: &BTreeMap<String, String>) -> Option<Self> {
        Some(Self {
            since: tags.get(SINCE).and_then(|since| since.parse().ok()),
            host: tags.get(HOST)?.clone(),
            process: tags.get(PROCESS)?.clone(),
            started: tags.get(STARTED).cloned(),
        })
    }

    pub fn tags(&self) -> BTreeMap<String, String> {
        let since = self.since.map(|since| format!("{since:.0}"));
        let pairs = [
            (SINCE, since),
            (HOST, Some(self.host.clone())),
            (PROCESS, Some(self.process.clone())),
            (STARTED, self.started.clone()),
        ];
        pairs.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect()
    }

    /// RFC 3339, or words.
    pub fn since(&self) -> String {
        self.since.map_or_else(|| "an unknown time".into(), |since| format!("{since:.0}"))
    }

    /// Whether it may still be at it.
    pub fn is_at_it(&self) -> bool {
        let is_recent = self.since.is_some_and(|since| Timestamp::now().duration_since(since) < LONGEST);
        if self.host != host() {
            return is_recent;
        }
        match (&self.started, started(&self.process)) {
            (Some(then), Some(now)) => *then == now,
            _ => is_recent && exists(&self.process),
        }
    }

    /// Where it is, and what to do about it.
    pub fn place_and_hint(&self) -> (String, &'static str) {
        if self.host == host() {
            let machine = self.host.split(':').next().unwrap_or_default();
            return (format!("in process {} on {machine}", self.process), "wait for its end");
        }
        let hint = "wait for its end; if it was killed there, run the next one there, or two hours after it began";
        (format!("on {}", self.host), hint)
    }
}

/// When a process started, as Linux tells everybody: it is the 22nd field of `/proc/<pid>/stat`, and the name before it
/// may hold anything. What has ended, and whose parent has not noticed yet, is another one. `None`: nothing is told.
fn started(process: &str) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let has_ended = matches!(*fields.first()?, "Z" | "X");
    Some(if has_ended { "ended".into() } else { (*fields.get(19)?).to_owned() })
}

/// Whether there is such a process, ours or anybody's: a signal that does nothing comes through, or is not permitted.
fn exists(process: &str) -> bool {
    let process = process.parse().ok().and_then(Pid::from_raw);
    process.is_some_and(|process| !matches!(test_kill_process(process), Err(Errno::SRCH)))
}

/// This machine, in characters that a tag takes, and where it tells the namespace of its processes: a container may have
/// its name, but counts other processes. `build-7:4026531836`
fn host() -> String {
    let is_allowed = |character: &char| character.is_ascii_alphanumeric() || ".-_".contains(*character);
    let name: String = uname().nodename().to_string_lossy().chars().filter(is_allowed).collect();
    let name = if name.is_empty() { "this machine" } else { &name };
    // As a link: `pid:[4026531836]`.
    let Ok(namespace) = fs::read_link("/proc/self/ns/pid") else { return name.to_owned() };
    let digits: String = namespace.to_string_lossy().chars().filter(char::is_ascii_digit).collect();
    format!("{name}:{digits}")
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    fn elsewhere(since: Timestamp) -> Holder {
        Holder { host: "elsewhere".into(), process: "1".into(), since: Some(since), started: None }
    }

    #[test]
    fn who_is_at_it_reads_back_from_its_tags() {
        let this = Holder::this();
        let read = Holder::of(&this.tags()).unwrap();
        assert!(read.is_at_it());
        assert_eq!(read.since(), this.since());
        assert_eq!(Holder::of(&BTreeMap::new()), None);
    }

    #[test]
    fn whoever_has_ended_is_not_at_it_any_more_noticed_by_his_parent_or_not() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let process = child.id().to_string();
        let holder = Holder { started: started(&process), process: process.clone(), ..Holder::this() };
        assert!(holder.is_at_it());
        let untold = Holder { started: None, ..holder.clone() };
        assert!(untold.is_at_it());
        child.kill().unwrap();
        if holder.started.is_some() {
            // Gone, but for its parent's notice.
            while started(&process).as_deref() != Some("ended") {
                std::thread::yield_now();
            }
            assert!(!holder.is_at_it());
        }
        child.wait().unwrap();
        assert!(!holder.is_at_it() && !untold.is_at_it());
    }

    #[test]
    fn another_process_of_the_same_number_is_not_the_one_that_began_it() {
        let later = Holder { started: Some("1".into()), ..Holder::this() };
        assert_eq!(later.is_at_it(), started(&later.process).is_none(), "where Linux tells");
        let old = Timestamp::now() - LONGEST;
        let untold = Holder { started: None, ..Holder::this() };
        assert!(untold.is_at_it() && !Holder { since: Some(old), ..untold }.is_at_it());
        assert!(Holder { since: Some(old), ..Holder::this() }.is_at_it(), "it is the same, however long it takes");
    }

    #[test]
    fn somebody_else_s_process_is_seen_too() {
        // The first process of all: another user's, unless the superuser runs this.
        assert!(exists("1"));
        assert!(Holder { started: started("1"), process: "1".into(), ..Holder::this() }.is_at_it());
    }

    #[test]
    fn processes_are_counted_in_a_namespace() {
        let tells = fs::read_link("/proc/self/ns/pid").is_ok();
        let is_number = |digits: &str| digits.parse::<u64>().is_ok();
        assert_eq!(host().split_once(':').is_some_and(|(_, digits)| is_number(digits)), tells);
        assert!(!Holder::this().place_and_hint().0.contains(':'));
    }

    #[test]
    fn of_another_machine_only_the_time_tells() {
        let now = Timestamp::now();
        assert!(elsewhere(now).is_at_it() && !elsewhere(now - LONGEST).is_at_it());
        assert!(!Holder { since: None, ..elsewhere(now) }.is_at_it());
    }
}
