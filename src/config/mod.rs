//! From YAML text to a validated `Pipeline`: every mistake found at once, each with its place, its cause and a hint.

pub mod alarm;
mod amount;
mod function;
mod log_retention;
pub mod metric;
pub mod names;
mod naming;
pub mod pipeline;
mod processing;
mod queue;
mod role;
mod settings;
mod table;
mod topic;
pub mod units;

pub use pipeline::Pipeline;
