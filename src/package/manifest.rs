//! A cargo manifest, as far as it decides what is built: read without cargo, so that `plan` works where there is none.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::error::PackageError;

/// Tables and keys of a package's manifest that leave the program as it is.
const NO_MATTER: [&str; 11] = [
    "dev-dependencies",
    "dev_dependencies",
    "test",
    "bench",
    "example",
    "lints",
    "badges",
    // The workspace's root speaks for all members; what it says is taken from there.
    "workspace",
    "profile",
    "patch",
    "replace",
];
const DEPENDENCIES: [&str; 3] = ["dependencies", "build-dependencies", "build_dependencies"];

/// A `Cargo.toml`, parsed.
#[derive(Debug, Clone)]
pub struct Manifest {
    folder: PathBuf,
    table: Table,
}

/// One dependency of a package that gets into its program or builds it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Dependency {
    /// The package's name, whatever the manifest calls it.
    pub package: String,
    /// Its folder, if it is a local one.
    pub folder: Option<PathBuf>,
}

impl Manifest {
    /// Reads `Cargo.toml` in a folder; `None` if there is none.
    pub fn read(folder: &Path) -> Result<Option<Self>, PackageError> {
        let path = folder.join("Cargo.toml");
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(PackageError::Read { path, source: error }),
        };
        match text.parse() {
            Ok(table) => Ok(Some(Self { folder: folder.to_owned(), table })),
            Err(error) => Err(PackageError::Manifest { path, cause: error.to_string() }),
        }
    }

    /// Reads a package's manifest.
    pub fn package(folder: &Path) -> Result<Self, PackageError> {
        match Self::read(folder)? {
            Some(manifest) if manifest.name().is_some() => Ok(manifest),
            Some(_) | None => Err(PackageError::NoPackage { path: folder.to_owned() }),
        }
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub fn name(&self) -> Option<&str> {
        self.value(&["package", "name"])?.as_str()
    }

    /// Whether the package has a binary of this name, by its manifest or by where its sources lie.
    pub fn has_binary(&self, name: &str) -> bool {
        let by_place = [format!("src/bin/{name}.rs"), format!("src/bin/{name}/main.rs")];
        let main = self.name() == Some(name) && self.folder.join("src/main.rs").exists();
        self.binary(name).is_some() || main || by_place.iter().any(|path| self.folder.join(path).exists())
    }

    fn binary(&self, name: &str) -> Option<&Value> {
        let binaries = self.value(&["bin"])?.as_array()?;
        binaries.iter().find(|binary| binary.get("name").and_then(Value::as_str) == Some(name))
    }

    /// The features that the binary asks for, in the manifest's words.
    pub fn required_features(&self, binary: &str) -> Vec<String> {
        let features = self.binary(binary).and_then(|binary| binary.get("required-features")?.as_array());
        features.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    }

    /// The workspace that this package belongs to; a package outside any is its own.
    pub fn workspace(&self) -> Result<Self, PackageError> {
        if self.table.contains_key("workspace") {
            return Ok(self.clone());
        }
        if let Some(root) = self.value(&["package", "workspace"]).and_then(Value::as_str) {
            return Self::read(&self.folder.join(root))?.ok_or_else(|| PackageError::Manifest {
                path: self.path(),
                cause: format!("no workspace at `{root}`"),
            });
        }
        // The folder may have been given relative to where we stand.
        let folder = fs::canonicalize(&self.folder).map_err(PackageError::read(&self.folder))?;
        for above in folder.ancestors().skip(1) {
            match Self::read(above)? {
                Some(root) if root.table.contains_key("workspace") => {
                    return Ok(if root.excludes(&folder) { self.clone() } else { root });
                }
                Some(_) | None => {}
            }
        }
        Ok(self.clone())
    }

    fn excludes(&self, folder: &Path) -> bool {
        let excluded = self.value(&["workspace", "exclude"]).and_then(Value::as_array);
        let mut excluded = excluded.into_iter().flatten().filter_map(Value::as_str);
        excluded.any(|path| folder.starts_with(self.folder.join(path)))
    }

    /// Normal and build dependencies for every platform; what only tests use is not among them.
    pub fn dependencies(&self, workspace: &Self) -> BTreeSet<Dependency> {
        let tables = self.dependency_tables().into_iter();
        tables.flatten().map(|(name, value)| self.dependency(workspace, name, value)).collect()
    }

    fn dependency_tables(&self) -> Vec<&Table> {
        let targets = self.value(&["target"]).and_then(Value::as_table).into_iter().flatten();
        let places = targets.filter_map(|(_, target)| target.as_table()).chain([&self.table]);
        places.flat_map(|place| DEPENDENCIES.iter().filter_map(|name| place.get(*name)?.as_table())).collect()
    }

    fn dependency(&self, workspace: &Self, name: &str, value: &Value) -> Dependency {
        let (base, value) = match inherited(value).then(|| workspace.value(&["workspace", "dependencies", name])) {
            Some(Some(inherited)) => (workspace, inherited),
            Some(None) | None => (self, value),
        };
        let text = |key| value.get(key).and_then(Value::as_str);
        Dependency {
            package: text("package").unwrap_or(name).to_owned(),
            folder: text("path").map(|path| base.folder.join(path)),
        }
    }

    /// All of the manifest that can change the program, with what it takes from the workspace.
    pub fn essence(&self, workspace: &Self) -> Table {
        let mut table = self.table.clone();
        table.retain(|key, _| !NO_MATTER.contains(&key));
        if let Some(Value::Table(targets)) = table.get_mut("target") {
            for (_, target) in targets.iter_mut() {
                if let Value::Table(target) = target {
                    target.retain(|key, _| !NO_MATTER.contains(&key));
                }
            }
        }
        if let Some(Value::Table(package)) = table.get_mut("package") {
            package.retain(|key, _| !matches!(key, "metadata" | "publish" | "include" | "exclude" | "workspace"));
        }
        let mut path = Vec::new();
        inherit(&mut table, workspace, &mut path);
        table
    }

    /// How the workspace has its members built: the profile, the rules by which features are joined, what is patched.
    pub fn build_settings(&self, profile: &str) -> Table {
        let mut settings = Table::new();
        for path in [&["profile", profile][..], &["workspace", "resolver"], &["package", "resolver"], &["patch"]] {
            if let Some(value) = self.value(path) {
                settings.insert(path.join("."), value.clone());
            }
        }
        settings
    }

    fn path(&self) -> PathBuf {
        self.folder.join("Cargo.toml")
    }

    fn value(&self, path: &[&str]) -> Option<&Value> {
        let (first, rest) = path.split_first()?;
        rest.iter().try_fold(self.table.get(*first)?, |value, key| value.get(*key))
    }
}

