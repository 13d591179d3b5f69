//! The config as its users meet it: diagnostics, schema and example files.
//!
//! A folder under `tests/diagnostics` is a case: `pipeline.yaml`, `expected.txt`, and `args` if there is an environment.
//! `UPDATE=1 cargo test` rewrites what is expected; the difference is then reviewed like code.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use pipewright::config::{self, Diagnostics};
use proptest::prelude::*;
use serde_json::Value;

use crate::golden::{compare, root};

// --- diagnostics -----------------------------------------------------------------------------------------------------

/// The cases, each a folder.
fn cases() -> Vec<PathBuf> {
    let folder = root().join("tests/diagnostics");
    let mut cases: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    cases
}

fn diagnose(case: &Path) -> Diagnostics {
    let args = fs::read_to_string(case.join("args")).unwrap_or_default();
    let environment = args.trim().strip_prefix("--env ");
    let loaded = config::load(&case.join("pipeline.yaml"), environment);
    let mut found = loaded.map_or_else(|refused| refused, |loaded| loaded.warnings);
    // As if the user stood in the folder.
    found.file = "pipeline.yaml".into();
    found
}

#[test]
fn every_bad_input_is_told_as_expected() {
    let cases = cases();
    assert!(cases.len() >= 40, "only {} cases", cases.len());
    let differences: Vec<_> = cases
        .iter()
        .filter_map(|case| compare(&case.join("expected.txt"), &diagnose(case).render(false)).err())
        .collect();
    assert!(differences.is_empty(), "{}\n{} differ", differences.join("\n"), differences.len());
}

#[test]
fn every_diagnostic_has_a_cause_a_hint_and_a_place() {
    for case in cases() {
        let found = diagnose(&case);
        assert!(!found.is_empty(), "{} has nothing wrong", case.display());
        for item in found.items {
            assert!(item.hint.is_some_and(|hint| !hint.is_empty()), "no hint: {}: {}", case.display(), item.message);
            assert!(!item.message.contains('\n'), "{}: {}", case.display(), item.message);
        }
    }
}

// --- schema ----------------------------------------------------------------------------------------------------------

#[test]
fn the_published_schema_is_the_one_of_the_types() {
    let mut text = serde_json::to_string_pretty(&config::schema()).unwrap();
    text.push('\n');
    if let Err(difference) = compare(&root().join("schema/pipeline.schema.json"), &text) {
        panic!("run the tests with UPDATE=1 and commit the schema: {}", difference.lines().next().unwrap_or_default());
    }
}

/// Calls `visit` with the path and the schema of every property, definitions followed.
fn properties(schema: &Value, visit: &mut dyn FnMut(&str, &Value, bool)) {
    walk(schema, schema, "", visit);
}

fn walk(root: &Value, schema: &Value, path: &str, visit: &mut dyn FnMut(&str, &Value, bool)) {
    if let Some(name) = schema["$ref"].as_str().and_then(|target| target.strip_prefix("#/$defs/")) {
        // Environments repeat the file's options; they are visited as such.
        if name != "Environment" {
            walk(root, &root["$defs"][name], path, visit);
        }
        return;
    }
    let required: BTreeSet<_> = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    for (key, property) in schema["properties"].as_object().into_iter().flatten() {
        let path = format!("{path}.{key}");
        visit(&path, property, required.contains(key.as_str()));
        walk(root, property, &path, visit);
    }
    for property in schema["patternProperties"].as_object().into_iter().flat_map(|patterns| patterns.values()) {
        walk(root, property, &format!("{path}.*"), visit);
    }
    if schema["additionalProperties"].is_object() {
        walk(root, &schema["additionalProperties"], &format!("{path}.*"), visit);
    }
    if schema["items"].is_object() {
        walk(root, &schema["items"], &format!("{path}[]"), visit);
    }
    for choice in ["anyOf", "oneOf"].iter().filter_map(|key| schema[key].as_array()).flatten() {
        walk(root, choice, path, visit);
    }
}

#[test]
fn every_property_is_described_and_says_what_its_absence_means() {
    let mut lacking = vec![];
    properties(&config::schema(), &mut |path, property, is_required| {
        let description = property["description"].as_str().unwrap_or_default();
        if !description.ends_with(['.', ')']) {
            lacking.push(format!("{path} has no description, or one that is no sentence: `{description}`"));
        }
        let absent = ["default", "Default", "Without it"].iter().any(|word| description.contains(word));
        let has_default = property.get("default").is_some_and(|default| !default.is_null());
        if !is_required && !has_default && !absent {
            lacking.push(format!("{path} does not say what holds without it: `{description}`"));
        }
    });
    assert!(lacking.is_empty(), "{}", lacking.join("\n"));
}

#[test]
fn every_quantity_has_its_unit_and_range() {
    let mut count = 0;
    properties(&config::schema(), &mut |path, property, _| {
        let pattern = property["pattern"].as_str().unwrap_or_default();
        if pattern.starts_with("^[0-9]+ ?(") {
            for key in ["x-unit", "x-minimum", "x-maximum"] {
                assert!(property[key].is_string(), "{path} has no {key}");
            }
            count += 1;
        }
        if property["type"] == "integer" {
            assert!(property["minimum"].is_number() && property["maximum"].is_number(), "{path} has no range");
            count += 1;
        }
    });
    assert!(count > 15, "only {count} quantities");
}

