//! The pure core, per record: parse, validate, decide, and what it is stored as.
//!
//! ```sh
//! cargo bench -p pipewright-processor --bench core
//! ```
//!
//! Goal: at most 2 µs for a transaction of 400 bytes, and linear in its size. Beside it, in the same run, what
//! `serde_json` takes to read the same bytes into its `Value`: without validating anything, and through floats.
//! Of several rounds the fastest counts: whatever else the machine does can only slow a round down.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark prints, and may fail loudly")]

#[path = "../lambda/tests/harness/batch.rs"]
#[allow(dead_code, reason = "events are for the other benchmark")]
mod batch;

use std::hint::black_box;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use pipewright_processor::decision::judge;
use pipewright_processor::digest::content_digest;
use pipewright_processor::example::{NOW, settings};
use pipewright_processor::row;
use serde_json::{Value, json};

const ROUNDS: usize = 30;
const GOAL: Duration = Duration::from_micros(2);

fn main() {
    let (settings, now) = (settings(), NOW.parse::<Timestamp>().unwrap());
    let judged_by = settings.digest();
    println!(
        "{:>8}  {:>10}  {:>10}  {:>6}  {:>10}  {:>8}",
        "bytes", "judged", "serde_json", "ratio", "and stored", "ns/byte"
    );
    let mut per_byte = Vec::new();
    for body in bodies() {
        let bytes = body.as_bytes();
        let judged = fastest(|| drop(black_box(judge(black_box(bytes), &settings, now))));
        let standard = fastest(|| drop(black_box(serde_json::from_slice::<Value>(black_box(bytes)))));
        let stored = fastest(|| {
            let judged = judge(black_box(bytes), &settings, now).unwrap();
            let digest = content_digest(&judged.transaction);
            drop(black_box(row::of(&judged.transaction, &digest, &settings, &judged_by, now)));
        });
        let nanoseconds = judged.as_nanos() as f64;
        per_byte.push(nanoseconds / bytes.len() as f64);
        println!(
            "{:>8}  {:>7.2} µs  {:>7.2} µs  {:>5.2}×  {:>7.2} µs  {:>8.2}",
            bytes.len(),
            nanoseconds / 1e3,
            standard.as_nanos() as f64 / 1e3,
            judged.as_secs_f64() / standard.as_secs_f64(),
            stored.as_nanos() as f64 / 1e3,
            nanoseconds / bytes.len() as f64,
        );
        if bytes.len() == 400 {
            let word = if judged <= GOAL { "reached" } else { "missed" };
            println!("          goal of {GOAL:?} for 400 bytes: {word}");
        }
    }
    let (first, last) = (per_byte[0], per_byte[per_byte.len() - 1]);
    println!("linear: the largest takes {:.2}× the time per byte of the smallest", last / first);
}

/// Valid transactions: one of 400 bytes, then with more and more items.
fn bodies() -> Vec<String> {
    let base = batch::transaction("transaction-000000001", "42.25");
    assert_eq!(base.len(), 400);
    let larger = [10, 100, 1_000].map(|count| {
        let mut body: Value = serde_json::from_str(&base).unwrap();
        let item = |index| json!({ "sku": format!("SKU-{index:06}"), "quantity": 2, "unit_price": "12.50" });
        body["items"] = (0..count * 5).map(item).collect();
        body.to_string()
    });
    std::iter::once(base).chain(larger).collect()
}

/// The fastest round's time for one run.
fn fastest(run: impl Fn()) -> Duration {
    let once = Instant::now();
    run();
    // Rounds of about two milliseconds: long enough for the clock, short enough to fall between interruptions.
    let runs = (2_000_000 / once.elapsed().as_nanos().max(200)).clamp(1, 20_000) as u32;
    let round = |_| {
        let began = Instant::now();
        (0..runs).for_each(|_| run());
        began.elapsed() / runs
    };
    (0..ROUNDS).map(round).min().unwrap()
}
