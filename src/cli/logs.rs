//! `logs`: what the function says.

use std::time::Duration;

use clap::{Args, ValueEnum};

use super::Output;
use super::amount::duration;

#[derive(Debug, Args)]
#[command(after_help = "Exit status: 0 read, or nobody reads on, 1 failed, 130 interrupted.")]
pub struct Logs {
    /// Go on with what comes, until Ctrl-C
    #[arg(long)]
    pub follow: bool,
    /// How far back the log is read, such as `10m`, `24h` or `7d`
    #[arg(long, value_name = "DURATION", default_value = "10m", value_parser = duration)]
    pub since: Duration,
    /// Only lines about this transaction
    #[arg(long, value_name = "ID")]
    pub transaction: Option<String>,
    /// Only lines from this level on; `debug` shows Lambda's own lines too
    #[arg(long, value_name = "LEVEL", default_value = "info")]
    pub level: Level,
    /// How to print; `json` passes the function's lines through
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub output: Output,
}

/// Severity of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Level {
    Debug,
    Info,
    Warn,
    Error,
}
