//! Running an applied pipeline: pure logic; AWS is asked in `aws`.
//!
//! - [`input`], [`lines`], [`rows`]: transactions from JSON Lines and CSV, one at a time, with what is malformed.
//! - [`mix`], [`generate`], [`recipe`]: made-up transactions that a seed makes again.
//! - [`story`]: what became of one transaction, from its traces.
//! - [`writes`]: how fast and how long to write for a write-capacity alarm to go off.
//! - [`letter`], [`pace`]: a message on its way, and how fast messages go.
//! - [`parked`]: messages that nobody processes any more, and why; [`redrive`]: which of them go back.
//! - [`drawing`]: the pipeline as parts and what flows between them.
//! - [`health`], [`series`]: whether a pipeline is healthy, and how it was.
//! - [`log_line`]: a line of the function's log.
//! - [`account`], [`news`], [`latency`]: what became of every message, by the processor's word and by what can be seen.

pub mod account;
pub mod drawing;
pub mod generate;
pub mod health;
pub mod input;
pub mod latency;
pub mod letter;
pub mod lines;
pub mod log_line;
pub mod mix;
pub mod news;
pub mod pace;
pub mod parked;
pub mod recipe;
pub mod redrive;
pub mod rows;
pub mod series;
mod share;
pub mod story;
pub mod writes;

pub use generate::Generator;
pub use input::{Entry, Form, Input};
pub use letter::Letter;
pub use mix::Mix;
pub use parked::{Groups, Parked};
pub use share::Share;
