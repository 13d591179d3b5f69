//! `dead-letters` and `quarantine`: the same verbs for two queues.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Output;

/// What to do with parked messages.
#[derive(Debug, Subcommand)]
pub enum Parked {
    /// Group them by reason, with counts and examples
    List(List),
    /// Show one whole: body, attributes, reasons
    Show(Show),
    /// Put them back into the pipeline's queue
    Redrive(Redrive),
    /// Delete them for good
    Purge(Purge),
}

#[derive(Debug, Args)]
pub struct List {
    /// Only those with this reason
    #[arg(long, value_name = "CODE")]
    pub reason: Option<String>,
    /// Look at no more than so many
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub look: u32,
    /// How to print
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub output: Output,
}

#[derive(Debug, Args)]
pub struct Show {
    /// The id of the message, or of its transaction
    #[arg(value_name = "ID")]
    pub id: String,
    /// Look at no more than so many
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub look: u32,
    /// How to print
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub output: Output,
}

#[derive(Debug, Args)]
pub struct Redrive {
    /// Only those with this reason
    #[arg(long, value_name = "CODE")]
    pub reason: Option<String>,
    /// At most so many
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub limit: Option<u32>,
    /// Afterwards, wait at most so many seconds for the pipeline, to count what comes back
    #[arg(long, value_name = "SECONDS", default_value_t = 20)]
    pub wait: u32,
    /// How to print
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub output: Output,
}

#[derive(Debug, Args)]
pub struct Purge {
    /// Only those with this reason
    #[arg(long, value_name = "CODE")]
    pub reason: Option<String>,
    /// Save them to this file first (JSON Lines), and delete exactly what was saved
    #[arg(long, value_name = "FILE")]
    pub save: Option<PathBuf>,
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
    /// How to print
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub output: Output,
}
