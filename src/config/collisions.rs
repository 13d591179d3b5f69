//! Two environments must not resolve to one set of names: they would fight over the same resources.

use std::collections::BTreeMap;

use super::diagnostic::Diagnostic;
use super::load::Variant;
use super::naming::Named;
use super::pipeline::Pipeline;
use super::words::quoted;

/// One error for each environment that shares a name with an earlier one, or with the file without any.
pub(super) fn collisions(variants: &[Variant]) -> Vec<Diagnostic> {
    let mut owners = BTreeMap::new();
    let mut problems = vec![];
    for variant in variants {
        let Some(pipeline) = &variant.pipeline else { continue };
        let named: Vec<_> = pipeline.named().into_iter().map(|named| (place_in_aws(pipeline, &named), named)).collect();
        let taken = named.iter().find_map(|(at, named)| Some((owners.get(at)?, named)));
        if let (Some((owner, named)), Some(entry)) = (taken, &variant.environment) {
            problems.push(collision(&entry.key, *owner, named).at(entry.place));
        }
        for (at, _) in named {
            owners.entry(at).or_insert(variant.name());
        }
    }
    problems
}

/// What must be unique: roles and dashboards in an account, the rest in a region of it. What the file does not pin is
/// taken for one and the same.
fn place_in_aws(pipeline: &Pipeline, named: &Named) -> (&'static str, String, Option<String>, Option<String>) {
    let account = pipeline.account.as_ref().map(ToString::to_string);
    let region = pipeline.region.as_ref().filter(|_| !named.is_global).map(ToString::to_string);
    (named.noun, named.name.clone(), account, region)
}

fn collision(environment: &str, owner: Option<&str>, named: &Named) -> Diagnostic {
    let owner = owner.map_or("the file without `--env`".to_owned(), quoted);
    let message = format!("{} and {owner} both have {} {}", quoted(environment), named.noun, quoted(&named.name));
    let elsewhere = if named.is_global { "`account`" } else { "`account` or `region`" };
    Diagnostic::error(None, message).hint(format!("set `{}` in one of them, or another {elsewhere}", named.key))
}
