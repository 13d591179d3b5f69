//! Every property that somebody could change behind our back, in every resource of the full pipeline: the next plan
//! shows exactly that one, and apply repairs it.

use std::collections::{BTreeMap, BTreeSet};

use pipewright::reconcile::{Address, Document, Graph, Kind, Node};
use pipewright::resources::gaps::Backend;
use pipewright::resources::unusual;
use serde_json::{Value, json};

use crate::backend::{account, run};
use crate::life_cycle::Life;
use crate::options::{File, edit, graph};

/// What nobody can change, or what is not changed by writing the property.
const NOT_WRITTEN: [(Kind, &str, &str); 3] = [
    (Kind::Table, "key", "immutable: a change replaces the table"),
    (Kind::Role, "path", "immutable: a change replaces the role"),
    (Kind::LogGroup, "marked", "whose a group is stands in its tags"),
];

/// Somebody else's value where the kind of value alone does not suggest one. `None`: it does.
fn somebody_s(at: &Address, path: &str, value: &Value) -> Option<Value> {
    let name = path.rsplit('.').next().unwrap_or(path);
    let other = |of: [&str; 2]| json!(if value == of[0] { of[1] } else { of[0] });
    Some(match (at.kind, name) {
        (Kind::Queue, "redrive_allow") => json!({ "redrivePermission": "denyAll" }),
        (Kind::Queue, "dead_letter_arn") => json!(value.as_str()?.replace("dead-letter", "quarantine")),
        (Kind::Queue, "maximum_message_bytes") => json!(2048),
        (Kind::Queue, "retention_seconds") => json!(value.as_u64()? - 1),
        (Kind::Queue, "receive_wait_seconds") => json!(7),
        (Kind::Queue, "encryption") => json!("kms:alias/somebody"),
        (Kind::Topic, "encryption_key") => json!("alias/somebody"),
        (Kind::Subscription, "filter") => json!({ "currency": ["JPY"] }),
        (Kind::Table, "encryption") => other(["aws-managed", "aws-owned"]),
        (Kind::LogGroup, "retention_days") => json!(3),
        (Kind::Role, "permissions_boundary") => json!("arn:aws:iam::111122223333:policy/somebody"),
        (Kind::Function, "runtime") => json!("provided.al2"),
        (Kind::Function, "architecture") => other(["arm64", "x86_64"]),
        (Kind::Function, "log_format") => json!("JSON"),
        (Kind::Function, "role_arn") => {
            json!(value.as_str()?.replace("pipewright/orders/orders-processor-us-east-1", "somebody"))
        }
        (Kind::EventSourceMapping, "response_types") => json!([]),
        (Kind::EventSourceMapping, "filters") => json!([r#"{"body":{"currency":["JPY"]}}"#]),
        (Kind::Alarm, "statistic") => other(["Average", "SampleCount"]),
        (Kind::Alarm, "expression") => json!(format!("({})", value.as_str()?)),
        (Kind::Alarm, "comparison") => other(["LessThanThreshold", "GreaterThanThreshold"]),
        (Kind::Alarm, "treat_missing_data") => other(["missing", "ignore"]),
        (Kind::Alarm, "period_seconds") => json!(value.as_u64()? + 60),
        (Kind::Alarm, "alarm_actions" | "ok_actions" | "insufficient_data_actions") => other_actions(value.as_array()?),
        _ => return None,
    })
}

fn other_actions(actions: &[Value]) -> Value {
    let action = "arn:aws:sns:us-east-1:111122223333:somebody";
    json!(if actions.is_empty() { vec![json!(action)] } else { actions[1..].to_vec() })
}

/// Another value of the same kind.
fn another(value: &Value) -> Option<Value> {
    Some(match value {
        Value::Bool(on) => json!(!on),
        Value::Number(number) => {
            number.as_u64().map_or_else(|| json!(number.as_f64().unwrap() + 1.0), |n| json!(n + 1))
        }
        Value::String(text) => json!(format!("{text}-x")),
        Value::Null | Value::Array(_) | Value::Object(_) => return None,
    })
}

/// A policy with another condition in its first statement; a dashboard with another title.
fn another_json(value: &Value) -> Option<Value> {
    let mut changed = value.clone();
    if let Some(statement) = changed.pointer_mut("/Statement/0") {
        statement["Condition"]["StringEquals"] = json!({ "aws:PrincipalAccount": ["444455556666"] });
    } else {
        *changed.pointer_mut("/widgets/1/properties/title")? = json!("Somebody's title");
    }
    Some(changed)
}

fn is_json(kind: Kind, property: &str) -> bool {
    use pipewright::reconcile::Trait;
    unusual(kind).iter().any(|one| one.is == Trait::Json && one.path == property)
}

/// Changes every leaf below; tells which leaves have no other value.
fn change(at: &Address, path: &str, value: &mut Value, stuck: &mut Vec<String>) {
    let somebody_s = somebody_s(at, path, value);
    match value {
        Value::Object(members) if somebody_s.is_none() && !is_json(at.kind, path) => {
            for (key, member) in members {
                change(at, &format!("{path}.{key}"), member, stuck);
            }
        }
        value => {
            match somebody_s.or_else(|| if is_json(at.kind, path) { another_json(value) } else { another(value) }) {
                Some(other) => *value = other,
                None => stuck.push(format!("{at} {path}")),
            }
        }
    }
}

/// The resource with one property changed in every leaf, for each property.
fn changes(node: &Node, stuck: &mut Vec<String>) -> Vec<Document> {
    let whole: BTreeMap<String, Value> = serde_json::from_value(serde_json::to_value(&node.document).unwrap()).unwrap();
    let at = &node.address;
    let written = |property: &str| !NOT_WRITTEN.iter().any(|(kind, path, _)| (*kind, *path) == (at.kind, property));
    let mut documents = Vec::new();
    for property in whole.keys().filter(|property| written(property) && !is_refused(at, property)) {
        let mut changed = whole.clone();
        change(at, property, changed.get_mut(property).unwrap(), stuck);
        documents.push(changed.into_iter().collect());
    }
    documents
}

/// Only these two protocols know raw delivery; side queues redrive nowhere.
fn is_refused(at: &Address, property: &str) -> bool {
    let name = at.name.as_str();
    match (at.kind, property) {
        (Kind::Subscription, "raw") => !name.contains("/https/") && !name.contains("/sqs/"),
        (Kind::Queue, "redrive") => !name.ends_with("-queue"),
        _ => false,
    }
}

/// The graphs as somebody else would have them: in each, every resource has one of its properties changed.
fn somebody_s_graphs(truth: &Graph) -> Vec<Graph> {
    let mut stuck = Vec::new();
    let changed: BTreeMap<&Address, Vec<Document>> =
        truth.nodes().map(|node| (&node.address, changes(node, &mut stuck))).collect();
    assert_eq!(stuck, Vec::<String>::new(), "say what somebody else would write");
    let rounds = changed.values().map(Vec::len).max().unwrap();
    let graph = |round: usize| {
        let node = |node: &Node| match changed[&node.address].get(round) {
            Some(document) => Node { document: document.clone(), ..node.clone() },
            None => node.clone(),
        };
        Graph::new(truth.nodes().map(node), unusual).unwrap()
    };
    (0..rounds).map(graph).collect()
}

async fn every_change_behind_our_back_is_shown_alone_and_repaired(backend: Backend) {
    let mut life = Life::on(backend, account()).await;
    let scope = life.world.scope.clone();
    let trust = json!({ "Version": "2012-10-17", "Statement": [] }).to_string();
    let role = life.aws.iam.create_role().role_name("somebody").assume_role_policy_document(trust);
    role.send().await.unwrap();
    let truth = graph(&File::every_option(&scope), &scope);
    let mut seen = BTreeSet::new();
    life.becomes(&truth).await;
    for theirs in somebody_s_graphs(&truth) {
        life.write(&theirs).await;
        let expected = edit(&theirs, &truth, &scope);
        seen.extend(expected.keys().cloned());
        life.edit(&theirs, &truth, &expected).await;
    }
    let leaves = leaves(&truth);
    let missed: Vec<_> = leaves.difference(&seen).map(|(at, path)| format!("{at} {path}")).collect();
    assert_eq!(missed, Vec::<String>::new());
    // Every property was written once: what the backend loses has shown.
    assert!(life.closed_gaps().is_empty(), "no gap any more, take it off the list: {:#?}", life.closed_gaps());
}

/// Every leaf that a document states, but for those that cannot be written.
fn leaves(graph: &Graph) -> BTreeSet<(Address, String)> {
    let leaves = |node: &Node| {
        let all = pipewright::reconcile::diff::diff(unusual(node.address.kind), &Document::default(), &node.document);
        let at = node.address.clone();
        all.0.into_iter().map(move |change| (at.clone(), change.path)).collect::<Vec<_>>()
    };
    let is_written = |(at, path): &(Address, String)| {
        let property = path.split('.').next().unwrap_or(path);
        !NOT_WRITTEN.iter().any(|(kind, path, _)| (*kind, *path) == (at.kind, property)) && !is_refused(at, property)
    };
    let all: BTreeSet<_> = graph.nodes().flat_map(leaves).filter(is_written).collect();
    assert!(all.len() > 300, "{}", all.len());
    all
}

#[test]
fn ministack_every_change_behind_our_back_is_shown_alone_and_repaired() {
    run(every_change_behind_our_back_is_shown_alone_and_repaired(Backend::MiniStack));
}

#[test]
fn moto_every_change_behind_our_back_is_shown_alone_and_repaired() {
    run(every_change_behind_our_back_is_shown_alone_and_repaired(Backend::Moto));
}
