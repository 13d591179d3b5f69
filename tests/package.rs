//! The processor's package: identities of projects on disk, real builds, and programs that a C compiler made.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::cell::RefCell;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use pipewright::config::pipeline::Architecture;
use pipewright::package::{self, PackageError, Target};
use tempfile::TempDir;

const LAMBDA: Target = Target::Lambda(Architecture::X86_64);

/// A workspace with a processor, a local package that it uses, and one that it does not.
struct Project(TempDir);

impl Project {
    fn new() -> Self {
        let project = Self(tempfile::tempdir().unwrap());
        for (path, text) in [
            (
                "Cargo.toml",
                "[workspace]\nmembers = ['processor', 'shared', 'unrelated']\nresolver = '3'\n\n\
                 [workspace.package]\nedition = '2024'\n\n[profile.release]\nlto = true\n\n[profile.dev]\ndebug = 1\n",
            ),
            ("Cargo.lock", LOCK),
            (
                "processor/Cargo.toml",
                "[package]\nname = 'processor'\nversion = '0.1.0'\nedition.workspace = true\n\n\
                 [features]\nruntime = []\n\n[[bin]]\nname = 'bootstrap'\nrequired-features = ['runtime']\n\n\
                 [dependencies]\nshared = { path = '../shared' }\n",
            ),
            ("processor/src/bin/bootstrap.rs", "fn main() {\n    println!(\"{}\", shared::WORD);\n}\n"),
            ("shared/Cargo.toml", "[package]\nname = 'shared'\nversion = '0.1.0'\nedition.workspace = true\n"),
            ("shared/src/lib.rs", "pub const WORD: &str = \"hello\";\n"),
            ("unrelated/Cargo.toml", "[package]\nname = 'unrelated'\nversion = '0.1.0'\nedition.workspace = true\n"),
            ("unrelated/src/lib.rs", ""),
        ] {
            project.write(path, text);
        }
        project
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.0.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn replace(&self, path: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.0.path().join(path)).unwrap();
        assert!(text.contains(from), "{path} has no {from:?}");
        self.write(path, &text.replace(from, to));
    }

    fn source(&self) -> PathBuf {
        self.0.path().join("processor")
    }

    fn identity(&self, target: Target) -> String {
        package::identity(&self.source(), &target).unwrap()
    }

    async fn build(&self, target: Target) -> Result<(Vec<u8>, Vec<String>), PackageError> {
        let progress = RefCell::new(Vec::new());
        let built = package::build(&self.source(), &target, &|line| progress.borrow_mut().push(line)).await;
        built.map(|program| (program, progress.into_inner()))
    }
}

const LOCK: &str = r#"version = 4

[[package]]
name = "processor"
version = "0.1.0"
dependencies = [
 "shared",
]

[[package]]
name = "shared"
version = "0.1.0"

[[package]]
name = "unrelated"
version = "0.1.0"
"#;

/// Runs a test that builds in a process of its own, where every project has its own target folder: in a shared one
/// two programs called `bootstrap` would take each other's place. True in that process.
fn apart(test: &str) -> bool {
    if std::env::var("PIPEWRIGHT_TEST_APART").is_ok_and(|apart| apart == test) {
        return true;
    }
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([test, "--exact", "--nocapture"]).env("PIPEWRIGHT_TEST_APART", test);
    let output = command.env_remove("CARGO_TARGET_DIR").env_remove("CARGO_BUILD_TARGET_DIR").output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}{}", String::from_utf8_lossy(&output.stderr));
    false
}

