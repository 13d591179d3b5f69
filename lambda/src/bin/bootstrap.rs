//! The program that Lambda starts: reads its settings once, then serves.

use std::io::Write;
use std::process::ExitCode;

use jiff::Timestamp;
use mimalloc::MiMalloc;
use pipewright_processor::contract::{LogLevel, Settings};
use pipewright_processor::log::{self, Field};
use pipewright_processor::runtime::{Aws, Environment, serve};

/// A fifth of the processor time goes with the system's allocator, and far more with musl's.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    match start() {
        Ok(()) => ExitCode::SUCCESS,
        Err(problems) => {
            let problems = problems.iter().map(String::as_str).collect();
            let line = log::line(
                Timestamp::now(),
                LogLevel::Error,
                "the processor cannot run",
                &[("problems", Field::Texts(problems))],
            );
            let _ = std::io::stdout().lock().write_all(line.as_bytes());
            ExitCode::FAILURE
        }
    }
}

/// One thread: the work is waiting, and Lambda gives little more than one processor anyway.
fn start() -> Result<(), Vec<String>> {
    let (settings, environment) = settings()?;
    let aws = Aws::new(settings.clone(), &environment).map_err(said)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(said)?;
    runtime.block_on(async {
        aws.connect().await;
        serve(settings, aws).await.map_err(said)
    })
}

/// Everything that is missing or malformed, at once.
fn settings() -> Result<(Settings, Environment), Vec<String>> {
    let get = |name: &str| std::env::var(name).ok();
    let settings = Settings::from_environment(get)
        .map_err(|error| error.problems.iter().map(ToString::to_string).collect::<Vec<_>>());
    match (settings, Environment::read(get)) {
        (Ok(settings), Ok(environment)) => Ok((settings, environment)),
        (settings, environment) => Err(settings.err().into_iter().chain(environment.err()).flatten().collect()),
    }
}

fn said(error: impl ToString) -> Vec<String> {
    vec![error.to_string()]
}
