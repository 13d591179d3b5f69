//! The command line: types only, from which clap makes parser, help and completions.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::config::names::RegionName;
use crate::reconcile::Address;

mod amount;
mod drill;
mod graph;
mod logs;
mod parked;
mod parse;
mod send;
mod status;
mod why;

pub use drill::{AlarmDrill, Consent, Drill, PipelineDrill, WritesDrill};
pub use graph::{Graph, GraphFormat};
pub use logs::{Level, Logs};
pub use parked::{List, Parked, Purge, Redrive, Show};
pub use parse::{command, parse};
pub use send::{Format, Generate, Mix, Send};
pub use status::Status;
pub use why::Why;

/// Plans and applies an event pipeline on AWS (SQS → Lambda → DynamoDB, SNS, CloudWatch) from one YAML file.
/// Live AWS is the state: there is no state file.
#[derive(Debug, Parser)]
#[command(name = "pipewright", version, propagate_version = true, arg_required_else_help = true)]
#[command(after_help = "Exit status: 0 done or nothing to do, 1 failed, or wrongly called, 2 there are changes \
(plan --detailed-exitcode), 3 the saved plan is stale (apply PLAN), 130 interrupted.\n\nTry it without AWS: pipewright demo")]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

/// What holds for every command.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// The pipeline's file
    #[arg(short, long, global = true, value_name = "FILE", default_value = "pipeline.yaml", env = "PIPEWRIGHT_FILE")]
    pub file: PathBuf,
    /// The environment of the file to merge in
    #[arg(long, global = true, value_name = "NAME", env = "PIPEWRIGHT_ENV")]
    pub env: Option<String>,
    /// The AWS region, where the file does not pin it
    #[arg(long, global = true, value_parser = region)]
    pub region: Option<String>,
    /// The profile of the AWS configuration
    #[arg(long, global = true)]
    pub profile: Option<String>,
    /// Another address than AWS's own
    #[arg(long, global = true, value_name = "URL", value_parser = endpoint_url)]
    pub endpoint_url: Option<String>,
    /// Use the embedded local AWS instead of AWS
    #[arg(long, global = true, conflicts_with_all = ["profile", "endpoint_url"])]
    pub local: bool,
    /// When to use colour
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub color: Color,
    /// With a plan: show the JSON documents of what is created in full
    #[arg(short, long, global = true)]
    pub verbose: bool,
}

fn endpoint_url(text: &str) -> Result<String, String> {
    let host = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    match host {
        Some(host) if !host.is_empty() && !host.contains(char::is_whitespace) => Ok(text.to_owned()),
        Some(_) | None => Err("an endpoint is `http://HOST[:PORT]` or `https://HOST[:PORT]`".into()),
    }
}

fn region(text: &str) -> Result<String, String> {
    RegionName::parse(text).map(|region| region.to_string())
}

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Check the file; asks nobody
    Validate(Validate),
    /// Show what differs from live AWS; changes nothing
    Plan(Plan),
    /// Make AWS as the file says
    Apply(Apply),
    /// Delete everything of this pipeline
    Destroy(Destroy),
    /// Stop the processing for a while: messages wait in the queue; every plan says who did it and since when
    Pause(Switch),
    /// Go on after a pause, or after somebody stopped the processing by hand
    Resume(Switch),
    /// Send transactions through the pipeline, from files or made up, and follow them to their end
    Send(Send),
    /// Rehearse: prove on the live pipeline that processing and monitoring work
    #[command(subcommand)]
    Drill(Drill),
    /// What became of one transaction: its item, its announcement, its reasons, its log lines
    Why(Why),
    /// Is the pipeline healthy? Queues, function, table, alarms, drift, and the last hour
    Status(Status),
    /// Draw the pipeline: as the file says, or as it is
    Graph(Graph),
    /// The function's log lines, readable
    Logs(Logs),
    /// Messages that failed too often: look at them, put them back, delete them
    #[command(subcommand)]
    DeadLetters(Parked),
    /// Messages that the processor rejected: look at them, put them back, delete them
    #[command(subcommand)]
    Quarantine(Parked),
    /// Print a JSON Schema
    #[command(after_help = "Exit status: 0 printed, 1 failed.")]
    Schema {
        /// Of what
        #[arg(value_enum, default_value = "pipeline")]
        of: SchemaOf,
    },
    /// Build the processor into a zip that Lambda takes
    Build(Build),
    /// Apply to the local AWS, send three transactions and show what becomes of them
    #[command(after_help = "Exit status: 0 everything came where it belongs, 1 not, 130 interrupted.")]
    Demo,
    /// The embedded local AWS of this folder
    #[command(subcommand)]
    Local(Local),
    /// Print completions for a shell
    #[command(after_help = "Exit status: 0 printed, 1 failed.")]
    Completions {
        /// For which shell
        shell: clap_complete::Shell,
    },
}

