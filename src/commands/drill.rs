//! `drill`: rehearsals on the live pipeline. They say whom they notify and what they do, and ask.

mod alarm;
mod holder;
mod notified;
mod pipeline;
mod remains;
mod stage;
mod writes;

use anyhow::{Result, bail};

use super::running::Running;
use super::{Exit, agrees};
use crate::cli::{Consent, Drill, Global};
use crate::config::Pipeline;
use crate::render::Terminal;

pub async fn run(global: &Global, verb: &Drill, terminal: &Terminal) -> Result<Exit> {
    let pipeline = super::session::load(global, terminal)?;
    match verb {
        Drill::Pipeline(arguments) => {
            check_allowed(&pipeline)?;
            pipeline::run(global, pipeline, arguments, terminal).await
        }
        Drill::Alarm(arguments) => {
            check_allowed(&pipeline)?;
            alarm::run(global, pipeline, arguments, terminal).await
        }
        Drill::Writes(arguments) => {
            if !arguments.dry_run {
                check_allowed(&pipeline)?;
            }
            writes::run(global, pipeline, arguments, terminal).await
        }
    }
}

fn check_allowed(pipeline: &Pipeline) -> Result<()> {
    if pipeline.drills {
        return Ok(());
    }
    let place = pipeline.environment.as_ref().map_or_else(String::new, |name| format!(" in environment `{name}`"));
    bail!(
        "no drills{place}: the file says `drills: false`\nhint: rehearse in another environment; change the file only if people there expect it"
    )
}

/// What to know where a drill was stopped at once.
const STOPPED: &str = "what the drill set up is still there; the next drill takes it away";

/// Says what a drill does, and what is undone first, and asks. `false`: nobody wants it.
///
/// # Errors
/// A drill is under way; there is nobody to ask; AWS cannot be read.
async fn is_agreed(running: &Running, effects: &[String], consent: &Consent, terminal: &Terminal) -> Result<bool> {
    let left_behind = stage::left_behind(running).await?;
    terminal.talk(&format!("A drill on {}:", running.place()));
    left_behind.iter().chain(effects).for_each(|effect| terminal.talk(&format!("  {effect}")));
    if consent.yes {
        return Ok(true);
    }
    let is_agreed = agrees(terminal, "Begin?", "`--yes` begins without a question")?;
    if !is_agreed {
        terminal.talk("nothing was done");
    }
    Ok(is_agreed)
}
