//! pipewright as a specification. One binary, so that everything links once and shares the local AWS's servers.
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "helpers of tests are tests")]

mod backend;
mod cli;
mod concurrency;
mod config;
mod drift;
mod drill;
mod end_to_end;
mod golden;
mod habits;
mod hidden;
mod interruption;
mod laws;
mod least_privilege;
mod life_cycle;
mod local;
mod mixed_batch;
mod moto;
mod neighbours;
mod options;
mod ownership;
mod package;
mod parked;
mod pausing;
mod plan;
mod pty;
mod readers;
mod running;
mod safe_order;
mod schemas;
mod screens;
mod send;
mod terminal;
mod tidy;
mod watch;
mod world;