#[derive(Debug, Args)]
#[command(after_help = "Exit status: 0 valid, 1 not.")]
pub struct Validate {
    /// How to print
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub output: Output,
}

/// What the user allows.
#[derive(Debug, Clone, Default, Args)]
pub struct Allow {
    /// Take over resources that have our names but are not ours
    #[arg(long)]
    pub adopt: bool,
    /// Start again what somebody stopped by hand, or paused
    #[arg(long)]
    pub resume: bool,
    /// Data that may be lost: `<kind>/<name>`, or `all`; may be given more than once
    #[arg(long, value_name = "RESOURCE", value_parser = may_be_lost)]
    pub allow_data_loss: Vec<MayBeLost>,
}

/// One value of `--allow-data-loss`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MayBeLost {
    All,
    One(Address),
}

fn may_be_lost(text: &str) -> Result<MayBeLost, String> {
    if text == "all" {
        return Ok(MayBeLost::All);
    }
    text.parse().map(MayBeLost::One)
}

#[derive(Debug, Args)]
#[command(
    after_help = "Exit status: 0 planned, or there is nothing to do, 1 failed, or the plan cannot be applied as it is, \
2 there are changes (with --detailed-exitcode), 130 interrupted."
)]
pub struct Plan {
    #[command(flatten)]
    pub allow: Allow,
    /// Exit with 2 when there are changes
    #[arg(long)]
    pub detailed_exitcode: bool,
    /// How to print
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub output: PlanOutput,
    /// Write the plan (JSON) to this file, for `apply FILE`
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Exit status: 0 applied, or there was nothing to do, 1 failed, refused, or not agreed to, 3 the saved plan \
is stale, and nothing was done, 130 interrupted."
)]
pub struct Apply {
    /// A plan that `plan --out` wrote: exactly this is applied, or nothing
    #[arg(value_name = "PLAN")]
    pub plan: Option<PathBuf>,
    #[command(flatten)]
    pub allow: Allow,
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
    /// How to print
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub output: Output,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Exit status: 0 deleted, or there was nothing to do, 1 failed, refused, or not agreed to, 130 interrupted."
)]
pub struct Destroy {
    /// Data that may be lost: `<kind>/<name>`, or `all`, log groups included; may be given more than once. Without it log groups stay
    #[arg(long, value_name = "RESOURCE", value_parser = may_be_lost)]
    pub allow_data_loss: Vec<MayBeLost>,
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
    /// How to print
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub output: Output,
}

#[derive(Debug, Args)]
#[command(after_help = "Exit status: 0 done, or there was nothing to do, 1 failed, 130 interrupted.")]
pub struct Switch {
    /// How to print
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub output: Output,
}

#[derive(Debug, Args)]
#[command(after_help = "Exit status: 0 built, 1 not, 130 interrupted.")]
pub struct Build {
    /// Where to write the zip
    #[arg(long, value_name = "FILE", default_value = "processor.zip")]
    pub out: PathBuf,
}

#[derive(Debug, Subcommand)]
pub enum Local {
    /// Install it if need be, and start it
    #[command(after_help = "Exit status: 0 it runs, 1 failed, 130 interrupted.")]
    Start,
    /// Stop it; its state is kept
    #[command(after_help = "Exit status: 0 it does not run any more, 1 failed, 130 interrupted.")]
    Stop,
    /// Whether it runs, and where
    #[command(after_help = "Exit status: 0 it runs, 1 not, or not known to, 130 interrupted.")]
    Status {
        /// How to print
        #[arg(short, long, value_name = "FORMAT", default_value = "text")]
        output: Output,
    },
    /// Clear all its state
    #[command(after_help = "Exit status: 0 cleared, 1 failed, 130 interrupted.")]
    Reset,
}

/// How an answer is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people
    Text,
    /// For machines
    Json,
}

/// How a plan is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PlanOutput {
    /// For people
    Text,
    /// For machines; `pipewright schema plan` describes it
    Json,
    /// For a comment in a pull request
    Markdown,
}

/// Which schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SchemaOf {
    /// The pipeline's file
    Pipeline,
    /// The JSON of a plan
    Plan,
    /// The JSON of a status
    Status,
    /// A transaction, as the processor takes it
    Transaction,
}
