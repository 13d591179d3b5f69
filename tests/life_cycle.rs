//! The full pipeline's life on both local AWSs, and every single option in it: set, changed, taken out.

use std::collections::BTreeSet;

use pipewright::aws::Aws;
use pipewright::reconcile::{Action, Address, Cloud, Graph, Options, Plan, Snapshot, apply};
use pipewright::resources::gaps::{self, Backend, Gap};
use pipewright::resources::unusual;

use crate::backend::{World, account, run};
use crate::options::{Effects, File, Removals, effects, graph};

/// A pipeline on a backend, as it is now, and what of it the backend is seen not to keep.
pub struct Life {
    pub world: World,
    pub aws: Aws,
    snapshot: Snapshot,
    /// Each gap that showed, by its place in the list.
    shown: BTreeSet<usize>,
}

impl Life {
    pub async fn on(backend: Backend, account: String) -> Self {
        let world = World::of(backend, account).await;
        let aws = world.aws(&File::every_option(&world.scope).pipeline());
        Self { world, aws, snapshot: Snapshot::default(), shown: BTreeSet::new() }
    }

    /// What differs from live AWS, gaps and all.
    pub fn plan(&self, graph: &Graph) -> Plan {
        let options = Options { gap: None, ..self.world.everything() };
        Plan::new(&self.aws.pipeline, &self.world.scope, graph, &self.snapshot, &options)
    }

    /// Applies.
    pub async fn write(&mut self, graph: &Graph) {
        let plan = self.plan(graph);
        assert_eq!(plan.refusals(), []);
        let report = apply(&self.aws, &plan, graph, &self.snapshot, std::future::pending(), &|_| ()).await;
        assert!(report.succeeded(), "{:#?}", report.failed);
        self.snapshot = self.aws.snapshot(&graph.addresses()).await.unwrap();
        assert!(self.snapshot.unread.is_empty(), "{:?}", self.snapshot.unread);
    }

    /// Applies, and proves that the next plan is empty but for what the backend is known not to keep.
    pub async fn becomes(&mut self, graph: &Graph) {
        self.write(graph).await;
        self.lost(graph);
    }

    /// The resources that are not as they are desired: only where the list of gaps says so.
    fn lost(&mut self, graph: &Graph) -> BTreeSet<Address> {
        let plan = self.plan(graph);
        for step in &plan.steps {
            let gaps: Vec<_> = self.gaps().into_iter().filter(|(_, gap)| gap.shows_in(step)).collect();
            let paths: Vec<_> = gaps.iter().map(|(_, gap)| gap.path).collect();
            let known = step.action == Action::Update && !step.changes.touch_other_than(&paths);
            assert!(known, "{} {}: {:#?}", step.action.word(), step.address, step.changes);
            self.shown.extend(gaps.into_iter().map(|(at, _)| at));
        }
        plan.steps.into_iter().map(|step| step.address).collect()
    }

    /// What the backend is said not to keep, and keeps.
    pub fn closed_gaps(&self) -> Vec<&'static Gap> {
        self.gaps().into_iter().filter(|(at, _)| !self.shown.contains(at)).map(|(_, gap)| gap).collect()
    }

    fn gaps(&self) -> Vec<(usize, &'static Gap)> {
        let backend = self.world.backend;
        gaps::GAPS.iter().enumerate().filter(|(_, gap)| gap.backend == backend).collect()
    }

    /// Without what these resources lose.
    pub fn kept(&self, effects: &Effects, lost: &BTreeSet<Address>) -> Effects {
        let is_lost = |address: &Address, path: &str| {
            let gaps = self.gaps().into_iter().filter(|(_, gap)| gap.kind == address.kind);
            lost.contains(address) && gaps.map(|(_, gap)| gap.path).any(|gap| is_below(path, gap))
        };
        effects.clone().into_iter().filter(|((address, path), _)| !is_lost(address, path)).collect()
    }

    /// Goes to a state where it is known what must differ from here, and nothing else may.
    pub async fn edit(&mut self, from: &Graph, to: &Graph, expected: &Effects) {
        let mut lost = self.lost(from);
        let planned = effects(&self.plan(to));
        self.becomes(to).await;
        lost.extend(self.lost(to));
        assert_eq!(self.kept(&planned, &lost), self.kept(expected, &lost));
    }

    async fn leaves_nothing(&mut self, of: &Graph) {
        self.write(&Graph::empty(unusual)).await;
        let left = self.aws.snapshot(&of.addresses()).await.unwrap();
        assert_eq!(left.addresses(), BTreeSet::new());
    }
}

fn is_below(path: &str, ancestor: &str) -> bool {
    path.strip_prefix(ancestor).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// From nothing by way of every option, every other value and no option at all to nothing.
async fn lives(backend: Backend) {
    let mut life = Life::on(backend, account()).await;
    let files = [File::every_option(&life.world.scope), File::changed(&life.world.scope), File::bare()];
    let graphs = files.map(|file| graph(&file, &life.world.scope));
    for graph in &graphs {
        life.becomes(graph).await;
    }
    life.leaves_nothing(&graphs[0]).await;
}

/// Every option is set at the creation, changed by an edit, and taken out alone: each time the plan shows exactly what
/// it governs, and what is applied stays.
async fn every_option_is_set_changed_and_reset(backend: Backend) {
    let (scope, [every, changed]) = Removals::of_both();
    let mut life = Life::on(backend, scope.account.clone()).await;
    // A switch is off in one file, where its absence is the same: it is taken out of the other.
    let only_there = every.parts.keys().filter(|line| every.governs(line) && !changed.governs(line));
    let only_there: BTreeSet<String> = only_there.map(|line| every.parts[line].clone()).collect();
    let governing = changed.effects.iter().filter(|(_, effects)| !effects.is_empty());
    let all: Vec<String> = governing.map(|(part, _)| part.clone()).collect();
    assert!(all.len() > 100 && only_there.len() >= 5, "{} and {}", all.len(), only_there.len());
    for (removals, parts) in [(every, only_there.into_iter().collect()), (changed, all)] {
        let full = graph(&removals.file, scope);
        life.becomes(&full).await;
        for round in removals.rounds(parts, scope) {
            life.edit(&full, &round.graph, &round.effects).await;
            let back = crate::options::edit(&round.graph, &full, scope);
            life.edit(&round.graph, &full, &back).await;
        }
    }
}

mod ministack {
    use super::*;

    #[test]
    fn the_full_pipeline_lives_and_leaves_nothing() {
        run(lives(Backend::MiniStack));
    }

    #[test]
    fn every_option_is_set_changed_and_reset() {
        run(super::every_option_is_set_changed_and_reset(Backend::MiniStack));
    }
}

mod moto {
    use super::*;

    #[test]
    fn the_full_pipeline_lives_and_leaves_nothing() {
        run(lives(Backend::Moto));
    }

    #[test]
    fn every_option_is_set_changed_and_reset() {
        run(super::every_option_is_set_changed_and_reset(Backend::Moto));
    }
}
