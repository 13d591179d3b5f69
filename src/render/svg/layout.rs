//! Where every card of a drawing stands, and how the wires between them run.

use crate::operate::drawing::{Drawing, Flow, Node, Part};
use crate::operate::health::State;

/// For which screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Left to right, in columns.
    Wide,
    /// Top to bottom, as a tree.
    Tall,
}

/// Lengths are in units of the picture.
pub(super) struct Layout {
    pub width: i64,
    pub height: i64,
    pub cards: Vec<Card>,
    pub wires: Vec<Wire>,
}

/// A box: one part, or several of a sort as its rows.
pub(super) struct Card {
    pub part: Part,
    pub kind: String,
    pub title: String,
    /// Shown when it is pointed at.
    pub full: String,
    pub rows: Vec<Row>,
    pub state: Option<State>,
    pub x: i64,
    pub y: i64,
    pub width: i64,
    pub height: i64,
    /// The nodes that it shows.
    places: Vec<usize>,
}

pub(super) struct Row {
    pub text: String,
    pub state: Option<State>,
    pub x: i64,
    pub y: i64,
}

pub(super) struct Wire {
    pub path: String,
    pub tip: (i64, i64),
    pub points_down: bool,
    pub label: Option<(i64, i64, String)>,
    pub flow: Flow,
}

const MARGIN: i64 = 18;
const GAP: i64 = 96;
const BETWEEN: i64 = 44;
const LINE: i64 = 18;

impl Layout {
    pub(super) fn of(drawing: &Drawing, form: Form) -> Self {
        match form {
            Form::Wide => wide(drawing),
            Form::Tall => tall(drawing),
        }
    }
}

impl Card {
    /// One node.
    fn of(place: usize, node: &Node) -> Self {
        let is_plain = node.part == Part::Senders;
        Self {
            part: node.part,
            kind: node.part.word().to_owned(),
            title: node.title.clone(),
            full: if is_plain { String::new() } else { format!("{} {}", node.part.word(), node.name) },
            rows: node.lines.iter().map(|line| Row { text: line.clone(), state: None, x: 0, y: 0 }).collect(),
            state: node.state,
            x: 0,
            y: 0,
            width: 0,
            height: 0,
            places: vec![place],
        }
    }

    /// Several nodes of a sort in one card, each a row.
    fn of_rows(kind: String, part: Part, nodes: &[(usize, &Node)], text: impl Fn(&Node) -> String) -> Self {
        let row = |(_, node): &(usize, &Node)| Row { text: text(node), state: node.state, x: 0, y: 0 };
        Self {
            part,
            kind,
            title: String::new(),
            full: String::new(),
            rows: nodes.iter().map(row).collect(),
            state: nodes.iter().filter_map(|(_, node)| node.state).max(),
            x: 0,
            y: 0,
            width: 0,
            height: 0,
            places: nodes.iter().map(|(place, _)| *place).collect(),
        }
    }

    /// Puts the card and its rows; the height follows from what is in it.
    fn put(mut self, x: i64, y: i64, width: i64) -> Self {
        let head = if self.title.is_empty() { 28 } else { 46 };
        for (index, row) in self.rows.iter_mut().enumerate() {
            row.x = x + 12;
            row.y = y + head + 12 + LINE * index as i64;
        }
        let rows = LINE * self.rows.len() as i64 + if self.rows.is_empty() { 6 } else { 10 };
        let height = if self.part == Part::Senders { 46 } else { head + rows };
        (self.x, self.y, self.width, self.height) = (x, y, width, height);
        self
    }

    fn bottom(&self) -> i64 {
        self.y + self.height
    }

    fn shows(&self, place: usize) -> bool {
        self.places.contains(&place)
    }
}

/// The subscribers of a topic as one card.
fn subscribers(drawing: &Drawing, topic: usize) -> Option<Card> {
    let nodes: Vec<_> = drawing
        .from(topic)
        .map(|edge| (edge.to, &drawing.nodes[edge.to]))
        .filter(|(_, node)| node.part == Part::Subscriber)
        .collect();
    let kind = if nodes.len() == 1 { "subscriber" } else { "subscribers" };
    let text = |node: &Node| match node.lines.is_empty() {
        true => node.title.clone(),
        // First, for a long endpoint is cut.
        false => format!("{}: {}", node.lines.join(" "), node.title),
    };
    (!nodes.is_empty()).then(|| Card::of_rows(kind.to_owned(), Part::Subscriber, &nodes, text))
}

