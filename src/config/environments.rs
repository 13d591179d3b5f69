//! The environments of a file: what each changes, taken apart from what they change.

use super::diagnostic::Diagnostic;
use super::names::EnvironmentName;
use super::tree::{Entry, Node, Value};
use super::words::{listed, nearest, quoted, split_hint};

/// Takes the environments out of the tree: what is left is the pipeline without any.
pub(super) fn take_environments(tree: &mut Node, problems: &mut Vec<Diagnostic>) -> Vec<Entry> {
    let Value::Mapping(entries) = &mut tree.value else { return vec![] };
    let Some(at) = entries.iter().position(|entry| entry.key == "environments") else { return vec![] };
    let taken = entries.remove(at);
    let Value::Mapping(environments) = taken.value.value else {
        let problem = Diagnostic::error(Some(taken.place), "expected a mapping of environments by their name");
        problems.push(problem.hint("`environments: { prod: { … } }`"));
        return vec![];
    };
    environments.into_iter().filter_map(|entry| checked(entry, problems)).collect()
}

/// An environment with what is wrong with it put aside; `None`: it has no name to call it by.
fn checked(mut entry: Entry, problems: &mut Vec<Diagnostic>) -> Option<Entry> {
    if let Err(message) = EnvironmentName::parse(&entry.key) {
        let (message, hint) = split_hint(&message);
        problems.push(Diagnostic { hint, ..Diagnostic::error(Some(entry.place), message) });
        return None;
    }
    if entry.value.is_nothing() {
        entry.value.value = Value::Mapping(vec![]);
    }
    let Value::Mapping(keys) = &mut entry.value.value else {
        let problem = Diagnostic::error(Some(entry.place), format!("expected a mapping in {}", quoted(&entry.key)));
        problems.push(problem.hint("an environment states what differs: `prod: { function: { memory: 512 MiB } }`"));
        return Some(Entry { value: Node::new(entry.place, Value::Mapping(vec![])), ..entry });
    };
    for fixed in ["environments", "version"] {
        if let Some(at) = keys.iter().position(|key| key.key == fixed) {
            let refused = keys.remove(at);
            let message = format!("an environment cannot have {}", quoted(fixed));
            problems.push(Diagnostic::error(Some(refused.place), message).hint("it belongs to the file as a whole"));
        }
    }
    Some(entry)
}

/// What to say if none of the environments is the one that is asked for.
pub(super) fn unknown(asked: &str, environments: &[Entry]) -> Option<Diagnostic> {
    let names = || environments.iter().map(|entry| entry.key.as_str());
    if names().any(|name| name == asked) {
        return None;
    }
    let hint = match nearest(asked, names()) {
        Some(meant) => format!("did you mean {}?", quoted(meant)),
        None if environments.is_empty() => "the file has no `environments:`; leave `--env` out".to_owned(),
        None => format!("the file has {}", listed(names())),
    };
    Some(Diagnostic::error(None, format!("there is no environment {}", quoted(asked))).hint(hint))
}
