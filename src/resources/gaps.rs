//! What each local AWS is known not to keep: one list, with the reasons. Such a difference is told, not written again.
//!
//! The tests read the same list: what it names they expect to differ, and an entry that is no longer needed fails them.

use crate::reconcile::{Action, Kind, Step};

/// A stand-in for AWS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// What `--local` runs: MiniStack 1.5.33.
    MiniStack,
    /// What tests run beside it: moto 5.2.5.
    Moto,
}

/// A property that a backend does not keep.
#[derive(Debug, Clone, Copy)]
pub struct Gap {
    pub backend: Backend,
    pub kind: Kind,
    /// The path that is not kept; everything below it too.
    pub path: &'static str,
    /// How the paths of its traces end, where only some values are lost; empty: all are.
    pub traces: &'static [&'static str],
    pub reason: &'static str,
}

/// Measured with this program's own reads and writes.
pub const GAPS: &[Gap] = &[
    Gap {
        backend: Backend::MiniStack,
        kind: Kind::Alarm,
        path: "queries",
        traces: &[".expression", ".statistic"],
        reason: "the local AWS keeps neither metric math nor percentiles of alarms; AWS does",
    },
    Gap {
        backend: Backend::Moto,
        kind: Kind::Queue,
        path: "redrive_allow",
        traces: &[],
        reason: "moto keeps no RedriveAllowPolicy",
    },
    Gap {
        backend: Backend::Moto,
        kind: Kind::Table,
        path: "encryption",
        traces: &[],
        reason: "moto's UpdateTable takes no SSESpecification; CreateTable does",
    },
    Gap {
        backend: Backend::Moto,
        kind: Kind::Function,
        path: "log_group",
        traces: &[],
        reason: "moto keeps no LoggingConfig: the log group is always the default one",
    },
    Gap {
        backend: Backend::Moto,
        kind: Kind::Function,
        path: "log_format",
        traces: &[],
        reason: "moto keeps no LoggingConfig: the log format is always the default one",
    },
    Gap {
        backend: Backend::Moto,
        kind: Kind::Function,
        path: "architecture",
        traces: &[],
        reason: "moto's UpdateFunctionCode takes no Architectures; CreateFunction does",
    },
    Gap {
        backend: Backend::Moto,
        kind: Kind::Function,
        path: "tracing",
        traces: &[],
        reason: "moto's UpdateFunctionConfiguration takes no TracingConfig; CreateFunction does",
    },
    Gap {
        backend: Backend::Moto,
        kind: Kind::Function,
        path: "ephemeral_storage_mib",
        traces: &[],
        reason: "moto's UpdateFunctionConfiguration takes no EphemeralStorage; CreateFunction does",
    },
];

impl Gap {
    /// Whether what this gap leaves behind is in the step.
    pub fn shows_in(&self, step: &Step) -> bool {
        let traced = |path: &str| self.traces.is_empty() || self.traces.iter().any(|trace| path.ends_with(trace));
        // A limit that is only edited is kept: what is not kept leaves traces of another shape.
        self.kind == step.address.kind
            && step.changes.touch(self.path)
            && step.changes.iter().any(|change| traced(&change.path))
    }
}

/// The gaps of one backend.
pub fn of(backend: Backend) -> impl Iterator<Item = &'static Gap> {
    GAPS.iter().filter(move |gap| gap.backend == backend)
}

/// Why this step would be in vain on the local AWS, if nothing else is in it.
pub fn local(step: &Step) -> Option<&'static str> {
    in_vain(Backend::MiniStack, step)
}

/// Why this step would be in vain on moto, if nothing else is in it.
pub fn moto(step: &Step) -> Option<&'static str> {
    in_vain(Backend::Moto, step)
}

fn in_vain(backend: Backend, step: &Step) -> Option<&'static str> {
    let gaps: Vec<&Gap> = of(backend).filter(|gap| gap.shows_in(step)).collect();
    let lost: Vec<&str> = gaps.iter().map(|gap| gap.path).collect();
    let in_vain = step.action == Action::Update && !step.changes.touch_other_than(&lost);
    gaps.first().filter(|_| in_vain).map(|gap| gap.reason)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{local, moto};
    use crate::reconcile::{Action, Address, Change, Changes, Kind, Step};

    fn step(kind: Kind, paths: &[&str]) -> Step {
        Step {
            address: Address::new(kind, "a"),
            action: Action::Update,
            changes: Changes(paths.iter().map(|path| Change::plain(path, 1, 2)).collect()),
            after: BTreeSet::new(),
            loss: None,
            narrowing: None,
        }
    }

    #[test]
    fn only_what_the_local_aws_loses_is_a_gap() {
        let alarm = |path| local(&step(Kind::Alarm, &[path]));
        assert!(alarm("queries.value.expression").is_some());
        assert!(alarm("queries.value.statistic").is_some());
        assert!(alarm("threshold").is_none());
        assert!(alarm("queries.value.dimensions.QueueName").is_none());
    }

    #[test]
    fn each_backend_has_its_own_gaps_and_another_change_beside_one_is_written() {
        let queue = step(Kind::Queue, &["redrive_allow"]);
        assert!(local(&queue).is_none() && moto(&queue).is_some());
        assert!(moto(&step(Kind::Queue, &["redrive_allow", "delay_seconds"])).is_none());
        assert!(moto(&step(Kind::Function, &["log_group", "tracing"])).is_some(), "two gaps at once");
    }
}
