//! A drawing in text: what flows where, as a tree.

use std::fmt::Write as _;

use super::parked::Sheet;
use super::status::coloured;
use super::text::{cut, one_line};
use crate::operate::drawing::{Drawing, Node, Part};

pub fn drawing(drawing: &Drawing, sheet: Sheet) -> String {
    let mut text = format!("{}\n", sheet.style.bold(one_line(&drawing.title)));
    let roots: Vec<_> = drawing.all(Part::Senders).map(|(place, _)| place).collect();
    let mut drawn = vec![false; drawing.nodes.len()];
    for root in roots {
        branch(&mut text, drawing, root, "", "", &mut drawn, sheet);
    }
    // What no transaction reaches: topics that only alarms tell, and what hangs on nothing.
    for place in 0..drawing.nodes.len() {
        let is_reached = drawing
            .edges
            .iter()
            .any(|edge| edge.to == place && !drawn[edge.from] && drawing.nodes[edge.from].part != Part::Alarm);
        if !drawn[place] && !is_reached && drawing.nodes[place].part != Part::Alarm {
            branch(&mut text, drawing, place, "", "", &mut drawn, sheet);
        }
    }
    for (place, node) in drawing.all(Part::Alarm) {
        let topics: Vec<_> = drawing.from(place).map(|edge| drawing.nodes[edge.to].title.as_str()).collect();
        let label = if topics.is_empty() { "tells nobody".to_owned() } else { format!("→ {}", topics.join(", ")) };
        let _ = writeln!(text, "{}", line(node, &label, false, sheet, 0));
    }
    text
}

/// A node, and below it what it leads to. What was drawn already is only named.
fn branch(
    text: &mut String,
    drawing: &Drawing,
    place: usize,
    before: &str,
    label: &str,
    drawn: &mut [bool],
    sheet: Sheet,
) {
    let node = &drawing.nodes[place];
    let is_again = std::mem::replace(&mut drawn[place], true);
    let _ = writeln!(text, "{before}{}", line(node, label, is_again, sheet, before.chars().count()));
    if is_again {
        return;
    }
    let below: String = before.replace("├─▶ ", "│   ").replace("└─▶ ", "    ");
    let edges: Vec<_> = drawing.from(place).collect();
    for (index, edge) in edges.iter().enumerate() {
        let arm = if index + 1 == edges.len() { "└─▶ " } else { "├─▶ " };
        branch(text, drawing, edge.to, &format!("{below}{arm}"), &edge.label, drawn, sheet);
    }
}

fn line(node: &Node, label: &str, is_again: bool, sheet: Sheet, before: usize) -> String {
    let sign = node.state.map(|state| format!("{} ", state.sign())).unwrap_or_default();
    let words = match node.part {
        Part::Senders => node.title.clone(),
        part if part.word() == node.title => node.title.clone(),
        part => format!("{} {}", part.word(), node.title),
    };
    let mut rest = node.lines.clone();
    if is_again {
        rest = vec!["(above)".into()];
    }
    match (label.is_empty(), node.part) {
        (true, _) => {}
        (false, Part::Alarm) => rest.insert(0, label.to_owned()),
        (false, _) => rest.insert(0, format!("[{label}]")),
    }
    let plain = one_line(&format!("{words}  {}", rest.join(" · ")));
    let cut = cut(plain.trim_end(), sheet.width.saturating_sub(before + sign.chars().count()).max(10));
    match node.state {
        Some(state) => format!("{}{cut}", coloured(sheet.style, state, &sign)),
        None => cut,
    }
}