static VALIDATOR: LazyLock<jsonschema::Validator> =
    LazyLock::new(|| jsonschema::validator_for(&config::schema()).unwrap());

// --- examples --------------------------------------------------------------------------------------------------------

const EXAMPLES: [&str; 2] = ["pipeline.yaml", "examples/every-option.yaml"];

fn as_json(file: &str) -> Value {
    serde_saphyr::from_str(&fs::read_to_string(root().join(file)).unwrap()).unwrap()
}

#[test]
fn both_examples_fit_the_schema() {
    for file in EXAMPLES {
        let problems: Vec<_> = VALIDATOR
            .iter_errors(&as_json(file))
            .map(|error| format!("{file}: {}: {error}", error.instance_path()))
            .collect();
        assert!(problems.is_empty(), "{}", problems.join("\n"));
    }
}

#[test]
fn both_examples_load_without_a_warning_in_every_environment() {
    for file in EXAMPLES {
        let environments = as_json(file)["environments"].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        for environment in std::iter::once(None).chain(environments.iter().map(|name| Some(name.as_str()))) {
            let loaded = config::load(&root().join(file), environment);
            let problems = loaded.map_or_else(|refused| refused, |loaded| loaded.warnings);
            assert!(problems.is_empty(), "{problems}");
        }
    }
}

#[test]
fn the_schema_knows_what_an_environment_may_state() {
    let with = |environment: Value| {
        let mut pipeline = as_json("pipeline.yaml");
        pipeline["environments"] = serde_json::json!({ "prod": environment });
        VALIDATOR.is_valid(&pipeline)
    };
    assert!(with(Value::Null));
    assert!(with(
        serde_json::json!({ "queue": { "retention": null }, "alarms": { "failed-messages": { "above": 5 } } })
    ));
    assert!(with(serde_json::json!({ "table": { "billing": { "provisioned": { "read": 7 } } } })));
    assert!(!with(serde_json::json!({ "queu": null })));
    assert!(!with(serde_json::json!({ "queue": { "retention": 5 } })));
    assert!(!with(serde_json::json!({ "environments": {} })));
    assert!(!with(serde_json::json!({ "topics": { "alerts": { "subscribers": [null] } } })), "lists are whole");
}

