//! Plans as people and machines read them. A folder under `tests/plan` is a case; a new one needs no Rust:
//!
//! - `pipeline.yaml`: what is wanted. Without it: `destroy`.
//! - `live.yaml`: a pipeline's file that was applied before. Without it: there is nothing.
//! - `changes.json`: what is different live, by address: `null` (it is gone), or any of `document` (merged in), `owner`
//!   (`none`, or another pipeline), `holds`, `observations`, `findings`. Also `unread`: kinds that cannot be read.
//! - `options.json`: `adopt`, `resume`, `allow_data_loss`, `code` (the identity that the code now has), `verbose`.
//! - `expected.txt`: the plan. `UPDATE=1 cargo test` writes it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use pipewright::reconcile::plan::DataLoss;
use pipewright::reconcile::{Address, CloudError, ErrorKind, Graph, Kind, Live, Options, Owner, Plan, Snapshot};
use pipewright::render::Style;
use pipewright::render::plan::{View, findings, plan as text};
use pipewright::resources::unusual;
use serde_json::Value;

use crate::golden::{cases, check, compare};
use crate::world::{applied, graph, pipeline, scope};

#[test]
fn every_case_is_planned_as_it_says() {
    check(cases("plan").iter().map(|case| {
        let shown = show(case);
        compare(&case.join("expected.txt"), &shown)
    }));
}

#[test]
fn colour_only_repeats_what_signs_and_words_say() {
    for case in cases("plan") {
        let (plan, verbose) = planned(&case);
        for width in [60, usize::MAX] {
            let plain = text(&plan, View { style: Style::PLAIN, verbose, width });
            let coloured = text(&plan, View { style: Style::new(true), verbose, width });
            assert_eq!(without_colour(&coloured), plain, "{}", case.display());
        }
    }
}

#[test]
fn on_a_terminal_no_line_is_wider_than_it_unless_a_word_is() {
    for case in cases("plan") {
        let (plan, verbose) = planned(&case);
        let [narrow, wide] = [60, usize::MAX].map(|width| text(&plan, View { style: Style::PLAIN, verbose, width }));
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(words(&narrow), words(&wide), "{}", case.display());
        for line in narrow.lines().filter(|line| line.chars().count() > 60) {
            let last = line.rsplit(' ').next().unwrap();
            assert!(last.chars().count() > 30, "{}: {line}", case.display());
        }
    }
}

fn show(case: &Path) -> String {
    let (plan, verbose) = planned(case);
    let view = View { style: Style::PLAIN, verbose, width: usize::MAX };
    let refused = plan.refusals();
    let refusals = if refused.is_empty() { String::new() } else { format!("\n{}", findings(&refused, Style::PLAIN)) };
    format!("{}{refusals}", text(&plan, view))
}

fn planned(case: &Path) -> (Plan, bool) {
    let json = |file: &str| -> Value {
        fs::read_to_string(case.join(file)).map_or(Value::Null, |text| serde_json::from_str(&text).unwrap())
    };
    let options = json("options.json");
    let code = options["code"].as_str().unwrap_or("sources:1111");
    let of =
        |file: &str, code: &str| fs::read_to_string(case.join(file)).ok().map(|yaml| graph(&pipeline(&yaml), code));
    let desired = of("pipeline.yaml", code).unwrap_or_else(|| Graph::empty(unusual));
    let live = of("live.yaml", "sources:1111").map(|graph| applied(&graph)).unwrap_or_default();
    let snapshot = changed(live, json("changes.json"));
    let allowed = options["allow_data_loss"].as_array().cloned().unwrap_or_default();
    let options_for_plan = Options {
        adopt: options["adopt"] == true,
        resume: options["resume"] == true,
        gap: None,
        allow_data_loss: match allowed.first().and_then(Value::as_str) {
            None => DataLoss::None,
            Some("all") => DataLoss::All,
            Some(_) => DataLoss::Of(allowed.iter().map(|at| at.as_str().unwrap().parse().unwrap()).collect()),
        },
    };
    let plan = Plan::new("shop", &scope(), &desired, &snapshot, &options_for_plan);
    (plan, options["verbose"] == true)
}

fn changed(mut live: BTreeMap<Address, Live>, changes: Value) -> Snapshot {
    let mut snapshot = Snapshot::default();
    for (key, change) in changes.as_object().cloned().unwrap_or_default() {
        if key == "unread" {
            for (kind, message) in change.as_object().unwrap() {
                let error = CloudError::new(ErrorKind::Denied, message.as_str().unwrap());
                snapshot.unread.insert(kind.parse::<Kind>().unwrap(), error);
            }
            continue;
        }
        let address: Address = key.parse().unwrap();
        if change.is_null() {
            assert!(live.remove(&address).is_some(), "{address} is not live");
            continue;
        }
        let entry = live.entry(address).or_insert_with(|| Live::ours(Default::default()));
        alter(entry, &change);
    }
    snapshot.resources = live;
    snapshot
}

fn alter(live: &mut Live, change: &Value) {
    let mut document = serde_json::to_value(&live.document).unwrap();
    merge(&mut document, &change["document"]);
    live.document = serde_json::from_value(document).unwrap();
    match change["owner"].as_str() {
        Some("none") => live.owner = Owner::Foreign { pipeline: None },
        Some(other) => live.owner = Owner::Foreign { pipeline: Some(other.into()) },
        None => {}
    }
    live.holds = change["holds"].as_str().map(str::to_owned);
    live.findings = serde_json::from_value(change["findings"].clone()).unwrap_or_default();
    live.observations = serde_json::from_value(change["observations"].clone()).unwrap_or_default();
}

/// JSON merge patch (RFC 7396).
fn merge(target: &mut Value, patch: &Value) {
    match patch {
        Value::Null => {}
        Value::Object(members) => {
            if !target.is_object() {
                *target = Value::Object(Default::default());
            }
            for (key, value) in members {
                if value.is_null() {
                    target.as_object_mut().unwrap().remove(key);
                } else {
                    merge(&mut target[key], value);
                }
            }
        }
        other => *target = other.clone(),
    }
}

fn without_colour(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\x1b[") {
        plain.push_str(before);
        rest = after.split_once('m').unwrap().1;
    }
    plain + rest
}
