//! How a plan comes about: every resource compared, every step put after what it needs.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::address::{Address, Kind};
use super::diff::{Change, Changes, Trait, diff};
use super::document::Document;
use super::finding::{Finding, Severity};
use super::graph::{Graph, Node};
use super::order::order;
use super::plan::{Action, DataLoss, INTERRUPTED, LOCKED, Loss, Options, RESUMED, STOPPED_BY_HAND, Step, UNCLAIMED};
use super::snapshot::{Live, Owner, Snapshot};

/// What comparing came to.
pub struct Planned {
    pub steps: Vec<Step>,
    pub unchanged: Vec<Address>,
    pub findings: Vec<Finding>,
}

/// Compares everything desired with everything of ours that is live.
pub fn planned(desired: &Graph, snapshot: &Snapshot, options: &Options) -> Planned {
    let mut planner =
        Planner { desired, snapshot, options, steps: BTreeMap::new(), unchanged: vec![], findings: vec![] };
    planner.compare_all();
    planner.check_consents();
    planner.leave_gaps();
    planner.tell_interruptions();
    let mut steps = planner.steps;
    order(desired, snapshot, &mut steps);
    planner.findings.sort();
    planner.findings.dedup();
    Planned {
        steps: in_reading_order(steps.into_values().collect()),
        unchanged: planner.unchanged,
        findings: planner.findings,
    }
}

fn in_reading_order(mut steps: Vec<Step>) -> Vec<Step> {
    let rank = |kind: Kind| Kind::ALL.iter().position(|known| *known == kind);
    steps.sort_by(|a, b| (rank(a.address.kind), &a.address.name).cmp(&(rank(b.address.kind), &b.address.name)));
    steps
}

struct Planner<'a> {
    desired: &'a Graph,
    snapshot: &'a Snapshot,
    options: &'a Options,
    steps: BTreeMap<Address, Step>,
    unchanged: Vec<Address>,
    findings: Vec<Finding>,
}

