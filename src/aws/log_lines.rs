//! Lines of a log group, page by page.

use super::{Aws, Called};
use crate::reconcile::CloudError;

/// A line, and when it was written: milliseconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    pub at: i64,
    pub text: String,
}

/// CloudWatch Logs gives this many lines in one answer.
const MOST_LINES: usize = 10_000;

/// Which lines are wanted.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    pub group: &'a str,
    /// What every line must hold, word for word; empty: every line is wanted.
    pub phrase: &'a str,
    /// Milliseconds since 1970.
    pub from: i64,
}

impl Aws {
    /// Hands over every line that is wanted, the oldest first. No such group: no lines, for the function makes it with
    /// its first.
    ///
    /// # Errors
    /// The log cannot be read.
    pub async fn log_lines(&self, wanted: Wanted<'_>, on: &mut dyn FnMut(LogLine)) -> Result<(), CloudError> {
        // A phrase in quotes; in it, quotes are escaped.
        let pattern = format!("\"{}\"", wanted.phrase.replace('\\', "\\\\").replace('"', "\\\""));
        let pattern = (!wanted.phrase.is_empty()).then_some(pattern);
        let (mut token, mut from) = (None::<String>, wanted.from);
        loop {
            let call = self
                .logs
                .filter_log_events()
                .log_group_name(wanted.group)
                .set_filter_pattern(pattern.clone())
                .start_time(from)
                .set_next_token(token.take());
            let answer = call.send().await.called_or_absent("logs:FilterLogEvents", wanted.group)?;
            let Some(answer) = answer else { return Ok(()) };
            let events = answer.events.unwrap_or_default();
            let (count, last) = (events.len(), events.last().and_then(|event| event.timestamp));
            for event in events {
                on(LogLine { at: event.timestamp.unwrap_or_default(), text: event.message.unwrap_or_default() });
            }
            match (answer.next_token, last) {
                (Some(next), _) => token = Some(next),
                // The local AWS ends a full page without a token: go on from its last moment, or past it if the page
                // holds no other.
                (None, Some(last)) if count >= MOST_LINES => from = if last > from { last } else { last + 1 },
                (None, _) => return Ok(()),
            }
        }
    }
}
