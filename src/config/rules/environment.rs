//! The function's environment: what pipewright sets and what the file adds must fit Lambda's 4 KB together.

use super::super::pipeline::Pipeline;
use super::super::tree::Path;
use super::Breach;

/// Lambda's limit for all variables, in bytes.
const LARGEST: usize = 4_096;

pub(super) fn check(pipeline: &Pipeline) -> Vec<Breach> {
    let (region, account) = (pipeline.assumed_region(), "123456789012");
    let large = pipeline.processing.large_order.as_ref();
    let topic = large.map(|large| pipeline.topic_name(&large.notify)).unwrap_or_default();
    let topic_arn = format!("arn:aws:sns:{region}:{account}:{topic}");
    let quarantine_url = format!("https://sqs.{region}.amazonaws.com/{account}/{}", pipeline.quarantine_name());
    let settings = pipeline.settings(&topic_arn, &quarantine_url).to_environment();
    let ours = bytes(settings.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    let added = &pipeline.function.environment;
    let theirs = bytes(added.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    if ours + theirs <= LARGEST {
        return vec![];
    }
    let message =
        format!("the environment has {} bytes, and Lambda takes {LARGEST}: {ours} are the settings", ours + theirs);
    // Whichever of the two is the larger part is the one to shorten.
    let (at, hint) = if theirs > ours {
        ("function.environment", "keep long values elsewhere, and only their name here")
    } else {
        ("processing", "fewer currencies, or shorter attribute names")
    };
    vec![Breach::error(Path::of(at), message, hint).involving(Path::of("processing"))]
}

fn bytes<'a>(variables: impl Iterator<Item = (&'a str, &'a str)>) -> usize {
    variables.map(|(name, value)| name.len() + value.len()).sum()
}
