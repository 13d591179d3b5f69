//! `pause` and `resume`: the processing off and on, with a note of who did it that every plan shows.

use anyhow::{Result, bail};
use serde_json::json;

use super::Exit;
use super::interrupt::Interrupt;
use super::running::ours;
use super::session::Session;
use crate::aws::identity;
use crate::cli::{Global, Output, Switch};
use crate::reconcile::{Address, CloudError, Live};
use crate::render::Terminal;
use crate::resources::Blueprint;
use crate::resources::event_source_mapping::{self as mapping, is_running, pause as switch};

pub async fn pause(global: &Global, arguments: &Switch, terminal: &Terminal) -> Result<Exit> {
    let (session, address, live) = mapping_of(global, terminal).await?;
    if let Some(why) = mapping::idle(&live) {
        let facts = json!({ "running": false, "changed": false, "why": why });
        return say(terminal, arguments.output, false, &facts, &why);
    }
    let pause = switch::Pause::now(&identity::caller(&session.config).await?);
    let note = |reason: &str| terminal.talk(&format!("  {address} waiting {reason}"));
    let work = switch::pause(&session.aws, &address.name, &pause, &note);
    let Some(done) = unless_interrupted(terminal, work).await else { return Ok(Exit::Interrupted) };
    done?;
    let words = format!("paused: messages wait in the queue until `pipewright resume`; noted as by {}", pause.by);
    let facts = json!({ "running": false, "changed": true, "since": pause.since, "by": pause.by });
    say(terminal, arguments.output, true, &facts, &words)
}

pub async fn resume(global: &Global, arguments: &Switch, terminal: &Terminal) -> Result<Exit> {
    let (session, address, live) = mapping_of(global, terminal).await?;
    if !session.pipeline.function.enabled {
        bail!(
            "the file says that the processing is off (`function.enabled: false`)\nhint: take that line out and apply"
        );
    }
    if is_running(&live) {
        return say(terminal, arguments.output, false, &json!({ "running": true, "changed": false }), "it is running");
    }
    let note = |reason: &str| terminal.talk(&format!("  {address} waiting {reason}"));
    let work = switch::resume(&session.aws, &address.name, &note);
    let Some(done) = unless_interrupted(terminal, work).await else { return Ok(Exit::Interrupted) };
    done?;
    let facts = json!({ "running": true, "changed": true });
    say(terminal, arguments.output, true, &facts, "resumed: the function takes messages from the queue again")
}

/// The pipeline's mapping, which must be there and ours.
async fn mapping_of(global: &Global, terminal: &Terminal) -> Result<(Session, Address, Live)> {
    let session = Session::open_without_code(global, terminal).await?;
    session.check_account().await?;
    let address = Blueprint { pipeline: &session.pipeline, scope: &session.aws.scope, code: "" }.mapping();
    let live = ours(&session.aws, &address).await?;
    Ok((session, address, live))
}

/// `None`: the user did not want to wait.
async fn unless_interrupted(
    terminal: &Terminal,
    work: impl Future<Output = Result<(), CloudError>>,
) -> Option<Result<(), CloudError>> {
    let interrupt = Interrupt::listen(*terminal);
    tokio::select! {
        done = work => Some(done),
        () = interrupt.asked() => {
            terminal.talk("interrupted: the switch may be under way; `pipewright plan` shows where it stands");
            None
        }
    }
}

fn say(terminal: &Terminal, output: Output, changed: bool, facts: &serde_json::Value, words: &str) -> Result<Exit> {
    match output {
        Output::Json => terminal.answer(&format!("{facts:#}\n")),
        Output::Text => {
            let before = if changed { "" } else { "nothing to do: " };
            terminal.answer(&terminal.answer_style().typeable(&format!("{before}{words}\n")));
        }
    }
    Ok(Exit::Done)
}
