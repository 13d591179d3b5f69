//! `dead-letters` and `quarantine`: the same verbs for two queues.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};

use super::Output;
use super::amount::seconds;

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
#[command(after_help = "Exit status: 0 listed, 1 failed, 130 interrupted: what was seen until then is listed.")]
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
#[command(after_help = "Exit status: 0 shown, 1 there is none, or failed, 130 interrupted.")]
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
#[command(
    after_help = "Exit status: 0 put back, 1 failed, or some were refused or could not be removed, 130 interrupted: what was \
not put back is where it was."
)]
pub struct Redrive {
    /// Only those with this reason
    #[arg(long, value_name = "CODE")]
    pub reason: Option<String>,
    /// At most so many
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub limit: Option<u32>,
    /// Afterwards, wait at most so long for the pipeline, such as `30s` or `2m`, to count what comes back
    #[arg(long, value_name = "DURATION", default_value = "20s", value_parser = seconds)]
    pub wait: Duration,
    /// How to print
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub output: Output,
}

#[derive(Debug, Args)]
#[command(after_help = "Exit status: 0 deleted, 1 failed, not all, or not agreed to, 130 interrupted.")]
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
