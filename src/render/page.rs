//! A pipeline's health as one page: everything in one file, nothing loaded, no script.

use std::fmt::Write as _;

use super::chart::chart;
use super::sparkline::short;
use super::style::Style;
use super::svg::{self, Form, escape};
use crate::operate::drawing::Drawing;
use crate::operate::health::{Role, State, Status};
use crate::operate::series::Plot;

const STYLE: &str = include_str!("page.css");

pub fn page(status: &Status, drawing: &Drawing, style: Style) -> String {
    let name = escape(&status.pipeline);
    let mut text = format!(
        "<!doctype html>\n<html lang=\"en\" class=\"pw\">\n<head>\n<meta charset=\"utf-8\">\n\
<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
<meta name=\"color-scheme\" content=\"light dark\">\n\
<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
<title>{name}: {}</title>\n<style>{}{STYLE}</style>\n</head>\n<body>\n",
        escape(&status.verdict()),
        svg::STYLE
    );
    text.push_str(&head(status));
    text.push_str(&concerns(status, style));
    if !drawing.nodes.is_empty() {
        let _ = writeln!(
            text,
            "<section class=\"drawing\" aria-label=\"The pipeline\"><div class=\"wide\">{}</div><div class=\"tall\">{}</div></section>",
            svg::inline(drawing, Form::Wide),
            svg::inline(drawing, Form::Tall)
        );
    }
    if status.applied {
        for section in [parts, alarms, drift, charts] {
            text.push_str(&section(status));
        }
    }
    text.push_str(&notes(status, style));
    let _ = write!(
        text,
        "<footer>Written by <code>pipewright status --html</code> at {:.0}. It shows that moment: it asks nobody again.</footer>\n</body>\n</html>\n",
        status.at
    );
    text
}

fn head(status: &Status) -> String {
    let state = status.state.word();
    format!(
        "<header><div><h1>{}</h1><p>account {} · region {} · <time datetime=\"{}\">{:.0}</time></p></div>\
<p class=\"verdict {state}\"><span class=\"sign\">{}</span> {}</p></header>\n",
        escape(&status.pipeline),
        escape(&status.account),
        escape(&status.region),
        status.at,
        status.at,
        status.state.sign(),
        escape(&status.verdict())
    )
}

/// A sign with its word for those who do not see it.
fn sign(state: State) -> String {
    format!("<span class=\"sign {0}\" role=\"img\" aria-label=\"{0}\">{1}</span>", state.word(), state.sign())
}

/// As many as the verdict counts.
fn concerns(status: &Status, style: Style) -> String {
    let concerns = status.concerns();
    if concerns.is_empty() {
        return String::new();
    }
    let mut text = String::from("<section><h2>To look at</h2><ul class=\"concerns\">\n");
    for concern in concerns {
        let _ = writeln!(
            text,
            "<li class=\"{}\">{} <span><b>{}</b> {}</span></li>",
            concern.state.word(),
            sign(concern.state),
            escape(&concern.heading),
            code(&escape(&style.typeable(&concern.words)))
        );
    }
    text.push_str("</ul></section>\n");
    text
}

fn parts(status: &Status) -> String {
    let mut text = String::from("<section><h2>Parts</h2><div class=\"cards\">\n");
    for part in status.parts.iter().filter(|part| part.role != Role::Alarm) {
        let _ = write!(
            text,
            "<article class=\"{}\"><h3>{} {}</h3><p class=\"id\">{}</p><dl>",
            part.state.word(),
            sign(part.state),
            part.role.word(),
            escape(&part.name)
        );
        if !part.word.is_empty() {
            let _ = write!(text, "<div><dt>state</dt><dd>{}</dd></div>", escape(&part.word));
        }
        for fact in &part.facts {
            let _ = write!(text, "<div><dt>{}</dt><dd>{}</dd></div>", escape(&fact.label), escape(&fact.value));
        }
        text.push_str("</dl></article>\n");
    }
    text.push_str("</div></section>\n");
    text
}

fn alarms(status: &Status) -> String {
    let alarms: Vec<_> = status.parts.iter().filter(|part| part.role == Role::Alarm).collect();
    if alarms.is_empty() {
        return String::new();
    }
    let mut text = String::from(
        "<section><h2>Alarms</h2><div class=\"scroll\"><table><thead><tr><th>alarm</th><th>state</th><th>watches</th></tr></thead><tbody>\n",
    );
    for part in alarms {
        let watches = part.facts.iter().find(|fact| fact.label == "watches").map(|fact| fact.value.as_str());
        let _ = writeln!(
            text,
            "<tr class=\"{}\"><td title=\"{}\">{}</td><td>{} {}</td><td>{}</td></tr>",
            part.state.word(),
            escape(&part.name),
            escape(&part.title),
            sign(part.state),
            escape(&part.word),
            escape(watches.unwrap_or_default())
        );
    }
    text.push_str("</tbody></table></div></section>\n");
    text
}

fn drift(status: &Status) -> String {
    if !status.drift.differs {
        return format!(
            "<section><h2>Drift</h2><p>{} None: AWS is as the file says.</p></section>\n",
            sign(State::Good)
        );
    }
    let steps: Vec<_> = status.drift.steps.iter().map(|step| format!("<li>{}</li>", escape(step))).collect();
    format!(
        "<section><h2>Drift</h2><p>{} AWS is not as the file says. An apply would:</p><ul>{}</ul></section>\n",
        sign(State::Attention),
        steps.join("")
    )
}

fn charts(status: &Status) -> String {
    let (told, silent): (Vec<&Plot>, Vec<&Plot>) = status.plots().partition(|plot| plot.has_values());
    let now = if status.window.is_by_minute() { "" } else { "; now: the last minute" };
    let mut text = format!(
        "<section><h2>Plots <small>{}, UTC, by {}{now}</small></h2>",
        status.window.words(),
        status.window.period_words()
    );
    if !told.is_empty() {
        text.push_str("<div class=\"charts\">\n");
        for plot in told {
            let value = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |value| short(value, plot.unit));
            let _ = writeln!(
                text,
                "<figure><figcaption><b>{}</b> <span>now {} · most {}</span></figcaption>{}</figure>",
                escape(&plot.title),
                escape(&value(plot.current(status.window))),
                escape(&value(plot.largest())),
                chart(plot, status.window)
            );
        }
        text.push_str("</div>\n");
    }
    if !silent.is_empty() {
        let titles: Vec<_> = silent.iter().map(|plot| escape(&plot.title)).collect();
        let _ = write!(text, "<p class=\"soft\">No values: {}.</p>", titles.join(", "));
    }
    text.push_str("</section>\n");
    text
}

fn notes(status: &Status, style: Style) -> String {
    if status.notes.is_empty() {
        return String::new();
    }
    let notes: Vec<_> =
        status.notes.iter().map(|note| format!("<li>{}</li>", code(&escape(&style.typeable(note))))).collect();
    format!("<section><h2>Notes</h2><ul>{}</ul></section>\n", notes.join(""))
}

/// What stands in backticks is a command or a name.
fn code(escaped: &str) -> String {
    let parts: Vec<_> = escaped.split('`').collect();
    if parts.len().is_multiple_of(2) {
        return escaped.to_owned();
    }
    let mark = |(place, part): (usize, &&str)| {
        if place % 2 == 1 { format!("<code>{part}</code>") } else { (*part).to_owned() }
    };
    parts.iter().enumerate().map(mark).collect()
}
