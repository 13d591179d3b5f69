//! Tree to `Pipeline`, with every mistake at once.
//!
//! serde's derive stops at the first error. So: note the error, prune what it is about from the tree, read again, until
//! it reads or nothing is left to prune. What follows only from the pruning is not told.

use serde::Deserialize;

use super::cause::{Cause, Error};
use super::diagnostic::Diagnostic;
use super::explain::explain;
use super::pipeline::Pipeline;
use super::schema::required_keys;
use super::tree::{Node, Path};
use super::words::nearest;

/// Who has more mistakes than this fixes these first.
const MOST_MISTAKES: usize = 100;

/// What came out of a tree.
#[derive(Default)]
pub(super) struct Converted {
    /// `None`: too much is missing.
    pub pipeline: Option<Pipeline>,
    pub mistakes: Vec<Diagnostic>,
    /// The values that were refused: nobody may conclude anything from their absence.
    pub refused: Vec<Path>,
}

pub(super) fn convert(mut tree: Node) -> Converted {
    let mut converted = Converted::default();
    loop {
        if converted.mistakes.len() >= MOST_MISTAKES {
            let message = format!("many mistakes: only the first {MOST_MISTAKES} are shown");
            converted.mistakes.push(Diagnostic::error(None, message).hint("correct these, then look again"));
            break;
        }
        match Pipeline::deserialize(&tree) {
            Ok(pipeline) => {
                converted.pipeline = Some(pipeline);
                break;
            }
            Err(error) => {
                converted.note(&tree, &error);
                if !tree.prune(&error.path()) {
                    break;
                }
            }
        }
    }
    converted
}

impl Converted {
    /// Whether something at or inside `path` was refused, or what it stands in.
    pub(super) fn is_refused(&self, path: &Path) -> bool {
        self.refused.iter().any(|refused| refused.overlaps(path))
    }

    fn note(&mut self, tree: &Node, error: &Error) {
        let path = error.path();
        let found = tree.at(&path).unwrap_or(tree);
        match &error.cause {
            Cause::Missing { key, of } => {
                let lacking = all_missing(found, key, of);
                let lacking = lacking.into_iter().filter(|key| !self.is_refused(&path.clone().key(key)));
                let causes: Vec<_> = lacking.map(|key| Cause::Missing { key, of }).collect();
                self.mistakes.extend(causes.iter().map(|cause| told(tree, &path, false, cause, found)));
            }
            cause if error.at_key || !self.is_consequence(&path) => {
                self.mistakes.push(told(tree, &path, error.at_key, cause, found));
            }
            Cause::Unexpected { .. }
            | Cause::UnknownKey { .. }
            | Cause::UnknownChoice { .. }
            | Cause::NothingToRemove
            | Cause::Other { .. } => {}
        }
        if let Cause::UnknownKey { key, known } = &error.cause
            && let Some(meant) = nearest(key, known.iter().copied())
        {
            // Who misspells `topics` does not want to hear of every topic that is missing.
            self.refused.push(path.parent().key(meant));
        }
        self.refused.push(path);
    }

    /// Whether the value at `path` may be wrong only because something in it was refused before.
    fn is_consequence(&self, path: &Path) -> bool {
        self.refused.iter().any(|refused| refused.is_child_of(path))
    }
}

fn told(tree: &Node, path: &Path, at_key: bool, cause: &Cause, found: &Node) -> Diagnostic {
    let key = if at_key { tree.place_of_key(path) } else { None };
    let (message, hint) = explain(cause, path, found);
    Diagnostic { hint, ..Diagnostic::error(Some(key.unwrap_or_else(|| tree.place(path))), message) }
}

/// All keys that `found` lacks: serde tells one, the schema knows the others.
fn all_missing(found: &Node, first: &str, of: &str) -> Vec<String> {
    let is_there = |key: &str| found.entries().iter().any(|entry| entry.key == key);
    let mut missing: Vec<_> = required_keys(of).into_iter().filter(|key| !is_there(key)).collect();
    if !missing.iter().any(|key| key == first) {
        missing.push(first.to_owned());
    }
    missing
}
