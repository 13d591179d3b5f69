//! `local`: the embedded local AWS of the folder that the pipeline's file lies in.

use anyhow::Result;

use super::Exit;
use crate::aws::folder_of;
use crate::cli::{Global, Local as Verb, Output};
use crate::local::{self, Progress, Status, Stopped};
use crate::render::Terminal;

pub async fn run(global: &Global, verb: &Verb, terminal: &Terminal) -> Result<Exit> {
    let folder = folder_of(&global.file);
    let on = |progress: Progress| terminal.talk(&progress.to_string());
    match verb {
        Verb::Start => {
            let local = local::start(&folder, &on).await?;
            terminal.answer(&format!("{}\n", local.endpoint()));
        }
        Verb::Stop => {
            let words = match local::stop(&folder, &on).await? {
                Stopped::Stopped { .. } => "stopped; its state is kept",
                Stopped::NotRunning => "it was not running",
            };
            terminal.answer(&format!("{words}\n"));
        }
        Verb::Status { output } => return status(&local::status(&folder).await?, *output, terminal),
        Verb::Reset => {
            local::reset(&folder, &on).await?;
            terminal.answer("cleared\n");
        }
    }
    Ok(Exit::Done)
}

/// Running is 0, anything else 1: so that a script can ask.
fn status(status: &Status, output: Output, terminal: &Terminal) -> Result<Exit> {
    match output {
        Output::Text => terminal.answer(&format!("{status}\n")),
        Output::Json => terminal.answer(&(serde_json::to_string_pretty(status)? + "\n")),
    }
    Ok(if matches!(status, Status::Running { .. }) { Exit::Done } else { Exit::Failed })
}
