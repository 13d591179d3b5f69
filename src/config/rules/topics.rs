//! Topics: whoever is to be told must exist, be told once, and be able to hear.

use std::collections::BTreeSet;

use super::super::names::TopicKey;
use super::super::pipeline::{Endpoint, Pipeline, Subscriber, Topic};
use super::super::tree::Path;
use super::super::words::{listed, nearest, quoted};
use super::Breach;

/// SNS's limit for the name that e-mails and text messages show.
const LONGEST_DISPLAY_NAME: usize = 100;

/// AWS takes 50 tags a resource; `pipewright:pipeline` and `pipewright:tags` are two of them.
const MOST_TAGS_OF_A_TOPIC: usize = 48;

pub(super) fn check(pipeline: &Pipeline) -> Vec<Breach> {
    let mut breaches = vec![];
    if let Some(large) = &pipeline.processing.large_order {
        breaches.extend(exists(pipeline, &large.notify, Path::of("processing.large_order.notify")));
    }
    for (key, alarm) in &pipeline.alarms {
        let at = Path::of("alarms").key(key.as_str()).key("notify");
        let told: BTreeSet<_> = alarm.notify.alarm.union(&alarm.notify.ok).collect();
        for topic in told {
            breaches.extend(exists(pipeline, topic, at.clone()));
            breaches.extend(admits_alarms(pipeline, topic));
        }
    }
    for (key, topic) in &pipeline.topics {
        let at = Path::of("topics").key(key.as_str());
        breaches.extend(display_name(topic, at.clone()));
        breaches.extend(subscribed_twice(topic, &at));
        breaches.extend(of_other_services(topic, &at));
        breaches.extend(too_many(pipeline, topic, &at));
    }
    breaches
}

/// Each subscription is recorded as a tag on its topic; two more tags are the topic's own mark.
fn too_many(pipeline: &Pipeline, topic: &Topic, at: &Path) -> Option<Breach> {
    let (subscribers, tags) = (topic.subscribers.len(), pipeline.tags.len());
    let room = MOST_TAGS_OF_A_TOPIC.saturating_sub(tags);
    (subscribers > room).then(|| {
        let message = format!("{subscribers} subscribers and {tags} tags are more than the tags of a topic can record");
        let hint = format!("at most {room} subscribers with these tags; let a queue or a second topic take the others");
        Breach::error(at.clone().key("subscribers"), message, hint)
    })
}

/// The topic must be in the file.
fn exists(pipeline: &Pipeline, topic: &TopicKey, at: Path) -> Option<Breach> {
    if pipeline.topics.contains_key(topic) {
        return None;
    }
    let known = || pipeline.topics.keys().map(TopicKey::as_str);
    let meant = nearest(topic.as_str(), known());
    let hint = match meant {
        Some(meant) => format!("did you mean {}?", quoted(meant)),
        None if pipeline.topics.is_empty() => format!("add `topics: {{ {topic}: {{}} }}`"),
        None => format!("`topics:` has {}", listed(known())),
    };
    let breach = Breach::error(at, format!("there is no topic `{topic}`"), hint);
    Some(breach.involving(Path::of("topics").key(topic.as_str())))
}

/// CloudWatch has no permission on the key that AWS manages for SNS, and nobody can give it one.
fn admits_alarms(pipeline: &Pipeline, topic: &TopicKey) -> Option<Breach> {
    let key = pipeline.topics.get(topic)?.encryption_key.as_ref()?;
    key.as_str().ends_with("alias/aws/sns").then(|| {
        let at = Path::of("topics").key(topic.as_str()).key("encryption_key");
        let message = format!("alarms cannot publish to `{topic}` under `alias/aws/sns`");
        Breach::error(at, message, "use a customer-managed key whose policy admits `cloudwatch.amazonaws.com`")
    })
}

fn display_name(topic: &Topic, at: Path) -> Option<Breach> {
    let length = topic.display_name.as_ref()?.chars().count();
    (length > LONGEST_DISPLAY_NAME).then(|| {
        let message = format!("a display name has at most {LONGEST_DISPLAY_NAME} characters, this one has {length}");
        Breach::error(at.key("display_name"), message, "shorten it")
    })
}

/// An endpoint's ARN must be of the service that its key names.
fn of_other_services(topic: &Topic, at: &Path) -> Vec<Breach> {
    let breach = |(index, subscriber): (usize, &Subscriber)| {
        let (service, arn) = match &subscriber.endpoint {
            Endpoint::Sqs(arn) => ("sqs", arn),
            Endpoint::Lambda(arn) => ("lambda", arn),
            Endpoint::Email(_) | Endpoint::Sms(_) | Endpoint::Https(_) => return None,
        };
        let at = at.clone().key("subscribers").index(index).key(service);
        let message = format!("{} is not of `{service}`", quoted(arn.as_str()));
        let hint = format!("an ARN that begins with `arn:aws:{service}:`");
        (arn.service() != service).then(|| Breach::error(at, message, hint))
    };
    topic.subscribers.iter().enumerate().filter_map(breach).collect()
}

fn subscribed_twice(topic: &Topic, at: &Path) -> Vec<Breach> {
    let mut seen = BTreeSet::new();
    let repeats = topic.subscribers.iter().enumerate().filter(|(_, subscriber)| !seen.insert(&subscriber.endpoint));
    let breach = |index| {
        let at = at.clone().key("subscribers").index(index);
        Breach::error(at, "this subscriber is there twice", "SNS knows one subscription for each endpoint: keep one")
    };
    repeats.map(|(index, _)| breach(index)).collect()
}
