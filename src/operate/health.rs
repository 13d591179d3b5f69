//! Is the pipeline healthy? The verdict over what was read: live resources, what differs from the file, and metrics.
//!
//! Bad is what stops transactions or loses them to people: something missing, stopped or failed, a raised alarm, dead
//! letters, a topic without its subscribers. What somebody should look at, but what works as meant, needs attention: drift,
//! quarantine, throttles, a subscription that is missing or pending, alarms that nobody hears. What could not be read is
//! unknown, and an unknown pipeline is not called healthy.

mod parts;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::series::{Metrics, Plot, Window};
use crate::config::Pipeline;
use crate::number::counted;
use crate::reconcile::{Action, Address, Finding, Kind, Live, Owner, Plan, Severity, Snapshot};

/// How a part is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    Queue,
    Mapping,
    Function,
    ExecutionRole,
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
            Self::ExecutionRole => "role",
            Self::Table => "table",
            Self::DeadLetter => "dead letters",
            Self::Quarantine => "quarantine",
            Self::Topic => "topic",
            Self::Alarm => "alarm",
        }
    }

    fn kind(self) -> Kind {
        match self {
            Self::Queue | Self::DeadLetter | Self::Quarantine => Kind::Queue,
            Self::Mapping => Kind::EventSourceMapping,
            Self::Function => Kind::Function,
            Self::ExecutionRole => Kind::Role,
            Self::Table => Kind::Table,
            Self::Topic => Kind::Topic,
            Self::Alarm => Kind::Alarm,
        }
    }
}

/// Something to say of a part: `in flight` `3`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Fact {
    pub label: String,
    pub value: String,
}

/// What is wrong with a part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Problem {
    pub state: State,
    /// A sentence.
    pub words: String,
}

/// One part of the pipeline.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Part {
    pub role: Role,
    /// As AWS knows it.
    pub name: String,
    /// The same without the pipeline's name before it.
    pub title: String,
    pub state: State,
    /// AWS's word for it: `Enabled`, `ACTIVE`; or `missing`, `not read`.
    pub word: String,
    pub facts: Vec<Fact>,
    /// What is wrong with it; empty where all is good.
    pub problems: Vec<Problem>,
    pub plots: Vec<Plot>,
}

/// How live AWS differs from the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Drift {
    pub differs: bool,
    /// What an apply would do: `update queue/shop-queue`.
    pub steps: Vec<String>,
    /// How much makes an apply impossible.
    pub refused: usize,
}

/// Everything about a pipeline's health.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Status {
    pub pipeline: String,
    pub account: String,
    pub region: String,
    #[schemars(with = "String")]
    pub at: Timestamp,
    pub healthy: bool,
    pub state: State,
    /// Whether anything of it is there.
    pub applied: bool,
    /// In the order of the way that a transaction takes; empty where nothing is applied.
    pub parts: Vec<Part>,
    pub drift: Drift,
    /// What is not known, and why.
    pub notes: Vec<String>,
    pub window: Window,
}

/// What makes what is missing.
const MAKES_IT: &str = "`pipewright apply` makes it";

/// What a status is made from.
#[derive(Debug, Clone, Copy)]
pub struct Read<'a> {
    pub pipeline: &'a Pipeline,
    pub plan: &'a Plan,
    pub snapshot: &'a Snapshot,
    /// `Err`: why CloudWatch could not be asked.
    pub metrics: Result<&'a Metrics, &'a str>,
    /// The last minutes by themselves, where the window's periods are longer.
    pub recent: &'a Metrics,
    /// What this backend is known not to emit, in words.
    pub gap: Option<&'a str>,
    pub window: Window,
    pub at: Timestamp,
}

impl Read<'_> {
    /// The plots whose keys begin so.
    fn plots(&self, prefix: &str) -> Vec<Plot> {
        Plot::all(prefix, self.metrics.unwrap_or(&Metrics::new()), self.recent, self.window)
    }
}

impl Part {
    /// `topic alerts`; what is called as its role is is named once.
    pub fn heading(&self) -> String {
        let (role, plain) = (self.role.word(), self.title.replace('-', " "));
        if role.trim_end_matches('s') == plain.trim_end_matches('s') {
            role.to_owned()
        } else {
            format!("{role} {}", self.title)
        }
    }
}

/// Something for people to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Concern {
    pub state: State,
    /// What it is about: `topic alerts`, `drift`.
    pub heading: String,
    /// A sentence.
    pub words: String,
}

