//! Which steps may run now, and what a failure blocks: pure, so that its laws can be tested for any plan.

use std::collections::BTreeMap;

use super::address::Address;
use super::plan::{Action, Plan};

/// One write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verb {
    Create,
    Update,
    Delete,
}

/// One write of one resource; a replacement is two, in one task after the other.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Task {
    pub address: Address,
    pub verb: Verb,
    /// Whether it is half of a replacement.
    pub replacing: bool,
}

/// Where a task stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    Waiting,
    Running,
    Done,
    Failed,
    /// Never started, because this one failed.
    Blocked {
        by: Address,
    },
}

#[derive(Debug, Clone)]
struct Entry {
    task: Task,
    after: Vec<usize>,
    state: State,
}

/// The tasks of a plan and where each stands.
#[derive(Debug, Clone)]
pub struct Schedule {
    entries: Vec<Entry>,
    stopped: bool,
}

impl Schedule {
    pub fn new(plan: &Plan) -> Self {
        let mut entries: Vec<Entry> = Vec::new();
        // The task that makes a step's effect complete, by address.
        let mut last: BTreeMap<&Address, usize> = BTreeMap::new();
        for step in &plan.steps {
            let verbs: &[Verb] = match step.action {
                Action::Create => &[Verb::Create],
                Action::Update | Action::Adopt => &[Verb::Update],
                Action::Delete => &[Verb::Delete],
                Action::Replace => &[Verb::Delete, Verb::Create],
            };
            for (position, verb) in verbs.iter().enumerate() {
                let task = Task { address: step.address.clone(), verb: *verb, replacing: verbs.len() > 1 };
                let after = if position > 0 { vec![entries.len() - 1] } else { vec![] };
                entries.push(Entry { task, after, state: State::Waiting });
            }
            last.insert(&step.address, entries.len() - 1);
        }
        for step in &plan.steps {
            let needs: Vec<usize> = step.after.iter().filter_map(|address| last.get(address).copied()).collect();
            if let Some(index) = last.get(&step.address) {
                entries[*index].after.extend(needs);
            }
        }
        Self { entries, stopped: false }
    }

    /// The tasks that may start now; they count as running from here on.
    pub fn start(&mut self) -> Vec<(usize, Task)> {
        if self.stopped {
            return Vec::new();
        }
        let ready: Vec<usize> = (0..self.entries.len()).filter(|index| self.is_ready(*index)).collect();
        for index in &ready {
            self.entries[*index].state = State::Running;
        }
        ready.into_iter().map(|index| (index, self.entries[index].task.clone())).collect()
    }

    /// A running task succeeded.
    pub fn done(&mut self, index: usize) {
        self.entries[index].state = State::Done;
    }

    /// A running task failed. What needs it is blocked: these, directly or by way of others.
    pub fn failed(&mut self, index: usize) -> Vec<Task> {
        self.entries[index].state = State::Failed;
        let by = self.entries[index].task.address.clone();
        let mut blocked = Vec::new();
        let mut open = vec![index];
        while let Some(cause) = open.pop() {
            for next in 0..self.entries.len() {
                let entry = &mut self.entries[next];
                if entry.state == State::Waiting && entry.after.contains(&cause) {
                    entry.state = State::Blocked { by: by.clone() };
                    blocked.push(entry.task.clone());
                    open.push(next);
                }
            }
        }
        blocked
    }

    /// From now on nothing is started.
    pub fn stop(&mut self) {
        self.stopped = true;
    }

    /// Every task with its state.
    pub fn tasks(&self) -> impl Iterator<Item = (&Task, &State)> {
        self.entries.iter().map(|entry| (&entry.task, &entry.state))
    }

    fn is_ready(&self, index: usize) -> bool {
        let entry = &self.entries[index];
        entry.state == State::Waiting && entry.after.iter().all(|before| self.entries[*before].state == State::Done)
    }
}