#[test]
fn the_identity_changes_with_what_the_program_is_made_of() {
    let project = Project::new();
    let mut seen = vec![project.identity(LAMBDA)];
    let mut changed = |what: &str| {
        let identity = project.identity(LAMBDA);
        assert!(!seen.contains(&identity), "{what} made no difference");
        seen.push(identity);
    };
    project.replace("processor/src/bin/bootstrap.rs", "{}", "{}!");
    changed("a source");
    project.write("processor/src/rates.csv", "USD,1\n");
    changed("a new file");
    fs::rename(project.source().join("src/rates.csv"), project.source().join("src/prices.csv")).unwrap();
    changed("a renamed file");
    project.replace("shared/src/lib.rs", "hello", "good day");
    changed("a source of a local dependency");
    project.replace("shared/Cargo.toml", "0.1.0", "0.1.1");
    changed("the manifest of a local dependency");
    project.replace("processor/Cargo.toml", "runtime = []", "runtime = []\nmore = []");
    changed("a feature");
    project.replace("Cargo.toml", "lto = true", "lto = false");
    changed("the release profile");
    project.replace("Cargo.toml", "2024", "2021");
    changed("an inherited edition");
    project.write(".cargo/config.toml", "[build]\nrustflags = []\n");
    changed("cargo's settings");
    project.write("rust-toolchain.toml", "");
    changed("the compiler's version");
}

#[test]
fn the_identity_does_not_change_with_anything_else() {
    let project = Project::new();
    let before = project.identity(LAMBDA);
    project.replace("unrelated/src/lib.rs", "", "pub fn new() {}\n");
    project.replace("processor/Cargo.toml", "[dependencies]", "# why\n[dev-dependencies]\n\n[dependencies]");
    project.replace("Cargo.toml", "debug = 1", "debug = 2");
    project.write("processor/tests/it.rs", "");
    project.write("processor/.idea/it.xml", "");
    project.write("target/debug/bootstrap", "");
    assert_eq!(project.identity(LAMBDA), before);

    let file = fs::File::options().write(true).open(project.source().join("src/bin/bootstrap.rs")).unwrap();
    file.set_modified(std::time::UNIX_EPOCH).unwrap();
    assert_eq!(project.identity(LAMBDA), before, "a file's time");
    assert_eq!(Project::new().identity(LAMBDA), Project::new().identity(LAMBDA), "another folder");
}

#[test]
fn the_identity_depends_on_the_target_and_on_its_own_profile() {
    let project = Project::new();
    let targets = [Target::Host, LAMBDA, Target::Lambda(Architecture::Arm64)];
    let before = targets.map(|target| project.identity(target));
    assert!(before[0] != before[1] && before[1] != before[2] && before[0] != before[2]);
    project.replace("Cargo.toml", "debug = 1", "debug = 2");
    let after = targets.map(|target| project.identity(target));
    assert_ne!(after[0], before[0]);
    assert_eq!(after[1..], before[1..]);
}

#[test]
fn the_identity_takes_the_same_folder_by_any_path() {
    let project = Project::new();
    let roundabout = project.0.path().join("shared/../processor");
    assert_eq!(package::identity(&roundabout, &LAMBDA).unwrap(), project.identity(LAMBDA));
}

#[test]
fn without_a_lock_file_there_is_no_identity() {
    let project = Project::new();
    fs::remove_file(project.0.path().join("Cargo.lock")).unwrap();
    let error = package::identity(&project.source(), &LAMBDA).unwrap_err();
    assert!(matches!(error, PackageError::NoLock { .. }), "{error}");
    let error = package::identity(&project.0.path().join("nowhere"), &LAMBDA).unwrap_err();
    assert!(error.to_string().contains("hint: `function.source`"), "{error}");
}

#[tokio::test(flavor = "current_thread")]
async fn builds_the_program_with_the_features_that_it_requires() {
    if !apart("package::builds_the_program_with_the_features_that_it_requires") {
        return;
    }
    let project = Project::new();
    let (program, progress) = project.build(Target::Host).await.unwrap();
    assert!(progress.iter().any(|line| line.starts_with("Compiling shared v0.1.0")), "{progress:?}");
    let zip = package::zip(&program).unwrap();
    assert_eq!(package::code_sha256(&zip), package::code_sha256(&package::zip(&program).unwrap()));
    let before = project.identity(Target::Host);
    let (again, progress) = project.build(Target::Host).await.unwrap();
    assert_eq!(again, program);
    assert!(!progress.iter().any(|line| line.starts_with("Compiling")), "nothing to do: {progress:?}");
    assert_eq!(project.identity(Target::Host), before, "building leaves no trace in it");
}

