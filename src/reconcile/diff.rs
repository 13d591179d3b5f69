//! The one differ: leaves of two documents by path, before and after.
//!
//! It works on the serialised form, so it is the same for every kind. A kind's table of [`Property`] names only what
//! is unusual about a path.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::document::{Document, canonical};

/// Something unusual about a property.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Property {
    /// The property's path, dots between the parts; it holds for everything below it too.
    pub path: &'static str,
    pub is: Trait,
    /// Why, for people: shown with a replacement.
    pub why: &'static str,
}

/// The value that leaves room for both: for what still works as before, and for what already works as desired.
pub type Widest = fn(before: &Value, after: &Value) -> Value;

/// How a property is unusual.
#[derive(Debug, Clone, Copy)]
pub enum Trait {
    /// AWS cannot change it: a change replaces the resource.
    Immutable,
    /// Its live value may be somebody's secret: shown only where we state the same name ourselves.
    Sensitive,
    /// A list whose order means nothing.
    Unordered,
    /// A JSON text (a policy, a dashboard): compared whole, shown as a line diff.
    Json,
    /// A protection that must be off before the resource can be deleted.
    Guard,
    /// What others work within, such as a policy: compared whole. Room is given before they change, and taken after.
    Room(Widest),
    /// A change of it interrupts the processing: told with the plan.
    Interrupts,
}

/// Two are equal that are of one sort.
impl PartialEq for Trait {
    fn eq(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }
}

impl Eq for Trait {}

/// A desired value that equals whatever is live: somebody else manages the property.
pub const MANAGED_ELSEWHERE: &str = "(managed elsewhere)";

/// What a value that must not be shown is replaced with.
pub const HIDDEN: &str = "(not shown)";

/// One property that differs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Change {
    /// The property's path, dots between the parts.
    pub path: String,
    /// The live value; `null`: absent.
    pub before: Value,
    /// The desired value; `null`: absent.
    pub after: Value,
    /// Why this change replaces the resource, where it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<String>,
    /// Whether the values are JSON documents, shown as a line diff.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub json: bool,
}

impl Change {
    /// A change of a plain value.
    pub fn plain(path: &str, before: impl Into<Value>, after: impl Into<Value>) -> Self {
        Self { path: path.to_owned(), before: before.into(), after: after.into(), replaces: None, json: false }
    }
}

/// The properties of one resource that differ, by path.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Changes(pub Vec<Change>);

impl Changes {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Change> {
        self.0.iter()
    }

    /// Whether the property at `path`, or anything below it, differs.
    pub fn touch(&self, path: &str) -> bool {
        self.0.iter().any(|change| lies_below(&change.path, path))
    }

    /// Whether anything but the properties at `paths` differs.
    pub fn touch_other_than(&self, paths: &[&str]) -> bool {
        self.0.iter().any(|change| !paths.iter().any(|path| lies_below(&change.path, path)))
    }
}

fn lies_below(path: &str, ancestor: &str) -> bool {
    path.strip_prefix(ancestor).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// What must change to get from `before` to `after`.
pub fn diff(unusual: &[Property], before: &Document, after: &Document) -> Changes {
    let mut differ = Differ { unusual, changes: Vec::new() };
    let names: BTreeSet<_> = before.properties().chain(after.properties()).map(|(name, _)| name).collect();
    for name in names {
        differ.compare(name, before.get(name), after.get(name));
    }
    Changes(differ.changes)
}

struct Differ<'a> {
    unusual: &'a [Property],
    changes: Vec<Change>,
}

