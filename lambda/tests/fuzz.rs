//! Any bytes are judged: the corpus, and what becomes of it when chance cuts, joins and damages it.
//!
//! The corpus lies in `corpus/`, one body a file; whatever breaks the reader one day belongs there. A run takes a second;
//! `ARBTEST_BUDGET_MS=600000 cargo test -p pipewright-processor --test processor fuzz` searches for ten minutes. What it
//! finds it tells with a seed that finds it again.

use std::collections::BTreeSet;
use std::fs;

use arbitrary::{Arbitrary, Result, Unstructured};
use arbtest::arbtest;
use pipewright_processor::decision::judge;
use pipewright_processor::digest::content_digest;
use pipewright_processor::example::settings;
use pipewright_processor::json;
use pipewright_processor::reason::Code;
use pipewright_processor::row;

use crate::now;

/// Judges a body as the function does; the reasons that were found.
fn judged(body: &[u8]) -> BTreeSet<Code> {
    let settings = settings();
    match judge(body, &settings, now()) {
        Err(invalid) => {
            assert!(!invalid.reasons.is_empty());
            invalid.reasons.into_iter().map(|reason| reason.code).collect()
        }
        Ok(judged) => {
            let digest = content_digest(&judged.transaction);
            let row = row::of(&judged.transaction, &digest, &settings, "rules", now());
            assert!(row::same_content(&row, &row, &settings));
            let old = row.clone().into_iter().filter(|(name, _)| *name != settings.table.attributes.digest).collect();
            assert!(row::same_content(&old, &row, &settings), "by its fields, where there is no digest");
            BTreeSet::new()
        }
    }
}

/// What is read is printed as a text that reads the same.
fn printed_and_read_again(body: &[u8]) {
    let Ok(text) = std::str::from_utf8(body) else { return };
    if let Ok((value, _)) = json::read(text) {
        assert_eq!(json::read(&value.to_string()).unwrap().0, value);
    }
}

fn corpus() -> Vec<Vec<u8>> {
    let folder = fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus")).unwrap();
    let mut paths: Vec<_> = folder.map(|entry| entry.unwrap().path()).collect();
    // In the same order everywhere, so that a seed means the same.
    paths.sort();
    paths.into_iter().map(|path| fs::read(path).unwrap()).collect()
}

/// What JSON and a transaction are made of.
const TOKENS: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\\",
    "\\u",
    "\\ud83d\\ude00",
    "null",
    "true",
    "-",
    "0",
    "1",
    ".5",
    "e9",
    "E-99",
    " ",
    "\n",
    "\"amount\":",
    "\"items\":[",
    "\"metadata\":{",
    "\"USD\"",
    "\"JPY\"",
    "2026-06-01T00:00:00Z",
    "\u{1f600}",
    "\0",
    "99999999",
];

/// One change: a token put in, bytes taken out or damaged, the end of another body.
fn change(body: &mut Vec<u8>, corpus: &[Vec<u8>], chance: &mut Unstructured<'_>) -> Result<()> {
    let at = chance.int_in_range(0..=body.len())?;
    match chance.int_in_range(0..=4)? {
        0 => drop(body.splice(at..at, chance.choose(TOKENS)?.bytes())),
        1 => drop(body.drain(at..(at + chance.int_in_range(1..=9)?).min(body.len()))),
        2 => {
            if let Some(byte) = body.get_mut(at) {
                *byte = u8::arbitrary(chance)?;
            }
        }
        3 => {
            let other = chance.choose(corpus)?;
            let from = chance.int_in_range(0..=other.len())?;
            drop(body.splice(at.., other[from..].iter().copied()));
        }
        _ => {
            let repeated = body[at..(at + 12).min(body.len())].repeat(chance.int_in_range(1..=40)?);
            drop(body.splice(at..at, repeated));
        }
    }
    Ok(())
}

#[test]
fn the_corpus_is_judged_and_has_something_of_everything() {
    let found: Vec<_> = corpus()
        .iter()
        .map(|body| {
            printed_and_read_again(body);
            judged(body)
        })
        .collect();
    assert!(found.iter().any(BTreeSet::is_empty), "a valid one");
    let found: BTreeSet<_> = found.into_iter().flatten().collect();
    // These need a table, or limits.
    let elsewhere = [
        Code::TooLarge,
        Code::RefusedByTable,
        Code::Conflict,
        Code::CurrencyNotAccepted,
        Code::AmountTooLarge,
        Code::TooOld,
        Code::ItemsRequired,
        Code::ItemsDoNotAddUp,
    ];
    let missing: Vec<_> = Code::ALL.iter().filter(|code| !found.contains(code) && !elsewhere.contains(code)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn whatever_becomes_of_the_corpus_is_judged() {
    let corpus = corpus();
    arbtest(|chance| {
        let mut body = chance.choose(&corpus)?.clone();
        for _ in 0..chance.int_in_range(1..=6)? {
            change(&mut body, &corpus, chance)?;
        }
        judged(&body);
        printed_and_read_again(&body);
        Ok(())
    })
    .budget_ms(budget());
}

/// Milliseconds.
fn budget() -> u64 {
    std::env::var("ARBTEST_BUDGET_MS").map_or(1_000, |given| given.parse().unwrap())
}