impl Status {
    pub fn of(read: Read<'_>) -> Self {
        let applied = is_applied(read.snapshot);
        let parts = if applied { parts::all(&read) } else { Vec::new() };
        let mut status = Self {
            pipeline: read.plan.pipeline.clone(),
            account: read.plan.scope.account.clone(),
            region: read.plan.scope.region.clone(),
            at: read.at,
            healthy: false,
            state: State::Good,
            applied,
            notes: notes(&read, &parts),
            parts,
            drift: drift(read.plan),
            window: read.window,
        };
        let unread = if read.snapshot.unread.is_empty() { State::Good } else { State::Unknown };
        let states = status.concerns().into_iter().map(|concern| concern.state);
        status.state = states.chain([unread]).max().unwrap_or(State::Unknown);
        status.healthy = matches!(status.state, State::Good | State::Attention);
        status
    }

    /// Everything to look at, the worst first.
    pub fn concerns(&self) -> Vec<Concern> {
        let concern =
            |state, heading: &str, words: &str| Concern { state, heading: heading.into(), words: words.into() };
        if !self.applied {
            let then = if self.drift.refused > 0 { "something is in its way, see `pipewright plan`" } else { MAKES_IT };
            return vec![concern(State::Bad, "pipeline", &format!("nothing of it is there: {then}"))];
        }
        let mut concerns = Vec::new();
        for part in &self.parts {
            let of = |problem: &Problem| concern(problem.state, &part.heading(), &problem.words);
            concerns.extend(part.problems.iter().map(of));
        }
        if self.drift.differs {
            concerns.push(concern(State::Attention, "drift", &self.drift.words()));
        }
        concerns.sort_by_key(|concern| std::cmp::Reverse(concern.state));
        concerns
    }

    /// `healthy`, `healthy, with 2 things to look at`, `not healthy`, `not applied yet`.
    pub fn verdict(&self) -> String {
        match self.state {
            State::Good => "healthy".into(),
            State::Attention => format!("healthy, with {} to look at", counted(self.concerns().len(), "thing")),
            State::Unknown => "not known to be healthy".into(),
            State::Bad if !self.applied => "not applied yet".into(),
            State::Bad => "not healthy".into(),
        }
    }

    /// The plots of all parts.
    pub fn plots(&self) -> impl Iterator<Item = &Plot> {
        self.parts.iter().flat_map(|part| &part.plots)
    }
}

impl Drift {
    /// Whether an apply would make this resource: `<kind>/<name>`.
    pub fn creates(&self, address: &str) -> bool {
        let step = format!("{} {address}", Action::Create.word());
        self.steps.contains(&step)
    }

    /// In a sentence.
    pub fn words(&self) -> String {
        if !self.differs {
            return "none: AWS is as the file says".into();
        }
        let refused = (self.refused > 0).then(|| format!("{} in the way", self.refused));
        let steps = (!self.steps.is_empty()).then(|| format!("{} to do", self.steps.len()));
        let words: Vec<_> = [steps, refused].into_iter().flatten().collect();
        format!("AWS is not as the file says: {}, see `pipewright plan`", words.join(", "))
    }
}

fn drift(plan: &Plan) -> Drift {
    let steps: Vec<_> = plan.steps.iter().map(|step| format!("{} {}", step.action.word(), step.address)).collect();
    let refused = plan.refusals().len();
    Drift { differs: !steps.is_empty() || refused > 0, steps, refused }
}

/// Whether anything of it is there. A log group alone is what a destroy leaves.
fn is_applied(snapshot: &Snapshot) -> bool {
    let is_part = |(address, live): (&Address, &Live)| address.kind != Kind::LogGroup && live.owner == Owner::Ours;
    !snapshot.unread.is_empty() || snapshot.resources.iter().any(is_part)
}

/// What the parts do not tell: findings about the whole or about what is no part, metrics that are not there.
fn notes(read: &Read<'_>, parts: &[Part]) -> Vec<String> {
    let is_told = |finding: &&Finding| {
        let Some(address) = &finding.address else { return false };
        parts.iter().any(|part| part.role.kind() == address.kind && part.name == address.name.as_str())
    };
    let worth = |finding: &&Finding| finding.severity != Severity::Note && finding.code != "subscription-pending";
    let words = |finding: &Finding| match &finding.address {
        Some(address) => format!("{address}: {}", finding.message),
        None => finding.message.clone(),
    };
    let findings = read.plan.findings.iter().filter(worth).filter(|finding| !is_told(finding));
    let mut notes: Vec<_> = findings.map(words).collect();
    match read.metrics {
        Err(error) => notes.push(format!("metrics could not be read: {error}")),
        Ok(_) => {
            let is_silent = parts.iter().flat_map(|part| &part.plots).any(|plot| !plot.has_values());
            notes.extend(read.gap.filter(|_| is_silent).map(str::to_owned));
        }
    }
    notes
}
