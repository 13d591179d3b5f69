//! The words for a value that could not be read: what was expected, what was found, and what to write instead.

use super::cause::Cause;
use super::tree::{Meaning, Node, Path, Value};
use super::words::{listed, nearest, quoted};

/// Message and hint for what is wrong at `path`, where `found` stands.
pub(super) fn explain(cause: &Cause, path: &Path, found: &Node) -> (String, Option<String>) {
    match cause {
        Cause::Unexpected { expected } => {
            (format!("expected {expected}, found {}", described(found)), Some(how_to_write(found, expected)))
        }
        Cause::UnknownKey { key, known } => {
            let hint = match nearest(key, known.iter().copied()) {
                Some(meant) => format!("did you mean {}?", quoted(meant)),
                None if key == "<<" => {
                    "YAML 1.2 has no merge keys: write the keys out, or use `environments`".to_owned()
                }
                None => format!("known here: {}", listed(known.iter().copied())),
            };
            (format!("unknown key {}{}", quoted(key), of_parent(path)), Some(hint))
        }
        Cause::UnknownChoice { choice, known } => {
            let hint = match nearest(choice, known.iter().copied()) {
                Some(meant) => format!("did you mean {}?", quoted(meant)),
                None => format!("one of {}", listed(known.iter().copied())),
            };
            (format!("{} is none of the choices", quoted(choice)), Some(hint))
        }
        Cause::Missing { key, .. } => {
            let place = if path.0.is_empty() { String::new() } else { format!(" in {}", quoted(&path.to_string())) };
            (format!("{} is missing{place}", quoted(key)), Some(format!("add `{key}: …`")))
        }
        Cause::NothingToRemove => {
            let hint = "`null` removes what the file states outside of `environments`";
            (format!("there is no {} to remove", quoted(&path.to_string())), Some(hint.to_owned()))
        }
        Cause::Other { message, hint } => (message.clone(), hint.clone()),
    }
}

/// ` in `queue``; nothing for the file's own keys.
fn of_parent(path: &Path) -> String {
    let parent = path.parent();
    if parent.0.is_empty() { String::new() } else { format!(" in {}", quoted(&parent.to_string())) }
}

fn described(found: &Node) -> String {
    match &found.value {
        Value::Scalar(scalar) => match scalar.meaning() {
            Meaning::Nothing => "nothing".to_owned(),
            Meaning::Truth(truth) => format!("`{truth}`"),
            Meaning::Number => format!("the number {}", quoted(&scalar.text)),
            Meaning::Text => format!("the text {}", quoted(&scalar.text)),
        },
        Value::Sequence(_) => "a list".to_owned(),
        Value::Mapping(_) => "a mapping".to_owned(),
        Value::Removed => "nothing".to_owned(),
    }
}

/// Always something: who does not know what to write gets the shape at least.
fn how_to_write(found: &Node, expected: &str) -> String {
    let (is_list, is_mapping) = (expected == "a list", expected == "a mapping");
    let is_truth = expected == "`true` or `false`";
    let shape = || match expected {
        _ if is_list => "`[first, second]`, or one `- item` a line".to_owned(),
        _ if is_mapping => "`{ key: value }`, or one `key: value` a line".to_owned(),
        _ => format!("write {expected}"),
    };
    let Value::Scalar(scalar) = &found.value else { return shape() };
    let text = scalar.text.as_str();
    match scalar.meaning() {
        Meaning::Nothing if is_mapping => "write `{}` for one with nothing in it".to_owned(),
        Meaning::Nothing if is_list => "write `[]` for one with nothing in it".to_owned(),
        Meaning::Nothing => "write a value, or leave the key out".to_owned(),
        Meaning::Text if is_truth && matches!(text.to_lowercase().as_str(), "yes" | "on" | "true") => {
            "`true`".to_owned()
        }
        Meaning::Text if is_truth && matches!(text.to_lowercase().as_str(), "no" | "off" | "false") => {
            "`false`".to_owned()
        }
        Meaning::Text | Meaning::Number | Meaning::Truth(_) if is_list => quoted(&format!("[{text}]")),
        // Words are expected: a name, a text, an address.
        Meaning::Number | Meaning::Truth(_) if !is_mapping && !is_truth && !expected.starts_with("a whole number") => {
            format!("put it in quotes: {}", quoted(&format!("\"{text}\"")))
        }
        Meaning::Text | Meaning::Number | Meaning::Truth(_) => shape(),
    }
}
