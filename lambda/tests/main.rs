//! A batch from receipt to answer, and the promise: stored once, announced once, whatever breaks.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod batch;
mod fuzz;
mod promise;

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures_util::future::pending;
use jiff::Timestamp;
use serde_json::{Value, json};

use pipewright_processor::contract::Settings;
use pipewright_processor::event::{Record, SqsEvent};
use pipewright_processor::example::{NOW, settings, transaction};
use pipewright_processor::memory::Memory;
use pipewright_processor::ports::Clock;
use pipewright_processor::process::{Invocation, Processed, Processor};

/// A world, and the processor in it.
struct World {
    memory: Memory,
    settings: Settings,
}

impl World {
    fn new() -> Self {
        Self::with(settings())
    }

    fn with(settings: Settings) -> Self {
        Self { memory: Memory::new(settings.table.clone(), now()), settings }
    }

    /// One invocation that nobody disturbs.
    fn process(&self, request_id: &str, event: &SqsEvent) -> Processed {
        let processor = Processor::new(self.settings.clone(), &self.memory);
        let deadline = deadline(&self.memory);
        run(processor.process(event, &invocation(request_id, deadline), pending()))
    }

    /// Time passes: any claim made so far expires.
    fn wait_until_claims_expire(&self) {
        self.memory.set_now(Clock::now(&&self.memory) + Duration::from_secs(60));
    }
}

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

fn deadline(memory: &Memory) -> Timestamp {
    Clock::now(&memory) + Duration::from_secs(30)
}

fn invocation(request_id: &str, deadline: Timestamp) -> Invocation<'_> {
    Invocation { request_id, trace_id: None, deadline }
}

/// Polls to the end.
fn run<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..100_000 {
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
    }
    panic!("never ends");
}

fn record(message_id: &str, body: &Value) -> Record {
    Record { message_id: message_id.into(), body: body.to_string(), ..Record::default() }
}

fn batch<const N: usize>(records: [Record; N]) -> SqsEvent {
    SqsEvent { records: records.into() }
}

fn large(id: &str) -> Value {
    let mut body = transaction(id);
    body["amount"] = json!(1_500);
    body
}

fn failed(processed: &Processed) -> Vec<&str> {
    processed.response.failures.iter().map(|failure| failure.message_id.as_str()).collect()
}

/// The log lines' decisions by message id, and the counters of the first metric line.
fn decisions(processed: &Processed) -> Vec<(String, String)> {
    let lines = processed.output.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let told = |line: Value| Some((line["message_id"].as_str()?.to_owned(), line["decision"].as_str()?.to_owned()));
    lines.filter_map(told).collect()
}

fn metrics(processed: &Processed) -> Value {
    let lines = processed.output.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.into_iter().find(|line| line.get("_aws").is_some()).unwrap()
}
