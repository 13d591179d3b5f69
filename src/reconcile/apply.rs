//! Drives a schedule against the outside world, and proves the result by reading it again.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::future::Future;
use std::time::{Duration, Instant};

use futures_util::stream::{FuturesUnordered, StreamExt};

use super::address::Address;
use super::cloud::{Cloud, CloudError, ErrorKind, Say};
use super::diff::Changes;
use super::document::Document;
use super::graph::Graph;
use super::plan::{Options, Plan, Step};
use super::schedule::{Part, Schedule, State, Task, Verb};
use super::snapshot::{Live, Owner, Snapshot};

/// What happens while a plan is applied.
#[derive(Debug, Clone)]
pub enum Event {
    Started {
        address: Address,
        verb: Verb,
    },
    /// It goes on, but waits for something.
    Waiting {
        address: Address,
        reason: String,
    },
    Done {
        address: Address,
        verb: Verb,
        elapsed: Duration,
    },
    Failed {
        address: Address,
        verb: Verb,
        elapsed: Duration,
        error: CloudError,
    },
    Blocked {
        address: Address,
        verb: Verb,
        by: Address,
    },
    /// Everything is written; reading again until it shows.
    Settling {
        differing: usize,
    },
}

/// How an apply ended.
#[derive(Debug, Clone, Default)]
pub struct Report {
    pub done: Vec<Task>,
    pub failed: Vec<(Task, CloudError)>,
    pub blocked: Vec<(Task, Address)>,
    /// Not started, because the user interrupted.
    pub remaining: Vec<Task>,
    pub interrupted: bool,
}

impl Report {
    pub fn succeeded(&self) -> bool {
        self.failed.is_empty() && self.blocked.is_empty() && self.remaining.is_empty() && !self.interrupted
    }
}

/// Does what the plan says: independent steps side by side, dependent ones in order. What succeeded stays; a failure
/// blocks only what needs it. When `interrupt` resolves, calls in flight are finished and none is started.
pub async fn apply<C: Cloud>(
    cloud: &C,
    plan: &Plan,
    desired: &Graph,
    snapshot: &Snapshot,
    interrupt: impl Future<Output = ()>,
    on: &dyn Fn(Event),
) -> Report {
    let writer = Writer { cloud, plan, desired, snapshot, on };
    let schedule = RefCell::new(Schedule::new(plan));
    let mut report = Report::default();
    let mut running = FuturesUnordered::new();
    let mut interrupt = std::pin::pin!(interrupt);
    loop {
        for (index, task) in schedule.borrow_mut().start() {
            on(Event::Started { address: task.address.clone(), verb: task.verb });
            let writer = &writer;
            running.push(async move {
                let begun = Instant::now();
                let outcome = writer.run(&task).await;
                (index, task, outcome, begun.elapsed())
            });
        }
        let finished = tokio::select! {
            biased;
            () = &mut interrupt, if !report.interrupted => {
                report.interrupted = true;
                schedule.borrow_mut().stop();
                continue;
            }
            finished = running.next() => finished,
        };
        let Some((index, task, outcome, elapsed)) = finished else { break };
        let Task { address, verb, .. } = task.clone();
        match outcome {
            Ok(()) => {
                schedule.borrow_mut().done(index);
                on(Event::Done { address, verb, elapsed });
                report.done.push(task);
            }
            Err(error) => {
                on(Event::Failed { address: address.clone(), verb, elapsed, error: error.clone() });
                for blocked in schedule.borrow_mut().failed(index) {
                    on(Event::Blocked { address: blocked.address, verb: blocked.verb, by: address.clone() });
                }
                report.failed.push((task, error));
            }
        }
    }
    for (task, state) in schedule.into_inner().tasks() {
        match state {
            State::Blocked { by } => report.blocked.push((task.clone(), by.clone())),
            State::Waiting => report.remaining.push(task.clone()),
            State::Running | State::Done | State::Failed => {}
        }
    }
    report
}

struct Writer<'a, C> {
    cloud: &'a C,
    plan: &'a Plan,
    desired: &'a Graph,
    snapshot: &'a Snapshot,
    on: &'a dyn Fn(Event),
}

