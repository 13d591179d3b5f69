//! `plan`: shows what differs from live AWS; changes nothing.

use anyhow::Result;

use super::Exit;
use super::file::{check_not_the_input, write_whole};
use super::session::{Session, options};
use crate::cli::{Global, Plan as Arguments, PlanOutput};
use crate::render::plan::View;
use crate::render::{Terminal, markdown, plan as text};

pub async fn run(global: &Global, arguments: &Arguments, terminal: &Terminal) -> Result<Exit> {
    if let Some(file) = &arguments.out {
        check_not_the_input(file, &global.file)?;
    }
    let session = Session::open(global, terminal).await?;
    let plan = session.plan(&session.graph, &options(global, &arguments.allow)).await?.plan;
    if let Some(file) = &arguments.out {
        write_whole(file, (serde_json::to_string_pretty(&plan)? + "\n").as_bytes())?;
    }
    match arguments.output {
        PlanOutput::Json => terminal.answer(&(serde_json::to_string_pretty(&plan)? + "\n")),
        PlanOutput::Markdown => terminal.answer(&markdown::plan(&plan, terminal.answer_style())),
        PlanOutput::Text => {
            let (style, width) = (terminal.answer_style(), terminal.answer_width());
            let view = View { style, verbose: global.verbose, width };
            terminal.answer(&format!("{}\n\n{}", session.place(), text::plan(&plan, view)));
        }
    }
    let refusals = plan.refusals();
    if arguments.output == PlanOutput::Text && !refusals.is_empty() {
        terminal.talk(&format!(
            "\nthis plan cannot be applied as it is:\n{}",
            text::findings(&refusals, terminal.style()).trim_end()
        ));
    }
    Ok(match plan.is_empty() {
        _ if !refusals.is_empty() => Exit::Failed,
        false if arguments.detailed_exitcode => Exit::Changes,
        true | false => Exit::Done,
    })
}
