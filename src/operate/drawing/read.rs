//! Reads a drawing out of resources: their properties name each other.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Drawing, Edge, Flow, Node, Part};
use crate::config::metric::Metric;
use crate::reconcile::{Address, Document, Kind};

impl Drawing {
    /// The drawing of these resources; `title` is the pipeline's name, which their names begin with.
    pub fn of<'a>(title: &str, resources: impl Iterator<Item = (&'a Address, &'a Document)>) -> Self {
        let resources: BTreeMap<&Address, &Document> = resources.collect();
        let mut drawing = Self { title: title.to_owned(), nodes: Vec::new(), edges: Vec::new() };
        drawing.add_nodes(&resources);
        drawing.add_edges(&resources);
        drawing
    }

    fn add_nodes(&mut self, resources: &BTreeMap<&Address, &Document>) {
        let mut nodes: Vec<Node> = resources.iter().filter_map(|(at, of)| self.node(at, of)).collect();
        if nodes.iter().any(|node| node.part == Part::Queue) {
            let (name, lines) = ("senders".to_owned(), Vec::new());
            nodes.push(Node { part: Part::Senders, title: name.clone(), name, lines, state: None });
        }
        // What the function tells stands before what only alarms do: so no wires cross.
        let told: Vec<&str> = resources
            .iter()
            .filter(|(at, _)| at.kind == Kind::Function)
            .filter_map(|(_, of)| of.get("environment").as_object())
            .flat_map(|variables| variables.values().filter_map(Value::as_str))
            .filter(|value| value.starts_with("arn:"))
            .map(|arn| last(arn, ':'))
            .collect();
        let key = |node: &Node| (node.part, !told.contains(&node.name.as_str()), node.name.clone());
        nodes.sort_by_cached_key(key);
        self.nodes = nodes;
    }

    fn node(&self, at: &Address, of: &Document) -> Option<Node> {
        let (part, lines) = match at.kind {
            Kind::Queue => queue(of),
            Kind::Function => (Part::Function, function(of)),
            Kind::Table => (Part::Table, vec![billing(of.get("billing"))]),
            Kind::Topic => (Part::Topic, Vec::new()),
            Kind::Subscription => (Part::Subscriber, Vec::new()),
            Kind::Alarm => (Part::Alarm, vec![in_short(text(of, "description"))]),
            Kind::LogGroup | Kind::Role | Kind::EventSourceMapping | Kind::Dashboard => return None,
        };
        let name = at.name.as_str();
        let title = match part {
            // `<topic>/<protocol>/<endpoint>`
            Part::Subscriber => name.splitn(3, '/').nth(2).unwrap_or(name),
            _ => name.strip_prefix(&format!("{}-", self.title)).unwrap_or(name),
        };
        Some(Node { part, name: name.to_owned(), title: title.to_owned(), lines, state: None })
    }

    fn add_edges(&mut self, resources: &BTreeMap<&Address, &Document>) {
        for (at, of) in resources {
            match at.kind {
                Kind::Queue => self.queue_edges(at, of),
                Kind::EventSourceMapping => self.mapping_edge(at, of),
                Kind::Function => self.function_edges(at, of),
                Kind::Subscription => {
                    let topic = at.name.as_str().split('/').next().unwrap_or_default();
                    self.edge((Kind::Topic, topic), (Kind::Subscription, at.name.as_str()), "", Flow::Notice);
                }
                Kind::Alarm => self.alarm_edges(at, of),
                Kind::Table | Kind::Topic | Kind::LogGroup | Kind::Role | Kind::Dashboard => {}
            }
        }
        self.edges.sort_by_key(|edge| (edge.from, edge.to));
    }

    fn queue_edges(&mut self, at: &Address, of: &Document) {
        let name = at.name.as_str();
        let of_name = |part, name: &str| self.nodes.iter().position(|node| node.part == part && node.name == name);
        if let (Some(from), Some(to)) = (of_name(Part::Senders, "senders"), of_name(Part::Queue, name)) {
            self.edges.push(Edge { from, to, label: String::new(), flow: Flow::Main });
        }
        let redrive = of.get("redrive");
        if let Some(arn) = redrive["dead_letter_arn"].as_str() {
            let label = format!("failed {}×", redrive["after_receives"]);
            self.edge((Kind::Queue, name), (Kind::Queue, last(arn, ':')), &label, Flow::Failure);
        }
    }

    /// A mapping's name is `<queue>/<function>`.
    fn mapping_edge(&mut self, at: &Address, of: &Document) {
        let Some((queue, function)) = at.name.as_str().split_once('/') else { return };
        let label = match of.get("enabled") {
            Value::Bool(false) => "switched off".to_owned(),
            _ => format!("batches of {}", of.get("batch_size")),
        };
        self.edge((Kind::Queue, queue), (Kind::Function, function), &label, Flow::Main);
    }

    /// What the function is told of: a table by its name, a queue by its URL, a topic by its ARN.
    fn function_edges(&mut self, at: &Address, of: &Document) {
        let from = (Kind::Function, at.name.as_str());
        let Value::Object(variables) = of.get("environment") else { return };
        for value in variables.values().filter_map(Value::as_str) {
            self.edge(from, (Kind::Table, value), "stores", Flow::Main);
            if value.starts_with("https://") {
                self.edge(from, (Kind::Queue, last(value, '/')), "rejects", Flow::Failure);
            }
            if value.starts_with("arn:") {
                self.edge(from, (Kind::Topic, last(value, ':')), "large orders", Flow::Notice);
            }
        }
    }

    fn alarm_edges(&mut self, at: &Address, of: &Document) {
        let list = |name: &str| of.get(name).as_array().cloned().unwrap_or_default();
        let mut arns: Vec<String> = ["alarm_actions", "ok_actions"]
            .iter()
            .flat_map(|name| list(name))
            .filter_map(|arn| arn.as_str().map(str::to_owned))
            .collect();
        arns.sort();
        arns.dedup();
        for arn in arns {
            self.edge((Kind::Alarm, at.name.as_str()), (Kind::Topic, last(&arn, ':')), "", Flow::Notice);
        }
    }

    /// Between two resources, if both are there.
    fn edge(&mut self, from: (Kind, &str), to: (Kind, &str), label: &str, flow: Flow) {
        let place = |(kind, name): (Kind, &str)| {
            self.nodes.iter().position(|node| kind_of(node.part) == Some(kind) && node.name == name)
        };
        if let (Some(from), Some(to)) = (place(from), place(to)) {
            self.edges.push(Edge { from, to, label: label.to_owned(), flow });
        }
    }
}

