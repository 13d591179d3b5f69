//! Parked messages for people: groups by reason, one message whole, and what a redrive or a purge came to.

use std::fmt::Write as _;

use serde_json::Value;

use super::style::Style;
use super::text::{cut, one_line};
use crate::number::{counted, grouped};
use crate::operate::parked::Group;
use crate::operate::redrive::{By, Redriven};
use crate::operate::{Groups, Parked};

/// What was looked at.
#[derive(Debug, Clone, Copy)]
pub struct Looked {
    pub messages: usize,
    /// How many the queue says it has: approximately.
    pub waiting: usize,
    pub in_flight: usize,
    pub is_all: bool,
}

/// How wide lines may be, and whether they are coloured.
#[derive(Debug, Clone, Copy)]
pub struct Sheet {
    pub style: Style,
    pub width: usize,
}

/// Messages by reason.
pub fn groups(queue: &str, groups: &Groups, looked: Looked, sheet: Sheet) -> String {
    let style = sheet.style;
    let mut text = format!("{}: {}\n", style.bold(queue), extent(looked));
    for group in &groups.groups {
        text.push('\n');
        text.push_str(&self::group(group, sheet));
    }
    text
}

/// `12 messages`, and what of them was not seen.
fn extent(looked: Looked) -> String {
    let mut text = match (looked.messages, looked.is_all) {
        (0, true) if looked.in_flight == 0 => "empty".to_owned(),
        (0, true) => "none to be seen".to_owned(),
        (count, true) => counted(count, "message"),
        (count, false) => format!("looked at {count} of about {}", looked.waiting.max(count)),
    };
    if looked.in_flight > 0 {
        let _ = write!(text, ", {} more in the hands of others just now", looked.in_flight);
    }
    text
}

/// What could not be seen: SQS hides a message that somebody received. Nothing, if there is none.
pub fn hidden(count: usize) -> String {
    if count == 0 {
        return String::new();
    }
    format!(
        "  {} more in the hands of others just now, perhaps of a command that was killed: run it again in five minutes\n",
        grouped(count as u64)
    )
}

/// Where the one reason that was asked for is nobody's.
pub fn no_such_reason(reason: &str) -> String {
    format!("  none of those seen has the reason `{}`: `list` shows the reasons that there are\n", one_line(reason))
}

fn group(group: &Group, sheet: Sheet) -> String {
    let style = sheet.style;
    let places: Vec<_> = group
        .places
        .iter()
        .map(|(place, count)| {
            let place = if place.is_empty() { "(the whole)" } else { place };
            if group.places.len() == 1 { place.to_owned() } else { format!("{place} {count}×") }
        })
        .collect();
    let head = format!("{:>6}  {}", group.messages, one_line(&group.code));
    let mut text = style.bold(cut(&head, sheet.width));
    if !places.is_empty() {
        let places = one_line(&format!("at {}", places.join(", ")));
        let room = sheet.width.saturating_sub(head.chars().count() + 2);
        let _ = write!(text, "  {}", cut(&places, room.max(10)));
    }
    text.push('\n');
    for example in &group.examples {
        let id = example.transaction_id.as_ref().map_or_else(
            || format!("message {}", example.message_id),
            |id| format!("{id}  (message {})", example.message_id),
        );
        let at = example.sent_at.map_or_else(|| "at ?".into(), |at| format!("{at:.0}"));
        let detail = if example.detail.is_empty() { String::new() } else { format!("  {}", example.detail) };
        let line = cut(&one_line(&format!("{at}  {id}{detail}")), sheet.width.saturating_sub(8));
        let _ = writeln!(text, "        {}", style.dim(line));
    }
    text
}

/// One message, whole.
pub fn message(message: &Parked, sheet: Sheet) -> String {
    let style = sheet.style;
    let mut text = format!("{}\n", style.bold(format!("message {}", one_line(&message.message_id))));
    let mut line = |name: &str, value: &str| {
        let _ = writeln!(text, "  {name:<12} {}", one_line(value));
    };
    if let Some(id) = message.transaction_id() {
        line("transaction", &id);
    }
    if let Some(at) = message.sent_at {
        line("sent", &format!("{at:.3}"));
    }
    for reason in message.reasons() {
        line("reason", &reason.to_string());
    }
    if let Some(cause) = &message.cause {
        line("failed", cause);
    }
    if let Some(header) = &message.trace_header {
        line("trace", header);
    }
    let json = message.as_json();
    for (name, value) in json["attributes"].as_object().into_iter().flatten() {
        let shown = value.get("value").or_else(|| value.get("base64")).and_then(Value::as_str).unwrap_or_default();
        let kind = value["type"].as_str().unwrap_or_default();
        line("attribute", &format!("{name} ({kind}) = {shown}"));
    }
    text.push('\n');
    text.push_str(&body(&message.body));
    text
}

/// JSON is indented; what is none is shown with its control characters escaped.
fn body(body: &str) -> String {
    let value: Result<Box<serde_json::value::RawValue>, _> = serde_json::from_str(body);
    // Indented through a value only where that loses nothing: numbers keep their digits as text.
    match value.ok().and_then(|_| serde_json::from_str::<Value>(body).ok()) {
        Some(value) if same_numbers(body, &value) => lines(&serde_json::to_string_pretty(&value).unwrap_or_default()),
        Some(_) | None => lines(body),
    }
}

/// Line by line, with what a terminal would obey escaped.
fn lines(text: &str) -> String {
    text.lines().map(|line| one_line(line) + "\n").collect()
}

/// Whether writing the value again would show what was sent: not where a float was rounded or a key was there twice.
fn same_numbers(body: &str, value: &Value) -> bool {
    let squeeze = |text: &str| {
        let mut characters: Vec<_> = text.chars().filter(|character| !character.is_whitespace()).collect();
        characters.sort_unstable();
        characters
    };
    squeeze(body) == squeeze(&value.to_string())
}

/// What a redrive came to.
pub fn redriven(from: &str, to: &str, redriven: &Redriven) -> String {
    let mut text = format!("put back {} from {from} into {to}\n", counted(redriven.sent, "message"));
    let mut line = |count: usize, words: &str| {
        if count > 0 {
            let _ = writeln!(text, "  {count} {words}");
        }
    };
    line(redriven.came_back - redriven.came_elsewhere, "came back");
    line(redriven.came_elsewhere, "in the other queue now, dead letters or quarantine");
    line(redriven.still_on_the_way, "still wait in the pipeline's queue or are being processed");
    match redriven.by {
        By::Messages => line(redriven.left, "left where they are: not chosen, or new"),
        By::MoveTask => line(redriven.left, "lie there now: not moved, come back, or new"),
    }
    line(redriven.not_removed, "sent but not removed: the next redrive sends them again, which does no harm");
    line(redriven.refused.len(), "refused by SQS:");
    for (id, why) in &redriven.refused {
        let _ = writeln!(text, "    {}: {}", one_line(id), one_line(why));
    }
    if redriven.by == By::Messages && !redriven.is_all {
        text.push_str("  more may have come back: not all that is parked now was looked at\n");
    }
    text.push_str(&hidden(redriven.hidden));
    if redriven.interrupted {
        text.push_str("interrupted: what was not put back is where it was\n");
    }
    text
}
