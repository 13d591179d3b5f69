//! `send`: where transactions come from, how fast they go, and whether they are followed.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::Output;
use super::amount::{duration, share};
use crate::operate::Share;

#[derive(Debug, Args)]
#[command(
    after_help = "A file ends in .jsonl (one JSON object a line) or .csv (a header, then one transaction a row; \
an empty cell is an absent field; the columns `items` and `metadata` hold JSON).\n\n\
Exit status: 0 everything was sent, but for malformed lines, which are skipped and counted (with --wait: and every \
message is accounted for), 1 not, 130 interrupted."
)]
pub struct Send {
    /// Files with transactions; `-` is standard input
    #[arg(value_name = "FILE", required_unless_present = "generate")]
    pub files: Vec<PathBuf>,
    #[command(flatten)]
    pub generate: Generate,
    /// The most transactions a second; without it, as fast as the queue takes them
    #[arg(long, value_name = "PER SECOND", value_parser = clap::value_parser!(u32).range(1..))]
    pub rate: Option<u32>,
    /// How the input is written; without it, a file's name says so, and standard input is JSON Lines
    #[arg(long, value_name = "FORMAT")]
    pub format: Option<Format>,
    /// Send nothing at all if a line is malformed
    #[arg(long, conflicts_with_all = ["as_is", "generate"])]
    pub strict: bool,
    /// Send every line untouched, malformed ones too: the processor must survive them
    #[arg(long, conflicts_with = "generate")]
    pub as_is: bool,
    /// Print the messages instead of sending them; asks nobody
    #[arg(long, conflicts_with = "wait")]
    pub dry_run: bool,
    /// Follow every message to its end, and print the account
    #[arg(long)]
    pub wait: bool,
    /// With --wait: how long without any news until it gives up, such as `5m`; without it, the queue's visibility timeout
    /// and a minute
    #[arg(long, value_name = "DURATION", value_parser = duration, requires = "wait")]
    pub patience: Option<std::time::Duration>,
    /// How to print
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub output: Output,
}

/// Made-up transactions.
#[derive(Debug, Clone, Args)]
pub struct Generate {
    /// Make up this many transactions instead of reading them
    #[arg(long, value_name = "N", conflicts_with_all = ["files", "format"], value_parser = clap::value_parser!(u64).range(1..))]
    pub generate: Option<u64>,
    #[command(flatten)]
    pub mix: Mix,
}

/// What made-up transactions are like.
#[derive(Debug, Clone, Args)]
pub struct Mix {
    /// The same seed makes the same mix; without it, another one each time
    #[arg(long, value_name = "NUMBER")]
    pub seed: Option<u64>,
    /// The moment that ids and timestamps are made from (RFC 3339); without it, now. With a seed: the same bytes again
    #[arg(long, value_name = "TIMESTAMP")]
    pub at: Option<jiff::Timestamp>,
    /// The share of orders large enough to be announced; without it 2%, in a drill 5%
    #[arg(long, value_name = "SHARE", value_parser = share)]
    pub large: Option<Share>,
    /// The share of invalid ones; without it none, in a drill 5%
    #[arg(long, value_name = "SHARE", value_parser = share)]
    pub invalid: Option<Share>,
    /// The share of repeats with the same content; without it none, in a drill 3%
    #[arg(long, value_name = "SHARE", value_parser = share)]
    pub duplicate: Option<Share>,
    /// The share of repeats of an id with other content; without it none, in a drill 2%
    #[arg(long, value_name = "SHARE", value_parser = share)]
    pub conflicting: Option<Share>,
}

impl Mix {
    /// The first option that was given, if any.
    pub fn stated(&self) -> Option<&'static str> {
        let stated = [
            ("--seed", self.seed.is_some()),
            ("--at", self.at.is_some()),
            ("--large", self.large.is_some()),
            ("--invalid", self.invalid.is_some()),
            ("--duplicate", self.duplicate.is_some()),
            ("--conflicting", self.conflicting.is_some()),
        ];
        stated.into_iter().find_map(|(option, is_stated)| is_stated.then_some(option))
    }
}

/// How input is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// JSON Lines: one object a line
    Jsonl,
    /// Comma-separated values, with a header
    Csv,
}
