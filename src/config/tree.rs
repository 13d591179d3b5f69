//! The YAML as a tree in which every key and value keeps its place and every scalar its source text.
//!
//! Typing happens later, against the types: so money never passes through a float, and an error knows where it is.

use std::fmt;

/// A stretch of one line of the file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// In characters; at least 1.
    pub length: usize,
}

/// A value and its place.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub place: Place,
    pub value: Value,
    /// Refused already: reading goes on as if it were not there.
    pub pruned: bool,
}

#[derive(Debug, Clone)]
pub(super) enum Value {
    Scalar(Scalar),
    Sequence(Vec<Node>),
    Mapping(Vec<Entry>),
    /// An environment's `null` where there is nothing to remove.
    Removed,
}

/// A scalar's source text.
#[derive(Debug, Clone)]
pub(super) struct Scalar {
    pub text: String,
    /// Written without quotes, so that it may mean a number, a truth value or nothing.
    pub plain: bool,
}

/// A key with its value.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub key: String,
    pub place: Place,
    pub value: Node,
}

/// What a scalar means by YAML's core schema. Numbers are decimal only.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Meaning {
    Nothing,
    Truth(bool),
    Number,
    Text,
}

impl Scalar {
    pub(super) fn meaning(&self) -> Meaning {
        if !self.plain {
            return Meaning::Text;
        }
        match self.text.as_str() {
            "" | "~" | "null" | "Null" | "NULL" => Meaning::Nothing,
            "true" | "True" | "TRUE" => Meaning::Truth(true),
            "false" | "False" | "FALSE" => Meaning::Truth(false),
            text if is_number(text) => Meaning::Number,
            _ => Meaning::Text,
        }
    }
}

/// `[-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?`
fn is_number(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = |part: &str| part.bytes().all(|letter| letter.is_ascii_digit());
    let exponent = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
    digits(whole)
        && digits(fraction)
        && !(whole.is_empty() && fraction.is_empty())
        && !exponent.is_empty()
        && digits(exponent)
}

impl Node {
    pub(super) fn new(place: Place, value: Value) -> Self {
        Self { place, value, pruned: false }
    }

    /// The entries of a mapping; nothing of anything else.
    pub(super) fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Mapping(entries) => entries,
            Value::Scalar(_) | Value::Sequence(_) | Value::Removed => &[],
        }
    }

    pub(super) fn is_nothing(&self) -> bool {
        matches!(&self.value, Value::Scalar(scalar) if scalar.meaning() == Meaning::Nothing)
    }

    /// The value one step down.
    fn child(&self, step: &Step) -> Option<&Self> {
        match (&self.value, step) {
            (Value::Mapping(entries), Step::Key(key)) => {
                entries.iter().find(|entry| entry.key == *key).map(|entry| &entry.value)
            }
            (Value::Sequence(items), Step::Index(index)) => items.get(*index),
            _ => None,
        }
    }

    fn child_mut(&mut self, step: &Step) -> Option<&mut Self> {
        match (&mut self.value, step) {
            (Value::Mapping(entries), Step::Key(key)) => {
                entries.iter_mut().find(|entry| entry.key == *key).map(|entry| &mut entry.value)
            }
            (Value::Sequence(items), Step::Index(index)) => items.get_mut(*index),
            _ => None,
        }
    }

    pub(super) fn at(&self, path: &Path) -> Option<&Self> {
        path.0.iter().try_fold(self, |node, step| node.child(step))
    }

    /// Lets reading go on as if the value at `path` were not there. The root stays.
    pub(super) fn prune(&mut self, path: &Path) -> bool {
        let node = path.0.iter().try_fold(self, |node, step| node.child_mut(step));
        match node {
            Some(node) if !path.0.is_empty() && !node.pruned => {
                node.pruned = true;
                true
            }
            Some(_) | None => false,
        }
    }

    /// Where to point for `path`: at the scalar, or at the key of what is larger. What the file does not state is
    /// pointed at by what it would stand in.
    pub(super) fn place(&self, path: &Path) -> Place {
        let mut place = Place { line: 1, column: 1, length: 1 };
        let mut node = self;
        for step in &path.0 {
            let Some(child) = node.child(step) else { break };
            let points_at_itself = matches!(child.value, Value::Scalar(_)) && !child.is_nothing();
            place = node.key_place(step).filter(|_| !points_at_itself).unwrap_or(child.place);
            node = child;
        }
        place
    }

    fn key_place(&self, step: &Step) -> Option<Place> {
        let Step::Key(key) = step else { return None };
        self.entries().iter().find(|entry| entry.key == *key).map(|entry| entry.place)
    }

    /// The place of the key that `path` ends with.
    pub(super) fn place_of_key(&self, path: &Path) -> Option<Place> {
        let (last, parents) = path.0.split_last()?;
        parents.iter().try_fold(self, |node, step| node.child(step))?.key_place(last)
    }
}

/// One step down the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    Key(String),
    Index(usize),
}

/// The way from the root to a value: `topics.alerts.subscribers[0]`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Path(pub Vec<Step>);

impl Path {
    /// `queue.dead_letter` as a path; for keys that the code or a name's rule keeps free of dots.
    pub(super) fn of(dotted: &str) -> Self {
        Self(dotted.split('.').map(|key| Step::Key(key.to_owned())).collect())
    }

    pub(super) fn key(mut self, key: &str) -> Self {
        self.0.push(Step::Key(key.to_owned()));
        self
    }

    pub(super) fn index(mut self, index: usize) -> Self {
        self.0.push(Step::Index(index));
        self
    }

    /// What the value stands in; of the root, the root.
    pub(super) fn parent(&self) -> Self {
        Self(self.0.split_last().map(|(_, parents)| parents.to_vec()).unwrap_or_default())
    }

    /// Whether one of the two contains the other.
    pub(super) fn overlaps(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).all(|(mine, theirs)| mine == theirs)
    }

    /// Whether this is a value directly inside the one at `other`.
    pub(super) fn is_child_of(&self, other: &Self) -> bool {
        self.0.len() == other.0.len() + 1 && self.overlaps(other)
    }
}

impl fmt::Display for Path {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (depth, step) in self.0.iter().enumerate() {
            match step {
                Step::Key(key) if depth == 0 => out.write_str(key)?,
                Step::Key(key) => write!(out, ".{key}")?,
                Step::Index(index) => write!(out, "[{index}]")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meaning(text: &str) -> Meaning {
        Scalar { text: text.to_owned(), plain: true }.meaning()
    }

    #[test]
    fn plain_scalars_mean_what_yaml_1_2_says() {
        assert_eq!(["", "~", "null"].map(meaning), [Meaning::Nothing; 3]);
        assert_eq!(["0", "-1", "012", "1.5", "1e3", "+.5", "1."].map(meaning), [Meaning::Number; 7]);
        assert_eq!(["yes", "no", "on", "1h", "1.2.3", "0x1f", "e3", ".", "-", "1e"].map(meaning), [Meaning::Text; 10]);
        assert_eq!(meaning("false"), Meaning::Truth(false));
        assert_eq!(Scalar { text: "1".into(), plain: false }.meaning(), Meaning::Text);
    }

    #[test]
    fn paths_overlap_when_one_contains_the_other() {
        let path = Path::of("topics.alerts").key("subscribers").index(0);
        assert_eq!(path.to_string(), "topics.alerts.subscribers[0]");
        assert!(path.overlaps(&Path::of("topics")) && Path::of("topics").overlaps(&path));
        assert!(!path.overlaps(&Path::of("topics.sales")));
    }
}
