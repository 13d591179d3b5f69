//! The promise, shown for every point at which something can go wrong: stored once, announced at least once; exactly
//! once except where something falls between publish and mark.
//!
//! Memory yields before and after the effect of each call, so counting polls visits every state in between.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use futures_util::future::pending;

use crate::{World, batch, deadline, failed, invocation, large, record};
use pipewright_processor::event::SqsEvent;
use pipewright_processor::memory::{Fault, Memory};
use pipewright_processor::ports::PortErrorKind;
use pipewright_processor::process::{Processed, Processor};
use pipewright_processor::row::Announced;

/// More polls than any run here takes.
const MANY: usize = 60;

fn order() -> SqsEvent {
    batch([record("m", &large("t-1"))])
}

/// The queue delivers the message again and again, as SQS does, until it is done.
fn redeliver_until_done(world: &World) {
    for attempt in 0..5 {
        world.wait_until_claims_expire();
        if failed(&world.process(&format!("retry-{attempt}"), &order())).is_empty() {
            return;
        }
    }
    panic!("the message never comes to an end: {:?}", world.memory.calls());
}

/// What must hold in the end. Whether `twice` may be said depends on where it broke.
fn assert_kept(world: &World, most_announcements: usize, context: &str) {
    let rows = world.memory.rows();
    assert_eq!(rows.len(), 1, "{context}");
    let announced = world.memory.published().len();
    assert!((1..=most_announcements).contains(&announced), "{context}: announced {announced} times");
    let state = Announced::read(rows["t-1"].get("announcement"));
    assert!(matches!(state, Announced::Sent | Announced::Pending(_)), "{context}: {state:?}");
    assert_eq!(world.memory.quarantined(), [], "{context}");
}

/// Polls at most so often; then the function is killed.
fn run_killed_after(future: impl Future<Output = Processed>, polls: usize) -> Option<Processed> {
    let mut future = std::pin::pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..polls {
        if let Poll::Ready(processed) = future.as_mut().poll(&mut context) {
            return Some(processed);
        }
    }
    None
}

/// Whether the world was left between publish and mark.
fn is_between_publish_and_mark(memory: &Memory) -> bool {
    let pending =
        memory.rows().values().any(|row| matches!(Announced::read(row.get("announcement")), Announced::Pending(_)));
    pending && !memory.published().is_empty()
}

#[test]
fn killed_at_every_point() {
    let (mut killed, mut between) = (0, 0);
    for polls in 0..MANY {
        let world = World::new();
        let processor = Processor::new(world.settings.clone(), &world.memory);
        let event = order();
        let invocation = invocation("killed", deadline(&world.memory));
        let ended = run_killed_after(processor.process(&event, &invocation, pending()), polls);
        let most = if is_between_publish_and_mark(&world.memory) { 2 } else { 1 };
        killed += usize::from(ended.is_none());
        between += most - 1;
        // Killed after the answer, before the queue hears of it: delivered again all the same.
        redeliver_until_done(&world);
        assert_kept(&world, most, &format!("killed after {polls} polls"));
    }
    assert!(killed >= 6, "put, publish and mark each have a before and an after: {killed}");
    assert!(between >= 1 && between < killed, "{between} of {killed}");
}

#[test]
fn every_call_fails_or_loses_its_answer() {
    let faults = [
        Fault::Fails(PortErrorKind::Transient),
        Fault::Fails(PortErrorKind::Denied),
        Fault::LosesAnswer,
        Fault::AsksTwice,
    ];
    for (call, fault) in (0..4).flat_map(|call| faults.map(|fault| (call, fault))) {
        let world = World::new();
        world.memory.fail(call, fault);
        let first = world.process("first", &order());
        // A lost answer to a publish is the one thing that nobody can know.
        let unknown = matches!(fault, Fault::LosesAnswer | Fault::AsksTwice);
        let most = if call == 1 && unknown { 2 } else { 1 };
        if !failed(&first).is_empty() {
            redeliver_until_done(&world);
        }
        assert_kept(&world, most, &format!("call {call}, {fault:?}"));
    }
}

