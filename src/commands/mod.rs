//! One thin file per verb: arguments in, exit status out.

mod apply;
mod build;
mod delivery;
mod demo;
mod drill;
mod file;
mod foreground;
mod graph;
pub mod interrupt;
mod local;
mod logs;
mod parked;
mod pause;
mod plan;
mod reader;
mod running;
mod schema;
mod send;
mod session;
mod status;
mod validate;
mod why;

pub use schema::text as schema_text;

use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::cli::{Cli, Command};
use crate::render::Terminal;

/// How a command ended; the numbers are documented in the help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    Done,
    Failed,
    /// `plan --detailed-exitcode`: there are changes.
    Changes,
    /// The saved plan no longer fits.
    Stale,
    Interrupted,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(match exit {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::Changes => 2,
            Exit::Stale => 3,
            Exit::Interrupted => 130,
        })
    }
}

/// A failure whose words are complete: diagnostics with their own headings.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Rendered(pub String);

/// Asks for consent; `without`: how to do it where nobody can be asked.
///
/// # Errors
/// This is no terminal.
fn agrees(terminal: &Terminal, question: &str, without: &str) -> Result<bool> {
    if !terminal.can_ask() {
        bail!("there is nobody to ask: this is no terminal\nhint: {without}");
    }
    Ok(terminal.agrees(question))
}

/// Runs the command that the user gave.
///
/// # Errors
/// What stops it, in words.
pub async fn run(cli: &Cli, terminal: &Terminal) -> Result<Exit> {
    let global = &cli.global;
    match &cli.command {
        Command::Validate(arguments) => validate::run(global, arguments, terminal),
        Command::Plan(arguments) => plan::run(global, arguments, terminal).await,
        Command::Apply(arguments) => apply::run(global, arguments, terminal).await,
        Command::Destroy(arguments) => apply::destroy(global, arguments, terminal).await,
        Command::Pause(arguments) => pause::pause(global, arguments, terminal).await,
        Command::Resume(arguments) => pause::resume(global, arguments, terminal).await,
        Command::Send(arguments) => send::run(global, arguments, terminal).await,
        Command::Drill(verb) => drill::run(global, verb, terminal).await,
        Command::Why(arguments) => why::run(global, arguments, terminal).await,
        Command::Status(arguments) => status::run(global, arguments, terminal).await,
        Command::Graph(arguments) => graph::run(global, arguments, terminal).await,
        Command::Logs(arguments) => logs::run(global, arguments, terminal).await,
        Command::DeadLetters(verb) => parked::run(global, parked::Which::DeadLetters, verb, terminal).await,
        Command::Quarantine(verb) => parked::run(global, parked::Which::Quarantine, verb, terminal).await,
        Command::Schema { of } => schema::run(*of, terminal),
        Command::Build(arguments) => build::run(global, arguments, terminal).await,
        Command::Demo => demo::run(global).await,
        Command::Local(verb) => local::run(global, verb, terminal).await,
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut crate::cli::command(), "pipewright", &mut script);
            terminal.answer(&String::from_utf8_lossy(&script));
            Ok(Exit::Done)
        }
    }
}
