//! The Rust tools of this machine: what they build for, and how cargo is called so that it behaves as if called by hand.

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;

use super::error::PackageError;
use super::target::{gnu, musl};
use crate::config::pipeline::Architecture;

/// What `cargo run` tells the program that it runs. Build scripts watch some of these: handed on to the cargo that we
/// call, they would have it build again what is built already, and once more at the next `cargo run`.
const FROM_CARGO_RUN: [&str; 7] = [
    "CARGO_PKG_",
    "CARGO_MANIFEST_",
    "CARGO_BIN_",
    "CARGO_CRATE_NAME",
    "CARGO_PRIMARY_PACKAGE",
    "OUT_DIR",
    "CARGO_TARGET_TMPDIR",
];

/// A compiler, asked what it builds for.
#[derive(Debug, Clone)]
pub struct Toolchain {
    host: String,
    libraries: PathBuf,
}

impl Toolchain {
    /// The compiler that cargo would use in this folder.
    pub async fn find(folder: &Path) -> Result<Self, PackageError> {
        let version = ask(folder, &["--version", "--verbose"]).await?;
        let host = version.lines().find_map(|line| line.strip_prefix("host: "));
        let host = host.map(str::trim).ok_or_else(|| unclear(&version))?.to_owned();
        let sysroot = ask(folder, &["--print", "sysroot"]).await?;
        Ok(Self { host, libraries: Path::new(sysroot.trim()).join("lib/rustlib") })
    }

    /// The target to build for, so that the program runs on Lambda: musl where it is installed, since such a program
    /// needs nothing of the system; else the own glibc, if the architecture is the own one.
    pub fn target_for(&self, architecture: Architecture) -> Result<&'static str, PackageError> {
        let (musl, gnu) = (musl(architecture), gnu(architecture));
        if self.libraries.join(musl).join("lib").is_dir() {
            Ok(musl)
        } else if self.host == gnu {
            Ok(gnu)
        } else {
            Err(PackageError::NoTarget { host: self.host.clone(), architecture, wanted: musl })
        }
    }
}

/// The cargo that runs us, else the one on the search path; in this folder, whose settings are to count.
pub fn cargo(folder: &Path) -> Command {
    let mut command = Command::new(cargo_program());
    command.current_dir(folder);
    clean(&mut command);
    command
}

pub fn cargo_program() -> OsString {
    program("CARGO", "cargo")
}

async fn ask(folder: &Path, arguments: &[&str]) -> Result<String, PackageError> {
    let program = program("RUSTC", "rustc");
    let mut command = Command::new(&program);
    command.args(arguments).current_dir(folder).stdin(Stdio::null()).kill_on_drop(true);
    let name = program.to_string_lossy().into_owned();
    let output = command.output().await.map_err(|source| PackageError::NoCargo { program: name, source })?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() { Ok(said) } else { Err(unclear(&String::from_utf8_lossy(&output.stderr))) }
}

fn unclear(output: &str) -> PackageError {
    let program = program("RUSTC", "rustc").to_string_lossy().into_owned();
    PackageError::Toolchain { program, output: output.trim_end().to_owned() }
}

fn program(variable: &str, otherwise: &str) -> OsString {
    env::var_os(variable).filter(|value| !value.is_empty()).unwrap_or_else(|| otherwise.into())
}

fn clean(command: &mut Command) {
    for (name, _) in env::vars_os() {
        if is_from_cargo_run(&name) {
            command.env_remove(name);
        }
    }
    // A relative path means: from where we stand, not from the package's folder.
    if let Some(folder) = env::var_os("CARGO_TARGET_DIR").filter(|folder| !folder.is_empty())
        && let Ok(folder) = std::path::absolute(folder)
    {
        command.env("CARGO_TARGET_DIR", folder);
    }
    command.env("CARGO_TERM_COLOR", "never").env("CARGO_TERM_PROGRESS_WHEN", "never").env_remove("CARGO_TERM_QUIET");
}

fn is_from_cargo_run(name: &OsStr) -> bool {
    FROM_CARGO_RUN.iter().any(|prefix| name.as_encoded_bytes().starts_with(prefix.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn toolchain(host: &str, installed: &[&str]) -> (tempfile::TempDir, Toolchain) {
        let folder = tempfile::tempdir().unwrap();
        for target in installed {
            std::fs::create_dir_all(folder.path().join(target).join("lib")).unwrap();
        }
        let toolchain = Toolchain { host: host.to_owned(), libraries: folder.path().to_owned() };
        (folder, toolchain)
    }

    #[test]
    fn musl_is_preferred_where_it_is_installed() {
        let (_folder, toolchain) = toolchain("x86_64-unknown-linux-gnu", &["x86_64-unknown-linux-musl"]);
        assert_eq!(toolchain.target_for(Architecture::X86_64).unwrap(), "x86_64-unknown-linux-musl");
    }

    #[test]
    fn the_own_glibc_serves_the_own_architecture_only() {
        let (_folder, toolchain) = toolchain("x86_64-unknown-linux-gnu", &["x86_64-unknown-linux-gnu"]);
        assert_eq!(toolchain.target_for(Architecture::X86_64).unwrap(), "x86_64-unknown-linux-gnu");
        let error = toolchain.target_for(Architecture::Arm64).unwrap_err().to_string();
        assert!(error.contains("hint: `rustup target add aarch64-unknown-linux-musl`"), "{error}");
    }

    #[test]
    fn a_mac_builds_for_lambda_with_musl() {
        let (_folder, without) = toolchain("aarch64-apple-darwin", &[]);
        assert!(matches!(without.target_for(Architecture::Arm64), Err(PackageError::NoTarget { .. })));
        let (_folder, with) = toolchain("aarch64-apple-darwin", &["aarch64-unknown-linux-musl"]);
        assert_eq!(with.target_for(Architecture::Arm64).unwrap(), "aarch64-unknown-linux-musl");
    }

    #[test]
    fn what_cargo_run_sets_is_told_from_what_the_user_sets() {
        for name in ["CARGO_PKG_NAME", "CARGO_MANIFEST_DIR", "CARGO_BIN_EXE_it", "OUT_DIR"] {
            assert!(is_from_cargo_run(OsStr::new(name)), "{name}");
        }
        for name in ["CARGO", "CARGO_HOME", "CARGO_TARGET_DIR", "CARGO_PROFILE_DEV_DEBUG", "CARGO_NET_OFFLINE", "PATH"]
        {
            assert!(!is_from_cargo_run(OsStr::new(name)), "{name}");
        }
    }
}