impl Differ<'_> {
    fn compare(&mut self, path: &str, before: &Value, after: &Value) {
        match (before, after) {
            (live, Value::String(word)) if !live.is_null() && word == MANAGED_ELSEWHERE => {}
            (Value::Object(live), Value::Object(wanted)) if !self.is(path, Trait::Json) => {
                self.compare_members(path, live, wanted);
            }
            // Leaf by leaf too where there was nothing, or nothing is left.
            (Value::Null, Value::Object(wanted)) if !self.is(path, Trait::Json) => {
                self.compare_members(path, &Map::new(), wanted);
            }
            (Value::Object(live), Value::Null) if !self.is(path, Trait::Json) => {
                self.compare_members(path, live, &Map::new());
            }
            _ if self.equal(path, before, after) => {}
            _ => self.push(path, before, after),
        }
    }

    fn compare_members(&mut self, path: &str, live: &Map<String, Value>, wanted: &Map<String, Value>) {
        let names: BTreeSet<_> = live.keys().chain(wanted.keys()).collect();
        for name in names {
            let before = live.get(name).unwrap_or(&Value::Null);
            let after = wanted.get(name).unwrap_or(&Value::Null);
            self.compare(&format!("{path}.{name}"), before, after);
        }
    }

    fn equal(&self, path: &str, before: &Value, after: &Value) -> bool {
        match (before, after) {
            (Value::Array(live), Value::Array(wanted)) if self.is(path, Trait::Unordered) => {
                let sorted = |values: &[Value]| -> Vec<String> {
                    let mut texts: Vec<_> = values.iter().map(|value| canonical(value).to_string()).collect();
                    texts.sort();
                    texts
                };
                sorted(live) == sorted(wanted)
            }
            _ => before == after,
        }
    }

    fn push(&mut self, path: &str, before: &Value, after: &Value) {
        let hide = self.is(path, Trait::Sensitive) && after.is_null();
        let why = self.find(path, Trait::Immutable).map(|property| property.why.to_owned());
        self.changes.push(Change {
            path: path.to_owned(),
            before: if hide { Value::from(HIDDEN) } else { canonical(before) },
            after: canonical(after),
            replaces: why,
            json: self.is(path, Trait::Json),
        });
    }

    fn is(&self, path: &str, which: Trait) -> bool {
        self.find(path, which).is_some()
    }

    fn find(&self, path: &str, which: Trait) -> Option<&Property> {
        self.unusual.iter().find(|property| property.is == which && lies_below(path, property.path))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const UNUSUAL: &[Property] = &[
        Property { path: "key", is: Trait::Immutable, why: "the key schema is fixed at creation" },
        Property { path: "environment", is: Trait::Sensitive, why: "" },
        Property { path: "actions", is: Trait::Unordered, why: "" },
        Property { path: "policy", is: Trait::Json, why: "" },
    ];

    fn changes(before: Value, after: Value) -> Vec<(String, Value, Value)> {
        let document = |value| serde_json::from_value::<Document>(value).unwrap();
        let found = diff(UNUSUAL, &document(before), &document(after));
        found.0.into_iter().map(|change| (change.path, change.before, change.after)).collect()
    }

    #[test]
    fn only_the_leaves_that_differ_are_named() {
        assert_eq!(
            changes(json!({"a": {"b": 1, "c": 2}, "d": true}), json!({"a": {"b": 1, "c": 3}, "d": true})),
            [("a.c".into(), json!(2), json!(3))]
        );
    }

    #[test]
    fn what_comes_or_goes_whole_is_named_leaf_by_leaf_too() {
        assert_eq!(changes(json!({}), json!({"a": {"b": 1}})), [("a.b".into(), json!(null), json!(1))]);
        assert_eq!(changes(json!({"a": {"b": 1}}), json!({})), [("a.b".into(), json!(1), json!(null))]);
    }

    #[test]
    fn null_and_absent_are_the_same() {
        assert_eq!(changes(json!({"a": null}), json!({})), []);
        assert_eq!(changes(json!({"a": {"b": null}}), json!({"a": {}})), []);
        assert_eq!(changes(json!({"a": {}}), json!({})), []);
        assert_eq!(changes(json!({"a": 1}), json!({"a": null})), [("a".into(), json!(1), json!(null))]);
    }

    #[test]
    fn order_counts_except_where_it_means_nothing() {
        assert_eq!(changes(json!({"actions": ["x", "y"]}), json!({"actions": ["y", "x"]})), []);
        assert_eq!(changes(json!({"steps": ["x", "y"]}), json!({"steps": ["y", "x"]})).len(), 1);
        assert_eq!(changes(json!({"actions": ["x"]}), json!({"actions": ["x", "x"]})).len(), 1);
    }

    #[test]
    fn a_json_document_is_one_value() {
        let found = changes(json!({"policy": {"a": 1, "b": 1}}), json!({"policy": {"a": 2, "b": 2}}));
        assert_eq!(found, [("policy".into(), json!({"a": 1, "b": 1}), json!({"a": 2, "b": 2}))]);
    }

    #[test]
    fn a_live_value_under_a_name_that_is_not_ours_is_never_shown() {
        let found = changes(
            json!({"environment": {"PASSWORD": "hunter2", "OURS": "1"}}),
            json!({"environment": {"OURS": "2"}}),
        );
        assert_eq!(
            found,
            [
                ("environment.OURS".into(), json!("1"), json!("2")),
                ("environment.PASSWORD".into(), json!(HIDDEN), json!(null)),
            ]
        );
    }

    #[test]
    fn what_is_managed_elsewhere_never_differs_once_it_is_there() {
        assert_eq!(changes(json!({"billing": {"read": 7}}), json!({"billing": MANAGED_ELSEWHERE})), []);
        assert_eq!(changes(json!({}), json!({"billing": MANAGED_ELSEWHERE})).len(), 1);
    }

    #[test]
    fn a_change_of_an_immutable_property_says_why_it_replaces() {
        let before = Document::from([("key", json!("a"))]);
        let after = Document::from([("key", json!("b"))]);
        let found = diff(UNUSUAL, &before, &after);
        assert_eq!(found.0[0].replaces.as_deref(), Some("the key schema is fixed at creation"));
    }

    #[test]
    fn a_path_holds_for_what_lies_below_it_and_not_for_what_merely_begins_alike() {
        assert!(lies_below("a.b", "a") && lies_below("a", "a"));
        assert!(!lies_below("ab", "a"));
    }
}
