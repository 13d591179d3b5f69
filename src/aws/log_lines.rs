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
    /// What every line must hold; empty: every line is wanted. Lines may come that hold only part of it, where it has
    /// characters that CloudWatch Logs would take for its own.
    pub phrase: &'a str,
    /// Milliseconds since 1970.
    pub from: i64,
}

impl Aws {
    /// Hands over every line that is wanted, the oldest first. Whether there is such a group.
    ///
    /// # Errors
    /// The log cannot be read.
    pub async fn log_lines(&self, wanted: Wanted<'_>, on: &mut dyn FnMut(LogLine)) -> Result<bool, CloudError> {
        let pattern = pattern(wanted.phrase);
        let (mut token, mut from, mut known) = (None::<String>, wanted.from, 0);
        loop {
            let call = self
                .logs
                .filter_log_events()
                .log_group_name(wanted.group)
                .set_filter_pattern(pattern.clone())
                .start_time(from)
                .set_next_token(token.take());
            let answer = call.send().await.called_or_absent("logs:FilterLogEvents", wanted.group)?;
            let Some(answer) = answer else { return Ok(false) };
            let events = answer.events.unwrap_or_default();
            let (count, last) = (events.len(), events.last().and_then(|event| event.timestamp));
            let of_last = events.iter().filter(|event| event.timestamp == last).count();
            for event in events.into_iter().skip(known) {
                on(LogLine { at: event.timestamp.unwrap_or_default(), text: event.message.unwrap_or_default() });
            }
            match (answer.next_token, last) {
                (Some(next), _) => (token, known) = (Some(next), 0),
                // The local AWS ends a full page without a token: go on from its last moment, past what is known of it;
                // or past the moment, if the page holds no other.
                (None, Some(last)) if count >= MOST_LINES => {
                    (from, known) = if last > from { (last, of_last) } else { (last + 1, 0) };
                }
                (None, _) => return Ok(true),
            }
        }
    }
}

/// The longest part of a phrase that stands for itself, in quotes.
fn pattern(phrase: &str) -> Option<String> {
    let parts = phrase.split(|character: char| matches!(character, '"' | '\\') || character.is_control());
    let longest = parts.max_by_key(|part| part.len()).unwrap_or_default();
    (!longest.trim().is_empty()).then(|| format!("\"{longest}\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_stands_for_itself_is_asked_for() {
        assert_eq!(pattern("t-1 é").as_deref(), Some("\"t-1 é\""));
        assert_eq!(pattern(r#"t\"long part\n"#).as_deref(), Some("\"long part\""));
        assert_eq!((pattern(""), pattern(r#"\"\""#)), (None, None));
    }
}
