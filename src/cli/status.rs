//! `status`: is the pipeline healthy?

use std::path::PathBuf;

use clap::Args;

use super::Output;

#[derive(Debug, Args)]
#[command(after_help = "Exit status: 0 healthy, 1 not, or not known to be.")]
pub struct Status {
    /// Show it again and again, until Ctrl-C
    #[arg(long)]
    pub watch: bool,
    /// With `--watch`: seconds between two looks
    #[arg(long, value_name = "SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..), requires = "watch")]
    pub interval: u32,
    /// Write a page for a browser to this file: whole, in one file
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// How many hours are plotted; default 1, with `--html` 3
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=336))]
    pub hours: Option<u32>,
    /// How to print
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub output: Output,
}
