//! The program `bootstrap`, driven through the Lambda Runtime API: start, throughput, processor time, memory, size.
//!
//! ```sh
//! cargo bench -p pipewright-processor --bench bootstrap
//! cargo bench -p pipewright-processor --bench bootstrap -- path/to/another/bootstrap
//! ```
//!
//! It builds the program as it is deployed (profile `release`: some minutes the first time) and stands in for Lambda and
//! for AWS on loopback, with answers that are there already, at once or after 5 ms. So it measures the program, the
//! kernel's loopback and our own servers, which have the other processor to themselves where there are two.
//!
//! Orders are of 400 bytes, one in twenty is large: announced, and marked as sent. Batches follow each other without a
//! pause. Processor time is the program's own, of user and kernel. The last line of each case is the floor in the same
//! run: a client of ours that sends as many requests of such a size over as many connections, and does nothing else.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark prints, and may fail loudly")]

#[path = "../lambda/tests/harness/mod.rs"]
mod harness;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use harness::aws::Aws;
use harness::batch::{event, record, transaction};
use harness::function::{Function, environment};
use harness::lambda::{Invocation, Lambda};
use pipewright_processor::contract::{LogLevel, Settings};
use pipewright_processor::example::settings;

/// One case: how long AWS takes, how many messages a batch holds, and how many batches are timed.
struct Case {
    latency: Duration,
    batch: usize,
    batches: usize,
}

const CASES: [Case; 4] = [
    Case { latency: Duration::ZERO, batch: 10, batches: 2_000 },
    Case { latency: Duration::ZERO, batch: 1_000, batches: 20 },
    Case { latency: Duration::from_millis(5), batch: 10, batches: 300 },
    Case { latency: Duration::from_millis(5), batch: 1_000, batches: 10 },
];

/// Of so many starts the median is told.
const STARTS: usize = 21;

fn main() {
    let program = program();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    println!("{} ({})", program.display(), size(&program));
    runtime.block_on(async {
        starts(&program).await;
        for case in &CASES {
            throughput(&program, case).await;
        }
    });
}

/// The program that was named, else ours, built now.
fn program() -> PathBuf {
    let named = std::env::args().skip(1).find(|argument| !argument.starts_with("--"));
    if let Some(path) = named {
        return path.into();
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut command = Command::new(env!("CARGO"));
    command.current_dir(root).args(["build", "--release", "--locked", "--bin", "bootstrap"]);
    command.args(["--package", "pipewright-processor", "--features", "pipewright-processor/runtime"]);
    assert!(command.status().unwrap().success(), "the program does not build");
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    target.join("release/bootstrap")
}

/// As it lies there, and as an upload.
fn size(program: &Path) -> String {
    let bytes = std::fs::read(program).unwrap();
    let mut zip = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
    zip.write_all(&bytes).unwrap();
    let packed = zip.finish().unwrap().len();
    format!("{:.1} MB, compressed {:.1} MB", bytes.len() as f64 / 1e6, packed as f64 / 1e6)
}

fn quiet() -> Settings {
    // What is said about every message is written all the same where it is not filtered: so it belongs to the cost.
    Settings { log_level: LogLevel::Info, ..settings() }
}

/// From the start of the process to its first answer to a batch of ten.
async fn starts(program: &Path) {
    let mut times = Vec::new();
    for start in 0..STARTS {
        let (lambda, aws) = (Lambda::start().await, Aws::forgetful(Duration::ZERO).await);
        let environment = environment(&quiet(), lambda.address(), aws.endpoint());
        let batch = batch(10, start);
        let began = Instant::now();
        let _function = Function::start(program, &environment);
        lambda.invoke(Invocation::new("first", batch)).await.unwrap();
        times.push(began.elapsed());
    }
    times.sort();
    let [fastest, median, slowest] = [times[0], times[STARTS / 2], times[STARTS - 1]].map(milliseconds);
    println!("first response: median {median:.1} ms of {STARTS} starts ({fastest:.1} to {slowest:.1})");
}

async fn throughput(program: &Path, case: &Case) {
    let (lambda, aws) = (Lambda::start().await, Aws::forgetful(case.latency).await);
    let environment = environment(&quiet(), lambda.address(), aws.endpoint());
    let function = Function::start(program, &environment);
    let events: Vec<_> = (0..20).map(|number| batch(case.batch, number)).collect();
    // Warm: connections are there, memory is touched.
    for number in 0..3 {
        lambda.invoke(Invocation::new(&format!("warm-{number}"), events[number].clone())).await.unwrap();
    }
    let (before, began) = (function.processor_time(), Instant::now());
    for number in 0..case.batches {
        let answer = lambda.invoke(Invocation::new(&format!("r-{number}"), events[number % 20].clone())).await.unwrap();
        assert_eq!(answer, r#"{"batchItemFailures":[]}"#);
    }
    let (elapsed, processor) = (began.elapsed(), function.processor_time() - before);
    let records = (case.batch * case.batches) as f64;
    println!(
        "{:>2} ms, batches of {:>4}: {:>6.0} records/s, {:>5.0} µs of processor time a record, {:>4.1} MB at most",
        case.latency.as_millis(),
        case.batch,
        records / elapsed.as_secs_f64(),
        processor.as_secs_f64() * 1e6 / records,
        function.peak_kib() as f64 * 1_024.0 / 1e6,
    );
}

/// A batch in which one order in twenty is large.
fn batch(count: usize, number: usize) -> String {
    let order = |at: usize| {
        let place = number * count + at;
        let amount = if place % 20 == 7 { "1500.00" } else { "42.25" };
        record(
            &format!("{place:08}-6fe2-4b5b-9c3e-0123456789ab"),
            &transaction(&format!("transaction-{place:09}"), amount),
        )
    };
    event(&(0..count).map(order).collect::<Vec<_>>())
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
