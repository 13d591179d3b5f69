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
//! pause. Processor time is the program's own, of user and kernel. Each case is run several times, and its fastest round
//! counts: whatever else the machine does can only slow one down. Beside it, in the same run, the floor: a process that
//! sends the same put over as many connections, unsigned and prepared, and does nothing else.
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
use pipewright_processor::example::settings;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// One case: how long AWS takes, how many messages a batch holds, and how many batches make a round.
struct Case {
    latency: Duration,
    batch: usize,
    batches: usize,
}

const CASES: [Case; 4] = [
    Case { latency: Duration::ZERO, batch: 10, batches: 400 },
    Case { latency: Duration::ZERO, batch: 1_000, batches: 4 },
    Case { latency: Duration::from_millis(5), batch: 10, batches: 100 },
    Case { latency: Duration::from_millis(5), batch: 1_000, batches: 4 },
];

/// Rounds of a case, of which the fastest is told.
const ROUNDS: usize = 10;
/// Of so many starts the median is told.
const STARTS: usize = 21;
/// Tells this program to be the floor.
const FLOOR: &str = "--floor";

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(at) = arguments.iter().position(|argument| argument == FLOOR) {
        let count = |offset: usize| arguments[at + offset].parse().unwrap();
        return runtime.block_on(be_the_floor(&arguments[at + 1], count(2), count(3)));
    }
    let program = program();
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
    // What cargo tells us would have it build again what it has built for others.
    let ours = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_NAME", "CARGO_PRIMARY_PACKAGE", "OUT_DIR"];
    let told = std::env::vars().map(|(name, _)| name).filter(|name| ours.iter().any(|ours| name.starts_with(ours)));
    for name in told {
        command.env_remove(name);
    }
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

/// From the start of the process to its first answer to a batch of ten.
async fn starts(program: &Path) {
    let mut times = Vec::new();
    for start in 0..STARTS {
        let (lambda, aws) = (Lambda::start().await, Aws::forgetful(Duration::ZERO).await);
        let environment = environment(&settings(), lambda.address(), aws.endpoint());
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
    let environment = environment(&settings(), lambda.address(), aws.endpoint());
    let function = Function::start(program, &environment);
    let events: Vec<_> = (0..case.batches).map(|number| batch(case.batch, number)).collect();
    let mut best = Round::default();
    // The first round warms up: connections are opened, memory is touched.
    for round in 0..=ROUNDS {
        let timed = timed(&lambda, &function, &events, case.batches).await;
        best = if round == 0 { best } else { best.or(timed) };
    }
    let puts = floor(&aws, case.batch.min(32), case.batch * case.batches).await;
    println!(
        "{:>2} ms, batches of {:>4}: {:>6.0} records/s, {:>4.0} µs of processor time a record, {:>4.1} MB at most; \
            floor {:>6.0} puts/s ({:.0} %)",
        case.latency.as_millis(),
        case.batch,
        best.records_per_second,
        best.microseconds_per_record,
        function.peak_kib() as f64 * 1_024.0 / 1e6,
        puts,
        best.records_per_second / puts * 100.0,
    );
}

/// What one round came to.
#[derive(Clone, Copy)]
struct Round {
    records_per_second: f64,
    microseconds_per_record: f64,
}

impl Default for Round {
    fn default() -> Self {
        Self { records_per_second: 0.0, microseconds_per_record: f64::INFINITY }
    }
}

impl Round {
    fn or(self, other: Self) -> Self {
        Self {
            records_per_second: self.records_per_second.max(other.records_per_second),
            microseconds_per_record: self.microseconds_per_record.min(other.microseconds_per_record),
        }
    }
}

async fn timed(lambda: &Lambda, function: &Function, events: &[String], batches: usize) -> Round {
    let (before, began) = (function.processor_time(), Instant::now());
    for number in 0..batches {
        let event = events[number % events.len()].clone();
        let answer = lambda.invoke(Invocation::new(&format!("r-{number}"), event)).await.unwrap();
        assert_eq!(answer, r#"{"batchItemFailures":[]}"#);
    }
    let (elapsed, processor) = (began.elapsed(), function.processor_time() - before);
    let records = (events[0].matches("messageId").count() * batches) as f64;
    Round {
        records_per_second: records / elapsed.as_secs_f64(),
        microseconds_per_record: processor.as_secs_f64() * 1e6 / records,
    }
}

/// Puts a second that the loopback and our servers bear: the fastest of some rounds.
async fn floor(aws: &Aws, connections: usize, puts: usize) -> f64 {
    let mut best: f64 = 0.0;
    for _ in 0..ROUNDS / 3 {
        let mut command = tokio::process::Command::new(std::env::current_exe().unwrap());
        let address = aws.endpoint().trim_start_matches("http://");
        command.args([FLOOR, address, &connections.to_string(), &puts.to_string()]);
        let output = command.output().await.unwrap();
        best = best.max(String::from_utf8(output.stdout).unwrap().trim().parse().unwrap());
    }
    best
}

/// Sends puts over these connections as fast as they are answered, and tells how many a second.
async fn be_the_floor(address: &str, connections: usize, puts: usize) {
    let order = transaction("transaction-000000001", "42.25");
    let head = "POST / HTTP/1.1\r\nx-amz-target: DynamoDB_20120810.PutItem\r\ncontent-length: ";
    // What signing and the attributes' types add.
    let put = format!("{head}{}\r\n\r\n{order}{order}", 2 * order.len());
    let began = Instant::now();
    let each = (0..connections).map(|_| converse(address, put.as_bytes(), puts / connections));
    futures_util::future::join_all(each).await;
    println!("{}", (puts / connections * connections) as f64 / began.elapsed().as_secs_f64());
}

async fn converse(address: &str, put: &[u8], times: usize) {
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let mut buffer = [0; 1_024];
    for _ in 0..times {
        stream.write_all(put).await.unwrap();
        let mut read = 0;
        while !buffer[..read].ends_with(b"{}") {
            read += stream.read(&mut buffer[read..]).await.unwrap();
        }
    }
}

/// A batch. One order in twenty is large, scattered as chance would, so that a batch of ten may have none or two.
fn batch(count: usize, number: usize) -> String {
    let order = |at: usize| {
        let place = number * count + at;
        let scattered = (place as u32).wrapping_mul(2_654_435_769) >> 16;
        let amount = if scattered.is_multiple_of(20) { "1500.00" } else { "42.25" };
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
