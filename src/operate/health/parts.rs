//! The parts of a pipeline, each judged by what was observed of it.

use serde_json::Value;

use super::{Fact, Part, Read, Role, State};
use crate::config::alarm::{Alarm, Watched};
use crate::operate::series::Plot;
use crate::reconcile::{Address, Finding, Kind, Live, Severity};

/// All parts, in the order of the way that a transaction takes.
pub(super) fn all(read: &Read<'_>) -> Vec<Part> {
    let mut parts = vec![queue(read), mapping(read), function(read), table(read)];
    parts.extend([dead_letters(read), quarantine(read)]);
    parts.extend(topics(read));
    parts.extend(alarms(read));
    parts
}

/// A part that is being judged.
struct Judged<'a> {
    part: Part,
    live: Option<&'a Live>,
}

impl<'a> Judged<'a> {
    fn new(read: &Read<'a>, role: Role, kind: Kind, name: &str, plots: &str) -> Self {
        let address = Address::new(kind, name);
        let live = read.snapshot.resources.get(&address);
        let plots = if plots.is_empty() {
            Vec::new()
        } else {
            Plot::all(plots, read.metrics.unwrap_or(&Default::default()), read.window)
        };
        let part = Part {
            role,
            name: name.to_owned(),
            title: short(name, &read.pipeline.id()),
            state: State::Good,
            word: String::new(),
            facts: Vec::new(),
            problems: Vec::new(),
            plots,
        };
        let mut judged = Self { part, live };
        match live {
            Some(live) => live.findings.iter().for_each(|finding| judged.hear(finding)),
            None if read.snapshot.unread.contains_key(&kind) => judged.finds(State::Unknown, "it could not be read"),
            None => judged.finds(State::Bad, "it is missing: `pipewright apply` makes it"),
        }
        judged
    }

    /// What the read found of it. What is judged below, with its numbers, is not said twice.
    fn hear(&mut self, finding: &Finding) {
        let state = match (finding.severity, finding.code.as_str()) {
            (_, "dead-letters-waiting" | "quarantine-not-empty" | "alarm-raised") | (Severity::Note, _) => return,
            (_, "mapping-disabled" | "mapping-interrupted" | "function-failed") | (Severity::Error, _) => State::Bad,
            (Severity::Warning, _) => State::Attention,
        };
        self.finds(state, finding.message.clone());
    }

    fn finds(&mut self, state: State, problem: impl Into<String>) {
        self.part.state = self.part.state.max(state);
        self.part.problems.push(problem.into());
    }

    fn observed(&self, name: &str) -> Option<&'a Value> {
        self.live?.observations.get(name)
    }

    fn number(&self, name: &str) -> Option<u64> {
        self.observed(name)?.as_u64()
    }

    fn text(&self, name: &str) -> Option<&'a str> {
        self.observed(name)?.as_str()
    }

    fn fact(&mut self, label: &str, value: impl ToString) {
        self.part.facts.push(Fact { label: label.to_owned(), value: value.to_string() });
    }

    fn count(&mut self, label: &str, observation: &str) {
        let value = self.number(observation).map_or_else(|| "?".to_owned(), |count| count.to_string());
        self.fact(label, value);
    }

    fn plot(&self, metric: &str) -> Option<&Plot> {
        self.part.plots.iter().find(|plot| plot.metric == metric)
    }
}

fn queue(read: &Read<'_>) -> Part {
    let mut judged = Judged::new(read, Role::Queue, Kind::Queue, &read.pipeline.queue_name(), "queue.");
    judged.count("waiting", "messages_waiting");
    judged.count("in flight", "messages_in_flight");
    let age = judged.plot("queue.oldest_message_age").and_then(Plot::latest);
    judged.fact("oldest", age.map_or_else(|| "not told".to_owned(), seconds));
    judged.part
}

fn mapping(read: &Read<'_>) -> Part {
    let name = format!("{}/{}", read.pipeline.queue_name(), read.pipeline.function_name());
    let mut judged = Judged::new(read, Role::Mapping, Kind::EventSourceMapping, &name, "");
    judged.part.word = judged.text("state").unwrap_or("?").to_owned();
    if let Some(result) = judged.text("last_result").filter(|result| !result.is_empty()) {
        judged.fact("last result", result);
        if result.starts_with("PROBLEM") {
            judged.finds(State::Bad, format!("Lambda reports: {result}"));
        }
    }
    if !read.pipeline.function.enabled {
        judged.finds(State::Attention, "the processing is switched off in the file: messages pile up in the queue");
    }
    judged.part
}

fn function(read: &Read<'_>) -> Part {
    let mut judged = Judged::new(read, Role::Function, Kind::Function, &read.pipeline.function_name(), "function.");
    judged.part.plots.extend(Plot::all("processor.", read.metrics.unwrap_or(&Default::default()), read.window));
    judged.part.word = judged.text("state").unwrap_or("?").to_owned();
    if let Some(update) = judged.text("last_update").filter(|update| *update != "Successful") {
        judged.fact("last update", update);
        if update == "Failed" {
            judged.finds(State::Bad, "its last update failed: the code before runs on");
        }
    }
    let sum = |metric: &str| judged.plot(metric).and_then(Plot::sum);
    let (invocations, errors, throttles) =
        (sum("function.invocations"), sum("function.errors"), sum("function.throttles"));
    match (invocations, errors) {
        (Some(all), Some(failed)) if all > 0.0 => {
            judged.fact("error rate", format!("{:.1} % of {all:.0}", 100.0 * failed / all));
            if failed > 0.0 {
                let one = judged.plot("function.errors").and_then(Plot::latest).is_some_and(|latest| latest > 0.0);
                let when = if one { "and the last ones still do" } else { "the last ones did not" };
                judged.finds(State::Attention, format!("{failed:.0} of {all:.0} invocations failed, {when}"));
            }
        }
        (Some(_), _) | (None, _) => judged.fact("error rate", "no invocations told"),
    }
    if let Some(count) = throttles.filter(|count| *count > 0.0) {
        judged.finds(State::Attention, format!("{count:.0} invocations were throttled: concurrency is short"));
    }
    judged.part
}

