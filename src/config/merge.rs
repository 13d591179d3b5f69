//! Merges an environment into the file: mappings deeply, everything else replaces, `null` removes.

use super::tree::{Entry, Node, Value};

/// `base` with the differences of `overlay`. What comes from the overlay keeps the overlay's place.
pub(super) fn merge(base: &Node, overlay: &Node) -> Node {
    let (Value::Mapping(ours), Value::Mapping(theirs)) = (&base.value, &overlay.value) else {
        return added(overlay);
    };
    let mut entries = ours.clone();
    for change in theirs {
        let known = entries.iter().position(|entry| entry.key == change.key);
        match known {
            Some(at) if change.value.is_nothing() => drop(entries.remove(at)),
            Some(at) => {
                let value = merge(&entries[at].value, &change.value);
                entries[at] = Entry { value, ..change.clone() };
            }
            None => entries.push(Entry { value: added(&change.value), ..change.clone() }),
        }
    }
    Node::new(base.place, Value::Mapping(entries))
}

/// What the base does not have. A `null` in it removes nothing: it is kept as such, so that a misspelt key is noticed.
fn added(overlay: &Node) -> Node {
    let value = match &overlay.value {
        Value::Scalar(_) if overlay.is_nothing() => Value::Removed,
        Value::Mapping(entries) => {
            let added = entries.iter().map(|entry| Entry { value: added(&entry.value), ..entry.clone() });
            Value::Mapping(added.collect())
        }
        // Lists replace as they stand.
        Value::Scalar(_) | Value::Sequence(_) | Value::Removed => overlay.value.clone(),
    };
    Node::new(overlay.place, value)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::parse::parse;
    use super::*;

    fn merged(base: &str, overlay: &str) -> serde_json::Value {
        let tree = |text| parse(text).unwrap().0;
        serde::Deserialize::deserialize(&merge(&tree(base), &tree(overlay))).unwrap()
    }

    #[test]
    fn mappings_merge_deeply_and_everything_else_replaces() {
        assert_eq!(merged("{a: {b: 1, c: 2}}", "{a: {c: 3, d: 4}}"), json!({ "a": { "b": 1, "c": 3, "d": 4 } }));
        assert_eq!(merged("{a: [1, 2], b: {c: 1}}", "{a: [3], b: x}"), json!({ "a": [3], "b": "x" }));
        assert_eq!(merged("{a: on_demand}", "{a: {read: 5}}"), json!({ "a": { "read": 5 } }));
    }

    #[test]
    fn null_removes() {
        assert_eq!(merged("{a: 1, b: {c: 1}}", "{a: null, b: {c: ~}}"), json!({ "b": {} }));
    }
}
