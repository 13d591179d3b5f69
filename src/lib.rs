//! pipewright: a declarative reconciler for event pipelines on AWS.
//!
//! One YAML file describes a pipeline (SQS queue → Lambda function → DynamoDB table, SNS topics, CloudWatch alarms);
//! `plan` shows what differs from live AWS, `apply` makes it so. There is no state file: live AWS is the state.
//!
//! ```text
//!            YAML ── config ──▶ Pipeline ── resources ──▶ Graph (desired) ─┐
//!                                                                          ├─▶ Plan ──▶ Schedule ──▶ apply
//!            AWS ───────────────────────── resources ──▶ Snapshot (live) ──┘      (reconcile: pure, generic)
//! ```
//!
//! - [`config`]: YAML text → located tree → environment merged → all errors at once → a validated `Pipeline`.
//! - [`reconcile`]: the pure core. It knows documents, not AWS; `Cloud` is its one seam to the outside.
//! - [`resources`]: one file per kind of resource: properties, derivation from the config, reads and writes.
//! - [`aws`]: clients, identity, errors, rates and patience that all kinds share.
//! - [`local`]: the embedded local AWS: installed, started, recognised, stopped.
//! - [`package`]: the function's code: identity, build, deterministic zip, checks before upload.
//! - [`operate`]: running an applied pipeline: input, made-up transactions, the account of what became of each.
//! - [`number`]: numbers and times in words, for all of these.
//! - [`render`]: from data to text. It computes nothing.
//! - [`commands`]: one thin file per verb; [`cli`] holds clap's types.
//!
//! Knowledge flows one way: `main → commands → render, resources → aws → operate → reconcile, config`. A test keeps it so.

pub mod aws;
pub mod cli;
pub mod commands;
pub mod config;
pub mod local;
pub mod number;
pub mod operate;
pub mod package;
pub mod reconcile;
pub mod render;
pub mod resources;