#[tokio::test(flavor = "current_thread")]
async fn what_does_not_compile_is_told_in_the_compilers_words() {
    if !apart("package::what_does_not_compile_is_told_in_the_compilers_words") {
        return;
    }
    let project = Project::new();
    project.replace("processor/src/bin/bootstrap.rs", "shared::WORD", "shared::NOTHING");
    let error = project.build(Target::Host).await.unwrap_err();
    let PackageError::Build { output, .. } = &error else { panic!("{error}") };
    assert!(output.starts_with("error[E0425]"), "{output}");
    assert!(output.contains("processor/src/bin/bootstrap.rs:2"), "{output}");
    assert!(!output.contains("Compiling"), "{output}");
}

#[tokio::test(flavor = "current_thread")]
async fn a_package_without_the_program_is_refused() {
    let project = Project::new();
    project.replace("processor/Cargo.toml", "'bootstrap'", "'starter'");
    let bin = project.source().join("src/bin");
    fs::rename(bin.join("bootstrap.rs"), bin.join("starter.rs")).unwrap();
    let error = project.build(Target::Host).await.unwrap_err();
    assert!(matches!(error, PackageError::NoBootstrap { .. }), "{error}");
}

#[tokio::test(flavor = "current_thread")]
async fn beside_a_main_package_its_dependencies_are_not_built_a_second_time() {
    if !apart("package::beside_a_main_package_its_dependencies_are_not_built_a_second_time") {
        return;
    }
    let project = Project::new();
    let main =
        "[package]\nname = 'main'\n[dependencies]\nshared = { path = 'shared', features = ['more'] }\n\n[workspace]";
    project.replace("Cargo.toml", "[workspace]", main);
    project.replace("shared/Cargo.toml", "[package]", "features = { more = [] }\n[package]");
    project.write("src/main.rs", "fn main() {}\n");
    let locked = "[[package]]\nname = \"main\"\nversion = \"0.0.0\"\ndependencies = [\n \"shared\",\n]\n\n[[package]]\nname = \"processor\"";
    project.replace("Cargo.lock", "[[package]]\nname = \"processor\"", locked);
    let run = Command::new("cargo").args(["run", "--quiet"]).current_dir(project.0.path()).status().unwrap();
    assert!(run.success());
    let (_, progress) = project.build(Target::Host).await.unwrap();
    let compiled: Vec<_> = progress.iter().filter(|line| line.starts_with("Compiling")).collect();
    assert!(compiled.len() == 1 && compiled[0].starts_with("Compiling processor"), "{compiled:?}");
}

#[tokio::test(flavor = "current_thread")]
async fn a_lock_file_that_would_have_to_change_is_an_error() {
    if !apart("package::a_lock_file_that_would_have_to_change_is_an_error") {
        return;
    }
    let project = Project::new();
    project.replace("shared/Cargo.toml", "0.1.0", "0.2.0");
    let error = project.build(Target::Host).await.unwrap_err();
    assert!(matches!(&error, PackageError::Build { output, .. } if output.contains("--locked")), "{error}");
}

/// Compiles a C program; `None` where the compiler cannot build such a one.
fn compile(folder: &Path, source: &str, arguments: &[&str]) -> Option<Vec<u8>> {
    let (input, output) = (folder.join("it.c"), folder.join("it"));
    fs::write(&input, source).unwrap();
    let _ = fs::remove_file(&output);
    let done = Command::new("cc").arg(&input).arg("-o").arg(&output).args(arguments).output().expect("a C compiler");
    done.status.success().then(|| fs::read(&output).unwrap())
}

