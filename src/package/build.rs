//! Building the processor: cargo is called, its progress handed on, and the program read from where cargo says it is.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde::Deserialize;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};

use super::binary::check;
use super::error::PackageError;
use super::manifest::Manifest;
use super::target::Target;
use super::toolchain::{Toolchain, cargo, cargo_program};

const BOOTSTRAP: &str = "bootstrap";
/// Of a compiler's complaints the first ones are the cause of the others.
const LINES_SHOWN: usize = 80;

/// Builds the package's program `bootstrap`; what comes back is the program itself. Cargo's progress goes to `on`.
pub async fn build(source: &Path, target: &Target, on: &dyn Fn(String)) -> Result<Vec<u8>, PackageError> {
    let package = Manifest::package(source)?;
    if !package.has_binary(BOOTSTRAP) {
        return Err(PackageError::NoBootstrap { path: source.to_owned() });
    }
    let command = command(&package, target).await?;
    let executable = run(command, target, on).await?;
    let executable = executable.ok_or_else(|| PackageError::NoBootstrap { path: source.to_owned() })?;
    let program = fs::read(&executable).map_err(PackageError::read(&executable))?;
    match target {
        // Whatever this machine is, it runs what it builds.
        Target::Host => {}
        Target::Lambda(architecture) => check(&program, *architecture)?,
    }
    Ok(program)
}

async fn command(package: &Manifest, target: &Target) -> Result<Command, PackageError> {
    let name = package.name().unwrap_or_default();
    let mut command = cargo(package.folder());
    command.args(["build", "--bin", BOOTSTRAP, "--message-format", "json-render-diagnostics"]);
    // Else cargo might write the lock file, and with it change the identity of what it builds.
    command.args(["--locked", "--package", name]);
    for feature in package.required_features(BOOTSTRAP) {
        command.args(["--features", &format!("{name}/{feature}")]);
    }
    match target {
        Target::Host => {
            // Cargo joins the features of what is built together. So with the workspace's main package beside it the
            // dependencies are those that `cargo run` has built already, and not a second set of them.
            let workspace = package.workspace()?;
            if let Some(main) = workspace.name().filter(|main| *main != name && !workspace.has_binary(BOOTSTRAP)) {
                command.args(["--package", main]);
            }
        }
        Target::Lambda(architecture) => {
            let triple = Toolchain::find(package.folder()).await?.target_for(*architecture)?;
            command.args(["--release", "--target", triple]);
        }
    }
    Ok(command)
}

/// Runs cargo; the answer is where it put the program.
async fn run(mut command: Command, target: &Target, on: &dyn Fn(String)) -> Result<Option<PathBuf>, PackageError> {
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true).spawn().map_err(
            |source| PackageError::NoCargo { program: cargo_program().to_string_lossy().into_owned(), source },
        )?;
    let (executable, said) = listen(&mut child, on).await;
    let failed = |output| PackageError::Build { target: *target, output };
    let status = child.wait().await.map_err(|error| failed(error.to_string()))?;
    if status.success() { Ok(executable) } else { Err(failed(complaints(&said))) }
}

/// Follows both of cargo's streams to their ends: messages on one, words for people on the other.
async fn listen(child: &mut Child, on: &dyn Fn(String)) -> (Option<PathBuf>, Vec<String>) {
    let mut executable = None;
    let mut said = Vec::new();
    let messages = each_line(child.stdout.take(), |line| executable = executable_in(&line).or(executable.take()));
    let words = each_line(child.stderr.take(), |line| match progress(&line) {
        Some(progress) => on(progress.to_owned()),
        None => said.push(line),
    });
    tokio::join!(messages, words);
    (executable, said)
}

async fn each_line(stream: Option<impl AsyncRead + Unpin>, mut then: impl FnMut(String)) {
    let Some(stream) = stream else { return };
    let mut lines = BufReader::new(stream).split(b'\n');
    while let Ok(Some(line)) = lines.next_segment().await {
        then(String::from_utf8_lossy(&line).trim_end().to_owned());
    }
}