/// `{ workspace = true }`.
fn inherited(value: &Value) -> bool {
    value.get("workspace").and_then(Value::as_bool) == Some(true)
}

/// Puts beside every `workspace = true` what the workspace says there.
fn inherit(table: &mut Table, workspace: &Manifest, path: &mut Vec<String>) {
    for (key, value) in table.iter_mut() {
        path.push(key.to_owned());
        let from =
            if path[0] == "package" { ["workspace", "package", key] } else { ["workspace", "dependencies", key] };
        let said = inherited(value).then(|| workspace.value(&from)).flatten().cloned();
        if let Value::Table(inner) = value {
            match said {
                Some(said) => drop(inner.insert("workspace".to_owned(), said)),
                None => inherit(inner, workspace, path),
            }
        }
        path.pop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(text: &str) -> Manifest {
        Manifest { folder: "/project".into(), table: text.parse().unwrap() }
    }

    fn dependency(package: &str, folder: Option<&str>) -> Dependency {
        Dependency { package: package.to_owned(), folder: folder.map(PathBuf::from) }
    }

    #[test]
    fn dependencies_of_every_platform_count_and_those_of_tests_do_not() {
        let package = manifest(
            r#"
            [dependencies]
            serde = "1"
            renamed = { package = "real", version = "2" }
            near = { path = "../near" }
            [build-dependencies]
            cc = "1"
            [dev-dependencies]
            proptest = "1"
            [target.'cfg(unix)'.dependencies]
            libc = "0.2"
            [target.'cfg(unix)'.dev-dependencies]
            nix = "0.3"
            "#,
        );
        let found: Vec<_> = package.dependencies(&package).into_iter().collect();
        assert_eq!(
            found,
            [
                dependency("cc", None),
                dependency("libc", None),
                dependency("near", Some("/project/../near")),
                dependency("real", None),
                dependency("serde", None),
            ]
        );
    }

    #[test]
    fn inherited_dependencies_are_the_workspaces() {
        let root = Manifest {
            folder: "/above".into(),
            table: r#"[workspace.dependencies]
                near = { path = "crates/near" }
                renamed = { package = "real", version = "2" }"#
                .parse()
                .unwrap(),
        };
        let package =
            manifest("[dependencies]\nnear.workspace = true\nrenamed = { workspace = true, optional = true }");
        let found: Vec<_> = package.dependencies(&root).into_iter().collect();
        assert_eq!(found, [dependency("near", Some("/above/crates/near")), dependency("real", None)]);
    }

    #[test]
    fn what_tests_and_readers_use_does_not_matter() {
        let bare = manifest("[package]\nname = 'it'\n[dependencies]\nserde = '1'");
        let dressed = manifest(
            "[package]\nname = 'it'\npublish = false\nmetadata.x = 1\n[dependencies]\nserde = '1' # why
            [dev-dependencies]\nproptest = '1'\n[[bench]]\nname = 'b'\n[lints]\nworkspace = true\n[workspace]\n[profile.release]\nlto = true",
        );
        assert_eq!(bare.essence(&bare), dressed.essence(&dressed));
        let other = manifest("[package]\nname = 'it'\n[dependencies]\nserde = '2'");
        assert_ne!(bare.essence(&bare), other.essence(&other));
    }

    #[test]
    fn what_is_inherited_matters() {
        let package = manifest(
            "[package]\nname = 'it'\nedition.workspace = true\n[dependencies]\nserde = { workspace = true, optional = true }",
        );
        let root = |edition, version| {
            manifest(&format!(
                "[workspace.package]\nedition = '{edition}'\n[workspace.dependencies]\nserde = '{version}'\nother = '1'"
            ))
        };
        let base = package.essence(&root("2024", "1"));
        assert_ne!(base, package.essence(&root("2021", "1")));
        assert_ne!(base, package.essence(&root("2024", "2")));
        assert_eq!(base["dependencies"]["serde"]["optional"], Value::Boolean(true));
    }

    #[test]
    fn the_features_that_a_binary_requires() {
        let package = manifest(
            "[[bin]]\nname = 'other'\nrequired-features = ['x']\n[[bin]]\nname = 'bootstrap'\nrequired-features = ['runtime', 'y']",
        );
        assert_eq!(package.required_features("bootstrap"), ["runtime", "y"]);
        assert_eq!(package.required_features("none"), [""; 0]);
        assert_eq!(manifest("bin = 3").required_features("bootstrap"), [""; 0]);
    }

    #[test]
    fn a_binary_is_found_by_its_name_or_by_its_place() {
        assert!(manifest("[[bin]]\nname = 'bootstrap'\npath = 'x.rs'").has_binary("bootstrap"));
        assert!(!manifest("[[bin]]\nname = 'other'").has_binary("bootstrap"));
        for (name, path) in
            [("it", "src/bin/bootstrap.rs"), ("it", "src/bin/bootstrap/main.rs"), ("bootstrap", "src/main.rs")]
        {
            let folder = tempfile::tempdir().unwrap();
            let table = format!("[package]\nname = '{name}'").parse().unwrap();
            let package = Manifest { folder: folder.path().to_owned(), table };
            assert!(!package.has_binary("bootstrap"));
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
            assert!(package.has_binary("bootstrap"));
        }
    }

    #[test]
    fn what_cargo_would_not_take_is_an_error_with_its_place() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("Cargo.toml"), "[package\n").unwrap();
        let error = Manifest::package(folder.path()).unwrap_err();
        assert!(matches!(&error, PackageError::Manifest { cause, .. } if cause.contains("line 1")), "{error}");
        fs::write(folder.path().join("Cargo.toml"), "[workspace]\n").unwrap();
        assert!(matches!(Manifest::package(folder.path()), Err(PackageError::NoPackage { .. })));
    }

    #[test]
    fn the_workspace_is_the_nearest_above_that_does_not_exclude_us() {
        let top = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let folder = top.path().join(path);
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("Cargo.toml"), text).unwrap();
        };
        write("", "[workspace]\nmembers = ['in']\nexclude = ['out']");
        write("in", "[package]\nname = 'in'");
        write("out", "[package]\nname = 'out'");
        write("named", "[package]\nname = 'named'\nworkspace = '../other'");
        write("other", "[workspace]");
        let workspace = |path: &str| Manifest::package(&top.path().join(path)).unwrap().workspace().unwrap();
        assert_eq!(fs::canonicalize(workspace("in").folder()).unwrap(), fs::canonicalize(top.path()).unwrap());
        assert_eq!(workspace("out").folder(), top.path().join("out"));
        assert!(workspace("named").folder().ends_with("named/../other"));
    }
}
