//! What the local AWS is doing at the moment, for whoever waits for it.

use std::fmt;

/// One thing that now happens, as data; `Display` is the line for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// Another pipewright has its hands on the same thing.
    Waiting,
    /// A part of the installation.
    Installing { what: String },
    /// The server's process is being started.
    Starting { endpoint: String },
    /// It answers; now it has to show that it understands.
    Proving,
    /// It can be used.
    Ready { endpoint: String },
    /// It has been asked to save its state and end.
    Stopping { pid: u32 },
}

impl fmt::Display for Progress {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Waiting => write!(out, "waiting for another pipewright to finish with the local AWS"),
            Self::Installing { what } => write!(out, "installing the local AWS: {what}"),
            Self::Starting { endpoint } => write!(out, "starting the local AWS at {endpoint}"),
            Self::Proving => write!(out, "checking that the local AWS understands us"),
            Self::Ready { endpoint } => write!(out, "local AWS ready at {endpoint}"),
            Self::Stopping { pid } => write!(out, "stopping the local AWS (process {pid})"),
        }
    }
}
