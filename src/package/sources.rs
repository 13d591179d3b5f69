//! The files of a package that can get into its program.
//!
//! All of them, for any file can be taken in by `include_bytes!`, without what is surely not meant: what git keeps,
//! hidden files and editors' copies, cargo's own outputs, tests and benchmarks, and packages inside the package.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, DirEntry};
use std::path::{Path, PathBuf};

use super::error::PackageError;

/// Folders at the package's top that no program is made from.
const NOT_SOURCES: [&str; 4] = ["target", "tests", "benches", "examples"];
/// Read in other ways: only what matters of them.
const READ_APART: [&str; 2] = ["Cargo.toml", "Cargo.lock"];
/// Deeper than people nest, and an end to links that lead in a circle.
const DEEPEST: usize = 32;

/// Paths below the package's folder, with `/` on every system, and where the files are.
pub type Files = BTreeMap<String, PathBuf>;

/// Lists the files of the package in this folder.
pub fn files(package: &Path) -> Result<Files, PackageError> {
    let mut files = Files::new();
    for entry in entries(package)? {
        let name = entry.file_name();
        let apart = NOT_SOURCES.iter().chain(&READ_APART).any(|other| name == *other);
        if !apart {
            collect(&entry, "", 0, &mut files)?;
        }
    }
    Ok(files)
}

fn collect(entry: &DirEntry, above: &str, depth: usize, files: &mut Files) -> Result<(), PackageError> {
    let name = entry.file_name();
    if is_hidden_or_copy(&name) || depth > DEEPEST {
        return Ok(());
    }
    let path = entry.path();
    let below = format!("{above}{}", name.to_string_lossy());
    // Follows links: what counts is what cargo would read.
    let metadata = fs::metadata(&path).map_err(PackageError::read(&path))?;
    if metadata.is_file() {
        files.insert(below, path);
    } else if metadata.is_dir() && !path.join("Cargo.toml").exists() {
        for entry in entries(&path)? {
            collect(&entry, &format!("{below}/"), depth + 1, files)?;
        }
    }
    Ok(())
}

fn entries(folder: &Path) -> Result<Vec<DirEntry>, PackageError> {
    fs::read_dir(folder).and_then(Iterator::collect).map_err(PackageError::read(folder))
}

fn is_hidden_or_copy(name: &OsStr) -> bool {
    let name = name.as_encoded_bytes();
    name.starts_with(b".") || name.starts_with(b"#") || name.ends_with(b"~")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_what_cargo_could_read_and_nothing_else() {
        let package = tempfile::tempdir().unwrap();
        for path in [
            "Cargo.toml",
            "Cargo.lock",
            "build.rs",
            "rates.csv",
            "src/lib.rs",
            "src/tests/data.json",
            "src/.lib.rs.swp",
            "src/lib.rs~",
            ".git/HEAD",
            "target/debug/it",
            "tests/it.rs",
            "benches/it.rs",
            "examples/it.rs",
            "inner/Cargo.toml",
            "inner/src/lib.rs",
        ] {
            let path = package.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let names: Vec<_> = files(package.path()).unwrap().into_keys().collect();
        assert_eq!(names, ["build.rs", "rates.csv", "src/lib.rs", "src/tests/data.json"]);
    }

    #[test]
    fn links_are_followed_but_not_in_circles() {
        let package = tempfile::tempdir().unwrap();
        fs::create_dir(package.path().join("src")).unwrap();
        fs::write(package.path().join("src/lib.rs"), "").unwrap();
        std::os::unix::fs::symlink("lib.rs", package.path().join("src/other.rs")).unwrap();
        std::os::unix::fs::symlink("..", package.path().join("src/circle")).unwrap();
        let names: Vec<_> = files(package.path()).unwrap().into_keys().collect();
        assert!(names.contains(&"src/other.rs".to_owned()));
    }

    #[test]
    fn a_link_that_leads_nowhere_is_named() {
        let package = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("nowhere", package.path().join("lost.rs")).unwrap();
        let error = files(package.path()).unwrap_err();
        assert!(error.to_string().contains("lost.rs"), "{error}");
    }
}
