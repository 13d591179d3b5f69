//! Loads a pipeline from its file: parse, merge the environment, convert, check the rules; all mistakes at once.
//!
//! The environments that are not asked for are checked too: a mistake in `prod` should not wait for the day of `--env
//! prod` to be found.

use std::path::Path as FilePath;

use super::collisions::collisions;
use super::convert::convert;
use super::diagnostic::{Diagnostic, Diagnostics, Severity};
use super::environments::{take_environments, unknown};
use super::merge::merge;
use super::names::EnvironmentName;
use super::parse::parse;
use super::pipeline::Pipeline;
use super::read::read;
use super::rules::check;
use super::tree::{Entry, Node};

/// A pipeline that is fit to be planned.
#[derive(Debug, Clone)]
pub struct Loaded {
    pub pipeline: Pipeline,
    /// What is allowed and risky; may be empty.
    pub warnings: Diagnostics,
}

/// Loads the pipeline in `path`, with the environment of that name merged in.
///
/// # Errors
/// Everything that is wrong with the file, in its order.
pub fn load(path: &FilePath, environment: Option<&str>) -> Result<Loaded, Diagnostics> {
    let name = path.display().to_string();
    let text = read(path).map_err(|(problem, text)| Diagnostics::new(&name, &text, vec![problem]))?;
    load_text(&name, &text, environment)
}

/// Loads a pipeline from YAML text; `name` is what messages call it.
///
/// # Errors
/// Everything that is wrong with the text, in its order.
pub fn load_text(name: &str, text: &str, environment: Option<&str>) -> Result<Loaded, Diagnostics> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let told = |problems| Diagnostics::new(name, text, problems);
    let (mut tree, mut problems) = parse(text).map_err(|problem| told(vec![problem]))?;
    let environments = take_environments(&mut tree, &mut problems);
    if let Some(problem) = environment.and_then(|asked| unknown(asked, &environments)) {
        problems.push(problem);
        return Err(told(problems));
    }
    let variants = std::iter::once(None).chain(environments.iter().map(Some));
    let variants: Vec<_> = variants.map(|environment| Variant::of(&tree, environment)).collect();
    let (chosen, others): (Vec<_>, Vec<_>) = variants.iter().partition(|variant| variant.name() == environment);
    let known: Vec<_> = chosen.iter().flat_map(|variant| variant.mistakes.iter().cloned()).collect();
    problems.extend(collisions(&variants));
    problems.extend(mistakes_elsewhere(&others, &known));
    problems.extend(known);
    let is_sound = problems.iter().all(|problem| problem.severity == Severity::Warning);
    match chosen.into_iter().find_map(|variant| variant.pipeline.clone()).filter(|_| is_sound) {
        Some(pipeline) => Ok(Loaded { pipeline, warnings: told(problems) }),
        None => Err(told(problems)),
    }
}

/// The file under one environment, or under none.
pub(super) struct Variant {
    pub environment: Option<Entry>,
    pub pipeline: Option<Pipeline>,
    mistakes: Vec<Diagnostic>,
}

impl Variant {
    fn of(tree: &Node, environment: Option<&Entry>) -> Self {
        let merged = environment.map_or_else(|| tree.clone(), |entry| merge(tree, &entry.value));
        let mut converted = convert(merged.clone());
        let name = environment.and_then(|entry| EnvironmentName::parse(&entry.key).ok());
        if let Some(pipeline) = &mut converted.pipeline {
            pipeline.environment = name;
        }
        let breaches = converted.pipeline.as_ref().map(|pipeline| check(pipeline, &merged, &converted));
        let mut mistakes = converted.mistakes;
        mistakes.extend(breaches.into_iter().flatten());
        Self { environment: environment.cloned(), pipeline: converted.pipeline, mistakes }
    }

    pub(super) fn name(&self) -> Option<&str> {
        self.environment.as_ref().map(|entry| entry.key.as_str())
    }
}

/// The errors that only other environments have, each with the names of those. The file without any environment need not
/// stand on its own where one is asked for.
fn mistakes_elsewhere(others: &[&Variant], known: &[Diagnostic]) -> Vec<Diagnostic> {
    let mut found: Vec<(Diagnostic, Vec<&str>)> = vec![];
    for variant in others {
        let Some(name) = variant.name() else { continue };
        for mistake in &variant.mistakes {
            match found.iter_mut().find(|(same, _)| same == mistake) {
                Some((_, names)) => names.push(name),
                None if known.contains(mistake) || mistake.severity == Severity::Warning => {}
                None => found.push((mistake.clone(), vec![name])),
            }
        }
    }
    let named = |(mistake, names): (Diagnostic, Vec<&str>)| {
        let names: Vec<_> = names.into_iter().map(|name| format!("`--env {name}`")).collect();
        let message = format!("{} (with {})", mistake.message, names.join(", "));
        Diagnostic { message, ..mistake }
    };
    found.into_iter().map(named).collect()
}