#[test]
fn two_faults_one_after_the_other() {
    let faults = [Fault::Fails(PortErrorKind::Transient), Fault::LosesAnswer, Fault::AsksTwice];
    for (first, second) in (0..8).flat_map(|first| (first + 1..9).map(move |second| (first, second))) {
        for (one, other) in faults.iter().flat_map(|one| faults.iter().map(move |other| (*one, *other))) {
            let world = World::new();
            world.memory.fail(first, one);
            world.memory.fail(second, other);
            let processed = world.process("first", &order());
            if !failed(&processed).is_empty() {
                redeliver_until_done(&world);
            }
            assert_kept(&world, 3, &format!("calls {first} {one:?}, {second} {other:?}"));
        }
    }
}

/// Two invocations at once, polled in the order of `turns`, each killed after so many polls of its own.
fn run_interleaved(world: &World, turns: u32, steps: u32, kill: [usize; 2]) -> [Option<Processed>; 2] {
    let processor = Processor::new(world.settings.clone(), &world.memory);
    let event = order();
    let deadline = deadline(&world.memory);
    let invocations = ["left", "right"].map(|request| invocation(request, deadline));
    let mut futures: [Option<Pin<Box<dyn Future<Output = Processed> + '_>>>; 2] =
        [0, 1].map(|index| Some(Box::pin(processor.process(&event, &invocations[index], pending())) as _));
    let mut ended = [None, None];
    let mut polls = [0; 2];
    let mut context = Context::from_waker(Waker::noop());
    let scheduled = (0..steps).map(|step| (turns >> step & 1) as usize);
    let rest = (0..2 * MANY).map(|step| step % 2);
    for turn in scheduled.chain(rest) {
        if polls[turn] == kill[turn] {
            futures[turn] = None;
        }
        let Some(future) = &mut futures[turn] else { continue };
        polls[turn] += 1;
        if let Poll::Ready(processed) = future.as_mut().poll(&mut context) {
            ended[turn] = Some(processed);
            futures[turn] = None;
        }
    }
    ended
}

/// Polls that one undisturbed invocation of the order takes.
fn polls_of_one() -> u32 {
    let ends = |polls| {
        let world = World::new();
        let processor = Processor::new(world.settings.clone(), &world.memory);
        let (event, invocation) = (order(), invocation("r", deadline(&world.memory)));
        run_killed_after(processor.process(&event, &invocation, pending()), polls).is_some()
    };
    (1..MANY).find(|polls| ends(*polls)).unwrap().try_into().unwrap()
}

#[test]
fn two_copies_in_every_interleaving() {
    let steps = 2 * polls_of_one();
    let mut waited = 0;
    for turns in 0..1_u32 << steps {
        let world = World::new();
        let ended = run_interleaved(&world, turns, steps, [MANY; 2]);
        let all_done = ended.iter().flatten().all(|processed| failed(processed).is_empty());
        assert_eq!(ended.iter().flatten().count(), 2);
        assert_eq!(world.memory.published().len(), 1, "{turns:b}: one of the two announces");
        if !all_done {
            waited += 1;
            redeliver_until_done(&world);
        }
        assert_kept(&world, 1, &format!("turns {turns:b}"));
    }
    assert!(waited > 0, "in some interleavings one meets the other's claim");
}

#[test]
fn two_that_meet_an_expired_claim_in_every_interleaving() {
    let steps = 2 * polls_of_one();
    for turns in 0..1_u32 << steps {
        let world = World::new();
        world.memory.fail(1, Fault::Fails(PortErrorKind::Transient));
        world.process("first", &order());
        world.wait_until_claims_expire();
        let ended = run_interleaved(&world, turns, steps, [MANY; 2]);
        assert_eq!(ended.iter().flatten().count(), 2);
        assert_eq!(world.memory.published().len(), 1, "{turns:b}: one of the two takes the claim over");
        assert_kept(&world, 1, &format!("turns {turns:b}"));
    }
}

#[test]
fn two_copies_of_which_one_is_killed_anywhere() {
    let polls = polls_of_one();
    // Enough turns to place the second copy's put anywhere in the first one's life.
    for (turns, kill) in (0..1_u32 << polls).flat_map(|turns| (0..=polls as usize).map(move |kill| (turns, kill))) {
        let world = World::new();
        let _ = run_interleaved(&world, turns, polls, [kill, MANY]);
        let most = if is_between_publish_and_mark(&world.memory) { 2 } else { 1 };
        redeliver_until_done(&world);
        assert_kept(&world, most, &format!("turns {turns:b}, killed after {kill}"));
    }
}