fn kind_of(part: Part) -> Option<Kind> {
    match part {
        Part::Senders => None,
        Part::Queue | Part::DeadLetter | Part::Quarantine => Some(Kind::Queue),
        Part::Function => Some(Kind::Function),
        Part::Table => Some(Kind::Table),
        Part::Topic => Some(Kind::Topic),
        Part::Subscriber => Some(Kind::Subscription),
        Part::Alarm => Some(Kind::Alarm),
    }
}

fn queue(of: &Document) -> (Part, Vec<String>) {
    let kept = format!("kept {}", duration(of.get("retention_seconds")));
    match text(of, "part") {
        "dead-letter" => (Part::DeadLetter, vec![kept]),
        "quarantine" => (Part::Quarantine, vec![kept]),
        _ => (Part::Queue, vec![kept, format!("hidden {}", duration(of.get("visibility_timeout_seconds")))]),
    }
}

fn function(of: &Document) -> Vec<String> {
    vec![format!("{} MiB", of.get("memory_mib")), format!("at most {}", duration(of.get("timeout_seconds")))]
}

fn billing(value: &Value) -> String {
    match (value["read"].as_u64(), value["write"].as_u64()) {
        (Some(read), Some(write)) => format!("{read} reads, {write} writes a second"),
        _ => value.as_str().unwrap_or("capacity managed elsewhere").replace('_', "-"),
    }
}

fn text<'a>(of: &'a Document, name: &str) -> &'a str {
    of.get(name).as_str().unwrap_or_default()
}

fn last(text: &str, separator: char) -> &str {
    text.rsplit(separator).next().unwrap_or(text)
}

fn duration(seconds: &Value) -> String {
    match seconds.as_u64() {
        None => "?".into(),
        Some(seconds) if seconds > 0 && seconds % 86_400 == 0 => format!("{} d", seconds / 86_400),
        Some(seconds) if seconds > 0 && seconds % 3_600 == 0 => format!("{} h", seconds / 3_600),
        Some(seconds) if seconds > 0 && seconds % 60 == 0 => format!("{} min", seconds / 60),
        Some(seconds) => format!("{seconds} s"),
    }
}

/// A description that was made from a metric of the catalogue, without the explanation in brackets; anybody else's as it is.
fn in_short(description: &str) -> String {
    let derived = |metric: &Metric| {
        let after = description.strip_prefix(&format!("{} ({})", metric.name(), metric.description()))?;
        Some(format!("{}{after}", metric.name()))
    };
    Metric::ALL.iter().find_map(derived).unwrap_or_else(|| description.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_derived_is_shortened() {
        let metric = Metric::ALL[0];
        let derived = format!("{} ({}) above 5m", metric.name(), metric.description());
        assert_eq!(in_short(&derived), format!("{} above 5m", metric.name()));
        assert_eq!(in_short("Look (really) at it"), "Look (really) at it");
    }
}