fn alarms(drawing: &Drawing) -> Option<Card> {
    let nodes: Vec<_> = drawing.all(Part::Alarm).collect();
    let told = |place: usize| {
        let topics: Vec<_> = drawing.from(place).map(|edge| drawing.nodes[edge.to].title.as_str()).collect();
        if topics.is_empty() { String::new() } else { format!(" → {}", topics.join(", ")) }
    };
    let text = |node: &Node| {
        let place = drawing.nodes.iter().position(|one| one == node).unwrap_or_default();
        let word = if node.state.is_some() { node.lines.first().map(|word| format!(" {word}")) } else { None };
        format!("{}{}{}", node.title, word.unwrap_or_default(), told(place))
    };
    (!nodes.is_empty()).then(|| Card::of_rows("alarms".into(), Part::Alarm, &nodes, text))
}

fn wide(drawing: &Drawing) -> Layout {
    const WIDTHS: [i64; 5] = [104, 190, 190, 200, 240];
    let x = |column: usize| MARGIN + WIDTHS[..column].iter().sum::<i64>() + GAP * column as i64;
    let mut cards: Vec<Card> = Vec::new();
    let mut bottoms = [MARGIN; 5];
    let put = |cards: &mut Vec<Card>, bottoms: &mut [i64; 5], column: usize, card: Card| {
        let card = card.put(x(column), bottoms[column], WIDTHS[column]);
        bottoms[column] = card.bottom() + BETWEEN;
        cards.push(card);
    };
    for (column, part) in [
        (0, Part::Senders),
        (1, Part::Queue),
        (1, Part::DeadLetter),
        (2, Part::Function),
        (2, Part::Quarantine),
        (3, Part::Table),
    ] {
        for (place, node) in drawing.all(part) {
            put(&mut cards, &mut bottoms, column, Card::of(place, node));
        }
    }
    for (place, node) in drawing.all(Part::Topic) {
        let top = bottoms[3].max(if subscribers(drawing, place).is_some() { bottoms[4] } else { 0 });
        (bottoms[3], bottoms[4]) = (top, top);
        put(&mut cards, &mut bottoms, 3, Card::of(place, node));
        if let Some(card) = subscribers(drawing, place) {
            put(&mut cards, &mut bottoms, 4, card);
        }
    }
    if let Some(card) = alarms(drawing) {
        let top = bottoms[0].max(bottoms[1]).max(bottoms[2]);
        let card = card.put(x(0), top, x(3) - GAP - x(0));
        bottoms[0] = card.bottom() + BETWEEN;
        cards.push(card);
    }
    // The senders stand beside the queue's middle.
    let middle = cards.iter().find(|card| card.part == Part::Queue).map(|card| card.y + card.height / 2);
    for card in cards.iter_mut().filter(|card| card.part == Part::Senders) {
        card.y = middle.map_or(card.y, |middle| middle - card.height / 2);
    }
    let wires = wide_wires(drawing, &cards);
    let used = if bottoms[4] > MARGIN { 5 } else { 4 };
    let height = cards.iter().map(Card::bottom).max().unwrap_or(MARGIN) + MARGIN;
    Layout { width: x(used) - GAP + MARGIN, height, cards, wires }
}

fn wide_wires(drawing: &Drawing, cards: &[Card]) -> Vec<Wire> {
    let mut drawn: Vec<(usize, usize)> = Vec::new();
    let mut wires = Vec::new();
    for edge in &drawing.edges {
        let card = |place: usize| cards.iter().position(|card| card.shows(place));
        let (Some(from), Some(to)) = (card(edge.from), card(edge.to)) else { continue };
        // Many alarms that tell one topic are one wire.
        if drawn.contains(&(from, to)) {
            continue;
        }
        drawn.push((from, to));
        let (from, to) = (&cards[from], &cards[to]);
        wires.push(if from.x == to.x && from.y < to.y {
            down(from, to, &edge.label, edge.flow)
        } else {
            across(from, to, &edge.label, edge.flow)
        });
    }
    wires
}

fn down(from: &Card, to: &Card, label: &str, flow: Flow) -> Wire {
    let x = from.x + from.width / 2;
    let label = (!label.is_empty()).then(|| (x, (from.bottom() + to.y) / 2 + 3, label.to_owned()));
    Wire { path: format!("M{x},{} V{}", from.bottom(), to.y - 6), tip: (x, to.y), points_down: true, label, flow }
}

