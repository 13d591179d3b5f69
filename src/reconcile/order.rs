//! Which step comes after which: what is written after what it needs, what is deleted after what may refer to it, and
//! room that others work within taken only when they have changed.
//!
//! Without a circle: first writes wait for first writes along the graph's edges only; deletes wait for written steps of
//! the kinds that may refer to them; last writes wait for their dependents and for such deletes. Nothing written waits
//! for a last write but another last write, against the direction of the edges.

use std::collections::{BTreeMap, BTreeSet};

use super::address::Address;
use super::diff::{Change, Changes, Trait};
use super::graph::Graph;
use super::plan::{Action, Narrowing, Step};
use super::snapshot::Snapshot;

/// Writes into each step which others come first, and what of it comes last.
pub fn order(desired: &Graph, snapshot: &Snapshot, steps: &mut BTreeMap<Address, Step>) {
    let planned: Vec<(Address, Action)> = steps.values().map(|step| (step.address.clone(), step.action)).collect();
    let written: BTreeSet<Address> = steps.keys().cloned().collect();
    for (address, step) in &mut *steps {
        step.after = match step.action {
            Action::Delete => referring(address, &planned).cloned().collect(),
            Action::Create | Action::Update | Action::Replace | Action::Adopt => needed(desired, address, &written),
        };
    }
    narrow(desired, snapshot, steps);
}

/// The steps of the kinds that may refer to this resource.
fn referring<'a>(address: &Address, planned: &'a [(Address, Action)]) -> impl Iterator<Item = &'a Address> {
    let kinds = address.kind.referrers();
    planned.iter().map(|(other, _)| other).filter(move |other| kinds.contains(&other.kind))
}

/// The steps that this one needs, by way of any others: also of such without a step, or whose step is done last.
fn needed(desired: &Graph, address: &Address, written: &BTreeSet<Address>) -> BTreeSet<Address> {
    let mut needed = BTreeSet::new();
    let mut seen: BTreeSet<&Address> = BTreeSet::new();
    let mut open: Vec<&Address> = desired.get(address).into_iter().flat_map(|node| &node.after).collect();
    while let Some(next) = open.pop() {
        if !seen.insert(next) {
            continue;
        }
        if written.contains(next) {
            needed.insert(next.clone());
        }
        open.extend(desired.get(next).into_iter().flat_map(|node| &node.after));
    }
    needed
}

/// Splits the steps that take room away while others that work within it change too.
fn narrow(desired: &Graph, snapshot: &Snapshot, steps: &mut BTreeMap<Address, Step>) {
    let mut narrowings = Vec::new();
    for (address, step) in steps.iter().filter(|(_, step)| matches!(step.action, Action::Update | Action::Adopt)) {
        let dependents = steps.values().filter(|other| match other.action {
            Action::Delete => address.kind.referrers().contains(&other.address.kind),
            Action::Create | Action::Update | Action::Replace | Action::Adopt => other.after.contains(address),
        });
        let after: BTreeSet<Address> = dependents.map(|other| other.address.clone()).collect();
        if !after.is_empty() {
            narrowings.extend(narrowing(desired, snapshot, step, after).map(|narrowing| (address.clone(), narrowing)));
        }
    }
    for (address, narrowing) in narrowings {
        if let Some(step) = steps.get_mut(&address) {
            step.narrowing = Some(narrowing);
        }
    }
}

/// What of a step is written first and what last; `None`: nothing takes room away.
fn narrowing(desired: &Graph, snapshot: &Snapshot, step: &Step, after: BTreeSet<Address>) -> Option<Narrowing> {
    let live = &snapshot.resources.get(&step.address)?.document;
    let wanted = &desired.get(&step.address)?.document;
    let (mut first, mut last) = (step.changes.clone(), Changes::default());
    for property in desired.unusual(step.address.kind) {
        let Trait::Room(widest) = property.is else { continue };
        let (before, goal) = (live.get(property.path), wanted.get(property.path));
        let meanwhile = widest(before, goal);
        if meanwhile == *goal {
            continue;
        }
        let Some(at) = first.0.iter().position(|change| change.path == property.path) else { continue };
        let change = first.0.remove(at);
        last.0.push(Change { before: meanwhile.clone(), after: goal.clone(), ..change.clone() });
        if meanwhile != *before {
            first.0.insert(at, Change { after: meanwhile, ..change });
        }
    }
    (!last.is_empty()).then_some(Narrowing { first, last, after })
}
