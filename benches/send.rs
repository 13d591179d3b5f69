//! `pipewright send` against the local AWS: as fast as a bare loop of the same calls, and in the same memory whatever the
//! size of the file.
//!
//! ```sh
//! cargo bench --profile swift --bench send
//! ```
//!
//! Profile `swift` is optimised, without the long link of `release`. Unoptimised (`--profile dev`) the client takes as
//! much time as the local AWS, and what is compared is how many lines of code either runs.
//!
//! The bare loop sends the same messages with the same client, ten a call and as many calls at a time, and does nothing
//! else: no file, no check, no progress. The two take turns, so that whatever slows the machine slows both, and each run
//! is compared with its neighbour; the ratio is the median of theirs. `send` is timed as a whole, from its start to its
//! end. Nothing receives: the queue is all there is.
//! Memory is the peak of the resident set, as the kernel keeps it (Linux).
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark prints, and may fail loudly")]

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use futures_util::{StreamExt, TryStreamExt, stream};
use pipewright::aws::clients;
use pipewright::aws::sending::MOST_CALLS;
use pipewright::local;
use serde_json::json;

const REGION: &str = "us-east-1";
const QUEUE: &str = "bench-queue";
const SECRET: &str = "bench";
/// Messages of one run, and runs of each.
const MESSAGES: usize = 20_000;
const RUNS: usize = 7;
/// Lines of the files that memory is compared with: the large one has some 60 MB.
const SMALL: usize = 1_000;
const LARGE: usize = 60_000;
/// The goal: the local AWS is what limits.
const LEAST_RATIO: f64 = 0.9;
/// Allocators round; a file that was held would be the tenfold.
const MOST_GROWTH: f64 = 1.2;