fn across(from: &Card, to: &Card, label: &str, flow: Flow) -> Wire {
    // Side by side from middle to middle; what comes from elsewhere comes in lower, to be told apart.
    let level = from.y == to.y || from.part == Part::Senders;
    let start = if level { from.y + from.height.min(to.height) / 2 } else { from.y + from.height / 2 };
    let (start, end) = match (level, from.part) {
        (true, Part::Senders) => (from.y + from.height / 2, from.y + from.height / 2),
        (true, _) => (start, start),
        (false, Part::Alarm) => (start, to.y + to.height * 3 / 4),
        (false, _) => (from.y + from.height * 3 / 4, to.y + to.height / 2),
    };
    let (left, right) = (from.x + from.width, to.x);
    let middle = (left + right) / 2;
    let path = if start == end {
        format!("M{left},{start} H{}", right - 6)
    } else {
        format!("M{left},{start} C{middle},{start} {middle},{end} {},{end}", right - 6)
    };
    let label_y = if start == end { start - 8 } else { (start + end) / 2 };
    let label = (!label.is_empty()).then(|| (middle, label_y, label.to_owned()));
    Wire { path, tip: (right, end), points_down: false, label, flow }
}

fn tall(drawing: &Drawing) -> Layout {
    const WIDTH: i64 = 360;
    const STEP: i64 = 26;
    const SPACE: i64 = 22;
    let mut cards: Vec<Card> = Vec::new();
    let mut bottom = 10;
    let put = |cards: &mut Vec<Card>, bottom: &mut i64, depth: i64, card: Card| {
        let x = 10 + STEP * depth;
        let card = card.put(x, *bottom, WIDTH - 10 - x);
        *bottom = card.bottom() + SPACE;
        cards.push(card);
    };
    for (depth, part) in [
        (0, Part::Senders),
        (0, Part::Queue),
        (1, Part::DeadLetter),
        (0, Part::Function),
        (1, Part::Quarantine),
        (1, Part::Table),
    ] {
        for (place, node) in drawing.all(part) {
            put(&mut cards, &mut bottom, depth, Card::of(place, node));
        }
    }
    // First the topics that the function tells, then those that only alarms do: they hang on nothing above.
    let is_told = |place: usize| {
        drawing.edges.iter().any(|edge| edge.to == place && drawing.nodes[edge.from].part == Part::Function)
    };
    for told in [true, false] {
        if !told && let Some(card) = alarms(drawing) {
            put(&mut cards, &mut bottom, 0, card);
        }
        for (place, node) in drawing.all(Part::Topic).filter(|(place, _)| is_told(*place) == told) {
            put(&mut cards, &mut bottom, 1, Card::of(place, node));
            if let Some(card) = subscribers(drawing, place) {
                put(&mut cards, &mut bottom, 2, card);
            }
        }
    }
    let wires = tall_wires(drawing, &cards);
    Layout { width: WIDTH, height: cards.iter().map(Card::bottom).max().unwrap_or(10) + 10, cards, wires }
}

fn tall_wires(drawing: &Drawing, cards: &[Card]) -> Vec<Wire> {
    let mut drawn: Vec<(usize, usize)> = Vec::new();
    let mut wires = Vec::new();
    for edge in &drawing.edges {
        let card = |place: usize| cards.iter().position(|card| card.shows(place));
        let (Some(from), Some(to)) = (card(edge.from), card(edge.to)) else { continue };
        if drawn.contains(&(from, to)) || from >= to {
            continue;
        }
        drawn.push((from, to));
        let (from, to) = (&cards[from], &cards[to]);
        let x = from.x + 13;
        let label = edge.label.clone();
        wires.push(if from.x == to.x {
            let y = to.y - 7;
            let label = (!label.is_empty()).then(|| (x + 60, y, label));
            Wire {
                path: format!("M{x},{} V{}", from.bottom(), to.y - 6),
                tip: (x, to.y),
                points_down: true,
                label,
                flow: edge.flow,
            }
        } else {
            let y = to.y + 16;
            let label = (!label.is_empty()).then(|| (to.x + 60, to.y - 6, label));
            Wire {
                path: format!("M{x},{} V{y} H{}", from.bottom(), to.x - 6),
                tip: (to.x, y),
                points_down: false,
                label,
                flow: edge.flow,
            }
        });
    }
    wires
}
