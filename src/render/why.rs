//! The story of one transaction, for people.

use serde_json::Value;

use super::style::Style;
use crate::operate::parked::Reason;
use crate::operate::story::{Announcement, Settings, Story, Verdict};

pub fn story(story: &Story, style: Style) -> String {
    let mut text = format!("{} {}\n", style.bold(&story.transaction_id), headline(story, style));
    if let Some(item) = &story.item {
        text.push_str("\nitem\n");
        for (name, value) in item {
            text.push_str(&format!("  {name}: {}\n", plain(value)));
        }
    }
    for quarantined in &story.quarantine {
        let at = quarantined.sent_at.as_deref().map(|at| format!(", since {at}")).unwrap_or_default();
        text.push_str(&format!("\nin quarantine as message {}{at}\n", quarantined.message_id));
        for reason in &quarantined.reasons {
            text.push_str(&format!("  {}\n", reason_words(reason)));
        }
        text.push_str(&format!("  {}\n", quarantined.body));
    }
    for letter in &story.dead_letters {
        text.push_str(&format!("\nin the dead-letter queue as message {}\n  {}\n", letter.message_id, letter.body));
    }
    if !story.log.is_empty() {
        text.push_str("\nlog\n");
        story.log.iter().for_each(|line| text.push_str(&format!("  {}\n", log_line(line))));
    }
    text
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
        Verdict::Failing => style.yellow("failed so far; it will be tried again"),
        Verdict::Gone => style.yellow("processed, as the log says, and no longer there"),
        Verdict::Unknown => style.red("no trace: not in the table, the quarantine, the dead letters or the log"),
    }
}

fn announced(announcement: &Announcement) -> String {
    match (&announcement.sent_at, announcement.state.as_str()) {
        (Some(at), _) => format!("announced at {at}"),
        (None, state) => format!("large, its announcement {state}"),
    }
}

fn reason_words(reason: &Reason) -> String {
    let place = if reason.at.is_empty() { String::new() } else { format!(" at {}", reason.at) };
    let detail = if reason.detail.is_empty() { String::new() } else { format!(": {}", reason.detail) };
    format!("{}{place}{detail}", reason.code)
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
