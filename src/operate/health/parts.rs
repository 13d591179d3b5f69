//! The parts of a pipeline, each judged by what was observed of it.

use serde_json::Value;

use super::{Fact, MAKES_IT, Part, Problem, Read, Role, State};
use crate::config::alarm::{Alarm, Watched};
use crate::number::{counted, short_time};
use crate::operate::series::Plot;
use crate::reconcile::{Action, Address, Finding, Kind, Live, Severity};

/// The word of a part that is not there.
const MISSING: &str = "missing";
/// The word of a part of which nothing is known.
const NOT_READ: &str = "not read";

/// All parts, in the order of the way that a transaction takes.
pub(super) fn all(read: &Read<'_>) -> Vec<Part> {
    let mut parts = vec![queue(read), mapping(read), function(read), execution_role(read), table(read)];
    parts.extend([dead_letters(read), quarantine(read)]);
    parts.extend(topics(read));
    parts.extend(alarms(read));
    parts
}

/// A part that is being judged.
struct Judged<'a> {
    part: Part,
    live: Option<&'a Live>,
    read: &'a Read<'a>,
}

impl<'a> Judged<'a> {
    fn new(read: &'a Read<'a>, role: Role, name: &str, plots: &str) -> Self {
        let address = Address::new(role.kind(), name);
        let live = read.snapshot.resources.get(&address);
        let plots = if plots.is_empty() { Vec::new() } else { read.plots(plots) };
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
        let mut judged = Self { part, live, read };
        if live.is_none() {
            judged.is_absent();
        }
        let about = |finding: &&Finding| finding.address.as_ref() == Some(&address);
        read.plan.findings.iter().filter(about).for_each(|finding| judged.hear(finding));
        judged
    }

    fn is_absent(&mut self) {
        if self.read.snapshot.unread.contains_key(&self.part.role.kind()) {
            self.part.word = NOT_READ.into();
            self.finds(State::Unknown, "it could not be read");
        } else {
            self.part.word = MISSING.into();
            let then = if self.read.plan.refusals().is_empty() { MAKES_IT } else { "see `pipewright plan`" };
            self.finds(State::Bad, format!("it is missing: {then}"));
        }
    }

    /// What the plan says of it. What is judged below, with its numbers, is not said twice; what an apply would lead to
    /// is told with the plan.
    fn hear(&mut self, finding: &Finding) {
        let state = match (finding.severity, finding.code.as_str()) {
            (_, "dead-letters-waiting" | "quarantine-not-empty" | "alarm-raised" | "messages-expire")
            | (Severity::Note, _) => return,
            (_, "mapping-disabled" | "mapping-interrupted" | "function-failed") | (Severity::Error, _) => State::Bad,
            (Severity::Warning, _) => State::Attention,
        };
        let hint = finding.hint.as_ref().map(|hint| format!(": {hint}")).unwrap_or_default();
        self.finds(state, format!("{}{hint}", finding.message));
    }

