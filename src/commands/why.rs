//! `why`: gathers every trace of a transaction and tells its story.

use std::collections::BTreeSet;

use anyhow::Result;
use jiff::Timestamp;

use super::Exit;
use super::running::Running;
use crate::aws::log_lines::Wanted;
use crate::aws::sweep::Fate;
use crate::cli::{Global, Output, Why};
use crate::operate::Parked;
use crate::operate::story::{Story, Traces, Verdict, is_about, names};
use crate::reconcile::CloudError;
use crate::render::{Terminal, why as text};

pub async fn run(global: &Global, arguments: &Why, terminal: &Terminal) -> Result<Exit> {
    let running = Running::open(global, terminal).await?;
    let traces = traces(&running, arguments).await?;
    let attributes = running.pipeline.settings("", "").table.attributes;
    let story = Story::tell(&arguments.transaction_id, traces, &attributes);
    match arguments.output {
        Output::Json => terminal.answer(&(serde_json::to_string_pretty(&story)? + "\n")),
        Output::Text => terminal.answer(&text::story(&story, terminal.answer_style())),
    }
    if story.verdict != Verdict::Unknown {
        return Ok(Exit::Done);
    }
    let waiting = running.aws.waiting(&running.pipeline.queue_name()).await?;
    if waiting > 0 {
        terminal
            .talk(&format!("hint: {waiting} messages wait in the queue or are being processed; it may be one of them"));
    }
    Ok(Exit::Failed)
}

async fn traces(running: &Running, arguments: &Why) -> Result<Traces, CloudError> {
    let (aws, pipeline) = (&running.aws, &running.pipeline);
    let id = &arguments.transaction_id;
    let (quarantine, dead_letter) = (pipeline.quarantine_name(), pipeline.dead_letter_name());
    let (ids, function) = (BTreeSet::from([id.clone()]), pipeline.function_name());
    let (rows, quarantined, dead_letters, lines, live_settings) = tokio::try_join!(
        aws.rows(running.keyed(), &ids),
        letters(running, &quarantine, id),
        letters(running, &dead_letter, id),
        lines(running, arguments),
        aws.live_settings(&function),
    )?;
    Ok(Traces {
        row: rows.into_values().next(),
        quarantined,
        dead_letters,
        lines,
        live_settings: live_settings.map(|settings| settings.digest()),
        file_settings: pipeline.settings("", "").digest(),
    })
}

/// The messages of a queue that name the transaction.
async fn letters(running: &Running, queue: &str, id: &str) -> Result<Vec<Parked>, CloudError> {
    let mut found = Vec::new();
    let mut seen_before = BTreeSet::new();
    let look = &mut |seen: &Parked| {
        if names(&seen.body, id) && seen_before.insert(seen.message_id.clone()) {
            found.push(seen.clone());
        }
        Fate::Stays
    };
    running.aws.sweep(queue, look).await?;
    Ok(found)
}

async fn lines(running: &Running, arguments: &Why) -> Result<Vec<String>, CloudError> {
    let group = running.pipeline.log_group_name();
    let since = Timestamp::now().checked_sub(arguments.since).unwrap_or(Timestamp::UNIX_EPOCH);
    // In the log, the id stands as JSON writes it, in quotes.
    let quoted = serde_json::Value::from(arguments.transaction_id.as_str()).to_string();
    let phrase = &quoted[1..quoted.len() - 1];
    let mut lines = Vec::new();
    let wanted = Wanted { group: &group, phrase, from: since.as_millisecond() };
    let mut keep = |line: crate::aws::log_lines::LogLine| {
        if is_about(&line.text, &arguments.transaction_id) {
            lines.push(line.text);
        }
    };
    running.aws.log_lines(wanted, &mut keep).await?;
    Ok(lines)
}
