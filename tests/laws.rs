//! Laws of the core, for any desired and any live state, against a world in memory.

use std::collections::{BTreeMap, BTreeSet};

use pipewright::reconcile::memory::Memory;
use pipewright::reconcile::plan::{DataLoss, LOCKED};
use pipewright::reconcile::schedule::State;
use pipewright::reconcile::{
    Action, Address, Cloud, Document, Graph, Kind, Live, Node, Options, Owner, Part, Plan, Property, Report, Schedule,
    Snapshot, Step, Trait, Verb, apply, settle,
};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::world::scope;

const UNUSUAL: &[Property] = &[
    Property { path: "key", is: Trait::Immutable, why: "it is fixed" },
    Property { path: "set", is: Trait::Unordered, why: "" },
];

/// Others work within the size of a queue and of a role, as within a timeout and a policy.
const ROOMY: &[Property] = &[
    Property { path: "key", is: Trait::Immutable, why: "it is fixed" },
    Property { path: "set", is: Trait::Unordered, why: "" },
    Property { path: "size", is: Trait::Room(larger), why: "" },
];

fn larger(before: &Value, after: &Value) -> Value {
    if before.as_u64() > after.as_u64() { before.clone() } else { after.clone() }
}

fn unusual(kind: Kind) -> &'static [Property] {
    match kind {
        Kind::Queue | Kind::Role => ROOMY,
        _ => UNUSUAL,
    }
}

/// Few names, so that desired and live meet.
fn address() -> impl Strategy<Value = Address> {
    (prop::sample::select(Kind::ALL.to_vec()), 0..3_u8).prop_map(|(kind, name)| Address::new(kind, format!("n{name}")))
}

fn document() -> impl Strategy<Value = Document> {
    (0..3_u8, 0..2_u8, prop::collection::vec(0..3_u8, 0..3), prop::option::of(0..2_u8)).prop_map(
        |(size, key, set, nested)| {
            Document::from([
                ("size", json!(size)),
                ("key", json!(key)),
                ("set", json!(set)),
                ("nested", json!({ "deep": nested })),
            ])
        },
    )
}

/// Edges lead only to what comes earlier in the list, so there is no circle.
fn graph() -> impl Strategy<Value = Graph> {
    let node = (address(), document(), prop::collection::vec(any::<prop::sample::Index>(), 0..3));
    prop::collection::vec(node, 0..12).prop_map(|nodes| {
        let mut graph: BTreeMap<Address, Node> = BTreeMap::new();
        let mut earlier: Vec<Address> = Vec::new();
        for (address, document, edges) in nodes {
            if graph.contains_key(&address) {
                continue;
            }
            let pick = |index: &prop::sample::Index| (!earlier.is_empty()).then(|| index.get(&earlier).clone());
            let after = edges.iter().filter_map(pick).collect();
            graph.insert(address.clone(), Node { address: address.clone(), document, after });
            earlier.push(address);
        }
        Graph::new(graph.into_values(), unusual).unwrap()
    })
}

fn live() -> impl Strategy<Value = BTreeMap<Address, Live>> {
    let one = (document(), prop::sample::select(vec![None, None, None, Some(None), Some(Some("other".to_owned()))]));
    let one = one.prop_map(|(document, foreign)| {
        let owner = foreign.map_or(Owner::Ours, |pipeline| Owner::Foreign { pipeline });
        Live { owner, ..Live::ours(document) }
    });
    prop::collection::btree_map(address(), one, 0..12)
}

fn everything() -> Options {
    Options { allow_data_loss: DataLoss::All, ..Options::default() }
}

fn snapshot(memory: &Memory, graph: &Graph) -> Snapshot {
    run(memory.snapshot(&graph.addresses())).unwrap()
}

