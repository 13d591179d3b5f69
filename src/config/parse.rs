//! YAML text to a tree that keeps places.
//!
//! Built from the parser's events, because a deserializer would already have turned `1000.10` into a float and thrown
//! the places away. What makes YAML dangerous is bounded or refused here: depth, aliases, tags, duplicate keys.

use std::collections::HashMap;

use serde_saphyr::granit_parser::{ErrorKind, Event, Parser, ScalarStyle, ScanError, Span};

use super::diagnostic::Diagnostic;
use super::tree::{Entry, Node, Place, Scalar, Value};
use super::words::quoted;

/// How deep the file may nest; a pipeline needs about ten levels.
const DEEPEST: usize = 64;

/// How many values the file may have once its aliases are written out; a large pipeline has a few thousand.
const MOST_VALUES: usize = 50_000;

/// The tree, and the keys that are there twice. `Err`: it is not YAML that we read.
pub(super) fn parse(text: &str) -> Result<(Node, Vec<Diagnostic>), Diagnostic> {
    let mut builder = Builder::default();
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| not_yaml(&error))?;
        builder.take(event, place(&span))?;
    }
    let root = builder.root.filter(|root| !root.is_nothing());
    let root = root.ok_or_else(|| {
        Diagnostic::error(None, "the file is empty")
            .hint("the least there is: `version: 1`, `pipeline: <name>` and `function: { source: <folder> }`")
    })?;
    Ok((root, builder.duplicates))
}

fn place(span: &Span) -> Place {
    let (start, end) = (span.start, span.end);
    // What goes on over several lines is marked to the end of its first one.
    let length = if start.line() == end.line() { end.col().saturating_sub(start.col()).max(1) } else { usize::MAX / 2 };
    Place { line: start.line().max(1), column: start.col() + 1, length }
}

fn not_yaml(error: &ScanError) -> Diagnostic {
    let marker = error.marker();
    let at = Place { line: marker.line().max(1), column: marker.col() + 1, length: 1 };
    match error.kind() {
        ErrorKind::TabNotAllowed
        | ErrorKind::TabInBlockIndentation
        | ErrorKind::TabInIndentation
        | ErrorKind::TabInPlainScalar
        | ErrorKind::TabAtBlockScalarStart => {
            Diagnostic::error(Some(at), "a tab where YAML allows none").hint("indent with spaces")
        }
        ErrorKind::RecursionLimitExceeded => too_deep(at),
        ErrorKind::UnknownAnchor => Diagnostic::error(Some(at), "this alias has no anchor")
            .hint("`*name` repeats what is marked `&name` further up; a text that begins with `*` needs quotes"),
        // The parser's kinds are many and its words are good.
        kind => Diagnostic::error(Some(at), format!("this is not YAML: {kind}"))
            .hint("look here and a line above: quotes, brackets, `:` with a space after it, and indentation"),
    }
}

fn too_deep(at: Place) -> Diagnostic {
    Diagnostic::error(Some(at), format!("nested more than {DEEPEST} levels deep"))
        .hint("a pipeline nests about ten levels")
}

/// A sequence or mapping whose end is still to come.
struct Open {
    place: Place,
    anchor: usize,
    value: Value,
    /// Of a mapping: the key whose value comes next.
    key: Option<(String, Place)>,
    /// Of a mapping: its keys so far.
    keys: HashMap<String, Place>,
}

/// A node that aliases may repeat.
struct Anchored {
    node: Node,
    values: usize,
    depth: usize,
}

#[derive(Default)]
struct Builder {
    open: Vec<Open>,
    anchors: HashMap<usize, Anchored>,
    root: Option<Node>,
    documents: usize,
    values: usize,
    duplicates: Vec<Diagnostic>,
}

