//! What the local AWS is known not to keep: one list, with the reasons. Such a difference is told, not written again.

use crate::reconcile::{Action, Kind, Step};

/// A gap of a backend.
#[derive(Debug, Clone, Copy)]
pub struct Gap {
    pub kind: Kind,
    /// The path that is not kept; everything below it too.
    pub path: &'static str,
    pub reason: &'static str,
}

/// MiniStack 1.5.33, measured over rpc-v2-cbor.
pub const LOCAL: &[Gap] = &[Gap {
    kind: Kind::Alarm,
    path: "queries",
    reason: "the local AWS keeps neither metric math nor percentiles of alarms; AWS does",
}];

/// Why this step would be in vain on the local AWS, if nothing else is in it.
pub fn local(step: &Step) -> Option<&'static str> {
    let covers = |gap: &&Gap| {
        gap.kind == step.address.kind
            && step.action == Action::Update
            && step.changes.touch(gap.path)
            && !step.changes.touch_other_than(&[gap.path])
            // A limit that is only edited is kept: what is not kept leaves traces of another shape.
            && step.changes.iter().any(|change| change.path.ends_with(".expression") || change.path.ends_with(".statistic"))
    };
    LOCAL.iter().find(covers).map(|gap| gap.reason)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::local;
    use crate::reconcile::{Action, Address, Change, Changes, Kind, Step};

    fn step(path: &str) -> Step {
        Step {
            address: Address::new(Kind::Alarm, "a"),
            action: Action::Update,
            changes: Changes(vec![Change::plain(path, 1, 2)]),
            after: BTreeSet::new(),
            loss: None,
            narrowing: None,
        }
    }

    #[test]
    fn only_what_the_local_aws_loses_is_a_gap() {
        assert!(local(&step("queries.value.expression")).is_some());
        assert!(local(&step("queries.value.statistic")).is_some());
        assert!(local(&step("threshold")).is_none());
        assert!(local(&step("queries.value.dimensions.QueueName")).is_none());
    }
}
