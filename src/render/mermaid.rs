//! A drawing as Mermaid: for Markdown on code forges.

use std::fmt::Write as _;

use crate::operate::drawing::{Drawing, Flow, Node, Part};
use crate::operate::health::State;

pub fn drawing(drawing: &Drawing) -> String {
    let mut text = String::from("flowchart LR\n");
    for (place, node) in drawing.nodes.iter().enumerate() {
        let (open, close) = shape(node.part);
        let _ = writeln!(text, "  n{place}{open}\"{}\"{close}", label(node));
    }
    for edge in &drawing.edges {
        let line = match edge.flow {
            Flow::Main => "-->",
            Flow::Failure => "-.->",
            Flow::Notice => "-->",
        };
        let label = if edge.label.is_empty() { String::new() } else { format!("|\"{}\"|", escape(&edge.label)) };
        let _ = writeln!(text, "  n{} {line}{label} n{}", edge.from, edge.to);
    }
    for (place, node) in drawing.nodes.iter().enumerate() {
        if let Some(state) = node.state {
            let _ = writeln!(text, "  class n{place} {}", state.word());
        }
    }
    if drawing.nodes.iter().any(|node| node.state.is_some()) {
        for (state, style) in [
            (State::Good, "stroke:#2e7d32,stroke-width:2px"),
            (State::Attention, "stroke:#b26a00,stroke-width:3px,stroke-dasharray:6 3"),
            (State::Unknown, "stroke:#757575,stroke-width:2px,stroke-dasharray:2 2"),
            (State::Bad, "stroke:#c62828,stroke-width:4px"),
        ] {
            let _ = writeln!(text, "  classDef {} {style}", state.word());
        }
    }
    text
}

fn shape(part: Part) -> (&'static str, &'static str) {
    match part {
        Part::Senders | Part::Subscriber => ("([", "])"),
        Part::Queue | Part::DeadLetter | Part::Quarantine => ("[[", "]]"),
        Part::Function => ("[", "]"),
        Part::Table => ("[(", ")]"),
        Part::Topic => ("{{", "}}"),
        Part::Alarm => (">", "]"),
    }
}

fn label(node: &Node) -> String {
    let sign = node.state.map(|state| format!("{} ", state.sign())).unwrap_or_default();
    let mut lines = match node.part {
        Part::Senders => vec![node.title.clone()],
        part => vec![format!("{sign}{}", part.word()), node.title.clone()],
    };
    lines.extend(node.lines.iter().cloned());
    lines.iter().map(|line| escape(line)).collect::<Vec<_>>().join("<br/>")
}

/// Mermaid reads labels as HTML and Markdown with its own entities: all but letters, digits and harmless signs is
/// written as one.
fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for character in text.chars() {
        match character {
            'a'..='z' | 'A'..='Z' | '0'..='9' | ' ' | '-' | '.' | ',' | ':' | '/' | '%' | '(' | ')' => {
                escaped.push(character);
            }
            character if character.is_alphanumeric() || "×✓✗·→".contains(character) => escaped.push(character),
            character if character.is_control() => escaped.push(' '),
            character => {
                let _ = write!(escaped, "#{};", u32::from(character));
            }
        }
    }
    escaped
}