#[cfg(all(target_os = "linux", target_arch = "x86_64", target_env = "gnu"))]
#[test]
fn a_program_that_needs_a_newer_glibc_than_lambdas_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    // A library that has the names of another glibc; the program is linked against it and never run.
    let stub = |version: &str| {
        let versions = folder.path().join("versions");
        fs::write(&versions, format!("GLIBC_2.2.5 {{}};\nGLIBC_{version} {{ global: pipewright; }};\n")).unwrap();
        let library = folder.path().join("libstub.so");
        fs::write(folder.path().join("stub.c"), "int pipewright(void) { return 0; }\n").unwrap();
        let script = format!("-Wl,--version-script={}", versions.display());
        let done = Command::new("cc")
            .args(["-shared", "-fPIC", "-Wl,-soname,libc.so.6", &script, "-o"])
            .arg(&library)
            .arg(folder.path().join("stub.c"))
            .output()
            .expect("a C compiler");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        let source = "int pipewright(void);\nvoid _start(void) { pipewright(); }\n";
        let library = library.to_str().unwrap().to_owned();
        let loader = "-Wl,--dynamic-linker=/lib64/ld-linux-x86-64.so.2";
        compile(folder.path(), source, &["-nostdlib", &library, loader]).expect("it links")
    };
    for version in ["2.9", "2.34"] {
        package::check(&stub(version), Architecture::X86_64).unwrap();
    }
    for version in ["2.35", "2.100", "3.0"] {
        let error = package::check(&stub(version), Architecture::X86_64).unwrap_err();
        assert!(
            matches!(&error, PackageError::NewGlibc { needed, .. } if *needed == format!("GLIBC_{version}")),
            "{error}"
        );
        assert!(error.to_string().contains("hint: `rustup target add x86_64-unknown-linux-musl`"), "{error}");
    }
}

#[cfg(all(target_os = "linux", target_arch = "x86_64", target_env = "gnu"))]
#[test]
fn the_loader_must_be_one_that_lambda_has() {
    let folder = tempfile::tempdir().unwrap();
    let source = "void _start(void) {}\n";
    let linked = |arguments: &[&str]| compile(folder.path(), source, arguments).expect("it links");
    package::check(&linked(&["-nostdlib", "-static"]), Architecture::X86_64).unwrap();
    let musl = linked(&["-nostdlib", "-pie", "-Wl,--dynamic-linker=/lib/ld-musl-x86_64.so.1"]);
    let error = package::check(&musl, Architecture::X86_64).unwrap_err();
    assert!(matches!(&error, PackageError::Loader { loader, .. } if loader == "/lib/ld-musl-x86_64.so.1"), "{error}");
    assert!(matches!(package::check(&musl, Architecture::Arm64), Err(PackageError::WrongArchitecture { .. })));
}

#[cfg(all(target_os = "linux", target_arch = "x86_64", target_env = "gnu"))]
#[test]
fn a_prebuilt_zip_is_read_when_lambda_could_start_it() {
    let folder = tempfile::tempdir().unwrap();
    let program = compile(folder.path(), "void _start(void) {}\n", &["-nostdlib", "-static"]).expect("it links");
    let path = folder.path().join("it.zip");
    fs::write(&path, package::zip(&program).unwrap()).unwrap();
    let zip = package::prebuilt(&path, Architecture::X86_64).unwrap();
    assert_eq!(zip, fs::read(&path).unwrap());
    let error = package::prebuilt(&path, Architecture::Arm64).unwrap_err();
    assert!(matches!(error, PackageError::WrongArchitecture { .. }), "{error}");
}

#[test]
fn a_build_that_is_stopped_tells_all_who_wait_for_it() {
    use pipewright::package::{Artifact, PackageError, Source, Target};
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("lambda");
    let artifact = Artifact::new(Source::Package { folder, target: Target::Host });
    artifact.stop();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (one, two) = runtime.block_on(async { tokio::join!(artifact.zip(), artifact.zip()) });
    assert!(matches!(*one.unwrap_err(), PackageError::Interrupted));
    assert!(matches!(*two.unwrap_err(), PackageError::Interrupted));
}
