//! Style and the direction of knowledge, as a test: what may know whom.

use std::fs;
use std::path::{Path, PathBuf};

use crate::golden::root;

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Every Rust file of the product with its path from the root, without its unit tests.
fn product() -> Vec<(String, String)> {
    let mut files = Vec::new();
    sources(&root().join("src"), &mut files);
    sources(&root().join("lambda/src"), &mut files);
    files.sort();
    assert!(files.len() > 50);
    let text = |path: &PathBuf| {
        let text = fs::read_to_string(path).unwrap();
        text.split("\n#[cfg(test)]").next().unwrap_or_default().to_owned()
    };
    let name = |path: &PathBuf| path.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
    files.iter().filter(|path| !path.ends_with("tests.rs")).map(|path| (name(path), text(path))).collect()
}

fn lines_that<'a>(
    files: &'a [(String, String)],
    among: impl Fn(&str) -> bool + 'a,
    wrong: impl Fn(&str) -> bool + 'a,
) -> Vec<String> {
    let code = |line: &&str| !line.trim_start().starts_with("//");
    files
        .iter()
        .filter(|(name, _)| among(name))
        .flat_map(|(name, text)| {
            text.lines()
                .filter(code)
                .filter(|line| wrong(line))
                .map(|line| format!("{name}: {line}"))
                .collect::<Vec<_>>()
        })
        .collect()
}

#[test]
fn only_the_edges_know_the_aws_sdk() {
    let edges = [
        "src/aws/",
        "src/resources/",
        "src/local/clients.rs",
        "src/local/proof.rs",
        "lambda/src/runtime",
        "lambda/src/bin/",
    ];
    let inside = |name: &str| !edges.iter().any(|edge| name.starts_with(edge));
    let found = lines_that(&product(), inside, |line| line.contains("aws_sdk_"));
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn knowledge_flows_one_way() {
    let rules: &[(&str, &[&str])] = &[
        ("src/reconcile/", &["aws", "resources", "render", "commands", "cli", "local", "package", "config", "operate"]),
        ("src/config/", &["aws", "resources", "render", "commands", "cli", "local", "package", "reconcile", "operate"]),
        ("src/operate/", &["aws", "resources", "render", "commands", "cli", "local", "package"]),
        ("src/local/", &["aws", "resources", "render", "commands", "cli", "package", "reconcile", "config"]),
        ("src/package/", &["aws", "resources", "render", "commands", "cli", "local", "reconcile"]),
        ("src/aws/", &["resources", "render", "commands", "cli", "local"]),
        ("src/resources/", &["render", "commands", "cli", "local"]),
        ("src/render/", &["aws", "resources", "commands", "local", "package", "config"]),
    ];
    let files = product();
    for (folder, forbidden) in rules {
        for module in *forbidden {
            let uses = format!("crate::{module}::");
            let whole = format!("crate::{module};");
            let found = lines_that(
                &files,
                |name| name.starts_with(folder),
                |line| line.contains(&uses) || line.contains(&whole),
            );
            assert_eq!(found, Vec::<String>::new(), "{folder} may not know `{module}`");
        }
    }
}

#[test]
fn nothing_is_left_undone_or_hidden() {
    let marks = ["todo!(", "unimplemented!(", "dbg!(", ".unwrap()", "println!(", "#[ignore"];
    let found = lines_that(&product(), |_| true, |line| marks.iter().any(|mark| line.contains(mark)));
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn every_file_says_first_what_it_is() {
    let silent: Vec<_> =
        product().into_iter().filter(|(_, text)| !text.starts_with("//! ")).map(|(name, _)| name).collect();
    assert_eq!(silent, Vec::<String>::new());
}

#[test]
fn no_file_outgrows_one_idea() {
    let long: Vec<_> = product()
        .into_iter()
        .map(|(name, text)| (name, text.lines().count()))
        .filter(|(_, lines)| *lines > 480)
        .collect();
    assert_eq!(long, Vec::<(String, usize)>::new());
}

#[test]
fn every_dependency_says_what_it_is_for() {
    for manifest in ["Cargo.toml", "lambda/Cargo.toml"] {
        let text = fs::read_to_string(root().join(manifest)).unwrap();
        let section = text.split("\n[dependencies]").nth(1).unwrap().split("\n[").next().unwrap();
        let mut explained = false;
        let mut unexplained = Vec::new();
        for line in section.lines() {
            match line {
                "" => explained = false,
                line if line.starts_with('#') => explained = true,
                line if !explained && !line.contains("workspace") => unexplained.push(line),
                _ => {}
            }
        }
        assert_eq!(unexplained, Vec::<&str>::new(), "{manifest}");
    }
}