/// Every path that a file states, in the schema's spelling: `.topics.*.subscribers[].email`.
fn stated(schema: &Value, value: &Value, path: &str, paths: &mut BTreeSet<String>) {
    match value {
        Value::Object(entries) => {
            for (key, value) in entries {
                let known = format!("{path}.{key}");
                let is_free = !schema_knows(schema, &known);
                let next = if is_free { format!("{path}.*") } else { known };
                paths.insert(next.clone());
                stated(schema, value, &next, paths);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| stated(schema, item, &format!("{path}[]"), paths)),
        Value::String(text) => {
            paths.insert(format!("{path}={text}"));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn schema_knows(schema: &Value, path: &str) -> bool {
    let mut found = false;
    properties(schema, &mut |known, _, _| found |= known == path);
    found
}

/// What a schema lets one choose from by name: `=on_demand`.
fn choices(schema: &Value) -> Vec<String> {
    let mut paths = vec![];
    let root = schema;
    properties(schema, &mut |path, property, _| {
        let target = |schema: &Value| {
            let name = schema["$ref"].as_str().and_then(|target| target.strip_prefix("#/$defs/"));
            name.map_or(schema.clone(), |name| root["$defs"][name].clone())
        };
        let options: Vec<_> =
            property["anyOf"].as_array().into_iter().flatten().chain([property]).map(target).collect();
        for choice in options.iter().filter_map(|option| option["oneOf"].as_array()).flatten() {
            paths.extend(choice["const"].as_str().map(|name| format!("{path}={name}")));
        }
    });
    paths
}

#[test]
fn the_normative_example_states_every_option_and_every_choice() {
    let schema = config::schema();
    let example = as_json("examples/every-option.yaml");
    let mut found = BTreeSet::new();
    stated(&schema, &example, "", &mut found);
    for environment in example["environments"].as_object().unwrap().values() {
        stated(&schema, environment, "", &mut found);
    }
    let mut options = choices(&schema);
    properties(&schema, &mut |path, _, _| options.push(path.to_owned()));
    assert!(options.len() > 150, "only {} options: the schema is not walked", options.len());
    let missing: Vec<_> = options.iter().filter(|option| !found.contains(*option)).collect();
    assert!(missing.is_empty(), "not stated in the example: {missing:#?}");
}

#[test]
fn the_normative_example_names_every_value_of_a_closed_list() {
    let text = fs::read_to_string(root().join("examples/every-option.yaml")).unwrap();
    let words: BTreeSet<_> = text.split(|letter: char| !letter.is_alphanumeric()).collect();
    let schema = config::schema();
    let mut missing = vec![];
    let definitions = schema["$defs"].as_object().unwrap().values();
    for list in definitions.filter_map(|definition| definition["enum"].as_array()) {
        missing.extend(list.iter().filter_map(Value::as_str).filter(|value| !words.contains(value)).map(str::to_owned));
    }
    properties(&schema, &mut |path, property, _| {
        let values = property["enum"].as_array().into_iter().flatten().filter_map(Value::as_str);
        missing.extend(values.filter(|value| !words.contains(value)).map(|value| format!("{path}={value}")));
    });
    assert!(missing.is_empty(), "{missing:?}");
}

// --- loading ---------------------------------------------------------------------------------------------------------

fn example() -> String {
    fs::read_to_string(root().join("pipeline.yaml")).unwrap()
}

#[test]
fn an_environment_is_merged_and_names_the_resources() {
    let file = root().join("pipeline.yaml");
    let base = config::load(&file, None).unwrap().pipeline;
    let prod = config::load(&file, Some("prod")).unwrap().pipeline;
    assert_eq!(base.queue_name(), "ecommerce-transactions-queue");
    assert_eq!(prod.queue_name(), "ecommerce-transactions-prod-queue");
    assert_eq!(base.function.memory.get(), 256 << 20);
    assert_eq!(prod.function.memory.get(), 512 << 20);
    let threshold = |pipeline: &config::Pipeline| {
        pipeline
            .processing
            .large_order
            .as_ref()
            .unwrap()
            .threshold
            .values()
            .map(|amount| amount.0.to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!((threshold(&base), threshold(&prod)), (vec!["1000".to_owned()], vec!["5000".to_owned()]));
}

#[test]
fn money_is_taken_from_the_text_and_never_from_a_float() {
    let text = example().replace("USD: 1000 }", "USD: 90071992547409.93 }");
    let pipeline = config::load_text("pipeline.yaml", &text, None).unwrap().pipeline;
    let large = pipeline.processing.large_order.unwrap();
    assert_eq!(large.threshold.values().next().unwrap().0.to_string(), "90071992547409.93");
}

#[test]
fn what_was_loaded_reads_back_as_the_same_pipeline() {
    let pipeline = config::load(&root().join("examples/every-option.yaml"), None).unwrap().pipeline;
    let written = serde_json::to_value(&pipeline).unwrap();
    let again: config::Pipeline = serde_json::from_value(written).unwrap();
    assert_eq!(again, pipeline);
}

#[test]
fn anchors_repeat_what_they_mark() {
    let text = example()
        .replace("memory: 256 MiB", "memory: &size 256 MiB")
        .replace("timeout: 30s", "ephemeral_storage: 512 MiB");
    assert!(config::load_text("pipeline.yaml", &text, None).is_ok());
    let text = text.replace("ephemeral_storage: 512 MiB", "ephemeral_storage: *size");
    let refused = config::load_text("pipeline.yaml", &text, None).unwrap_err();
    assert!(refused.items.iter().any(|item| item.message == "`256 MiB` is out of range"), "{refused}");
}

/// The example with a stretch of it replaced.
fn edited(at: usize, cut: usize, put: &str) -> String {
    let mut letters: Vec<char> = example().chars().collect();
    let at = at.min(letters.len());
    let end = (at + cut).min(letters.len());
    letters.splice(at..end, put.chars());
    letters.into_iter().collect()
}

proptest! {
    /// Whatever the text, the loader answers, and its answer can be shown.
    #[test]
    fn no_text_makes_the_loader_panic(text in "\\PC{0,200}", environment in proptest::option::of("[a-z]{1,4}")) {
        let answer = config::load_text("any.yaml", &text, environment.as_deref());
        if let Err(refused) = answer {
            prop_assert!(!refused.render(true).is_empty());
        }
    }

    /// YAML's own characters, so that the text is often almost YAML.
    #[test]
    fn no_yaml_makes_the_loader_panic(text in "[ \\n\\t:,{}\\[\\]&*!|>'\"%#~?0-9a-c-]{0,120}") {
        if let Err(refused) = config::load_text("any.yaml", &text, None) {
            prop_assert!(!refused.render(false).is_empty());
        }
    }

    /// What the loader takes, the schema takes: an editor never marks a file that works.
    #[test]
    fn what_loads_fits_the_schema(at in 0usize..2000, cut in 0usize..4, put in "[a-z0-9:{}. ]{0,3}") {
        let text = edited(at, cut, &put);
        if config::load_text("any.yaml", &text, None).is_ok() {
            let value: Value = serde_saphyr::from_str(&text).unwrap();
            prop_assert!(VALIDATOR.is_valid(&value), "{}", text);
        }
    }

    /// The mistakes that people make.
    #[test]
    fn no_edit_of_the_example_makes_the_loader_panic(at in 0usize..2000, cut in 0usize..40, put in "\\PC{0,12}") {
        if let Err(refused) = config::load_text("any.yaml", &edited(at, cut, &put), Some("prod")) {
            prop_assert!(!refused.render(false).is_empty());
        }
    }
}
