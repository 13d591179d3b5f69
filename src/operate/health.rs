//! Is the pipeline healthy? The verdict over what was read: live resources, what differs from the file, and metrics.
//!
//! Bad is what stops transactions or loses them to people: something missing, stopped or failed, a raised alarm, dead
//! letters. What somebody should look at, but what works as meant, needs attention: drift, quarantine, throttles, pending
//! subscriptions. What could not be read is unknown, and an unknown pipeline is not called healthy.

mod parts;

use jiff::Timestamp;
use serde::Serialize;

use super::series::{Metrics, Plot, Window};
use crate::config::Pipeline;
use crate::reconcile::{Plan, Severity, Snapshot};

/// How a part is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Good,
    Attention,
    Unknown,
    Bad,
}

impl State {
    pub const ALL: [Self; 4] = [Self::Good, Self::Attention, Self::Unknown, Self::Bad];

    /// What tells it apart without colour.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Good => "✓",
            Self::Attention => "!",
            Self::Unknown => "?",
            Self::Bad => "✗",
        }
    }

    pub fn word(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Attention => "attention",
            Self::Unknown => "unknown",
            Self::Bad => "bad",
        }
    }
}

/// Which part of the pipeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    Queue,
    Mapping,
    Function,
    Table,
    DeadLetter,
    Quarantine,
    Topic,
    Alarm,
}

impl Role {
    pub fn word(self) -> &'static str {
        match self {
            Self::Queue => "queue",
            Self::Mapping => "mapping",
            Self::Function => "function",
            Self::Table => "table",
            Self::DeadLetter => "dead letters",
            Self::Quarantine => "quarantine",
            Self::Topic => "topic",
            Self::Alarm => "alarm",
        }
    }
}

/// Something to say of a part: `in flight` `3`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fact {
    pub label: String,
    pub value: String,
}

/// One part of the pipeline.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Part {
    pub role: Role,
    /// As AWS knows it.
    pub name: String,
    /// The same without the pipeline's name before it.
    pub title: String,
    pub state: State,
    /// AWS's word for it: `Enabled`, `ACTIVE`.
    pub word: String,
    pub facts: Vec<Fact>,
    /// What is wrong with it, each in a sentence; empty where all is good.
    pub problems: Vec<String>,
    pub plots: Vec<Plot>,
}

/// How live AWS differs from the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Drift {
    pub differs: bool,
    /// What an apply would do: `update queue/shop-queue`.
    pub steps: Vec<String>,
}

/// Everything about a pipeline's health.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Status {
    pub pipeline: String,
    pub account: String,
    pub region: String,
    pub at: Timestamp,
    pub healthy: bool,
    pub state: State,
    pub parts: Vec<Part>,
    pub drift: Drift,
    /// What is not known, and why.
    pub notes: Vec<String>,
    pub window: Window,
}

/// What a status is made from.
#[derive(Debug, Clone, Copy)]
pub struct Read<'a> {
    pub pipeline: &'a Pipeline,
    pub plan: &'a Plan,
    pub snapshot: &'a Snapshot,
    /// `Err`: why CloudWatch could not be asked.
    pub metrics: Result<&'a Metrics, &'a str>,
    /// What this backend is known not to emit, in words.
    pub gap: Option<&'a str>,
    pub window: Window,
    pub at: Timestamp,
}

impl Status {
    pub fn of(read: Read<'_>) -> Self {
        let parts = parts::all(&read);
        let mut notes: Vec<String> = Vec::new();
        for (kind, error) in &read.snapshot.unread {
            notes.push(format!("resources of kind {kind} could not be read: {}", error.message));
        }
        match read.metrics {
            Err(error) => notes.push(format!("metrics could not be read: {error}")),
            Ok(_) => {
                let silent = parts.iter().flat_map(|part| &part.plots).filter(|plot| !plot.has_values()).count();
                notes.extend(read.gap.filter(|_| silent > 0).map(str::to_owned));
            }
        }
        // Findings about parts are told with them; the rest here.
        for finding in &read.plan.findings {
            if finding.address.is_none() && finding.severity != Severity::Note {
                notes.push(finding.message.clone());
            }
        }
        let drift = drift(read.plan);
        let unread = if read.snapshot.unread.is_empty() { State::Good } else { State::Unknown };
        let differs = if drift.differs { State::Attention } else { State::Good };
        let state = parts.iter().map(|part| part.state).chain([unread, differs]).max().unwrap_or(State::Unknown);
        Self {
            pipeline: read.plan.pipeline.clone(),
            account: read.plan.scope.account.clone(),
            region: read.plan.scope.region.clone(),
            at: read.at,
            healthy: matches!(state, State::Good | State::Attention),
            state,
            parts,
            drift,
            notes,
            window: read.window,
        }
    }

    /// `healthy`, `healthy, with 2 things to look at`, `not healthy`.
    pub fn verdict(&self) -> String {
        let attention =
            self.parts.iter().filter(|part| part.state == State::Attention).count() + usize::from(self.drift.differs);
        match self.state {
            State::Good => "healthy".into(),
            State::Attention if attention == 1 => "healthy, with 1 thing to look at".into(),
            State::Attention => format!("healthy, with {attention} things to look at"),
            State::Unknown => "not known to be healthy".into(),
            State::Bad => "not healthy".into(),
        }
    }

    /// The plots of all parts.
    pub fn plots(&self) -> impl Iterator<Item = &Plot> {
        self.parts.iter().flat_map(|part| &part.plots)
    }
}

fn drift(plan: &Plan) -> Drift {
    let steps: Vec<_> = plan.steps.iter().map(|step| format!("{} {}", step.action.word(), step.address)).collect();
    Drift { differs: !steps.is_empty(), steps }
}
