//! `graph`: the pipeline, drawn.

use clap::{Args, ValueEnum};

#[derive(Debug, Args)]
#[command(after_help = "Exit status: 0 drawn, 1 not, 130 interrupted.")]
pub struct Graph {
    /// As what to draw it
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: GraphFormat,
    /// Draw it as it is in AWS, each part with its state, rather than as the file says
    #[arg(long)]
    pub live: bool,
}

/// How a drawing is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum GraphFormat {
    /// A tree, for a terminal
    Text,
    /// A picture for a browser
    Svg,
    /// For Markdown
    Mermaid,
    /// For Graphviz
    Dot,
}
