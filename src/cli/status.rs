//! `status`: is the pipeline healthy?

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::Output;
use super::amount::{hours, interval};

#[derive(Debug, Args)]
#[command(
    after_help = "Exit status: 0 healthy, drift and other things to look at included, 1 not, or not known to be, or failed, \
130 interrupted. With --watch: 0 when nobody reads on, 130 after Ctrl-C."
)]
pub struct Status {
    /// Show it again and again, until Ctrl-C
    #[arg(long)]
    pub watch: bool,
    /// With `--watch`: how long between two looks, such as `30s` or `5m`
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = interval, requires = "watch")]
    pub interval: Duration,
    /// Write a page for a browser to this file: whole, in one file
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// How far back is plotted, in whole hours, such as `3h`, `24h` or `7d`; without it `1h`, with `--html` `3h`
    #[arg(long = "since", alias = "hours", value_name = "DURATION", value_parser = hours)]
    pub hours: Option<u32>,
    /// How to print
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub output: Output,
}
