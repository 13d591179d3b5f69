//! What holds for all kinds, and the small worlds that the kinds' own tests need.

use serde_json::{Value, json};

use super::{Blueprint, desired};
use crate::aws::{Aws, Pace};
use crate::config::Pipeline;
use crate::reconcile::{Graph, Kind, Scope};

/// An AWS that answers nothing: for what needs only its names.
pub fn aws() -> Aws {
    let config = aws_types::SdkConfig::builder().behavior_version(aws_config::BehaviorVersion::latest()).build();
    Aws { pace: Pace::Quick, ..Aws::new(&config, scope(), "shop") }
}

pub fn scope() -> Scope {
    Scope { partition: "aws".into(), account: "123456789012".into(), region: "eu-west-1".into() }
}

/// The smallest pipeline, with these parts beside.
pub fn pipeline(parts: Value) -> Pipeline {
    let mut file = json!({ "version": 1, "pipeline": "shop", "function": { "source": "lambda" } });
    for (key, value) in parts.as_object().cloned().unwrap_or_default() {
        file[key] = value;
    }
    serde_json::from_value(file).unwrap()
}

pub fn blueprint_of<T>(pipeline: &Pipeline, then: impl FnOnce(&Blueprint<'_>) -> T) -> T {
    then(&Blueprint { pipeline, scope: &scope(), code: "sources:abc" })
}

fn graph(parts: Value) -> Graph {
    blueprint_of(&pipeline(parts), |blueprint| desired(blueprint).unwrap())
}

fn whole() -> Graph {
    graph(json!({
        "topics": {
            "orders": { "subscribers": [{ "email": "a@example.com" }], "encryption_key": "alias/orders" },
            "alerts": {},
        },
        "processing": { "large_order": { "threshold": { "USD": "1000" }, "notify": "orders" } },
        "alarms": { "failed": { "metric": "processor.failed", "above": 0, "notify": "alerts" } },
    }))
}

/// Every ARN in a document, whole or as part of a longer text.
fn arns(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) if text.starts_with("arn:") => found.push(text.clone()),
        Value::Array(values) => values.iter().for_each(|value| arns(value, found)),
        Value::Object(members) => members.values().for_each(|value| arns(value, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn every_arn_in_a_document_belongs_to_something_that_its_resource_waits_for() {
    let graph = whole();
    for node in graph.nodes() {
        let mut found = Vec::new();
        for (_, value) in node.document.properties() {
            arns(value, &mut found);
        }
        for arn in found {
            // External: keys, and the alarms of the account in a topic's policy; a dead-letter queue names its source.
            let external = arn.contains(":kms:") || arn.ends_with("alarm:*");
            let itself = arn.ends_with(node.address.name.as_str());
            let source = node.address.kind == Kind::Queue && arn.contains(":sqs:");
            let waited = node.after.iter().any(|at| arn.contains(at.name.as_str()));
            assert!(external || itself || source || waited, "{}: {arn} comes after {:?}", node.address, node.after);
        }
    }
}

#[test]
fn every_property_in_a_kind_s_table_exists() {
    let graph = whole();
    for node in graph.nodes() {
        let stated = serde_json::to_value(&node.document).unwrap();
        for property in graph.unusual(node.address.kind) {
            assert!(stated.get(property.path).is_some(), "{}: {}", node.address, property.path);
        }
    }
}

#[test]
fn two_parts_under_one_name_are_refused() {
    let parts = json!({ "queue": { "name": "orders", "quarantine": { "name": "orders" } } });
    let refused = blueprint_of(&pipeline(parts), |blueprint| desired(blueprint).unwrap_err().to_string());
    assert!(refused.contains("`queue/orders`") && refused.contains("hint:"), "{refused}");
}

#[test]
fn only_the_topic_that_an_alarm_notifies_admits_cloudwatch() {
    let graph = whole();
    let policy = |name: &str| {
        let node = graph.nodes().find(|node| node.address.to_string() == format!("topic/{name}")).unwrap();
        node.document.get("policy").to_string()
    };
    assert!(policy("shop-alerts").contains("PipewrightAlarms"));
    assert!(!policy("shop-orders").contains("PipewrightAlarms"));
}
