//! The command `pipewright`: parses the command line, runs the verb, says what went wrong.

use std::process::ExitCode;

use clap::error::ErrorKind;
use pipewright::cli;
use pipewright::commands::{self, Exit, Rendered};
use pipewright::render::Terminal;

fn main() -> ExitCode {
    let cli = match cli::parse(std::env::args_os()) {
        Ok(cli) => cli,
        Err(error) => {
            let asked = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
            // A terminal that cannot be written to cannot be told so either.
            let _ = error.print();
            return if asked { Exit::Done } else { Exit::Failed }.into();
        }
    };
    let terminal = Terminal::new(&cli.global);
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            terminal.talk(&format!("error: the program cannot start: {error}"));
            return Exit::Failed.into();
        }
    };
    match runtime.block_on(commands::run(&cli, &terminal)) {
        Ok(exit) => exit.into(),
        Err(error) => {
            terminal.talk(&words(&error, &terminal));
            Exit::Failed.into()
        }
    }
}

/// The error with its causes, each once; hints last.
fn words(error: &anyhow::Error, terminal: &Terminal) -> String {
    if let Some(Rendered(text)) = error.downcast_ref() {
        return text.trim_end().to_owned();
    }
    let mut causes: Vec<String> = Vec::new();
    for cause in error.chain().map(ToString::to_string) {
        if !causes.iter().any(|known| known.contains(&cause)) {
            causes.push(cause);
        }
    }
    let (hints, lines): (Vec<String>, Vec<String>) =
        causes.join(": ").lines().map(str::to_owned).partition(|line| line.starts_with("hint: "));
    let mut text = format!("{} {}", terminal.style().red("error:"), lines.join("\n"));
    for hint in hints {
        text.push('\n');
        text.push_str(&hint);
    }
    text
}