impl<C: Cloud> Writer<'_, C> {
    async fn run(&self, task: &Task) -> Result<(), CloudError> {
        let address = &task.address;
        let say = |reason: &str| {
            (self.on)(Event::Waiting { address: address.clone(), reason: reason.to_owned() });
        };
        let seen = self.snapshot.resources.get(address);
        let written = self.first_written(task, seen);
        // The second half of a replacement comes after our own delete: what the plan saw is gone, and reads may lag.
        if !(task.part == Part::Replacing && task.verb == Verb::Create) {
            let now = self.cloud.read(address).await?;
            let same = match (seen, &now) {
                (None, None) => true,
                // After our own first write both are right: reads may lag.
                (Some(seen), Some(now)) => {
                    seen.same_for_writing(now) || written.as_ref().is_some_and(|written| written.same_for_writing(now))
                }
                (Some(_), None) | (None, Some(_)) => false,
            };
            // What we were to delete may be gone already: that is what was wanted.
            if task.verb == Verb::Delete && now.is_none() {
                return Ok(());
            }
            if !same {
                return Err(changed_since_plan(address));
            }
            if let (Verb::Delete, Some(holds)) = (task.verb, now.and_then(|now| now.holds)) {
                self.check_loss(address, &holds)?;
            }
        }
        self.write(task, written.as_ref().or(seen), &say).await
    }

    /// What our own first write left, where this is the last one of its step.
    fn first_written(&self, task: &Task, seen: Option<&Live>) -> Option<Live> {
        let narrowing = step_of(self.plan, &task.address)?.narrowing.as_ref()?;
        let is_second = task.part == Part::Last && !narrowing.first.is_empty();
        let (seen, wanted) = (seen.filter(|_| is_second)?, self.desired.get(&task.address)?);
        Some(Live { owner: Owner::Ours, document: meanwhile(&wanted.document, &narrowing.last), ..seen.clone() })
    }

    /// What came after the plan, such as messages into a queue that was empty, is not deleted without the word for it.
    fn check_loss(&self, address: &Address, holds: &str) -> Result<(), CloudError> {
        let loss = step_of(self.plan, address).and_then(|step| step.loss.as_ref());
        if loss.is_some_and(|loss| loss.allowed) {
            return Ok(());
        }
        let message = format!("`{address}` has got {holds} since the plan; it was not touched");
        Err(CloudError::new(ErrorKind::ChangedSincePlan, message)
            .hint(format!("allow the loss with `--allow-data-loss {address}`, or save the data first")))
    }

    /// What this task changes of its step, and to what.
    fn part(&self, task: &Task, wanted: &Document) -> (Changes, Document) {
        let Some(step) = step_of(self.plan, &task.address) else { return (Changes::default(), wanted.clone()) };
        match (&step.narrowing, task.part) {
            (Some(narrowing), Part::First) => (narrowing.first.clone(), meanwhile(wanted, &narrowing.last)),
            (Some(narrowing), Part::Last) => (narrowing.last.clone(), wanted.clone()),
            (_, Part::Whole | Part::Replacing | Part::First | Part::Last) => (step.changes.clone(), wanted.clone()),
        }
    }

    async fn write(&self, task: &Task, seen: Option<&Live>, say: Say<'_>) -> Result<(), CloudError> {
        let address = &task.address;
        let wanted = self.desired.get(address).map(|node| &node.document);
        match (task.verb, seen, wanted) {
            (Verb::Create, _, Some(wanted)) => self.cloud.create(address, wanted, say).await,
            (Verb::Update, Some(live), Some(wanted)) => {
                let (changes, wanted) = self.part(task, wanted);
                self.cloud.update(address, live, &wanted, &changes, say).await
            }
            (Verb::Delete, Some(live), _) => self.cloud.delete(address, live, say).await,
            (Verb::Create | Verb::Update | Verb::Delete, _, _) => Err(changed_since_plan(address)),
        }
    }
}

/// The desired state with the room that others still need.
fn meanwhile(wanted: &Document, last: &Changes) -> Document {
    wanted.with(last.iter().map(|change| (change.path.as_str(), change.before.clone())))
}

fn step_of<'a>(plan: &'a Plan, address: &Address) -> Option<&'a Step> {
    plan.steps.iter().find(|step| step.address == *address)
}

fn changed_since_plan(address: &Address) -> CloudError {
    CloudError::new(ErrorKind::ChangedSincePlan, format!("`{address}` changed since the plan; it was not touched"))
        .hint("plan again, and look at what changed")
}

/// How long AWS may take to show what was written.
const SETTLE: Duration = Duration::from_secs(60);

/// Reads until live AWS equals the desired state, at most 60 s; the last plan, empty when it does.
///
/// AWS lags: a read right after a write may show the old state. So we never compare with what we sent.
///
/// # Errors
/// When AWS cannot be read.
pub async fn settle<C: Cloud>(
    cloud: &C,
    plan: &Plan,
    desired: &Graph,
    options: &Options,
    on: &dyn Fn(Event),
) -> Result<Plan, CloudError> {
    let wanted: BTreeSet<Address> = desired.addresses();
    let mut waited = Duration::ZERO;
    let mut wait = Duration::from_millis(250);
    loop {
        let snapshot = cloud.snapshot(&wanted).await?;
        let left = Plan::new(&plan.pipeline, &plan.scope, desired, &snapshot, options);
        // A kind that could not be read has no steps either: that proves nothing.
        if (left.is_empty() && left.refusals().is_empty()) || waited >= SETTLE {
            return Ok(left);
        }
        on(Event::Settling { differing: left.steps.len() });
        cloud.pause(wait).await;
        waited += wait;
        wait = (wait * 2).min(Duration::from_secs(4));
    }
}
