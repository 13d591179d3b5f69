//! What can go wrong between the processor's sources and the zip that Lambda gets, each with its remedy.

use std::io;
use std::path::PathBuf;

use super::target::Target;
use crate::config::pipeline::Architecture;

/// Why there is no deployment package, or no name for it.
#[derive(Debug, thiserror::Error)]
pub enum PackageError {
    #[error("`{}` cannot be read: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },

    #[error(
        "`{}` is not a cargo package: it has no `Cargo.toml` with a `[package]`\n\
         hint: `function.source` names the processor's folder; for a binary built elsewhere set `function.zip`", path.display()
    )]
    NoPackage { path: PathBuf },

    #[error("`{}` is not a manifest that cargo would take: {cause}", path.display())]
    Manifest { path: PathBuf, cause: String },

    #[error(
        "there is no `{}`; without it two builds of the same sources may differ\n\
         hint: `cargo generate-lockfile` writes it; keep it under version control", path.display()
    )]
    NoLock { path: PathBuf },

    #[error("`{}` cannot be used: {cause}\nhint: `cargo generate-lockfile` writes it anew", path.display())]
    Lock { path: PathBuf, cause: String },

    #[error(
        "`{program}`, which builds the processor, does not run: {source}\n\
         hint: install Rust from https://rustup.rs, or set `function.zip` to a binary built elsewhere"
    )]
    NoCargo { program: String, source: io::Error },

    #[error("`{program}` does not say what it builds for:\n{output}")]
    Toolchain { program: String, output: String },

    #[error(
        "this machine ({host}) cannot build for Lambda on {}\n\
         hint: `rustup target add {wanted}`, or set `function.architecture` or `function.zip`", architecture_name(*architecture)
    )]
    NoTarget { host: String, architecture: Architecture, wanted: &'static str },

    #[error("the processor does not build for {target}; cargo says:\n{output}")]
    Build { target: Target, output: String },

    #[error("the build of the processor was interrupted")]
    Interrupted,

    #[error("`{}` has no binary `bootstrap`\nhint: Lambda starts a program of this name: `[[bin]] name = \"bootstrap\"`", path.display())]
    NoBootstrap { path: PathBuf },

    #[error(
        "`bootstrap` is not a program for Linux: {cause}\nhint: Lambda runs 64-bit ELF programs; build it for {wanted}"
    )]
    NotElf { cause: String, wanted: &'static str },

    #[error(
        "`bootstrap` is built for {found}, the function runs on {}\n\
         hint: set `function.architecture`, or build it for {wanted}", architecture_name(*architecture)
    )]
    WrongArchitecture { found: String, architecture: Architecture, wanted: &'static str },

    #[error(
        "`bootstrap` needs `{needed}`; Lambda's provided.al2023 has glibc 2.34, and the program would not start\n\
         hint: `rustup target add {wanted}` and build for it (it needs no glibc), or build on a system with glibc ≤ 2.34"
    )]
    NewGlibc { needed: String, wanted: &'static str },

    #[error(
        "`bootstrap` needs the loader `{loader}`, which Lambda's provided.al2023 does not have\nhint: link it statically: build for {wanted}"
    )]
    Loader { loader: String, wanted: &'static str },

    #[error("`{}` is not a zip file that can be read: {cause}", path.display())]
    Zip { path: PathBuf, cause: String },

    #[error("the zip could not be written: {cause}")]
    Write { cause: String },

    #[error("`{}` has no file `bootstrap` at its top\nhint: Lambda starts a program of this name; zip it without a folder: `zip -j`", path.display())]
    NoEntry { path: PathBuf },

    #[error("`bootstrap` in `{}` is not marked executable (its mode is {mode:04o})\nhint: `chmod 755 bootstrap` before zipping it", path.display())]
    NotExecutable { path: PathBuf, mode: u32 },

    #[error("`{}` has {size} bytes; Lambda takes zips of at most {limit} bytes\nhint: strip the program: `strip = true` in `[profile.release]`", path.display())]
    TooLarge { path: PathBuf, size: u64, limit: u64 },
}

impl PackageError {
    pub(super) fn read(path: &std::path::Path) -> impl FnOnce(io::Error) -> Self + '_ {
        move |source| Self::Read { path: path.to_owned(), source }
    }
}

/// As the YAML spells it.
pub(super) fn architecture_name(architecture: Architecture) -> &'static str {
    match architecture {
        Architecture::X86_64 => "x86_64",
        Architecture::Arm64 => "arm64",
    }
}
