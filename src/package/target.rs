//! What a processor is built for.

use std::env::consts::{ARCH, OS};
use std::fmt;

use super::error::architecture_name;
use crate::config::pipeline::Architecture;

/// The machine that the processor will run on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// This machine: the local AWS runs the program as it is. Built in the dev profile, as `cargo run` builds.
    Host,
    /// Lambda's provided.al2023. Built in the release profile.
    Lambda(Architecture),
}

impl Target {
    /// Cargo's profile, by the name that a manifest calls it.
    pub(super) fn profile(self) -> &'static str {
        match self {
            Self::Host => "dev",
            Self::Lambda(_) => "release",
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host => write!(out, "this machine ({ARCH}, {OS})"),
            Self::Lambda(architecture) => write!(out, "Lambda on {}", architecture_name(*architecture)),
        }
    }
}

/// Rust's name of a Lambda architecture with musl: such a program needs nothing of the system it runs on.
pub(super) fn musl(architecture: Architecture) -> &'static str {
    match architecture {
        Architecture::X86_64 => "x86_64-unknown-linux-musl",
        Architecture::Arm64 => "aarch64-unknown-linux-musl",
    }
}

/// The same with glibc, of whatever version the building machine has.
pub(super) fn gnu(architecture: Architecture) -> &'static str {
    match architecture {
        Architecture::X86_64 => "x86_64-unknown-linux-gnu",
        Architecture::Arm64 => "aarch64-unknown-linux-gnu",
    }
}