impl Planner<'_> {
    fn compare_all(&mut self) {
        self.findings.extend(self.snapshot.findings.iter().cloned());
        for (kind, error) in &self.snapshot.unread {
            self.findings.push(
                Finding::new(Severity::Error, "not-checked", format!("no {kind} could be checked: {}", error.message))
                    .hint(error.hint.clone().unwrap_or_else(|| "nothing is applied until it can be read".into())),
            );
        }
        let addresses: BTreeSet<_> = self.desired.addresses().union(&self.snapshot.addresses()).cloned().collect();
        for address in addresses.iter().filter(|address| !self.snapshot.unread.contains_key(&address.kind)) {
            match (self.desired.get(address), self.snapshot.resources.get(address)) {
                (Some(node), None) => self.create(node),
                (Some(node), Some(live)) => self.converge(node, live),
                (None, Some(live)) => self.remove(address, live),
                (None, None) => {}
            }
        }
    }

    /// A word for a loss that does not happen is a slip of the hand, or out of date.
    fn check_consents(&mut self) {
        let DataLoss::Of(named) = &self.options.allow_data_loss else { return };
        for address in named.iter().filter(|at| self.steps.get(at).is_none_or(|step| step.loss.is_none())) {
            let finding = Finding::new(
                Severity::Warning,
                "consent-unused",
                "`--allow-data-loss` names it, but nothing is lost with it",
            );
            self.findings.push(finding.at(address).hint("check the name; the plan shows each loss with the right one"));
        }
    }

    /// What stops the processing for a while is told beforehand.
    fn tell_interruptions(&mut self) {
        for step in self.steps.values().filter(|step| matches!(step.action, Action::Update | Action::Adopt)) {
            let unusual = self.desired.unusual(step.address.kind).iter();
            let mut stops = unusual.filter(|one| one.is == Trait::Interrupts && step.changes.touch(one.path));
            let finding = stops.next().map(|one| Finding::new(Severity::Note, "interrupts", one.why).at(&step.address));
            self.findings.extend(finding);
        }
    }

    fn leave_gaps(&mut self) {
        let Some(gap) = self.options.gap else { return };
        let in_vain: Vec<_> = self.steps.values().filter_map(|step| Some((step.address.clone(), gap(step)?))).collect();
        for (address, reason) in in_vain {
            self.steps.remove(&address);
            self.findings.push(Finding::new(Severity::Note, "not-kept", reason).at(&address));
            self.unchanged.push(address);
        }
    }

    fn create(&mut self, node: &Node) {
        let changes = self.diff(node.address.kind, &Document::default(), &node.document);
        self.push(&node.address, Action::Create, changes, None);
    }

    fn converge(&mut self, node: &Node, live: &Live) {
        let address = &node.address;
        self.observe(address, live);
        if is(live, LOCKED) {
            self.unchanged.push(address.clone());
            return;
        }
        let mut changes = self.diff(address.kind, &live.document, &node.document);
        if self.options.resume && is(live, STOPPED_BY_HAND) {
            changes.0.push(Change::plain(RESUMED, "stopped by hand", "running"));
        }
        if is(live, INTERRUPTED) {
            changes.0.push(Change::plain(RESUMED, "stopped by an apply that did not finish", "running"));
        }
        match &live.owner {
            Owner::Foreign { pipeline } if !self.options.adopt => {
                self.findings.push(foreign(address, pipeline.as_deref(), &changes));
            }
            Owner::Foreign { .. } if changes.iter().any(|change| change.replaces.is_some()) => {
                self.findings.push(not_adoptable(address, &changes));
            }
            Owner::Foreign { .. } => self.push(address, Action::Adopt, changes, None),
            Owner::Ours if changes.is_empty() => self.unchanged.push(address.clone()),
            Owner::Ours if changes.iter().any(|change| change.replaces.is_some()) => {
                changes.0.extend(self.lifted(address.kind, live).0);
                self.push(address, Action::Replace, changes, self.loss(address, live));
            }
            Owner::Ours => self.push(address, Action::Update, changes, None),
        }
    }

    fn remove(&mut self, address: &Address, live: &Live) {
        if live.owner == Owner::Ours || address.kind.concerns_us_when_foreign() {
            self.observe(address, live);
        }
        if live.owner != Owner::Ours || is(live, LOCKED) || is(live, UNCLAIMED) {
            return;
        }
        let loss = self.loss(address, live);
        if address.kind == Kind::LogGroup && loss.as_ref().is_some_and(|loss| !loss.allowed) {
            let message = format!("is kept, with {}", loss.map(|loss| loss.holds).unwrap_or_default());
            let hint = format!("delete it with `--allow-data-loss {address}`");
            self.findings.push(Finding::new(Severity::Note, "log-group-kept", message).at(address).hint(hint));
            return;
        }
        self.push(address, Action::Delete, self.lifted(address.kind, live), loss);
    }

    /// Protections that a delete lifts first: shown as changes of their own.
    fn lifted(&self, kind: Kind, live: &Live) -> Changes {
        let guards = self.desired.unusual(kind).iter().filter(|property| property.is == Trait::Guard);
        let on = guards.filter(|guard| live.document.get(guard.path) == &Value::Bool(true));
        Changes(on.map(|guard| Change::plain(guard.path, true, false)).collect())
    }

    fn observe(&mut self, address: &Address, live: &Live) {
        self.findings.extend(live.findings.iter().cloned().map(|finding| finding.at(address)));
    }

    fn loss(&self, address: &Address, live: &Live) -> Option<Loss> {
        let holds = live.holds.clone()?;
        Some(Loss { holds, allowed: self.options.allow_data_loss.allows(address) })
    }

    fn diff(&self, kind: Kind, before: &Document, after: &Document) -> Changes {
        diff(self.desired.unusual(kind), before, after)
    }

    fn push(&mut self, address: &Address, action: Action, changes: Changes, loss: Option<Loss>) {
        let step = Step { address: address.clone(), action, changes, after: BTreeSet::new(), loss, narrowing: None };
        self.steps.insert(address.clone(), step);
    }
}

fn is(live: &Live, observation: &str) -> bool {
    live.observations.get(observation) == Some(&Value::Bool(true))
}

fn foreign(address: &Address, pipeline: Option<&str>, changes: &Changes) -> Finding {
    let whose = match pipeline {
        Some(pipeline) => format!("belongs to the pipeline `{pipeline}`"),
        None => "does not belong to this pipeline".into(),
    };
    let differs = match changes.0.len() {
        0 => "it is as this file wants it".to_owned(),
        1 => format!("one property differs (`{}`)", changes.0[0].path),
        count => format!("{count} properties differ"),
    };
    Finding::new(Severity::Error, "foreign-in-the-way", format!("exists and {whose}; {differs}"))
        .at(address)
        .hint("take it over with `--adopt` (the plan then shows every difference), or choose another `name:`")
}

fn not_adoptable(address: &Address, changes: &Changes) -> Finding {
    let fixed: Vec<_> =
        changes.iter().filter(|change| change.replaces.is_some()).map(|change| format!("`{}`", change.path)).collect();
    let message = format!("cannot be adopted: {} cannot be changed", fixed.join(", "));
    Finding::new(Severity::Error, "not-adoptable", message)
        .at(address)
        .hint("make the file say what is live there, or choose another `name:`")
}
