//! The part of `Cargo.lock` that a package reaches: the versions of what its program is made of.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use cargo_lock::{Lockfile, Package};

use super::error::PackageError;
use super::manifest::Dependency;

/// A lock file, parsed.
pub struct Lock {
    path: PathBuf,
    packages: Vec<Package>,
}

impl Lock {
    /// Reads `Cargo.lock` in the workspace's folder.
    pub fn read(workspace: &Path) -> Result<Self, PackageError> {
        let path = workspace.join("Cargo.lock");
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(PackageError::NoLock { path }),
            Err(error) => return Err(PackageError::Read { path, source: error }),
        };
        match text.parse::<Lockfile>() {
            Ok(lock) => Ok(Self { path, packages: lock.packages }),
            Err(error) => Err(PackageError::Lock { path, cause: error.to_string() }),
        }
    }

    /// One line for each package from a registry or repository that these dependencies of a local package lead to.
    /// The local packages among them are left out, and what they lead to: they are asked themselves, because only
    /// their manifests tell which of their dependencies are for tests alone.
    pub fn reached(
        &self,
        package: &str,
        dependencies: &BTreeSet<Dependency>,
    ) -> Result<BTreeSet<String>, PackageError> {
        let own = self.packages.iter().find(|locked| locked.source.is_none() && locked.name.as_str() == package);
        let own = own.ok_or_else(|| PackageError::Lock {
            path: self.path.clone(),
            cause: format!("package `{package}` is not in it"),
        })?;
        let wanted = |name: &str| dependencies.iter().any(|dependency| dependency.package == name);
        let first = own.dependencies.iter().filter(|dependency| wanted(dependency.name.as_str()));
        let mut open: Vec<_> = first.collect();
        let mut seen = BTreeSet::new();
        while let Some(dependency) = open.pop() {
            let found = self.packages.iter().filter(|locked| dependency.matches(locked) && locked.source.is_some());
            for locked in found {
                if seen.insert(line(locked)) {
                    open.extend(&locked.dependencies);
                }
            }
        }
        Ok(seen)
    }
}

fn line(package: &Package) -> String {
    let source = package.source.as_ref().map(ToString::to_string).unwrap_or_default();
    let checksum = package.checksum.as_ref().map(ToString::to_string).unwrap_or_default();
    format!("{} {} {source} {checksum}", package.name, package.version)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCK: &str = r#"
version = 4

[[package]]
name = "it"
version = "0.1.0"
dependencies = ["direct", "near", "test-only"]

[[package]]
name = "near"
version = "0.1.0"
dependencies = ["of-near"]

[[package]]
name = "of-near"
version = "1.0.0"
source = "registry+https://github.com/rust-lang/crates.io-index"

[[package]]
name = "direct"
version = "1.0.0"
source = "registry+https://github.com/rust-lang/crates.io-index"
checksum = "0000000000000000000000000000000000000000000000000000000000000000"
dependencies = ["twice 2.0.0"]

[[package]]
name = "test-only"
version = "1.0.0"
source = "registry+https://github.com/rust-lang/crates.io-index"
dependencies = ["twice 1.0.0"]

[[package]]
name = "twice"
version = "1.0.0"
source = "registry+https://github.com/rust-lang/crates.io-index"

[[package]]
name = "twice"
version = "2.0.0"
source = "registry+https://github.com/rust-lang/crates.io-index"
dependencies = ["direct"]
"#;

    fn lock(text: &str) -> Result<Lock, PackageError> {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("Cargo.lock"), text).unwrap();
        Lock::read(folder.path())
    }

    fn dependencies(names: &[&str]) -> BTreeSet<Dependency> {
        names.iter().map(|name| Dependency { package: (*name).to_owned(), folder: None }).collect()
    }

    fn names(reached: BTreeSet<String>) -> Vec<String> {
        reached.iter().map(|line| line.split(' ').take(2).collect::<Vec<_>>().join(" ")).collect()
    }

    #[test]
    fn follows_what_is_wanted_in_the_versions_that_are_locked() {
        let lock = lock(LOCK).unwrap();
        let reached = lock.reached("it", &dependencies(&["direct", "near"])).unwrap();
        assert_eq!(names(reached), ["direct 1.0.0", "twice 2.0.0"], "not what tests use, nor of a local package");
        assert_eq!(names(lock.reached("near", &dependencies(&["of-near"])).unwrap()), ["of-near 1.0.0"]);
    }

    #[test]
    fn a_checksum_is_part_of_it() {
        let other = LOCK.replace("checksum = \"00", "checksum = \"11");
        let wanted = dependencies(&["direct"]);
        assert_ne!(
            lock(LOCK).unwrap().reached("it", &wanted).unwrap(),
            lock(&other).unwrap().reached("it", &wanted).unwrap()
        );
    }

    #[test]
    fn a_lock_that_is_missing_damaged_or_anothers_says_how_to_mend_it() {
        let folder = tempfile::tempdir().unwrap();
        let errors = [
            Lock::read(folder.path()).err().unwrap(),
            lock("version = 4\n[[package]]\nname = 3").err().unwrap(),
            lock(LOCK).unwrap().reached("other", &BTreeSet::new()).unwrap_err(),
        ];
        for error in errors {
            let text = error.to_string();
            assert!(text.contains("Cargo.lock") && text.contains("hint: `cargo generate-lockfile`"), "{text}");
        }
    }
}
