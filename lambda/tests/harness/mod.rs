//! Lambda and AWS around the program `bootstrap`, on loopback: for tests and for benchmarks.
//!
//! `bootstrap` is the real program, started as Lambda starts it. [`lambda`] hands out batches as the Runtime API does,
//! [`aws`] answers for the table, the topic and the quarantine queue, [`function`] is the process.
#![allow(dead_code, clippy::unwrap_used, reason = "shared by tests and benchmarks, each of which uses a part")]

pub mod aws;
pub mod batch;
pub mod function;
pub mod http;
pub mod lambda;