/// The part of cargo's message about a finished artifact that matters here.
#[derive(Deserialize)]
struct Artifact {
    reason: String,
    target: ArtifactTarget,
    executable: Option<PathBuf>,
}

#[derive(Deserialize)]
struct ArtifactTarget {
    name: String,
}

fn executable_in(message: &str) -> Option<PathBuf> {
    let artifact: Artifact = serde_json::from_str(message).ok()?;
    (artifact.reason == "compiler-artifact" && artifact.target.name == BOOTSTRAP).then_some(artifact.executable)?
}

/// `   Compiling serde v1.0.229`: cargo's own lines have a verb that ends in the twelfth column.
fn progress(line: &str) -> Option<&str> {
    let (verb, rest) = line.split_at_checked(12)?;
    let verb = verb.trim_start();
    let is_verb = verb.starts_with(char::is_uppercase) && verb.chars().all(char::is_alphabetic);
    (is_verb && rest.starts_with(' ')).then_some(line.trim_start())
}

/// What cargo said from the first error on.
fn complaints(said: &[String]) -> String {
    let first = said.iter().position(|line| line.starts_with("error")).unwrap_or(0);
    let lines = &said[first..];
    let mut text = lines[..lines.len().min(LINES_SHOWN)].join("\n");
    if lines.len() > LINES_SHOWN {
        text.push_str(&format!("\n… and {} lines more", lines.len() - LINES_SHOWN));
    }
    let mut text = text.trim_end().to_owned();
    if said.iter().any(|line| line.contains("musl-gcc")) {
        text.push_str("\nhint: C code for musl needs its own compiler (Debian, Ubuntu: `apt install musl-tools`)");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargos_own_lines_are_progress_and_the_compilers_are_not() {
        assert_eq!(progress("   Compiling serde v1.0.229"), Some("Compiling serde v1.0.229"));
        assert_eq!(progress("    Blocking waiting for file lock"), Some("Blocking waiting for file lock"));
        assert_eq!(progress(" Downloading crates ..."), Some("Downloading crates ..."));
        for line in ["error: expected `;`", "  --> src/main.rs:1:1", "   |", "warning: unused", "", "12345678901é x"] {
            assert_eq!(progress(line), None, "{line:?}");
        }
    }

    #[test]
    fn the_program_is_where_cargo_says() {
        let message = |reason: &str, name: &str, executable: &str| {
            format!(r#"{{"reason":"{reason}","target":{{"name":"{name}","kind":["bin"]}},"executable":{executable}}}"#)
        };
        assert_eq!(
            executable_in(&message("compiler-artifact", "bootstrap", r#""/x/bootstrap""#)),
            Some("/x/bootstrap".into())
        );
        assert_eq!(executable_in(&message("compiler-artifact", "bootstrap", "null")), None);
        assert_eq!(executable_in(&message("compiler-artifact", "other", r#""/x/other""#)), None);
        assert_eq!(executable_in(&message("compiler-message", "bootstrap", r#""/x/bootstrap""#)), None);
        assert_eq!(executable_in(r#"{"reason":"build-finished","success":true}"#), None);
        assert_eq!(executable_in("a build script printed this"), None);
    }

    #[test]
    fn warnings_before_the_first_error_are_left_out() {
        let said = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>();
        assert_eq!(
            complaints(&said(&["warning: unused", "", "error[E0308]: no", " --> x", ""])),
            "error[E0308]: no\n --> x"
        );
        assert_eq!(complaints(&said(&["something else"])), "something else");
        assert_eq!(complaints(&[]), "");
        let musl = complaints(&said(&[
            "error: failed to run custom build command for `ring`",
            "  failed to find tool \"musl-gcc\"",
        ]));
        assert!(musl.contains("hint: C code for musl"), "{musl}");
        let many: Vec<String> = (0..LINES_SHOWN + 5).map(|number| format!("error {number}")).collect();
        assert!(complaints(&many).ends_with("error 79\n… and 5 lines more"));
    }
}
