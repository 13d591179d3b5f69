//! `drill`: rehearsals on the live pipeline.

use std::time::Duration;

use clap::{Args, Subcommand};

use super::amount::duration;
use super::{Mix, Output};

#[derive(Debug, Subcommand)]
pub enum Drill {
    /// Send made-up transactions through the whole pipeline; every one must end where it belongs
    Pipeline(PipelineDrill),
    /// Set alarms off; each message must arrive at its topic
    Alarm(AlarmDrill),
    /// Write to the table until its write-capacity alarm goes off by itself, and until it is over
    Writes(WritesDrill),
}

/// What every drill takes.
#[derive(Debug, Clone, Args)]
pub struct Consent {
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
    /// How to print
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub output: Output,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Exit status: 0 everything ended where it belongs, 1 not, 130 interrupted. What is temporary is taken \
away in any case; of a drill that was killed, by the next one."
)]
pub struct PipelineDrill {
    /// How many transactions
    #[arg(short = 'n', long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u64).range(1..))]
    pub count: u64,
    #[command(flatten)]
    pub mix: Mix,
    /// The most transactions a second; without it, as fast as the queue takes them
    #[arg(long, value_name = "PER SECOND", value_parser = clap::value_parser!(u32).range(1..))]
    pub rate: Option<u32>,
    /// Remove the drill's items, its quarantined messages and its dead letters afterwards
    #[arg(long)]
    pub remove: bool,
    /// How long without any news until it gives up, such as `5m`; without it, the queue's visibility timeout and a minute
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub patience: Option<Duration>,
    #[command(flatten)]
    pub consent: Consent,
}

#[derive(Debug, Args)]
#[command(
    after_help = "An alarm that is off already is left alone: it is no time for a drill. Exit status: 0 every message \
arrived, 1 not, 130 interrupted; the alarms are set back in any case."
)]
pub struct AlarmDrill {
    /// The alarm, by its name in the file
    #[arg(value_name = "NAME", required_unless_present = "all")]
    pub name: Option<String>,
    /// Every alarm of the file, one after the other
    #[arg(long, conflicts_with = "name")]
    pub all: bool,
    #[command(flatten)]
    pub consent: Consent,
}

#[derive(Debug, Args)]
#[command(
    after_help = "The items bear marked ids and are removed afterwards. It stops at the first sign that anybody's \
writes are refused for lack of capacity. Exit status: 0 the alarm went off and came back, 1 not, 130 interrupted."
)]
pub struct WritesDrill {
    /// The alarm, by its name in the file; without it, the one that watches `table.consumed_writes`
    #[arg(value_name = "NAME")]
    pub name: Option<String>,
    /// Show rate, duration and cost; write nothing
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    pub consent: Consent,
}
