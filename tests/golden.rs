//! Golden files: what is expected lies beside its case. `UPDATE=1 cargo test` rewrites it, to be reviewed like code.

use std::fs;
use std::path::{Path, PathBuf};

/// The repository.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The cases in a folder under `tests`, each a folder of its own.
pub fn cases(folder: &str) -> Vec<PathBuf> {
    let folder = root().join("tests").join(folder);
    let mut cases: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    assert!(!cases.is_empty());
    cases
}

/// Compares a golden file, or rewrites it. `Err`: how the two differ.
pub fn compare(file: &Path, actual: &str) -> Result<(), String> {
    if std::env::var_os("UPDATE").is_some() {
        fs::write(file, actual).map_err(|error| error.to_string())?;
    }
    let expected = fs::read_to_string(file).unwrap_or_default();
    if expected == actual {
        return Ok(());
    }
    let diff = similar::TextDiff::from_lines(&expected, actual).unified_diff().header("expected", "actual").to_string();
    Err(format!("{}\n{diff}", file.display()))
}

/// Fails with all differences at once.
pub fn check(outcomes: impl Iterator<Item = Result<(), String>>) {
    let differences: Vec<_> = outcomes.filter_map(Result::err).collect();
    assert!(differences.is_empty(), "{}\n`UPDATE=1 cargo test` takes them over", differences.join("\n"));
}