fn main() -> ExitCode {
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let is_fine = runtime.block_on(async {
        let running = local::start(folder.path(), &|progress| println!("{progress}")).await.unwrap();
        let bench = Bench::new(folder.path(), running.endpoint()).await;
        let outcome = bench.run().await;
        local::stop(folder.path(), &|_| ()).await.unwrap();
        outcome
    });
    if is_fine { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

struct Bench<'a> {
    folder: &'a Path,
    endpoint: &'a str,
    sqs: aws_sdk_sqs::Client,
    url: String,
}

impl<'a> Bench<'a> {
    async fn new(folder: &'a Path, endpoint: &'a str) -> Self {
        let yaml = "version: 1\npipeline: bench\nregion: us-east-1\nfunction: { source: lambda }\n";
        fs::write(folder.join("pipeline.yaml"), yaml).unwrap();
        let settings =
            clients::Settings { profile: None, region: Some(REGION.into()), endpoint_url: Some(endpoint.into()) };
        let credentials = Credentials::new(local::ACCOUNT, SECRET, None, None, "bench");
        let config = clients::sdk_config(&settings).await.unwrap().into_builder();
        let config = config.credentials_provider(SharedCredentialsProvider::new(credentials)).build();
        let sqs = aws_sdk_sqs::Client::new(&config);
        let queue = sqs.create_queue().queue_name(QUEUE).tags("pipewright:pipeline", "bench");
        let url = queue.send().await.unwrap().queue_url.unwrap();
        Self { folder, endpoint, sqs, url }
    }

    async fn run(&self) -> bool {
        let is_fast = self.speed().await;
        let is_small = self.memory().await;
        is_fast && is_small
    }

    async fn speed(&self) -> bool {
        let file = self.file("speed.jsonl", MESSAGES, 350);
        let bodies: Vec<String> = fs::read_to_string(&file).unwrap().lines().map(str::to_owned).collect();
        // The first of each warms up, and is not counted.
        let (mut bare, mut send) = (Vec::new(), Vec::new());
        for run in 0..=RUNS {
            // Either goes first as often, and into an empty queue.
            for is_bare in [run % 2 == 0, run % 2 != 0] {
                let took = if is_bare { self.bare(&bodies).await } else { self.send(&file).0 };
                self.empty().await;
                if run > 0 {
                    if is_bare { &mut bare } else { &mut send }.push(took.as_secs_f64());
                }
            }
        }
        let ratio = median(bare.iter().zip(&send).map(|(bare, send)| bare / send));
        let rate = |times: Vec<f64>| MESSAGES as f64 / median(times);
        println!("{MESSAGES} messages, median of {RUNS}:");
        println!("  bare loop        {:>8.0} messages a second", rate(bare));
        println!(
            "  pipewright send  {:>8.0} messages a second, {:.0} % (at least {:.0} %)",
            rate(send),
            100.0 * ratio,
            100.0 * LEAST_RATIO
        );
        ratio >= LEAST_RATIO
    }

    /// As many calls at a time as `send` makes, and nothing else.
    async fn bare(&self, bodies: &[String]) -> Duration {
        let begun = Instant::now();
        stream::iter(bodies.chunks(10))
            .map(|part| async {
                let entries = part.iter().enumerate().map(|(index, body)| {
                    SendMessageBatchRequestEntry::builder().id(index.to_string()).message_body(body).build().unwrap()
                });
                let call = self.sqs.send_message_batch().queue_url(&self.url).set_entries(Some(entries.collect()));
                let answer = call.send().await?;
                assert!(answer.failed.is_empty());
                Ok::<_, aws_sdk_sqs::Error>(())
            })
            .buffer_unordered(MOST_CALLS)
            .try_collect::<()>()
            .await
            .unwrap();
        begun.elapsed()
    }

    async fn memory(&self) -> bool {
        let mut peaks = Vec::new();
        for lines in [SMALL, LARGE] {
            let file = self.file("memory.jsonl", lines, 1_000);
            let bytes = fs::metadata(&file).unwrap().len();
            let peak = self.send(&file).1;
            self.empty().await;
            println!("  file of {:>5.1} MB: peak of {:>5.1} MB", bytes as f64 / 1e6, peak as f64 / 1e6);
            peaks.push(peak as f64);
        }
        let growth = peaks[1] / peaks[0];
        println!("  memory grows by a factor of {growth:.2} (at most {MOST_GROWTH})");
        growth <= MOST_GROWTH
    }

    /// How long it took, and the peak of its memory in bytes.
    fn send(&self, file: &Path) -> (Duration, u64) {
        let begun = Instant::now();
        let mut child = Command::new(env!("CARGO_BIN_EXE_pipewright"))
            .args(["send", "--endpoint-url", self.endpoint])
            .arg(file)
            .current_dir(self.folder)
            .env_clear()
            .env("AWS_ACCESS_KEY_ID", local::ACCOUNT)
            .env("AWS_SECRET_ACCESS_KEY", SECRET)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let peak = watch(&mut child);
        let took = begun.elapsed();
        assert!(child.wait().unwrap().success());
        (took, peak)
    }

    async fn empty(&self) {
        self.sqs.purge_queue().queue_url(&self.url).send().await.unwrap();
    }

    fn file(&self, name: &str, lines: usize, bytes: usize) -> std::path::PathBuf {
        let file = self.folder.join(name);
        let mut text = String::new();
        for number in 0..lines {
            let line = json!({
                "transaction_id": format!("bench-{number}"), "customer_id": "customer-0001", "amount": "12.50",
                "currency": "USD", "timestamp": "2026-11-26T10:00:00Z", "note": "x".repeat(bytes - 150),
            });
            writeln!(text, "{line}").unwrap();
        }
        fs::write(&file, text).unwrap();
        file
    }
}

/// Of an odd number of figures.
fn median(figures: impl IntoIterator<Item = f64>) -> f64 {
    let mut figures: Vec<_> = figures.into_iter().collect();
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// Waits for the end, looking at the memory all the while.
fn watch(child: &mut Child) -> u64 {
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    while child.try_wait().unwrap().is_none() {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
        peak = peak.max(kilobytes.unwrap_or_default() * 1_024);
        std::thread::sleep(Duration::from_millis(10));
    }
    peak
}