    fn finds(&mut self, state: State, words: impl Into<String>) {
        self.part.state = self.part.state.max(state);
        self.part.problems.push(Problem { state, words: words.into() });
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

    /// AWS's word for its state; what is not there has its own.
    fn takes_word(&mut self, observation: &str) {
        if self.live.is_some() {
            self.part.word = self.text(observation).unwrap_or("?").to_owned();
        }
    }

    /// Of what is not there, there is nothing to tell.
    fn fact(&mut self, label: &str, value: impl ToString) {
        if self.live.is_some() {
            self.part.facts.push(Fact { label: label.to_owned(), value: value.to_string() });
        }
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
    let mut judged = Judged::new(read, Role::Queue, &read.pipeline.queue_name(), "queue.");
    judged.count("waiting", "messages_waiting");
    judged.count("in flight", "messages_in_flight");
    let age = judged.plot("queue.oldest_message_age").and_then(|plot| plot.current(read.window));
    judged.fact("oldest", age.map_or_else(|| "not told".to_owned(), short_time));
    judged.part
}

fn mapping(read: &Read<'_>) -> Part {
    let name = format!("{}/{}", read.pipeline.queue_name(), read.pipeline.function_name());
    let mut judged = Judged::new(read, Role::Mapping, &name, "");
    judged.takes_word("state");
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
    let mut judged = Judged::new(read, Role::Function, &read.pipeline.function_name(), "function.");
    judged.part.plots.extend(read.plots("processor."));
    judged.takes_word("state");
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
            judged.fact("error rate", format!("{} of {all:.0}", share(failed, all)));
            if failed > 0.0 {
                let still = judged.plot("function.errors").and_then(Plot::last).is_some_and(|last| last > 0.0);
                let when = if still { "and the last ones still do" } else { "the last ones did not" };
                let invocations = counted(format!("{all:.0}"), "invocation");
                judged.finds(State::Attention, format!("{failed:.0} of {invocations} failed, {when}"));
            }
        }
        (Some(_), _) | (None, _) => judged.fact("error rate", "no invocations told"),
    }
    if let Some(count) = throttles.filter(|count| *count > 0.0) {
        let invocations = counted(format!("{count:.0}"), "throttled invocation");
        judged.finds(State::Attention, format!("{invocations}: concurrency is short"));
    }
    if judged.live.is_some_and(|live| live.document.get("reserved_concurrency") == 0) {
        let (state, whose) = match read.pipeline.function.reserved_concurrency.map(|count| count.get()) {
            Some(0) => (State::Attention, ", as the file says"),
            Some(_) | None => (State::Bad, ""),
        };
        judged.fact("reserved concurrency", 0);
        let message = format!("its reserved concurrency is 0{whose}: it never runs, messages pile up in the queue");
        judged.finds(state, message);
    }
    judged.part
}

/// Without it the function can do nothing.
fn execution_role(read: &Read<'_>) -> Part {
    let name = read.pipeline.role_name(&read.plan.scope.region);
    Judged::new(read, Role::ExecutionRole, &name, "").part
}

fn table(read: &Read<'_>) -> Part {
    let mut judged = Judged::new(read, Role::Table, &read.pipeline.table_name(), "table.");
    judged.takes_word("status");
    if judged.live.is_some() && !matches!(judged.part.word.as_str(), "ACTIVE" | "UPDATING") {
        judged.finds(State::Bad, format!("the table is {}", judged.part.word));
    }
    judged.count("items, some hours ago", "items");
    match judged.plot("table.throttled_writes").and_then(Plot::sum) {
        Some(count) if count > 0.0 => {
            judged.fact("throttled writes", format!("{count:.0}"));
            let writes = counted(format!("{count:.0}"), "throttled write");
            judged.finds(State::Attention, format!("{writes}: capacity is short"));
        }
        Some(_) => judged.fact("throttled writes", "0"),
        None => judged.fact("throttled writes", "none told"),
    }
    judged.part
}

fn dead_letters(read: &Read<'_>) -> Part {
    let name = read.pipeline.dead_letter_name();
    let mut judged = Judged::new(read, Role::DeadLetter, &name, "dead_letter.");
    if let Some(count) = parked(&mut judged) {
        let messages = counted(count, "message");
        judged.finds(State::Bad, format!("{messages} failed too often: see `pipewright dead-letters list`"));
    }
    judged.part
}

fn quarantine(read: &Read<'_>) -> Part {
    let name = read.pipeline.quarantine_name();
    let mut judged = Judged::new(read, Role::Quarantine, &name, "quarantine.");
    if let Some(count) = parked(&mut judged) {
        let messages = counted(count, "invalid message");
        judged.finds(State::Attention, format!("{messages}: see `pipewright quarantine list`"));
    }
    judged.part
}