fn plan(memory: &Memory, graph: &Graph, options: &Options) -> Plan {
    Plan::new("shop", &scope(), graph, &snapshot(memory, graph), options)
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn applied(memory: &Memory, graph: &Graph, options: &Options) -> Report {
    let snapshot = snapshot(memory, graph);
    let plan = Plan::new("shop", &scope(), graph, &snapshot, options);
    run(apply(memory, &plan, graph, &snapshot, std::future::pending(), &|_| ()))
}

proptest! {
    #[test]
    fn after_an_apply_there_is_nothing_left_to_do(graph in graph(), live in live()) {
        let memory = Memory::new(live);
        let report = applied(&memory, &graph, &everything());
        prop_assert!(report.succeeded(), "{report:?}");
        prop_assert!(plan(&memory, &graph, &everything()).is_empty());
    }

    #[test]
    fn what_is_foreign_stays_as_it_is(graph in graph(), live in live()) {
        let foreign: BTreeMap<_, _> =
            live.iter().filter(|(_, live)| live.owner != Owner::Ours).map(|(at, live)| (at.clone(), live.clone())).collect();
        let memory = Memory::new(live);
        applied(&memory, &graph, &everything());
        let after = memory.live();
        for (address, before) in foreign {
            prop_assert_eq!(after.get(&address), Some(&before), "{}", address);
        }
    }

    #[test]
    fn nothing_is_written_that_the_plan_does_not_name(graph in graph(), live in live()) {
        let memory = Memory::new(live);
        let named: BTreeSet<Address> =
            plan(&memory, &graph, &everything()).steps.into_iter().map(|step| step.address).collect();
        applied(&memory, &graph, &everything());
        for (_, address) in memory.writes() {
            prop_assert!(named.contains(&address), "{}", address);
        }
    }

    #[test]
    fn destroy_leaves_nothing_of_ours(graph in graph(), live in live()) {
        let memory = Memory::new(live);
        applied(&memory, &graph, &everything());
        let nothing = Graph::empty(unusual);
        prop_assert!(applied(&memory, &nothing, &everything()).succeeded());
        prop_assert!(memory.live().values().all(|live| live.owner != Owner::Ours));
    }

    #[test]
    fn a_plan_reads_back_from_its_json(graph in graph(), live in live()) {
        let plan = plan(&Memory::new(live), &graph, &everything());
        let back: Plan = serde_json::from_str(&serde_json::to_string(&plan).unwrap()).unwrap();
        prop_assert_eq!(back.compute_digest(), plan.digest.clone());
        prop_assert_eq!(back, plan);
    }

    #[test]
    fn a_schedule_runs_every_task_once_and_none_before_what_it_needs(graph in graph(), live in live()) {
        let plan = plan(&Memory::new(live), &graph, &everything());
        let mut schedule = Schedule::new(&plan);
        let (mut usable, mut complete) = (BTreeSet::new(), BTreeSet::new());
        usable.extend(plan.steps.iter().filter(|step| gives_room_before(step)).map(|step| step.address.clone()));
        let mut started = 0;
        loop {
            let ready = schedule.start();
            if ready.is_empty() {
                break;
            }
            for (index, task) in ready {
                started += 1;
                let step = plan.steps.iter().find(|step| step.address == task.address).unwrap();
                // The first half of a replacement waits for nothing; its second half does.
                if !(task.part == Part::Replacing && task.verb == Verb::Delete) {
                    let needed = if task.verb == Verb::Delete { &complete } else { &usable };
                    prop_assert!(step.after.iter().all(|before| needed.contains(before)), "{}", task.address);
                    usable.insert(task.address.clone());
                }
                let others = step.narrowing.iter().flat_map(|narrowing| &narrowing.after);
                let is_last = schedule.tasks().filter(|(other, _)| other.address == task.address).last().unwrap().0 == &task;
                if is_last {
                    prop_assert!(others.into_iter().all(|other| complete.contains(other)), "{}", task.address);
                    complete.insert(task.address.clone());
                }
                schedule.done(index);
            }
        }
        let in_two = |step: &&Step| step.action == Action::Replace || step.narrowing.as_ref().is_some_and(|one| !one.first.is_empty());
        prop_assert_eq!(started, plan.steps.len() + plan.steps.iter().filter(in_two).count());
        prop_assert!(schedule.tasks().all(|(_, state)| *state == State::Done));
    }

    #[test]
    fn room_that_others_work_within_is_given_before_and_taken_after_they_change(graph in graph(), live in live()) {
        let planned = plan(&Memory::new(live), &graph, &everything());
        for step in planned.steps.iter().filter(|step| matches!(step.action, Action::Update)) {
            let dependents = planned.steps.iter().any(|other| match other.action {
                Action::Delete => step.address.kind.referrers().contains(&other.address.kind),
                _ => other.after.contains(&step.address),
            });
            let Some(change) = step.changes.iter().find(|change| change.path == "size") else { continue };
            let shrinks = unusual(step.address.kind) == ROOMY && change.before.as_u64() > change.after.as_u64();
            prop_assert_eq!(step.narrowing.is_some(), shrinks && dependents, "{:?}", step);
            let Some(narrowing) = &step.narrowing else { continue };
            prop_assert!(!narrowing.first.touch("size"), "what only shrinks is first left as it is");
            prop_assert_eq!((&narrowing.last.0[0].before, &narrowing.last.0[0].after), (&change.before, &change.after));
        }
    }

    #[test]
    fn a_failure_blocks_only_what_needs_it_and_the_next_apply_converges(
        graph in graph(), live in live(), which in any::<prop::sample::Index>(),
    ) {
        let memory = Memory::new(live);
        let planned = plan(&memory, &graph, &everything());
        prop_assume!(!planned.is_empty());
        let unlucky = which.get(&planned.steps).address.clone();
        memory.fail(&unlucky, "refused");
        let report = applied(&memory, &graph, &everything());
        prop_assert_eq!(report.failed.len(), 1);
        prop_assert_eq!(&report.failed[0].0.address, &unlucky);
        for (task, by) in &report.blocked {
            prop_assert_eq!(by, &unlucky);
            prop_assert!(needs(&planned, &task.address, &unlucky), "{} does not need {}", task.address, unlucky);
        }
        let done: BTreeSet<_> = report.done.iter().map(|task| &task.address).collect();
        let blocked: BTreeSet<_> = report.blocked.iter().map(|(task, _)| &task.address).collect();
        for step in &planned.steps {
            let told = done.contains(&step.address) || blocked.contains(&step.address) || step.address == unlucky;
            prop_assert!(told, "{} is in no list", step.address);
        }
        prop_assert!(applied(&memory, &graph, &everything()).succeeded());
        prop_assert!(plan(&memory, &graph, &everything()).is_empty());
    }
}

/// Whether nothing need be written for others to find what they need: only room is taken, later.
fn gives_room_before(step: &Step) -> bool {
    step.narrowing.as_ref().is_some_and(|narrowing| narrowing.first.is_empty())
}

/// Whether one step comes after another, by way of any others.
fn needs(plan: &Plan, address: &Address, other: &Address) -> bool {
    // What is narrowed in the end comes after what comes after its beginning: a circle of resources, though not of tasks.
    let (mut open, mut seen) = (vec![address], BTreeSet::new());
    while let Some(address) = open.pop() {
        if address == other {
            return true;
        }
        if seen.insert(address)
            && let Some(step) = plan.steps.iter().find(|step| step.address == *address)
        {
            open.extend(step.after.iter().chain(step.narrowing.iter().flat_map(|narrowing| &narrowing.after)));
        }
    }
    false
}

fn one(size: u8) -> Graph {
    let address = Address::new(Kind::Topic, "a");
    let document = Document::from([("size", json!(size))]);
    Graph::new([Node { address, document, after: BTreeSet::new() }], unusual).unwrap()
}

#[test]
fn what_changed_since_the_plan_is_not_written() {
    let at = Address::new(Kind::Topic, "a");
    let memory = Memory::new([(at.clone(), Live::ours(Document::from([("size", json!(1))])))]);
    let graph = one(2);
    let seen = snapshot(&memory, &graph);
    let plan = Plan::new("shop", &scope(), &graph, &seen, &Options::default());
    memory.set(at.clone(), Live::ours(Document::from([("size", json!(7))])));
    let report = run(apply(&memory, &plan, &graph, &seen, std::future::pending(), &|_| ()));
    assert!(report.failed[0].1.message.contains("changed since the plan"));
    assert_eq!(memory.live()[&at].document.get("size"), &json!(7));
}

#[test]
fn data_that_came_since_the_plan_is_not_deleted_without_the_word_for_it() {
    let at = Address::new(Kind::Queue, "a");
    let nothing = Graph::empty(unusual);
    for (options, kept) in [(Options::default(), true), (everything(), false)] {
        let memory =
            Memory::new([(at.clone(), Live { holds: Some("1 message".into()), ..Live::ours(Document::default()) })]);
        let seen = {
            let mut seen = snapshot(&memory, &nothing);
            if kept {
                seen.resources.get_mut(&at).unwrap().holds = None;
            }
            seen
        };
        let plan = Plan::new("shop", &scope(), &nothing, &seen, &options);
        assert_eq!(plan.refusals(), []);
        let report = run(apply(&memory, &plan, &nothing, &seen, std::future::pending(), &|_| ()));
        assert_eq!(memory.live().contains_key(&at), kept, "{report:?}");
        if kept {
            assert!(report.failed[0].1.to_string().contains("--allow-data-loss queue/a"), "{report:?}");
        }
    }
}

#[test]
fn what_appeared_since_the_plan_is_not_overwritten() {
    let memory = Memory::new([]);
    let graph = one(1);
    let seen = snapshot(&memory, &graph);
    let plan = Plan::new("shop", &scope(), &graph, &seen, &Options::default());
    memory.set(Address::new(Kind::Topic, "a"), Live::ours(Document::from([("size", json!(7))])));
    let report = run(apply(&memory, &plan, &graph, &seen, std::future::pending(), &|_| ()));
    assert_eq!(report.failed.len(), 1);
    assert!(memory.writes().is_empty());
}

#[test]
fn reads_that_lag_are_waited_out_and_a_world_that_stays_different_is_told() {
    let graph = one(1);
    let memory = Memory::new([]);
    memory.lag(3);
    let seen = snapshot(&memory, &graph);
    let plan = Plan::new("shop", &scope(), &graph, &seen, &Options::default());
    run(apply(&memory, &plan, &graph, &seen, std::future::pending(), &|_| ()));
    assert!(run(settle(&memory, &plan, &graph, &Options::default(), &|_| ())).unwrap().is_empty());
    assert!(memory.elapsed().as_secs() < 60);

    let forever = Memory::new([]);
    forever.lag(10_000);
    run(apply(&forever, &plan, &graph, &seen, std::future::pending(), &|_| ()));
    let left = run(settle(&forever, &plan, &graph, &Options::default(), &|_| ())).unwrap();
    assert_eq!(left.count(Action::Create), 1);
    assert!(forever.elapsed().as_secs() >= 60);
}

#[test]
fn an_interrupted_apply_starts_nothing_and_says_what_remains() {
    let memory = Memory::new([]);
    let chain = {
        let first =
            Node { address: Address::new(Kind::Topic, "a"), document: Document::default(), after: BTreeSet::new() };
        let second = Node {
            address: Address::new(Kind::Alarm, "b"),
            document: Document::default(),
            after: BTreeSet::from([first.address.clone()]),
        };
        Graph::new([first, second], unusual).unwrap()
    };
    let seen = snapshot(&memory, &chain);
    let chained = Plan::new("shop", &scope(), &chain, &seen, &Options::default());
    let report = run(apply(&memory, &chained, &chain, &seen, std::future::ready(()), &|_| ()));
    assert!(report.interrupted && !report.succeeded());
    assert_eq!(report.done.len(), 1, "what was in flight is finished");
    assert_eq!(report.remaining.len(), 1);
}

#[test]
fn what_is_locked_is_left_alone_even_by_destroy() {
    let at = Address::new(Kind::Subscription, "a");
    let mut pending = Live::ours(Document::default());
    pending.observations.insert(LOCKED.into(), json!(true));
    let memory = Memory::new([(at.clone(), pending)]);
    assert!(applied(&memory, &Graph::empty(unusual), &everything()).succeeded());
    assert!(memory.live().contains_key(&at));
}
