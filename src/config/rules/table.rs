//! The table's attributes share one namespace: two things under one name would overwrite each other.

use super::super::pipeline::{Attributes, Pipeline, TableEncryption};
use super::super::tree::Path;
use super::super::words::quoted;
use super::Breach;

pub(super) fn check(pipeline: &Pipeline) -> Vec<Breach> {
    let named = attributes(pipeline);
    let mut breaches = vec![];
    for (index, (at, name)) in named.iter().enumerate() {
        if let Some((first, _)) = named[..index].iter().find(|(_, other)| other == name) {
            let message = format!("the attribute {} is `{first}` already", quoted(name));
            let breach = Breach::error(Path::of(at), message, "give each attribute its own name");
            breaches.push(breach.involving(Path::of(first)));
        }
    }
    breaches.extend(key_by_alias(pipeline));
    breaches
}

/// DynamoDB tells a key by its ARN only: against an alias every plan would find a difference.
fn key_by_alias(pipeline: &Pipeline) -> Option<Breach> {
    let TableEncryption::Kms(key) = &pipeline.table.encryption else { return None };
    key.as_str().contains("alias/").then(|| {
        let message = format!("`{key}` is an alias, and DynamoDB does not tell which alias a table's key was named by");
        Breach::error(Path::of("table.encryption.kms"), message, "write the key's id or its ARN")
    })
}

/// Every attribute: where its name is set, and the name.
fn attributes(pipeline: &Pipeline) -> Vec<(&'static str, &str)> {
    let table = &pipeline.table;
    let Attributes { customer_id, amount, currency, timestamp, items, .. } = &table.attributes;
    let Attributes { metadata, extra, digest, announcement, judged_by, .. } = &table.attributes;
    let expiry = table.time_to_live.as_ref().map(|expiry| ("table.time_to_live.attribute", expiry.attribute.as_str()));
    let mut named = vec![
        ("table.key", table.key.as_str()),
        ("table.attributes.customer_id", customer_id.as_str()),
        ("table.attributes.amount", amount.as_str()),
        ("table.attributes.currency", currency.as_str()),
        ("table.attributes.timestamp", timestamp.as_str()),
        ("table.attributes.items", items.as_str()),
        ("table.attributes.metadata", metadata.as_str()),
        ("table.attributes.extra", extra.as_str()),
        ("table.attributes.digest", digest.as_str()),
        ("table.attributes.announcement", announcement.as_str()),
        ("table.attributes.judged_by", judged_by.as_str()),
    ];
    named.extend(expiry);
    named
}
