//! The published schemas: made from the Rust types, pinned here, and true of what is printed.

use pipewright::cli::SchemaOf;
use pipewright::commands::schema_text;
use pipewright::reconcile::{Options, Plan, Snapshot};
use serde_json::Value;

use crate::golden::{check, compare, root};
use crate::world::{graph, pipeline, scope};

#[test]
fn the_files_under_schema_are_what_the_types_say() {
    check(
        [(SchemaOf::Plan, "plan"), (SchemaOf::Status, "status"), (SchemaOf::Transaction, "transaction")]
            .into_iter()
            .map(|(of, name)| compare(&root().join(format!("schema/{name}.schema.json")), &schema_text(of).unwrap())),
    );
}

#[test]
fn a_plan_fits_the_schema_of_plans() {
    let schema: Value = serde_json::from_str(&schema_text(SchemaOf::Plan).unwrap()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let yaml = std::fs::read_to_string(root().join("pipeline.yaml")).unwrap();
    let graph = graph(&pipeline(&yaml), "sources:1111");
    let plan = Plan::new("shop", &scope(), &graph, &Snapshot::default(), &Options::default());
    let json = serde_json::to_value(&plan).unwrap();
    assert!(!plan.is_empty());
    let wrong: Vec<_> = validator.iter_errors(&json).map(|error| error.to_string()).collect();
    assert_eq!(wrong, Vec::<String>::new());
    assert!(!validator.is_valid(&serde_json::json!({ "version": 1 })));
    let back: Plan = serde_json::from_value(json).unwrap();
    assert_eq!(back, plan, "a saved plan is the plan");
}

#[test]
fn a_status_fits_the_schema_of_statuses() {
    let schema: Value = serde_json::from_str(&schema_text(SchemaOf::Status).unwrap()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let text = std::fs::read_to_string(root().join("tests/screens/troubled.json")).unwrap();
    let status: Value = serde_json::from_str(&text).unwrap();
    let wrong: Vec<_> = validator.iter_errors(&status).map(|error| error.to_string()).collect();
    assert_eq!(wrong, Vec::<String>::new());
    assert!(!validator.is_valid(&serde_json::json!({ "healthy": true })));
    assert!(text.lines().count() < 400, "values of hours stand on one line");
}
