//! A drawing as SVG: wide for desks, tall for telephones. State is told by colour, by a sign and by the border's line.

mod layout;

use std::fmt::Write as _;

use crate::operate::drawing::{Drawing, Flow, Part};
use crate::operate::health::State;
use layout::{Card, Layout, Row, Wire};

pub use layout::Form;

/// Colours for light and dark, by CSS variables: the page that holds a drawing defines the same ones.
pub const STYLE: &str = "
.pw{--ink:#1b1f24;--soft:#59636e;--card:#ffffff;--edge:#c4cbd3;--back:#f6f8fa;--good:#1a7f37;--attention:#9a6700;--unknown:#59636e;--bad:#cf222e;--main:#0969da;color-scheme:light dark}
@media (prefers-color-scheme:dark){.pw{--ink:#e6edf3;--soft:#9aa4af;--card:#161b22;--edge:#3d444d;--back:#0d1117;--good:#3fb950;--attention:#d29922;--unknown:#9aa4af;--bad:#ff6b63;--main:#58a6ff}}
svg.pw text{font-family:system-ui,-apple-system,'Segoe UI',Roboto,sans-serif;fill:var(--ink);font-size:12.5px}
svg.pw .kind{fill:var(--soft);font-size:11px;letter-spacing:.04em}
svg.pw .name{font-weight:600;font-size:14px}
svg.pw .note,svg.pw .label{fill:var(--soft)}
svg.pw .label{font-size:11px;paint-order:stroke;stroke:var(--back);stroke-width:5px}
svg.pw rect{fill:var(--card);stroke:var(--edge);stroke-width:1.2}
svg.pw .good rect{stroke:var(--good)}
svg.pw .attention rect{stroke:var(--attention);stroke-width:2.2;stroke-dasharray:7 3}
svg.pw .unknown rect{stroke:var(--unknown);stroke-width:1.6;stroke-dasharray:2 3}
svg.pw .bad rect{stroke:var(--bad);stroke-width:3}
svg.pw .sign.good,svg.pw tspan.good{fill:var(--good)}
svg.pw .sign.attention,svg.pw tspan.attention{fill:var(--attention)}
svg.pw .sign.unknown,svg.pw tspan.unknown{fill:var(--unknown)}
svg.pw .sign.bad,svg.pw tspan.bad{fill:var(--bad)}
svg.pw .sign{font-weight:700;font-size:15px}
svg.pw path{fill:none;stroke:var(--soft);stroke-width:1.4}
svg.pw path.main{stroke:var(--main);stroke-width:2.4}
svg.pw path.failure{stroke-dasharray:5 4}
svg.pw .tip{fill:var(--soft);stroke:none}
svg.pw .tip.main{fill:var(--main)}
";

/// A file of its own.
pub fn file(drawing: &Drawing) -> String {
    let svg = svg(drawing, Form::Wide, &format!("<style>{STYLE}svg.pw{{background:var(--back)}}</style>"));
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{svg}\n")
}

/// The drawing for a page that has the style already.
pub fn inline(drawing: &Drawing, form: Form) -> String {
    svg(drawing, form, "")
}

fn svg(drawing: &Drawing, form: Form, style: &str) -> String {
    let layout = Layout::of(drawing, form);
    let title = escape(&format!("The pipeline {}", drawing.title));
    let mut text = format!(
        "<svg class=\"pw\" xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{title}\">",
        layout.width, layout.height
    );
    let _ = write!(text, "{style}\n<title>{title}</title>\n");
    for wire in &layout.wires {
        text.push_str(&self::wire(wire));
    }
    for card in &layout.cards {
        text.push_str(&self::card(card));
    }
    for wire in &layout.wires {
        if let Some((x, y, label)) = &wire.label {
            let _ = writeln!(
                text,
                "<text class=\"label\" x=\"{x}\" y=\"{y}\" text-anchor=\"middle\">{}</text>",
                escape(label)
            );
        }
    }
    text.push_str("</svg>");
    text
}

fn wire(wire: &Wire) -> String {
    let flow = match wire.flow {
        Flow::Main => "main",
        Flow::Failure => "failure",
        Flow::Notice => "notice",
    };
    let (x, y) = wire.tip;
    let tip = if wire.points_down { format!("M{x},{y} l-4.5,-8 h9 z") } else { format!("M{x},{y} l-8,-4.5 v9 z") };
    format!("<path class=\"{flow}\" d=\"{}\"/><path class=\"tip {flow}\" d=\"{tip}\"/>\n", wire.path)
}

fn card(card: &Card) -> String {
    let Card { x, y, width, height, .. } = card;
    let class = card.state.map(State::word).unwrap_or_default();
    let mut text = format!("<g class=\"{class}\">");
    if !card.full.is_empty() {
        let _ = write!(text, "<title>{}</title>", escape(&card.full));
    }
    let _ = write!(text, "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"8\"/>");
    let (left, room) = (x + 12, width - 24);
    let is_plain = card.part == Part::Senders;
    if is_plain {
        let middle = y + height / 2 + 5;
        let _ = write!(text, "<text class=\"name\" x=\"{left}\" y=\"{middle}\">{}</text>", escape(&card.title));
    } else {
        let _ = write!(text, "<text class=\"kind\" x=\"{left}\" y=\"{}\">{}</text>", y + 19, escape(&card.kind));
        if !card.title.is_empty() {
            let name = fit(&card.title, room, NAME);
            let _ = write!(text, "<text class=\"name\" x=\"{left}\" y=\"{}\">{}</text>", y + 38, escape(&name));
        }
    }
    if let Some(state) = card.state {
        let _ = write!(
            text,
            "<text class=\"sign {}\" x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>",
            state.word(),
            x + width - 12,
            y + 21,
            state.sign()
        );
    }
    for row in &card.rows {
        text.push_str(&self::row(row, x + width - 10 - row.x));
    }
    text.push_str("</g>\n");
    text
}

/// What has no room is cut, and shown whole when it is pointed at.
fn row(row: &Row, room: i64) -> String {
    let sign = row.state.map(|state| format!("<tspan class=\"{}\">{}</tspan> ", state.word(), state.sign()));
    let words = fit(&row.text, if sign.is_some() { room - SIGN } else { room }, ROW);
    let full = if words == row.text { String::new() } else { format!("<title>{}</title>", escape(&row.text)) };
    let class = if sign.is_some() { "row" } else { "note" };
    format!(
        "<text class=\"{class}\" x=\"{}\" y=\"{}\">{full}{}{}</text>",
        row.x,
        row.y,
        sign.unwrap_or_default(),
        escape(&words)
    )
}

/// Sizes of fonts in thousandths of a unit of the picture; a bold letter is wider.
const ROW: i64 = 12_500;
const NAME: i64 = 14_000 * 11 / 10;
/// A sign and the space after it.
const SIGN: i64 = 18;

/// The text, or as much of it as is no wider than there is room, and `…`.
fn fit(text: &str, room: i64, font: i64) -> String {
    let wide = |letters: &mut dyn Iterator<Item = char>| letters.map(width).sum::<i64>() * font / 1_000_000;
    if wide(&mut text.chars()) <= room {
        return text.to_owned();
    }
    let mut short = String::new();
    for letter in text.chars() {
        if wide(&mut short.chars().chain([letter, '…'])) > room {
            break;
        }
        short.push(letter);
    }
    short + "…"
}

/// How wide a letter is at most, in thousandths of its font's size: as in DejaVu Sans, the widest of the usual ones.
fn width(letter: char) -> i64 {
    match letter {
        'i' | 'j' | 'l' | ' ' | '.' | ',' | '\'' | '|' | '/' | ':' | ';' => 340,
        'f' | 'r' | 't' | '-' | '(' | ')' | '[' | ']' | '!' | 'I' => 410,
        'c' | 'k' | 's' | 'v' | 'x' | 'y' | 'z' | 'F' | 'J' | 'L' => 600,
        'm' | 'M' | 'W' | '@' | '%' | '…' => 1_000,
        'w' | 'D' | 'G' | 'H' | 'N' | 'O' | 'Q' | '<' | '>' | '=' | '+' | '#' | '&' | '~' | '→' => 840,
        'A'..='Z' => 720,
        ' '..='~' => 640,
        _ => 1_000,
    }
}

/// For text and attributes of HTML and XML. Characters that XML has no room for are left out.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\n' | '\t' => escaped.push(' '),
            '\u{fffe}' | '\u{ffff}' => {}
            character if character.is_control() => {}
            character => escaped.push(character),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_by_the_width_of_its_letters() {
        assert_eq!(fit("illicit", 34, ROW), "illicit");
        assert_eq!(fit("MMMMMMM", 34, ROW), "M…");
        assert_eq!(fit("https://hooks.example.com/aws", 100, ROW), "https://hooks…");
        assert_eq!(fit("abc", 0, ROW), "…");
    }

    #[test]
    fn nothing_of_a_text_is_markup() {
        let text = "<script>alert(\"1\" & '2')</script>\u{0}\u{1b}\u{ffff}";
        assert_eq!(escape(text), "&lt;script&gt;alert(&quot;1&quot; &amp; &#39;2&#39;)&lt;/script&gt;");
    }
}
