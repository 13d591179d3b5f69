//! Names and tags: short enough once the pipeline's name is before them, and each used once.

use std::collections::{BTreeMap, BTreeSet};

use super::super::naming::Named;
use super::super::pipeline::Pipeline;
use super::super::tree::Path;
use super::super::words::quoted;
use super::Breach;

/// AWS takes 50 tags a resource; the rest is for the marks that we leave.
const MOST_TAGS: usize = 40;

pub(super) fn check(pipeline: &Pipeline) -> Vec<Breach> {
    let named = pipeline.named();
    let mut breaches: Vec<_> = named.iter().filter_map(too_long).collect();
    breaches.extend(used_twice(&named));
    breaches.extend(tags(pipeline));
    breaches.extend(role(pipeline));
    breaches
}

/// A name that is set is short enough by its type; so it is a derived one.
fn too_long(named: &Named) -> Option<Breach> {
    let length = named.name.chars().count();
    (length > named.longest).then(|| {
        let message = format!(
            "{} has at most {} characters, and {} would have {length}",
            named.noun,
            named.longest,
            quoted(&named.name)
        );
        let hint = format!("shorten the pipeline's name, or set `{}`", named.key);
        Breach::error(Path::of("pipeline"), message, hint).involving(Path::of(&named.key))
    })
}

fn used_twice(named: &[Named]) -> Vec<Breach> {
    let mut breaches = vec![];
    for (index, this) in named.iter().enumerate() {
        let same = |other: &&Named| other.noun == this.noun && other.name == this.name;
        if let Some(first) = named[..index].iter().find(same) {
            let message = format!("{} is the name of `{}` already", quoted(&this.name), first.owner());
            let hint = format!("give it another name with `{}`", this.key);
            breaches.push(Breach::error(Path::of(&this.key), message, hint).involving(Path::of(&first.key)));
        }
    }
    breaches
}

fn tags(pipeline: &Pipeline) -> Vec<Breach> {
    let mut breaches = vec![];
    let count = pipeline.tags.len();
    if count > MOST_TAGS {
        let message =
            format!("at most {MOST_TAGS} tags, not {count}: AWS takes 50 a resource, and pipewright adds its own");
        breaches.push(Breach::error(Path::of("tags"), message, "drop the least useful ones"));
    }
    for key in pipeline.ignore_tags.iter().filter(|key| pipeline.tags.contains_key(key)) {
        let message = format!("the tag `{key}` is set in `tags` and ignored here");
        let breach = Breach::error(Path::of("ignore_tags"), message, "keep it in one of the two");
        breaches.push(breach.involving(Path::of("tags").key(key.as_str())));
    }
    breaches.extend(alike_tags(pipeline));
    breaches
}

/// IAM does not tell `Team` from `team`, and the role carries every tag.
fn alike_tags(pipeline: &Pipeline) -> Option<Breach> {
    let mut seen = BTreeMap::new();
    pipeline.tags.keys().find_map(|key| {
        let first = seen.insert(key.as_str().to_lowercase(), key)?;
        let message = format!("the tags `{first}` and `{key}` differ in case only, and IAM takes them for one");
        Some(Breach::error(Path::of("tags").key(key.as_str()), message, "keep one of the two"))
    })
}

fn role(pipeline: &Pipeline) -> Vec<Breach> {
    let mut seen = BTreeSet::new();
    let mut breaches = vec![];
    if let Some(boundary) = pipeline.role.permissions_boundary.as_ref().filter(|arn| arn.service() != "iam") {
        let message = format!("{} is not a policy of IAM", quoted(boundary.as_str()));
        let hint = "as in `arn:aws:iam::123456789012:policy/boundary`";
        breaches.push(Breach::error(Path::of("role.permissions_boundary"), message, hint));
    }
    for (index, statement) in pipeline.role.extra_statements.iter().enumerate() {
        let at = Path::of("role.extra_statements").index(index);
        let sid = &statement.sid;
        if sid.is_empty() || !sid.bytes().all(|letter| letter.is_ascii_alphanumeric()) {
            let message = format!("{} is not the id of a statement", quoted(sid));
            breaches.push(Breach::error(at.clone().key("Sid"), message, "letters and digits only"));
        } else if !seen.insert(sid) {
            let message = format!("{} is the id of another statement already", quoted(sid));
            breaches.push(Breach::error(at.clone().key("Sid"), message, "give each statement its own id"));
        }
        for (key, list) in [("Action", &statement.action), ("Resource", &statement.resource)] {
            if list.is_empty() {
                let message = format!("a statement without any `{key}` says nothing");
                breaches.push(Breach::error(at.clone().key(key), message, "name at least one"));
            }
        }
    }
    breaches
}
