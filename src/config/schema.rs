//! The JSON Schema of the file, from the Rust types: for editors, and for whoever writes the YAML by machine.
//!
//! Beyond what the types say, an environment gets its own form: every key optional and nullable, lists whole.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::names::EnvironmentName;
use super::pipeline::Pipeline;

const DEFINITIONS: &str = "#/$defs/";

/// The JSON Schema (draft 2020-12) of a pipeline's file.
#[must_use]
pub fn schema() -> Value {
    let mut root = generated();
    tidy(&mut root);
    add_environments(&mut root);
    root
}

/// The keys that a type of the file must have, by the type's name.
pub(super) fn required_keys(of: &str) -> Vec<String> {
    let root = generated();
    let definition = if root["title"] == of { &root } else { &root["$defs"][of] };
    let keys = definition["required"].as_array().into_iter().flatten();
    keys.filter_map(|key| key.as_str().map(str::to_owned)).collect()
}

fn generated() -> Value {
    SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<Pipeline>().to_value()
}

/// Descriptions without the source's line breaks, and on the only property of a choice too, where editors look.
fn tidy(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            if let Some(Value::String(text)) = fields.get_mut("description") {
                *text = text.replace('\n', " ");
            }
            describe_choice(fields);
            fields.values_mut().for_each(tidy);
        }
        Value::Array(items) => items.iter_mut().for_each(tidy),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn describe_choice(fields: &mut Map<String, Value>) {
    let Some(description) = fields.get("description").cloned() else { return };
    let Some(Value::Object(properties)) = fields.get_mut("properties") else { return };
    let mut each = properties.values_mut();
    if let (Some(Value::Object(only)), None) = (each.next(), each.next()) {
        only.entry("description").or_insert(description);
    }
}

fn add_environments(root: &mut Value) {
    let Some(definitions) = root["$defs"].as_object().cloned() else { return };
    let keyed: BTreeSet<_> = definitions.iter().filter(|(_, it)| has_keys(it)).map(|(name, _)| name.as_str()).collect();
    let mut environment = root.clone();
    if let Some(fields) = environment.as_object_mut() {
        fields.retain(|key, _| matches!(key.as_str(), "type" | "properties" | "additionalProperties"));
    }
    if let Some(properties) = environment["properties"].as_object_mut() {
        properties.remove("environments");
        properties.remove("version");
    }
    let mut environment = partial(&environment, &keyed);
    environment["description"] = json!("What differs in one environment: `null` removes, lists replace.");
    for name in &keyed {
        root["$defs"][partial_name(name)] = partial(&definitions[*name], &keyed);
    }
    root["$defs"]["Environment"] = environment;
    let pattern = EnvironmentName::json_schema(&mut SchemaSettings::draft2020_12().into_generator());
    let pattern = pattern.get("pattern").and_then(Value::as_str).unwrap_or_default().to_owned();
    let choice = json!({ "anyOf": [{ "$ref": format!("{DEFINITIONS}Environment") }, { "type": "null" }] });
    root["properties"]["environments"]["patternProperties"] = json!({ pattern: choice });
}

fn partial_name(name: &str) -> String {
    format!("Partial{name}")
}

/// Whether a definition has keys that an environment may state one by one.
fn has_keys(definition: &Value) -> bool {
    let choices = definition["oneOf"].as_array().into_iter().flatten();
    choices.chain([definition]).any(|choice| choice.get("properties").is_some())
}

/// A schema's partial form: no key required, each may be `null`, and absence means "as in the file", so no defaults.
fn partial(schema: &Value, keyed: &BTreeSet<&str>) -> Value {
    let Value::Object(fields) = schema else { return schema.clone() };
    let mut out = Map::new();
    for (key, value) in fields {
        let value = match (key.as_str(), value) {
            ("required" | "default", _) => continue,
            ("properties" | "patternProperties", Value::Object(keys)) => {
                keys.iter().map(|(key, value)| (key.clone(), nullable(partial(value, keyed)))).collect()
            }
            ("additionalProperties", Value::Object(_)) => nullable(partial(value, keyed)),
            ("anyOf" | "oneOf", Value::Array(choices)) => choices.iter().map(|choice| partial(choice, keyed)).collect(),
            ("$ref", Value::String(target)) => match target.strip_prefix(DEFINITIONS) {
                Some(name) if keyed.contains(name) => json!(format!("{DEFINITIONS}{}", partial_name(name))),
                Some(_) | None => value.clone(),
            },
            _ => value.clone(),
        };
        out.insert(key.clone(), value);
    }
    Value::Object(out)
}

fn nullable(schema: Value) -> Value {
    let is_nullable =
        |kind: &Value| *kind == "null" || kind.as_array().is_some_and(|kinds| kinds.contains(&json!("null")));
    let choices = schema["anyOf"].as_array();
    if is_nullable(&schema["type"]) || choices.is_some_and(|choices| choices.iter().any(|it| is_nullable(&it["type"])))
    {
        return schema;
    }
    let mut wrapped = json!({ "anyOf": [schema, { "type": "null" }] });
    if let Some(description) = wrapped["anyOf"][0].as_object_mut().and_then(|fields| fields.remove("description")) {
        wrapped["description"] = description;
    }
    wrapped
}
