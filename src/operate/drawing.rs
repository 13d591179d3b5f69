//! The pipeline as a drawing: parts and what flows between them, read out of the properties of its resources.
//!
//! The desired state and live AWS are described alike, so one reading serves both: the pipeline as it is configured, and
//! as it is.

mod read;

use serde::Serialize;

use super::health::{Role, State, Status};
use crate::reconcile::{Graph, Owner, Snapshot};

/// What a node stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    Senders,
    Queue,
    DeadLetter,
    Quarantine,
    Function,
    Table,
    Topic,
    Subscriber,
    Alarm,
}

impl Part {
    pub fn word(self) -> &'static str {
        match self {
            Self::Senders => "senders",
            Self::Queue => "queue",
            Self::DeadLetter => "dead letters",
            Self::Quarantine => "quarantine",
            Self::Function => "function",
            Self::Table => "table",
            Self::Topic => "topic",
            Self::Subscriber => "subscriber",
            Self::Alarm => "alarm",
        }
    }

    fn role(self) -> Option<Role> {
        match self {
            Self::Queue => Some(Role::Queue),
            Self::DeadLetter => Some(Role::DeadLetter),
            Self::Quarantine => Some(Role::Quarantine),
            Self::Function => Some(Role::Function),
            Self::Table => Some(Role::Table),
            Self::Topic => Some(Role::Topic),
            Self::Alarm => Some(Role::Alarm),
            Self::Senders | Self::Subscriber => None,
        }
    }
}

/// One part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Node {
    pub part: Part,
    /// As AWS knows it.
    pub name: String,
    /// The same without the pipeline's name before it.
    pub title: String,
    pub lines: Vec<String>,
    /// `None`: nobody looked.
    pub state: Option<State>,
}

/// What an edge carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Flow {
    /// Transactions on their way.
    Main,
    /// What went wrong.
    Failure,
    /// News for people.
    Notice,
}

/// From one node to another, by their places in the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Edge {
    pub from: usize,
    pub to: usize,
    pub label: String,
    pub flow: Flow,
}

/// The pipeline, drawn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Drawing {
    pub title: String,
    /// In the order of the way that a transaction takes.
    pub nodes: Vec<Node>,
    pub edges: Vec<Edge>,
}

/// The facts that a node shows.
const SHOWN: [&str; 6] = ["waiting", "in flight", "oldest", "error rate", "reserved concurrency", "throttled writes"];

impl Drawing {
    /// The pipeline as it is: what is live of ours, and who else hears it; what is missing, as the file says.
    pub fn live(title: &str, desired: &Graph, snapshot: &Snapshot) -> Self {
        let shown = snapshot.resources.iter().filter(|(address, live)| {
            live.owner == Owner::Ours || address.kind.concerns_us_when_foreign() || desired.get(address).is_some()
        });
        let missing = desired.nodes().filter(|node| !snapshot.resources.contains_key(&node.address));
        let missing = missing.map(|node| (&node.address, &node.document));
        Self::of(title, shown.map(|(address, live)| (address, &live.document)).chain(missing))
    }

    /// The same with every part's state, and what there is to say of it now. Of what is not applied, nothing.
    #[must_use]
    pub fn with(mut self, status: &Status) -> Self {
        if !status.applied {
            return self;
        }
        for node in &mut self.nodes {
            node.take(status);
        }
        // The mapping is the edge between queue and function, and the role no part of the way: both show at the function.
        for role in [Role::Mapping, Role::ExecutionRole] {
            let troubled = status.parts.iter().find(|part| part.role == role && part.state != State::Good);
            let function = self.nodes.iter_mut().find(|node| node.part == Part::Function);
            if let (Some(part), Some(node)) = (troubled, function) {
                node.state = node.state.max(Some(part.state));
                let words = [role.word(), &part.word];
                node.lines.push(words.join(" ").trim_end().to_owned());
            }
        }
        self
    }

    /// The parts of a sort with their places, in order.
    pub fn all(&self, part: Part) -> impl Iterator<Item = (usize, &Node)> {
        self.nodes.iter().enumerate().filter(move |(_, node)| node.part == part)
    }

    /// Where edges of this node lead.
    pub fn from(&self, place: usize) -> impl Iterator<Item = &Edge> {
        self.edges.iter().filter(move |edge| edge.from == place)
    }
}

impl Node {
    /// Takes the state of its part, and what there is to say of it now.
    fn take(&mut self, status: &Status) {
        if self.part == Part::Subscriber && status.drift.creates(&format!("subscription/{}", self.name)) {
            (self.state, self.lines) = (Some(State::Attention), vec!["missing".into()]);
        }
        let Some(role) = self.part.role() else { return };
        let Some(part) = status.parts.iter().find(|part| part.role == role && part.name == self.name) else { return };
        self.state = Some(part.state);
        let mut lines: Vec<_> = Some(part.word.clone()).filter(|word| !word.is_empty()).into_iter().collect();
        let shown = SHOWN.iter().filter_map(|label| part.facts.iter().find(|fact| fact.label == *label));
        // `not told`, `none told`: nothing to show.
        let told = shown.filter(|fact| !fact.value.starts_with("no"));
        lines.extend(told.map(|fact| format!("{} {}", fact.label, fact.value)));
        if role == Role::Alarm {
            self.lines.splice(0..0, lines);
        } else if !lines.is_empty() {
            self.lines = lines;
        }
    }
}
