//! The identity of a processor: a name for what would be built, found without building it.
//!
//! A digest of the package's files and of what matters in its manifest, the same of the local packages that it uses,
//! the packages that `Cargo.lock` gives it, the profile, the settings that the project has for cargo and the compiler,
//! and the target. Two machines with the same checkout agree on it, whatever compilers they have. File times and the
//! folder's place do not enter. Not seen: files from outside the package (`include_str!("../../x")`), and the sources of
//! what `[patch]` takes from a folder.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use toml::Value;

use super::error::PackageError;
use super::lockfile::Lock;
use super::manifest::Manifest;
use super::sources;
use super::target::Target;

/// Changes when the way of computing it does: then every processor counts as changed, once.
const SCHEME: &str = "pipewright code identity 1";
/// Files of a project that change what cargo makes of the same sources.
const SETTINGS: [&str; 4] = [".cargo/config.toml", ".cargo/config", "rust-toolchain.toml", "rust-toolchain"];

/// The identity of the package in this folder, built for this target: 64 hexadecimal digits.
pub fn identity(source: &Path, target: &Target) -> Result<String, PackageError> {
    let package = Manifest::package(source)?;
    let workspace = package.workspace()?;
    let mut digest = Labelled::new();
    digest.add("scheme", SCHEME);
    digest.add("target", &target.to_string());
    digest.add("settings", &canonical(&Value::Table(workspace.build_settings(target.profile()))));
    add_settings(&mut digest, "workspace setting", workspace.folder())?;
    add_settings(&mut digest, "package setting", source)?;
    let lock = Lock::read(workspace.folder())?;
    let mut reached = BTreeSet::new();
    for (name, manifest) in local_packages(package)? {
        let own_workspace = manifest.workspace()?;
        reached.extend(lock.reached(&name, &manifest.dependencies(&own_workspace))?);
        digest.add("package", &name);
        digest.add("manifest", &canonical(&Value::Table(manifest.essence(&own_workspace))));
        for (path, file) in sources::files(manifest.folder())? {
            digest.add("file", &path);
            digest.add("content", &fs::read(&file).map_err(PackageError::read(&file))?);
        }
    }
    for line in reached {
        digest.add("locked", &line);
    }
    Ok(digest.finish())
}

/// The package and all local ones that it uses, directly or through others.
fn local_packages(first: Manifest) -> Result<BTreeMap<String, Manifest>, PackageError> {
    let mut found = BTreeMap::new();
    let mut open = vec![first];
    while let Some(package) = open.pop() {
        let name = package.name().unwrap_or_default().to_owned();
        if found.contains_key(&name) {
            continue;
        }
        let folders: BTreeSet<PathBuf> = package
            .dependencies(&package.workspace()?)
            .into_iter()
            .filter_map(|dependency| dependency.folder)
            .collect();
        found.insert(name, package);
        for folder in folders {
            open.push(Manifest::package(&folder)?);
        }
    }
    Ok(found)
}

fn add_settings(digest: &mut Labelled, label: &str, folder: &Path) -> Result<(), PackageError> {
    for name in SETTINGS {
        let path = folder.join(name);
        match fs::read(&path) {
            Ok(content) => {
                digest.add(label, name);
                digest.add("content", &content);
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(PackageError::Read { path, source: error }),
        }
    }
    Ok(())
}

/// A digest of parts, each with a label and its length, so that no two lists of parts look alike.
struct Labelled(Sha256);

impl Labelled {
    fn new() -> Self {
        Self(Sha256::new())
    }

    fn add(&mut self, label: &str, part: &(impl AsRef<[u8]> + ?Sized)) {
        for bytes in [label.as_bytes(), part.as_ref()] {
            self.0.update((bytes.len() as u64).to_le_bytes());
            self.0.update(bytes);
        }
    }

    fn finish(self) -> String {
        self.0.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// The same text for the same value, whatever order its keys are written in.
fn canonical(value: &Value) -> String {
    match value {
        Value::Table(table) => {
            let sorted: BTreeMap<&String, &Value> = table.iter().collect();
            let parts = sorted.into_iter().map(|(key, value)| format!("{key:?}:{}", canonical(value)));
            format!("{{{}}}", parts.collect::<Vec<_>>().join(","))
        }
        Value::Array(values) => format!("[{}]", values.iter().map(canonical).collect::<Vec<_>>().join(",")),
        Value::String(text) => format!("{text:?}"),
        Value::Integer(_) | Value::Float(_) | Value::Boolean(_) | Value::Datetime(_) => value.to_string(),
    }
}
