//! A drawing in the language of Graphviz.

use std::fmt::Write as _;

use crate::operate::drawing::{Drawing, Flow, Node, Part};
use crate::operate::health::State;

pub fn drawing(drawing: &Drawing) -> String {
    let mut text = format!("digraph {} {{\n", quoted(&drawing.title));
    text.push_str("  rankdir=LR;\n  node [fontname=\"sans-serif\", fontsize=11];\n");
    text.push_str("  edge [fontname=\"sans-serif\", fontsize=10];\n");
    for (place, node) in drawing.nodes.iter().enumerate() {
        let style = node.state.map(style).unwrap_or_default();
        let _ = writeln!(text, "  n{place} [label={}, shape={}{style}];", label(node), shape(node.part));
    }
    for edge in &drawing.edges {
        let style = match edge.flow {
            Flow::Main => "bold",
            Flow::Failure => "dashed",
            Flow::Notice => "solid",
        };
        let label = if edge.label.is_empty() { String::new() } else { format!(", label={}", quoted(&edge.label)) };
        let _ = writeln!(text, "  n{} -> n{} [style={style}{label}];", edge.from, edge.to);
    }
    text.push_str("}\n");
    text
}

fn shape(part: Part) -> &'static str {
    match part {
        Part::Senders | Part::Subscriber => "plaintext",
        Part::Queue | Part::DeadLetter | Part::Quarantine => "cds",
        Part::Function => "component",
        Part::Table => "cylinder",
        Part::Topic => "hexagon",
        Part::Alarm => "note",
    }
}

/// Colour, and a line that tells the state without it.
fn style(state: State) -> &'static str {
    match state {
        State::Good => ", color=\"#2e7d32\"",
        State::Attention => ", color=\"#b26a00\", style=dashed, penwidth=2",
        State::Unknown => ", color=\"#757575\", style=dotted",
        State::Bad => ", color=\"#c62828\", style=bold, penwidth=3",
    }
}

fn label(node: &Node) -> String {
    let sign = node.state.map(|state| format!("{} ", state.sign())).unwrap_or_default();
    let mut lines = match node.part {
        Part::Senders => vec![node.title.clone()],
        part => vec![format!("{sign}{}", part.word()), node.title.clone()],
    };
    lines.extend(node.lines.iter().cloned());
    quoted(&lines.join("\n"))
}

/// A quoted string: quotes and backslashes are escaped, a backslash being Graphviz's own escape.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            character if character.is_control() => quoted.push(' '),
            character => quoted.push(character),
        }
    }
    quoted.push('"');
    quoted
}