/// How many messages nobody processes any more; `None`: none. Those that somebody looks at count, too: nobody else takes
/// any.
fn parked(judged: &mut Judged<'_>) -> Option<u64> {
    judged.count("waiting", "messages_waiting");
    let in_hand = judged.number("messages_in_flight").unwrap_or_default();
    if in_hand > 0 {
        judged.fact("looked at just now", in_hand);
    }
    Some(judged.number("messages_waiting")? + in_hand).filter(|count| *count > 0)
}

fn topics(read: &Read<'_>) -> Vec<Part> {
    read.pipeline.topics.keys().map(|key| topic(read, &read.pipeline.topic_name(key))).collect()
}

/// A subscription is named `<topic>/<protocol>/<endpoint>`.
fn topic(read: &Read<'_>, name: &str) -> Part {
    let mut judged = Judged::new(read, Role::Topic, name, "");
    let on_topic = format!("{name}/");
    let endpoint = |address: &Address| {
        let rest = address.name.as_str().strip_prefix(&on_topic)?;
        (address.kind == Kind::Subscription).then(|| rest.to_owned())
    };
    let subscribed: Vec<_> =
        read.snapshot.resources.iter().filter_map(|(address, live)| Some((endpoint(address)?, live))).collect();
    let is_known = !read.snapshot.unread.contains_key(&Kind::Subscription);
    judged.fact("subscribers", if is_known { subscribed.len().to_string() } else { "?".into() });
    let is_pending = |live: &Live| live.findings.iter().any(|finding| finding.code == "subscription-pending");
    let pending: Vec<_> =
        subscribed.iter().filter(|(_, live)| is_pending(live)).map(|(endpoint, _)| endpoint.as_str()).collect();
    if !pending.is_empty() {
        judged.fact("pending", pending.len());
        judged.finds(State::Attention, format!("not confirmed yet, hears nothing: {}", pending.join(", ")));
    }
    let created = read.plan.steps.iter().filter(|step| step.action == Action::Create);
    let missing: Vec<_> = created.filter_map(|step| endpoint(&step.address)).collect();
    if !missing.is_empty() && judged.live.is_some() {
        // What nobody at all hears is lost.
        let state = if subscribed.is_empty() { State::Bad } else { State::Attention };
        judged.finds(state, format!("not subscribed, hears nothing: {}", missing.join(", ")));
    }
    judged.part
}

fn alarms(read: &Read<'_>) -> Vec<Part> {
    let alarm = |(key, alarm): (_, &Alarm)| {
        let name = read.pipeline.alarm_name(key);
        let mut judged = Judged::new(read, Role::Alarm, &name, "");
        judged.takes_word("state");
        judged.fact("watches", watched(alarm));
        if judged.part.word == "ALARM" {
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

/// `0.1 %`; neither nothing nor all where it is not quite that.
fn share(some: f64, all: f64) -> String {
    match 100.0 * some / all {
        percent if percent > 0.0 && percent < 0.05 => "< 0.1 %".into(),
        percent if (99.95..100.0).contains(&percent) => "> 99.9 %".into(),
        percent => format!("{percent:.1} %"),
    }
}

/// A name without the pipeline's before it, in each of its parts.
fn short(name: &str, pipeline: &str) -> String {
    let begin = format!("{pipeline}-");
    let parts: Vec<_> = name.split('/').map(|part| part.strip_prefix(&begin).unwrap_or(part)).collect();
    parts.join(" → ")
}

#[cfg(test)]
mod tests {
    use super::share;

    #[test]
    fn a_little_is_not_nothing_and_much_is_not_all() {
        let shares = [(0.0, 8.0), (1.0, 3_500.0), (2.0, 8.0), (3_499.0, 3_500.0), (8.0, 8.0)];
        let words = shares.map(|(some, all)| share(some, all));
        assert_eq!(words, ["0.0 %", "< 0.1 %", "25.0 %", "> 99.9 %", "100.0 %"]);
    }
}