impl Builder {
    fn take(&mut self, event: Event<'_>, at: Place) -> Result<(), Diagnostic> {
        match event {
            Event::DocumentStart(..) => self.start_document(at),
            Event::Scalar(text, style, anchor, tag) => {
                refuse_tag(tag.is_some(), at)?;
                let scalar = Scalar { text: text.into_owned(), plain: style == ScalarStyle::Plain };
                self.finish(Node::new(at, Value::Scalar(scalar)), anchor)
            }
            Event::SequenceStart(_, anchor, tag) => self.start(Value::Sequence(vec![]), anchor, tag.is_some(), at),
            Event::MappingStart(_, anchor, tag) => self.start(Value::Mapping(vec![]), anchor, tag.is_some(), at),
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(Open { place, anchor, value, .. }) => self.finish(Node::new(place, value), anchor),
                None => Ok(()),
            },
            Event::Alias(anchor) => self.repeat(anchor, at),
            // The stream's frame, and what we did not ask for (comments, anchor names).
            _ => Ok(()),
        }
    }

    fn start_document(&mut self, at: Place) -> Result<(), Diagnostic> {
        self.documents += 1;
        if self.documents > 1 {
            let problem = Diagnostic::error(Some(at), "a second document begins here, and a pipeline is one document");
            return Err(problem.hint("give each pipeline its own file, or use `environments:`"));
        }
        Ok(())
    }

    fn start(&mut self, value: Value, anchor: usize, tagged: bool, at: Place) -> Result<(), Diagnostic> {
        refuse_tag(tagged, at)?;
        if self.open.len() >= DEEPEST {
            return Err(too_deep(at));
        }
        self.open.push(Open { place: at, anchor, value, key: None, keys: HashMap::new() });
        Ok(())
    }

    /// An alias is written out, within bounds: ten lines of nested aliases can stand for a billion values.
    fn repeat(&mut self, anchor: usize, at: Place) -> Result<(), Diagnostic> {
        let Some(anchored) = self.anchors.get(&anchor) else {
            let problem = Diagnostic::error(Some(at), "this alias stands inside of what it repeats");
            return Err(problem.hint("write the value out"));
        };
        if self.open.len() + anchored.depth > DEEPEST {
            return Err(too_deep(at));
        }
        self.values += anchored.values;
        if self.values > MOST_VALUES {
            return Err(too_many(at));
        }
        let node = Node { place: at, ..anchored.node.clone() };
        self.attach(node)
    }

    fn finish(&mut self, node: Node, anchor: usize) -> Result<(), Diagnostic> {
        self.values += 1;
        if self.values > MOST_VALUES {
            return Err(too_many(node.place));
        }
        if anchor != 0 {
            let (values, depth) = measure(&node);
            self.anchors.insert(anchor, Anchored { node: node.clone(), values, depth });
        }
        self.attach(node)
    }

    /// Puts a finished node where it belongs: as key or value into the innermost open mapping, or into the sequence.
    fn attach(&mut self, node: Node) -> Result<(), Diagnostic> {
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        match (&mut open.value, open.key.take()) {
            (Value::Sequence(items), _) => items.push(node),
            (Value::Mapping(entries), Some((key, place))) => match open.keys.insert(key.clone(), place) {
                Some(first) => self.duplicates.push(duplicate(&key, place, first)),
                None => entries.push(Entry { key, place, value: node }),
            },
            (Value::Mapping(_), None) => open.key = Some(as_key(node)?),
            (Value::Scalar(_) | Value::Removed, _) => {}
        }
        Ok(())
    }
}

/// How many values a node has, and how many levels.
fn measure(node: &Node) -> (usize, usize) {
    let children: Vec<&Node> = match &node.value {
        Value::Scalar(_) | Value::Removed => return (1, 0),
        Value::Sequence(items) => items.iter().collect(),
        Value::Mapping(entries) => entries.iter().map(|entry| &entry.value).collect(),
    };
    children
        .into_iter()
        .map(measure)
        .fold((1, 1), |(values, depth), (more, below)| (values + more, depth.max(below + 1)))
}

fn as_key(node: Node) -> Result<(String, Place), Diagnostic> {
    match node.value {
        Value::Scalar(scalar) => Ok((scalar.text, node.place)),
        Value::Sequence(_) | Value::Mapping(_) | Value::Removed => {
            let problem = Diagnostic::error(Some(node.place), "a key is a plain text, not a list or a mapping");
            Err(problem.hint("a text that begins with `{` or `[` needs quotes"))
        }
    }
}

fn duplicate(key: &str, place: Place, first: Place) -> Diagnostic {
    let message = format!("{} is there twice; the first one is in line {}", quoted(key), first.line);
    Diagnostic::error(Some(place), message).hint("keep one of the two")
}

fn too_many(at: Place) -> Diagnostic {
    let message = format!("more than {MOST_VALUES} values, aliases written out");
    Diagnostic::error(Some(at), message).hint("write the values out, without `*alias` inside `&anchor`")
}

fn refuse_tag(tagged: bool, at: Place) -> Result<(), Diagnostic> {
    if tagged {
        let problem = Diagnostic::error(Some(at), "YAML tags (`!…`) have no meaning here");
        return Err(problem.hint("leave the tag out; put the value in quotes if it is meant as text"));
    }
    Ok(())
}
