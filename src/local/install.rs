//! The installation of the local AWS in the user's cache: MiniStack in a virtual environment, pinned by hash.
//!
//! It is made in a folder beside its place and renamed when it is whole, so what stands at its place is whole. One at a
//! time, by a file lock that pip itself holds too: a pip whose parent was killed still keeps the next one waiting.
//! The place's name is a digest of the pins and the Python, so another version never meets these files.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use sha2::{Digest, Sha256};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::Command;

use super::error::LocalError;
use super::progress::Progress;
use super::python::Python;
use super::turn;

/// The local AWS itself.
const MINISTACK: Pins = Pins { name: "ministack", requirements: include_str!("requirements.txt") };
const UNFINISHED: &str = ".unfinished-";
const LINES_SHOWN: usize = 12;

/// What is installed: a name for its folder, and pip's requirements, each pinned by hash.
#[derive(Debug, Clone, Copy)]
pub struct Pins {
    pub name: &'static str,
    pub requirements: &'static str,
}

/// Where to install, and with which Python.
#[derive(Debug, Clone)]
pub struct Installer {
    /// Program name or path.
    pub python: OsString,
    /// The user's cache folder for pipewright.
    pub cache: PathBuf,
}

impl Installer {
    /// `PIPEWRIGHT_PYTHON`, else `python3`; `PIPEWRIGHT_CACHE_DIR`, else the user's cache folder.
    pub fn from_environment() -> Result<Self, LocalError> {
        let set = |name| env::var_os(name).filter(|value| !value.is_empty());
        // The XDG rules: a relative path is as good as none.
        let xdg = set("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
        let cache = set("PIPEWRIGHT_CACHE_DIR")
            .map(PathBuf::from)
            .or_else(|| xdg.map(|cache| cache.join("pipewright")))
            .or_else(|| set("HOME").map(|home| PathBuf::from(home).join(".cache/pipewright")))
            .ok_or(LocalError::NoCache)?;
        Ok(Self { python: set("PIPEWRIGHT_PYTHON").unwrap_or_else(|| "python3".into()), cache })
    }

    /// The pins' digest: what a running server was started from.
    pub fn pins() -> String {
        digest(&[MINISTACK.requirements])
    }

    /// Installs the local AWS if need be; the answer is the installation's folder.
    pub async fn install(&self, on: &dyn Fn(Progress)) -> Result<PathBuf, LocalError> {
        self.install_pins(&MINISTACK, on).await
    }

    /// The same with other packages: tests have a second local AWS.
    pub async fn install_pins(&self, pins: &Pins, on: &dyn Fn(Progress)) -> Result<PathBuf, LocalError> {
        let python = Python::find(&self.python).await?;
        let place = self.cache.join(format!("{}-{}", pins.name, digest(&[pins.requirements, &python.kind])));
        if is_whole(&place) {
            return Ok(place);
        }
        fs::create_dir_all(&self.cache).map_err(LocalError::folder(&self.cache))?;
        let lock = self.cache.join("install.lock");
        let turn = turn::take(&lock, || on(Progress::Waiting)).await.map_err(LocalError::folder(&lock))?;
        if !is_whole(&place) {
            self.sweep();
            self.make(pins, &python, &place, &turn, on).await?;
        }
        Ok(place)
    }

    /// Removes what killed installations left. Best effort: leftovers are in nobody's way.
    fn sweep(&self) {
        let Ok(entries) = fs::read_dir(&self.cache) else { return };
        for entry in entries.flatten() {
            if entry.file_name().as_encoded_bytes().starts_with(UNFINISHED.as_bytes()) {
                let _ = fs::remove_dir_all(entry.path());
            }
        }
    }

    async fn make(
        &self,
        pins: &Pins,
        python: &Python,
        place: &Path,
        turn: &File,
        on: &dyn Fn(Progress),
    ) -> Result<(), LocalError> {
        let failed = LocalError::folder(&self.cache);
        let folder = match tempfile::Builder::new().prefix(UNFINISHED).tempdir_in(&self.cache) {
            Ok(folder) => folder,
            Err(error) => return Err(failed(error)),
        };
        make_environment(python, folder.path(), turn, on).await?;
        install_packages(pins, folder.path(), turn, on).await?;
        // What stands there is not whole: its Python is gone.
        if place.exists() {
            fs::remove_dir_all(place).map_err(LocalError::folder(place))?;
        }
        fs::rename(folder.path(), place).map_err(LocalError::folder(place))
    }
}

/// The installation's own Python.
pub fn interpreter(installation: &Path) -> PathBuf {
    installation.join("bin/python")
}

/// Whole by construction, unless the Python it was made from has been removed since: then its link leads nowhere.
fn is_whole(place: &Path) -> bool {
    interpreter(place).exists()
}

fn digest(parts: &[&str]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part.as_bytes());
        hasher.update([0]);
    }
    hasher.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

