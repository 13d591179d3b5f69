//! `why`: gathers every trace of a transaction and tells its story.

use std::collections::BTreeSet;

use anyhow::Result;
use jiff::Timestamp;
use pipewright_processor::transaction::MOST_ID_BYTES;

use super::Exit;
use super::interrupt::Interrupt;
use super::running::Running;
use crate::aws::log_lines::Wanted;
use crate::aws::sweep::Fate;
use crate::cli::{Global, Output, Why};
use crate::operate::Parked;
use crate::operate::story::{Hidden, Story, Traces, Verdict, is_about, names};
use crate::reconcile::CloudError;
use crate::render::{Terminal, why as text};

pub async fn run(global: &Global, arguments: &Why, terminal: &Terminal) -> Result<Exit> {
    let running = Running::open(global, terminal).await?;
    let interrupt = Interrupt::quietly();
    let traces = traces(&running, arguments, &|| interrupt.is_asked()).await?;
    if interrupt.is_asked() {
        return Ok(Exit::Interrupted);
    }
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

async fn traces(running: &Running, arguments: &Why, is_stopped: &dyn Fn() -> bool) -> Result<Traces, CloudError> {
    let (aws, pipeline) = (&running.aws, &running.pipeline);
    let id = &arguments.transaction_id;
    let (quarantine, dead_letter) = (pipeline.quarantine_name(), pipeline.dead_letter_name());
    let function = pipeline.function_name();
    // No item can have such a key, and DynamoDB refuses the question; a quarantined message can.
    let is_key = (1..=MOST_ID_BYTES).contains(&id.len());
    let ids = BTreeSet::from_iter(is_key.then(|| id.clone()));
    // All to their end, for a look that is given up leaves hidden what it saw.
    let (rows, quarantined, dead_letters, lines, live_settings) = tokio::join!(
        aws.rows(running.keyed(), &ids),
        letters(running, &quarantine, id, is_stopped),
        letters(running, &dead_letter, id, is_stopped),
        lines(running, arguments),
        aws.live_settings(&function),
    );
    let (quarantined, dead_letters) = (quarantined?, dead_letters?);
    Ok(Traces {
        row: rows?.into_values().next(),
        hidden: Hidden { quarantine: quarantined.hidden, dead_letters: dead_letters.hidden },
        quarantined: quarantined.found,
        dead_letters: dead_letters.found,
        lines: lines?,
        live_settings: live_settings?.map(|settings| settings.digest()),
        file_settings: pipeline.settings("", "").digest(),
    })
}

/// What a queue shows of a transaction.
struct Letters {
    found: Vec<Parked>,
    /// How many messages it holds that could not be seen: others have them in hand, or there are too many.
    hidden: usize,
}

/// The messages of a queue that name the transaction.
async fn letters(
    running: &Running,
    queue: &str,
    id: &str,
    is_stopped: &dyn Fn() -> bool,
) -> Result<Letters, CloudError> {
    let mut found = Vec::new();
    let mut seen_before = BTreeSet::new();
    let look = &mut |seen: &Parked| {
        if seen_before.insert(seen.message_id.clone()) && names(&seen.body, id) {
            found.push(seen.clone());
        }
        Fate::Stays
    };
    let depth = running.aws.depth(queue).await?;
    let is_all = running.aws.sweep(queue, is_stopped, look).await?;
    let unseen = if is_all { 0 } else { depth.waiting.saturating_sub(seen_before.len()) };
    let hidden = depth.in_flight + unseen;
    Ok(Letters { found, hidden })
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
