//! `why`: what became of one transaction.

use std::time::Duration;

use clap::Args;

use super::Output;
use super::amount::duration;

#[derive(Debug, Args)]
#[command(after_help = "Exit status: 0 there is a trace of it, 1 there is none, or failed, 130 interrupted.")]
pub struct Why {
    /// The transaction's id
    #[arg(value_name = "TRANSACTION_ID")]
    pub transaction_id: String,
    /// How far back the log is read, such as `10m`, `24h` or `7d`
    #[arg(long, value_name = "DURATION", default_value = "24h", value_parser = duration)]
    pub since: Duration,
    /// How to print
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub output: Output,
}
