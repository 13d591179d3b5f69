//! From YAML text to a validated `Pipeline`: every mistake found at once, each with its place, its cause and a hint.
//!
//! `read` → `parse` (a `tree` that keeps places) → `merge` (an environment) → `convert` (serde, all errors) → `rules`
//! (across resources). The types of the file are in `pipeline` and the modules it re-exports.

pub mod alarm;
mod amount;
mod cause;
mod collisions;
mod convert;
mod deserialize;
mod diagnostic;
mod environments;
mod excerpt;
mod explain;
mod function;
mod load;
mod log_retention;
mod merge;
pub mod metric;
pub mod names;
mod naming;
mod parse;
pub mod pipeline;
mod processing;
mod queue;
mod read;
mod role;
mod rules;
mod schema;
mod settings;
mod table;
mod topic;
mod tree;
pub mod units;
mod words;

pub use diagnostic::{Diagnostic, Diagnostics, Severity};
pub use load::{Loaded, load, load_text};
pub use pipeline::Pipeline;
pub use schema::schema;
pub use tree::Place;
