//! Which steps may run now, and what a failure blocks: pure, so that its laws can be tested for any plan.

use std::collections::BTreeMap;

use super::address::Address;
use super::plan::{Action, Plan, Step};

/// One write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verb {
    Create,
    Update,
    Delete,
}

/// One write of one resource; some steps take two, one after the other.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Task {
    pub address: Address,
    pub verb: Verb,
    pub part: Part,
}

/// Which part of its step a task is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    Whole,
    /// The delete or the create of a replacement.
    Replacing,
    /// What is written before others change; see [`Narrowing`](super::plan::Narrowing).
    First,
    /// What is written after they have.
    Last,
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

/// Where a step's tasks are.
struct Place {
    /// The task after which those that need it find what they need; `None`: they find it already.
    room: Option<usize>,
    /// The task that makes it complete.
    last: usize,
}

fn writes(step: &Step) -> &'static [(Verb, Part)] {
    match (step.action, &step.narrowing) {
        (Action::Create, _) => &[(Verb::Create, Part::Whole)],
        (Action::Delete, _) => &[(Verb::Delete, Part::Whole)],
        (Action::Replace, _) => &[(Verb::Delete, Part::Replacing), (Verb::Create, Part::Replacing)],
        (Action::Update | Action::Adopt, None) => &[(Verb::Update, Part::Whole)],
        (Action::Update | Action::Adopt, Some(narrowing)) if narrowing.first.is_empty() => {
            &[(Verb::Update, Part::Last)]
        }
        (Action::Update | Action::Adopt, Some(_)) => &[(Verb::Update, Part::First), (Verb::Update, Part::Last)],
    }
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
        let mut places: BTreeMap<&Address, Place> = BTreeMap::new();
        for step in &plan.steps {
            let begin = entries.len();
            for (position, (verb, part)) in writes(step).iter().enumerate() {
                let task = Task { address: step.address.clone(), verb: *verb, part: *part };
                let after = if position > 0 { vec![entries.len() - 1] } else { vec![] };
                entries.push(Entry { task, after, state: State::Waiting });
            }
            let last = entries.len() - 1;
            let room = match entries[last].task.part {
                Part::Whole | Part::Replacing | Part::First => Some(last),
                Part::Last => last.checked_sub(1).filter(|first| *first >= begin),
            };
            places.insert(&step.address, Place { room, last });
        }
        for step in &plan.steps {
            let Some(place) = places.get(&step.address) else { continue };
            let last = |address: &Address| places.get(address).map(|place| place.last);
            let room = |address: &Address| places.get(address).and_then(|place| place.room);
            if step.action == Action::Delete {
                entries[place.last].after.extend(step.after.iter().filter_map(last));
                continue;
            }
            let first = place.room.unwrap_or(place.last);
            entries[first].after.extend(step.after.iter().filter_map(room));
            let others = step.narrowing.iter().flat_map(|narrowing| &narrowing.after);
            entries[place.last].after.extend(others.filter_map(last));
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
