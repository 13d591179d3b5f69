//! Every kind of resource: one kind, one file. What it is made of, how it is derived from the pipeline's file, and how
//! AWS reads and writes it.
//!
//! A kind is a struct of its managed properties that implements [`Resource`]. The rest of the program never names a
//! kind: `dispatch!` leads from a [`Kind`] to its type, and a new kind is a compile error until it is listed there.

pub mod alarm;
pub mod blueprint;
mod cloud;
pub mod dashboard;
pub mod event_source_mapping;
pub mod function;
pub mod gaps;
pub mod hearing;
pub mod log_group;
pub mod outlook;
pub mod policy;
pub mod queue;
pub mod role;
pub mod subscription;
pub mod survey;
pub mod table;
pub mod tags;
pub mod topic;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

pub use blueprint::Blueprint;
pub use survey::Survey;

use crate::aws::Aws;
use crate::reconcile::{
    Address, Changes, CloudError, Document, ErrorKind, Finding, Graph, GraphError, Kind, Live, Name, Owner, Property,
    Say,
};

/// One kind of AWS resource: its managed properties, all of them always stated.
#[expect(async_fn_in_trait, reason = "all futures run on one task; nothing needs them to be Send")]
pub trait Resource: Serialize + DeserializeOwned + Sized {
    const KIND: Kind;
    /// What is unusual about its properties.
    const UNUSUAL: &'static [Property];

    /// The resources of this kind that the file describes.
    fn desired(blueprint: &Blueprint<'_>) -> Vec<Planned<Self>>;

    /// Candidates beside `wanted` that may be ours, or matter to us: confirmed by `read`.
    async fn candidates(aws: &Aws, survey: &Survey, wanted: &BTreeSet<Name>) -> Result<BTreeSet<Name>, CloudError>;

    /// The live resources of these names, in their order.
    async fn read(aws: &Aws, names: &[Name]) -> Result<Vec<Option<Found<Self>>>, CloudError>;

    async fn create(&self, aws: &Aws, name: &Name, say: Say<'_>) -> Result<(), CloudError>;

    /// Writes what differs. A resource that is adopted gets our mark too (`live.owner` is foreign then).
    async fn update(
        &self,
        aws: &Aws,
        name: &Name,
        live: &Found<Self>,
        changes: &Changes,
        say: Say<'_>,
    ) -> Result<(), CloudError>;

    async fn delete(aws: &Aws, name: &Name, live: &Found<Self>, say: Say<'_>) -> Result<(), CloudError>;

    /// What to know where a resource is gone, but the tagging API, which lags, still lists it: it was deleted just now.
    fn just_deleted(_name: &Name) -> Option<Finding> {
        None
    }
}

/// A desired resource of one kind.
#[derive(Debug, Clone)]
pub struct Planned<R> {
    pub name: String,
    pub properties: R,
    /// What must exist before it.
    pub after: Vec<Address>,
}

/// A live resource of one kind; see [`Live`], its untyped form.
#[derive(Debug, Clone)]
pub struct Found<R> {
    pub id: Option<String>,
    pub owner: Owner,
    pub properties: R,
    pub kept: Value,
    pub observations: BTreeMap<String, Value>,
    pub findings: Vec<Finding>,
    pub holds: Option<String>,
}

impl<R: Resource> Found<R> {
    pub fn new(owner: Owner, properties: R) -> Self {
        Self {
            id: None,
            owner,
            properties,
            kept: Value::Null,
            observations: BTreeMap::new(),
            findings: Vec::new(),
            holds: None,
        }
    }

    /// Whether our mark is missing on it: it is being adopted.
    pub fn wants_mark(&self) -> bool {
        self.owner != Owner::Ours
    }

    pub fn observe(&mut self, name: &str, value: impl Into<Value>) {
        self.observations.insert(name.to_owned(), value.into());
    }

    fn into_live(self) -> Result<Live, CloudError> {
        Ok(Live {
            id: self.id,
            owner: self.owner,
            document: document(&self.properties)?,
            kept: self.kept,
            observations: self.observations,
            findings: self.findings,
            holds: self.holds,
        })
    }

    fn of(live: &Live) -> Result<Self, CloudError> {
        Ok(Self {
            id: live.id.clone(),
            owner: live.owner.clone(),
            properties: parse(&live.document)?,
            kept: live.kept.clone(),
            observations: live.observations.clone(),
            findings: live.findings.clone(),
            holds: live.holds.clone(),
        })
    }
}

fn document<R: Resource>(properties: &R) -> Result<Document, CloudError> {
    Document::of(properties).map_err(|error| confused(R::KIND, &error))
}

fn parse<R: Resource>(document: &Document) -> Result<R, CloudError> {
    document.parse().map_err(|error| confused(R::KIND, &error))
}

fn confused(kind: Kind, error: &serde_json::Error) -> CloudError {
    CloudError::new(ErrorKind::Local, format!("the properties of a {kind} do not fit its type: {error}"))
}

/// Runs `$body` with `$R` standing for the type of the kind.
macro_rules! dispatch {
    ($kind:expr, $R:ident => $body:expr) => {
        match $kind {
            $crate::reconcile::Kind::LogGroup => {
                type $R = $crate::resources::log_group::LogGroup;
                $body
            }
            $crate::reconcile::Kind::Table => {
                type $R = $crate::resources::table::Table;
                $body
            }
            $crate::reconcile::Kind::Queue => {
                type $R = $crate::resources::queue::Queue;
                $body
            }
            $crate::reconcile::Kind::Topic => {
                type $R = $crate::resources::topic::Topic;
                $body
            }
            $crate::reconcile::Kind::Subscription => {
                type $R = $crate::resources::subscription::Subscription;
                $body
            }
            $crate::reconcile::Kind::Role => {
                type $R = $crate::resources::role::Role;
                $body
            }
            $crate::reconcile::Kind::Function => {
                type $R = $crate::resources::function::Function;
                $body
            }
            $crate::reconcile::Kind::EventSourceMapping => {
                type $R = $crate::resources::event_source_mapping::EventSourceMapping;
                $body
            }
            $crate::reconcile::Kind::Alarm => {
                type $R = $crate::resources::alarm::Alarm;
                $body
            }
            $crate::reconcile::Kind::Dashboard => {
                type $R = $crate::resources::dashboard::Dashboard;
                $body
            }
        }
    };
}
use dispatch;

/// A number as AWS's clients take it. All of ours fit: the file's types limit them.
fn as_i32(number: u64) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

/// A number as AWS's clients give it; absent is 0.
fn as_u64(number: Option<i32>) -> u64 {
    number.and_then(|number| u64::try_from(number).ok()).unwrap_or_default()
}

/// What is unusual about the properties of a kind.
pub fn unusual(kind: Kind) -> &'static [Property] {
    dispatch!(kind, R => R::UNUSUAL)
}

/// The desired state of the whole pipeline.
///
/// # Errors
/// Two parts of the file under one name.
pub fn desired(blueprint: &Blueprint<'_>) -> Result<Graph, GraphError> {
    let mut nodes = Vec::new();
    for kind in Kind::ALL {
        dispatch!(kind, R => {
            for planned in R::desired(blueprint) {
                nodes.push(crate::reconcile::Node {
                    address: Address::new(kind, planned.name),
                    // A struct of properties always serialises; were it not so, every test of the kind would see it.
                    document: document::<R>(&planned.properties).unwrap_or_default(),
                    after: planned.after.into_iter().collect(),
                });
            }
        });
    }
    Graph::new(nodes, unusual)
}

#[cfg(test)]
mod tests;
