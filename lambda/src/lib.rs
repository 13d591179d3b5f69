//! The processor of a pipewright pipeline: a Lambda function that takes transactions from a queue, stores each once,
//! announces the large ones and quarantines the invalid ones.
//!
//! Everything here is pure except `runtime` (feature `runtime`), which binds the four [`ports`] to AWS; the binary
//! `bootstrap` runs it. Read in this order:
//!
//! - [`contract`]: what the reconciler tells the processor; [`currency`]: the currencies there are.
//! - [`json`], [`decimal`], [`timestamp`]: reading, without a float and without guessing.
//! - [`transaction`]: from a body to a transaction, or to every [`reason`] it is none; [`decision`]: the limits, and
//!   which order is large.
//! - [`digest`], [`row`]: what is stored, and how a repeat is told from a conflict.
//! - [`process`]: a batch from receipt to answer, through the [`ports`], within its [`budget`]; [`memory`] and [`example`] are the
//!   ports and the input of tests.
//! - [`event`], [`announcement`], [`quarantine`], [`chunk`], [`log`], [`emf`]: what goes in and out, as AWS wants it.

pub mod announcement;
pub mod base64;
pub mod budget;
pub mod chunk;
pub mod contract;
pub mod currency;
pub mod decimal;
pub mod decision;
pub mod digest;
pub mod emf;
pub mod event;
pub mod example;
pub mod json;
pub mod log;
pub mod memory;
pub mod ports;
pub mod process;
pub mod quarantine;
pub mod reason;
pub mod row;
#[cfg(feature = "runtime")]
pub mod runtime;
pub mod timestamp;
pub mod transaction;
