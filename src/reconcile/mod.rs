//! The pure core of pipewright and its one seam to the outside world.
//!
//! `Plan::new(&desired, &snapshot, …)` compares a [`Graph`] with a [`Snapshot`] and says what is to be done; a
//! [`Schedule`] says in which order; [`apply`] drives it against a [`Cloud`]. Nothing in here knows AWS, a terminal or
//! the YAML: a kind of resource is a name, its properties a [`Document`], its peculiarities a short table.

pub mod address;
pub mod apply;
pub mod cloud;
pub mod diff;
pub mod document;
pub mod finding;
pub mod graph;
pub mod memory;
mod order;
pub mod plan;
mod planner;
pub mod schedule;
pub mod snapshot;

pub use address::{Address, Kind, Name};
pub use apply::{Event, Report, apply, settle};
pub use cloud::{Cloud, CloudError, ErrorKind, Say};
pub use diff::{Change, Changes, Property, Trait, Widest};
pub use document::Document;
pub use finding::{Finding, Severity};
pub use graph::{Graph, GraphError, Node};
pub use plan::{Action, Narrowing, Options, Plan, Scope, Step};
pub use schedule::{Part, Schedule, Verb};
pub use snapshot::{Live, Owner, Snapshot};