fn table(read: &Read<'_>) -> Part {
    let mut judged = Judged::new(read, Role::Table, Kind::Table, &read.pipeline.table_name(), "table.");
    let status = judged.text("status").unwrap_or("?");
    judged.part.word = status.to_owned();
    if judged.live.is_some() && !matches!(status, "ACTIVE" | "UPDATING") {
        judged.finds(State::Bad, format!("the table is {status}"));
    }
    judged.count("items, some hours ago", "items");
    match judged.plot("table.throttled_writes").and_then(Plot::sum) {
        Some(count) if count > 0.0 => {
            judged.fact("throttled writes", format!("{count:.0}"));
            judged.finds(State::Attention, format!("{count:.0} writes were throttled: capacity is short"));
        }
        Some(_) => judged.fact("throttled writes", "0"),
        None => judged.fact("throttled writes", "none told"),
    }
    judged.part
}

fn dead_letters(read: &Read<'_>) -> Part {
    let name = read.pipeline.dead_letter_name();
    let mut judged = Judged::new(read, Role::DeadLetter, Kind::Queue, &name, "dead_letter.");
    judged.count("waiting", "messages_waiting");
    if let Some(count) = judged.number("messages_waiting").filter(|count| *count > 0) {
        judged.finds(State::Bad, format!("{count} messages failed too often: see `pipewright dead-letters list`"));
    }
    judged.part
}

fn quarantine(read: &Read<'_>) -> Part {
    let name = read.pipeline.quarantine_name();
    let mut judged = Judged::new(read, Role::Quarantine, Kind::Queue, &name, "quarantine.");
    judged.count("waiting", "messages_waiting");
    if let Some(count) = judged.number("messages_waiting").filter(|count| *count > 0) {
        judged.finds(State::Attention, format!("{count} messages are invalid: see `pipewright quarantine list`"));
    }
    judged.part
}

fn topics(read: &Read<'_>) -> Vec<Part> {
    let topic = |key| {
        let name = read.pipeline.topic_name(key);
        let mut judged = Judged::new(read, Role::Topic, Kind::Topic, &name, "");
        let on_topic = format!("{name}/");
        // Named `<topic>/<protocol>/<endpoint>`. What is missing is drift.
        let subscriptions: Vec<_> = read
            .snapshot
            .resources
            .iter()
            .filter(|(address, _)| address.kind == Kind::Subscription)
            .filter_map(|(address, live)| Some((address.name.as_str().strip_prefix(&on_topic)?, live)))
            .collect();
        judged.fact("subscribers", subscriptions.len());
        let is_pending = |live: &Live| live.findings.iter().any(|finding| finding.code == "subscription-pending");
        let pending: Vec<_> =
            subscriptions.iter().filter(|(_, live)| is_pending(live)).map(|(endpoint, _)| *endpoint).collect();
        if !pending.is_empty() {
            judged.fact("pending", pending.len());
            judged.finds(State::Attention, format!("not confirmed yet, hears nothing: {}", pending.join(", ")));
        }
        judged.part
    };
    read.pipeline.topics.keys().map(topic).collect()
}

fn alarms(read: &Read<'_>) -> Vec<Part> {
    let alarm = |(key, alarm): (_, &Alarm)| {
        let name = read.pipeline.alarm_name(key);
        let mut judged = Judged::new(read, Role::Alarm, Kind::Alarm, &name, "");
        let state = judged.text("state").unwrap_or("?");
        judged.part.word = state.to_owned();
        judged.fact("watches", watched(alarm));
        if state == "ALARM" {
            let reason = judged.text("reason").unwrap_or("no reason given");
            judged.finds(State::Bad, format!("raised: {reason}"));
        }
        judged.part
    };
    read.pipeline.alarms.iter().map(alarm).collect()
}

fn watched(alarm: &Alarm) -> String {
    let what = match &alarm.watched {
        Watched::Catalogue(metric) => metric.name().to_owned(),
        Watched::Raw(raw) => format!("{} {}", raw.namespace, raw.metric),
    };
    format!("{what} {} {}", alarm.condition.key(), alarm.limit)
}

fn seconds(value: f64) -> String {
    let seconds = value.max(0.0).round() as u64;
    match seconds {
        ..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200.. => format!("{} h {:02} min", seconds / 3_600, seconds % 3_600 / 60),
    }
}

/// A name without the pipeline's before it, in each of its parts.
fn short(name: &str, pipeline: &str) -> String {
    let begin = format!("{pipeline}-");
    let parts: Vec<_> = name.split('/').map(|part| part.strip_prefix(&begin).unwrap_or(part)).collect();
    parts.join(" → ")
}
