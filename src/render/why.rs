//! The story of one transaction, for people.

use jiff::Timestamp;
use serde_json::Value;

use super::style::Style;
use super::text::one_line;
use crate::number::counted;
use crate::operate::story::{Announcement, Hidden, Settings, Story, Verdict};

pub fn story(story: &Story, style: Style) -> String {
    let id = if story.transaction_id.is_empty() { "(the empty id)" } else { &story.transaction_id };
    let mut text = format!("{} {}\n", style.bold(one_line(id)), headline(story, style));
    let mut line = |words: &str| {
        text.push_str(&one_line(words));
        text.push('\n');
    };
    hidden(story.hidden).iter().for_each(|words| line(words));
    if let Some(item) = &story.item {
        line("");
        line("item");
        item.iter().for_each(|(name, value)| line(&format!("  {name}: {}", plain(value))));
    }
    for quarantined in &story.quarantine {
        let at = quarantined.sent_at.as_deref().map(|at| format!(", since {at}")).unwrap_or_default();
        line("");
        line(&format!("in quarantine as message {}{at}", quarantined.message_id));
        quarantined.reasons.iter().for_each(|reason| line(&format!("  {reason}")));
        line(&format!("  {}", quarantined.body));
    }
    for letter in &story.dead_letters {
        line("");
        line(&format!("in the dead-letter queue as message {}", letter.message_id));
        line(&format!("  {}", letter.body));
    }
    if !story.log.is_empty() {
        line("");
        line("log");
        story.log.iter().for_each(|said| line(&format!("  {}", log_line(said))));
    }
    text
}

/// What was not looked at, and so may change the verdict.
fn hidden(hidden: Hidden) -> Vec<String> {
    let queues = [("quarantine", hidden.quarantine), ("the dead-letter queue", hidden.dead_letters)];
    let unseen = queues.into_iter().filter(|(_, count)| *count > 0);
    let words = |(queue, count): (&str, usize)| {
        let count = counted(count, "message");
        format!(
            "  not looked at: {count} of {queue}, in the hands of others or too many for one look; ask again in five minutes"
        )
    };
    unseen.map(words).collect()
}

fn headline(story: &Story, style: Style) -> String {
    match story.verdict {
        Verdict::Stored => {
            let mut words = vec![style.green("stored")];
            words.extend(story.announcement.as_ref().map(announced));
            words.extend(story.judged_by.as_ref().map(|judged| match judged.settings {
                Settings::Live => format!("judged by the settings in force ({})", judged.digest),
                Settings::File => {
                    format!("judged by the file's settings ({}), which are not applied now", judged.digest)
                }
                Settings::Earlier => format!("judged by earlier settings ({})", judged.digest),
            }));
            if !story.quarantine.is_empty() {
                words.push(style.yellow("another message with its id is in quarantine"));
            }
            words.join("; ")
        }
        Verdict::Rejected => style.yellow("rejected: it is in quarantine"),
        Verdict::DeadLetter => style.red("not processed: tried as often as allowed, in vain"),
        Verdict::Failing if story.hidden.dead_letters > 0 => {
            style.yellow("failed so far; it will be tried again, unless it is a dead letter that could not be seen")
        }
        Verdict::Failing => style.yellow("failed so far; it will be tried again"),
        Verdict::Gone => {
            let word = story.last_word.as_deref().unwrap_or("processed");
            let rest = if story.hidden == Hidden::default() {
                ", and no longer to be seen"
            } else {
                "; it may be among those that were not looked at"
            };
            style.yellow(format!("{}, as the log says{rest}", one_line(word)))
        }
        Verdict::Unknown if story.hidden != Hidden::default() => style.red("no trace so far"),
        Verdict::Unknown => style.red("no trace: not in the table, the quarantine, the dead letters or the log"),
    }
}

fn announced(announcement: &Announcement) -> String {
    match (&announcement.sent_at, announcement.state.as_str()) {
        (Some(at), _) => match at.parse::<Timestamp>() {
            Ok(at) => format!("announced at {at:.3}"),
            Err(_) => format!("announced at {}", one_line(at)),
        },
        (None, state) => format!("large, its announcement {}", one_line(state)),
    }
}

fn log_line(line: &Value) -> String {
    let text = |name: &str| line[name].as_str().unwrap_or_default();
    let mut words = format!("{} {:5} {}", text("timestamp"), text("level"), text("message"));
    for name in ["decision", "announced", "reasons", "cause", "message_id", "request_id"] {
        if !line[name].is_null() {
            words.push_str(&format!(" {name}={}", plain(&line[name])));
        }
    }
    words
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
