//! Rules across resources: what each value alone cannot know. All are checked before any call to AWS.

use super::convert::Converted;
use super::diagnostic::{Diagnostic, Severity};
use super::pipeline::Pipeline;
use super::tree::{Node, Path};

mod alarms;
mod environment;
mod flow;
mod money;
mod naming;
mod table;
mod topics;

/// A rule that is broken.
struct Breach {
    severity: Severity,
    /// The value that is pointed at; where the file does not state it, what it would stand in.
    at: Path,
    /// The other values that the rule looked at.
    involves: Vec<Path>,
    message: String,
    hint: String,
}

impl Breach {
    fn error(at: Path, message: impl Into<String>, hint: impl Into<String>) -> Self {
        let (message, hint) = (message.into(), hint.into());
        Self { severity: Severity::Error, at, involves: vec![], message, hint }
    }

    fn warning(at: Path, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(at, message, hint) }
    }

    fn involving(mut self, other: Path) -> Self {
        self.involves.push(other);
        self
    }
}

/// Every rule that the pipeline breaks. Where a value was refused already, nothing is concluded from its absence.
pub(super) fn check(pipeline: &Pipeline, tree: &Node, converted: &Converted) -> Vec<Diagnostic> {
    let parts = [
        flow::check(pipeline),
        topics::check(pipeline),
        table::check(pipeline),
        money::check(pipeline),
        alarms::check(pipeline),
        naming::check(pipeline),
        environment::check(pipeline),
    ];
    let is_sound = |breach: &Breach| {
        let looked_at = breach.involves.iter().chain([&breach.at]);
        !looked_at.into_iter().any(|path| converted.is_refused(path))
    };
    let told = |breach: Breach| Diagnostic {
        severity: breach.severity,
        ..Diagnostic::error(Some(tree.place(&breach.at)), breach.message).hint(breach.hint)
    };
    parts.into_iter().flatten().filter(is_sound).map(told).collect()
}