async fn make_environment(
    python: &Python,
    folder: &Path,
    turn: &File,
    on: &dyn Fn(Progress),
) -> Result<(), LocalError> {
    on(Progress::Installing { what: format!("a virtual environment for Python {}", python.kind) });
    let mut command = Command::new(&python.program);
    command.args(["-m", "venv"]).arg(folder);
    run(command, turn, |_| {}).await.map_err(|output| LocalError::Environment { output })
}

async fn install_packages(pins: &Pins, folder: &Path, turn: &File, on: &dyn Fn(Progress)) -> Result<(), LocalError> {
    let requirements = folder.join("requirements.txt");
    fs::write(&requirements, pins.requirements).map_err(LocalError::folder(&requirements))?;
    let mut command = Command::new(interpreter(folder));
    command
        .args(["-m", "pip", "install", "--no-input", "--disable-pip-version-check", "--progress-bar", "off"])
        .args(["--require-hashes", "--requirement"])
        .arg(&requirements)
        // The user's settings say where packages come from; where they go is ours to say.
        .env("PIP_USER", "0")
        .env_remove("PIP_TARGET")
        .env_remove("PIP_PREFIX");
    let tell = |line: &str| {
        if let Some(what) = package(line) {
            on(Progress::Installing { what });
        }
    };
    run(command, turn, tell).await.map_err(|output| LocalError::Install { output })
}

/// `Collecting botocore==1.43.106 (from …)`: the package that pip turns to.
fn package(line: &str) -> Option<String> {
    match line.strip_prefix("Collecting ") {
        Some(rest) => rest.split_whitespace().next().map(|name| name.replace("==", " ")),
        None => line.starts_with("Installing collected packages").then(|| "unpacking".to_owned()),
    }
}

/// Runs to the end, each line told as it comes; the error is the last lines.
async fn run(mut command: Command, turn: &File, tell: impl Fn(&str)) -> Result<(), String> {
    let turn = turn.try_clone().map_err(|error| error.to_string())?;
    let mut child = command
        .env_remove("PYTHONHOME")
        .env_remove("PYTHONPATH")
        .env("PYTHONUNBUFFERED", "1")
        .stdin(turn)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| format!("`{}`: {error}", OsStr::to_string_lossy(command.as_std().get_program())))?;
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let (out, err) = tokio::join!(read(out, &tell), read(err, &tell));
    let status = child.wait().await.map_err(|error| error.to_string())?;
    if status.success() {
        return Ok(());
    }
    // Errors go to stderr; where there are none, the end of what was said will have to do.
    let lines = if err.iter().any(|line| !line.trim().is_empty()) { err } else { out };
    Err(last(&lines, LINES_SHOWN))
}

async fn read(stream: Option<impl AsyncRead + Unpin>, tell: &impl Fn(&str)) -> Vec<String> {
    let mut all = Vec::new();
    let Some(stream) = stream else { return all };
    let mut lines = BufReader::new(stream).split(b'\n');
    while let Ok(Some(line)) = lines.next_segment().await {
        let line = String::from_utf8_lossy(&line).trim_end().to_owned();
        tell(&line);
        all.push(line);
    }
    all
}

/// The last lines, as one text.
pub fn last(lines: &[String], count: usize) -> String {
    lines[lines.len().saturating_sub(count)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_depends_on_pins_and_python() {
        assert_eq!(Installer::pins(), Installer::pins());
        assert_ne!(digest(&["pins", "3.11"]), digest(&["pins", "3.12"]));
        assert_ne!(digest(&["ab", "c"]), digest(&["a", "bc"]));
    }

    #[test]
    fn every_requirement_is_pinned_by_hash() {
        let pins: Vec<&str> = MINISTACK.requirements.lines().filter(|line| line.contains("==")).collect();
        assert!(pins.iter().any(|line| line.starts_with("ministack==1.5.33")));
        assert!(pins.iter().any(|line| line.starts_with("cbor2==6.3.0")));
        let mut lines = MINISTACK.requirements.lines().filter(|line| !line.starts_with('#')).peekable();
        while let Some(line) = lines.next() {
            let hashed = lines.peek().is_some_and(|next| next.trim_start().starts_with("--hash=sha256:"));
            assert!(line.trim_start().starts_with("--hash=") || hashed, "no hash: {line}");
        }
    }

    #[test]
    fn pips_lines_become_progress() {
        assert_eq!(package("Collecting cbor2==6.3.0 (from -r x)"), Some("cbor2 6.3.0".to_owned()));
        assert_eq!(package("Installing collected packages: six, cbor2"), Some("unpacking".to_owned()));
        assert_eq!(package("  Downloading cbor2-6.3.0.whl (80 kB)"), None);
    }

    #[test]
    fn the_end_of_a_long_text_is_kept() {
        let lines: Vec<String> = (0..5).map(|number| number.to_string()).collect();
        assert_eq!(last(&lines, 2), "3\n4");
        assert_eq!(last(&lines, 9), "0\n1\n2\n3\n4");
        assert_eq!(last(&[], 2), "");
    }
}
