//! Tags: the mark of ownership, the file's tags, and everybody else's.
//!
//! Beside the file's tags a resource carries `pipewright:pipeline`, whose it is, and `pipewright:tags`, the keys that we
//! wrote: so a tag that left the file is removed from AWS, and a tag of somebody else's never is. Where the keys are too
//! long for one value, their digests stand for them.

use std::collections::BTreeMap;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::aws::Aws;
use crate::reconcile::{Finding, Owner, Severity};

/// Tags by key.
pub type Tags = BTreeMap<String, String>;

/// Says which pipeline owns the resource.
pub const PIPELINE: &str = "pipewright:pipeline";
/// The keys of the file's tags that were written. A key may contain spaces, hence the separator.
const KEYS: &str = "pipewright:tags";
const SEPARATOR: &str = " / ";
/// A tag's value holds no more.
const LONGEST_VALUE: usize = 256;
/// What a record of digests begins with. The file has at most 40 tags, so that so many digests fit.
const DIGESTS: &str = "/sha256/";
const DIGEST: usize = 6;
const RESERVED: &str = "pipewright:";

/// A resource's tags, taken apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Read {
    /// The file's: compared.
    pub managed: Tags,
    /// Keys of others: kept.
    pub foreign: Vec<String>,
    /// Ours about the resource, without the prefix `pipewright:`.
    pub notes: Tags,
}

/// Whose a resource with these tags is.
pub fn owner(aws: &Aws, tags: &Tags) -> Owner {
    match tags.get(PIPELINE) {
        Some(pipeline) if *pipeline == aws.pipeline => Owner::Ours,
        other => Owner::Foreign { pipeline: other.cloned() },
    }
}

/// Takes a resource's tags apart.
pub fn read(aws: &Aws, tags: &Tags) -> Read {
    let record = tags.get(KEYS).map(String::as_str).unwrap_or_default();
    let mut parts = Read::default();
    for (key, value) in tags.iter().filter(|(key, _)| !key.starts_with("aws:") && !aws.ignored_tags.contains(*key)) {
        if let Some(note) = key.strip_prefix(RESERVED) {
            parts.notes.insert(note.to_owned(), value.clone());
        } else if is_recorded(record, key) {
            parts.managed.insert(key.clone(), value.clone());
        } else {
            parts.foreign.push(key.clone());
        }
    }
    parts
}

/// Everything to be written on a resource whose tags from the file are these.
pub fn written(aws: &Aws, tags: &Tags) -> Tags {
    let mut all = tags.clone();
    all.insert(PIPELINE.into(), aws.pipeline.clone());
    if !tags.is_empty() {
        all.insert(KEYS.into(), record(tags));
    }
    all
}

fn record(tags: &Tags) -> String {
    let names = tags.keys().cloned().collect::<Vec<_>>().join(SEPARATOR);
    if names.chars().count() <= LONGEST_VALUE {
        return names;
    }
    tags.keys().fold(DIGESTS.to_owned(), |record, key| record + &digest(key))
}

fn is_recorded(record: &str, key: &str) -> bool {
    match record.strip_prefix(DIGESTS) {
        Some(digests) => digests.as_bytes().chunks(DIGEST).any(|one| one == digest(key).as_bytes()),
        None => record.split(SEPARATOR).any(|one| one == key),
    }
}

fn digest(key: &str) -> String {
    let mut text = BASE64.encode(Sha256::digest(key.as_bytes()));
    text.truncate(DIGEST);
    text
}

/// The keys to be removed when the file's tags change from `live` to `desired`.
pub fn removed(live: &Tags, desired: &Tags) -> Vec<String> {
    let mut keys: Vec<String> = live.keys().filter(|key| !desired.contains_key(*key)).cloned().collect();
    if desired.is_empty() && !live.is_empty() {
        keys.push(KEYS.into());
    }
    keys
}

/// What is kept of others' tags, and the finding that mentions them.
pub fn foreign(parts: &Read) -> (Value, Option<Finding>) {
    if parts.foreign.is_empty() {
        return (Value::Null, None);
    }
    let names: Vec<_> = parts.foreign.iter().map(|key| format!("`{key}`")).collect();
    let message = format!("tags that are not ours stay: {}", names.join(", "));
    let finding = Finding::new(Severity::Note, "foreign-tags", message)
        .hint("list them under `ignore_tags` to hear no more of them");
    (json!(parts.foreign), Some(finding))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources::tests::aws;

    fn tags(pairs: &[(&str, &str)]) -> Tags {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn what_was_written_reads_back_as_the_file_s_tags() {
        let file = tags(&[("team", "payments"), ("cost center", "42")]);
        assert_eq!(read(&aws(), &written(&aws(), &file)).managed, file);
        assert_eq!(owner(&aws(), &written(&aws(), &file)), Owner::Ours);
    }

    #[test]
    fn a_foreign_tag_is_named_and_an_ignored_one_is_not() {
        let mut aws = aws();
        aws.ignored_tags.insert("scanner".into());
        let mut live = written(&aws, &tags(&[("team", "payments")]));
        live.extend(tags(&[("owner", "someone"), ("scanner", "x"), ("aws:cloudformation:stack", "y")]));
        let parts = read(&aws, &live);
        assert_eq!(parts.foreign, ["owner"]);
        assert!(foreign(&parts).1.unwrap().message.contains("`owner`"));
    }

    #[test]
    fn a_tag_that_left_the_file_is_removed_and_with_the_last_one_our_list_of_keys() {
        let live = tags(&[("a", "1"), ("b", "2")]);
        assert_eq!(removed(&live, &tags(&[("a", "1")])), ["b"]);
        assert_eq!(removed(&live, &tags(&[])), ["a", "b", KEYS]);
        assert!(removed(&tags(&[]), &tags(&[])).is_empty());
    }

    #[test]
    fn as_many_and_as_long_tags_as_a_file_may_have_are_recorded_in_one_value() {
        let file: Tags = (10..50).map(|number| (format!("{}{number}", "ключ-".repeat(25)), "x".into())).collect();
        let mut live = written(&aws(), &file);
        assert!(live.values().all(|value| value.chars().count() <= LONGEST_VALUE), "{live:?}");
        live.insert("owner".into(), "someone".into());
        let parts = read(&aws(), &live);
        assert_eq!((parts.managed, parts.foreign), (file, vec!["owner".to_owned()]));
    }

    #[test]
    fn another_pipeline_s_mark_and_no_mark_are_both_foreign() {
        let other = tags(&[(PIPELINE, "other")]);
        assert_eq!(owner(&aws(), &other), Owner::Foreign { pipeline: Some("other".into()) });
        assert_eq!(owner(&aws(), &tags(&[])), Owner::Foreign { pipeline: None });
    }
}
