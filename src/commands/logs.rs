//! `logs`: the function's log lines, those that were written and those that come.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::Result;
use jiff::Timestamp;
use pipewright_processor::contract::LogLevel;
use serde_json::json;

use super::Exit;
use super::interrupt::Interrupt;
use super::reader::while_read;
use super::running::Running;
use crate::aws::log_lines::{LogLine, Wanted};
use crate::cli::{Global, Level, Logs, Output};
use crate::operate::log_line::Line;
use crate::reconcile::CloudError;
use crate::render::{Terminal, logs as text};

/// How often the log is asked for what came.
const POLL: Duration = Duration::from_secs(1);
/// Lines may come to sight this much later than they were written.
const LATE_MILLISECONDS: i64 = 30_000;

pub async fn run(global: &Global, arguments: &Logs, terminal: &Terminal) -> Result<Exit> {
    let running = Running::open(global, terminal).await?;
    let interrupt = Interrupt::quietly();
    let since = Timestamp::now().checked_sub(arguments.since).unwrap_or(Timestamp::UNIX_EPOCH);
    let mut reader = Reader {
        group: running.pipeline.log_group_name(),
        running: &running,
        arguments,
        terminal,
        from: since.as_millisecond(),
        seen: BTreeSet::new(),
        is_missed: false,
    };
    while_read(reader.follow(&interrupt)).await
}

/// Reads the log on from where it was.
struct Reader<'a> {
    running: &'a Running,
    arguments: &'a Logs,
    terminal: &'a Terminal,
    group: String,
    /// Milliseconds since 1970.
    from: i64,
    /// Lines that were shown and could be met again.
    seen: BTreeSet<(i64, String)>,
    /// Whether it was said that there is no log.
    is_missed: bool,
}

impl Reader<'_> {
    async fn follow(&mut self, interrupt: &Interrupt) -> Result<Exit> {
        loop {
            tokio::select! {
                read = self.read() => read?,
                () = interrupt.asked() => return Ok(Exit::Interrupted),
            }
            if !self.arguments.follow {
                return Ok(Exit::Done);
            }
            tokio::select! {
                () = tokio::time::sleep(POLL) => {}
                () = interrupt.asked() => return Ok(Exit::Interrupted),
            }
        }
    }

    async fn read(&mut self) -> Result<(), CloudError> {
        let Self { running, arguments, terminal, group, from, seen, is_missed } = self;
        // In the log, an id stands as JSON writes it, in quotes.
        let quoted = arguments.transaction.as_ref().map(|id| json!(id).to_string()).unwrap_or_default();
        let phrase = quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default();
        let mut newest = *from;
        let mut show = |line: LogLine| {
            newest = newest.max(line.at);
            let key = (line.at, line.text);
            if !arguments.follow || !seen.contains(&key) {
                if let Some(words) = words(&key.1, key.0, arguments, terminal) {
                    terminal.answer(&format!("{words}\n"));
                }
                if arguments.follow {
                    seen.insert(key);
                }
            }
        };
        let is_there = running.aws.log_lines(Wanted { group, phrase, from: *from }, &mut show).await?;
        if !is_there && !std::mem::replace(is_missed, true) {
            terminal.talk(&format!(
                "there is no log group `{group}`: it comes with `pipewright apply`, or with the function's first line"
            ));
        }
        *from = (*from).max(newest - LATE_MILLISECONDS);
        seen.retain(|(at, _)| at >= from);
        Ok(())
    }
}

/// `None`: the line is not wanted.
fn words(text: &str, at: i64, arguments: &Logs, terminal: &Terminal) -> Option<String> {
    let line = Line::read(text);
    if !line.is_wanted(level(arguments.level), arguments.transaction.as_deref()) {
        return None;
    }
    let at = Timestamp::from_millisecond(at).unwrap_or(Timestamp::UNIX_EPOCH);
    Some(match (arguments.output, &line) {
        (Output::Text, _) => text::line(&line, text, at, terminal.answer_style()),
        (Output::Json, Line::Said(_)) => text.trim_end().to_owned(),
        // Not the function's JSON: made some, so that every line of the answer is.
        (Output::Json, Line::Platform | Line::Raw | Line::Metrics) => {
            json!({ "timestamp": format!("{at:.3}"), "level": null, "message": text.trim_end() }).to_string()
        }
    })
}

fn level(level: Level) -> LogLevel {
    match level {
        Level::Debug => LogLevel::Debug,
        Level::Info => LogLevel::Info,
        Level::Warn => LogLevel::Warn,
        Level::Error => LogLevel::Error,
    }
}
