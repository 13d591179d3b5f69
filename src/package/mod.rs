//! From the processor's sources to what Lambda gets: its identity, its build, its zip, and the checks before upload.
//!
//! `plan` needs the [`identity`] alone, and that without cargo; `apply` builds, and writes a zip whose bytes depend on
//! the program's bytes only. What could not start on Lambda is refused here and not found out there.

mod archive;
mod artifact;
mod binary;
mod build;
mod error;
mod identity;
mod lockfile;
mod manifest;
mod sources;
mod target;
mod toolchain;

pub use archive::{code_sha256, prebuilt, zip};
pub use artifact::{Artifact, Source};
pub use binary::check;
pub use build::build;
pub use error::PackageError;
pub use identity::identity;
pub use target::Target;
