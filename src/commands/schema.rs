//! `schema`: prints a JSON Schema, made from the Rust types.

use anyhow::Result;

use super::Exit;
use crate::cli::SchemaOf;
use crate::operate::health::Status;
use crate::reconcile::Plan;
use crate::render::Terminal;

pub fn run(of: SchemaOf, terminal: &Terminal) -> Result<Exit> {
    terminal.answer(&text(of)?);
    Ok(Exit::Done)
}

/// The schema as its file under `schema/` has it.
///
/// # Errors
/// Never: a schema is JSON.
pub fn text(of: SchemaOf) -> Result<String> {
    let schema = match of {
        SchemaOf::Pipeline => crate::config::schema(),
        SchemaOf::Plan => serde_json::to_value(schemars::schema_for!(Plan))?,
        SchemaOf::Status => serde_json::to_value(schemars::schema_for!(Status))?,
        SchemaOf::Transaction => pipewright_processor::transaction::transaction_schema(),
    };
    Ok(serde_json::to_string_pretty(&schema)? + "\n")
}
