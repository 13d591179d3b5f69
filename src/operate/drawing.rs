//! The pipeline as a drawing: parts and what flows between them, read out of the properties of its resources.
//!
//! The desired state and live AWS are described alike, so one reading serves both: the pipeline as it is configured, and
//! as it is.

mod read;

use serde::Serialize;

use super::health::{Role, State, Status};

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

impl Drawing {
    /// The same with every part's state, and what there is to say of it now.
    #[must_use]
    pub fn with(mut self, status: &Status) -> Self {
        for node in &mut self.nodes {
            let Some(role) = node.part.role() else { continue };
            let Some(part) = status.parts.iter().find(|part| part.role == role && part.name == node.name) else {
                continue;
            };
            node.state = Some(part.state);
            let says = |label: &str| part.facts.iter().find(|fact| fact.label == label).map(|fact| fact.value.as_str());
            let mut lines = Vec::new();
            if !part.word.is_empty() {
                lines.push(part.word.clone());
            }
            for label in ["waiting", "in flight", "oldest", "error rate", "throttled writes"] {
                let untold = |value: &&str| !value.starts_with("no") || *value == "not told";
                lines.extend(
                    says(label)
                        .filter(untold)
                        .filter(|value| *value != "not told")
                        .map(|value| format!("{label} {value}")),
                );
            }
            if role == Role::Alarm {
                node.lines.insert(0, part.word.clone());
            } else if !lines.is_empty() {
                node.lines = lines;
            }
        }
        // The mapping is the edge between queue and function: a stopped one shows at the function.
        let mapping = status.parts.iter().find(|part| part.role == Role::Mapping);
        if let Some(mapping) = mapping.filter(|mapping| mapping.state != State::Good)
            && let Some(node) = self.nodes.iter_mut().find(|node| node.part == Part::Function)
        {
            node.state = node.state.max(Some(mapping.state));
            node.lines.push(format!("mapping {}", if mapping.word.is_empty() { "missing" } else { &mapping.word }));
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
