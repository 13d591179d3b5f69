//! The account of a run, for people.

use super::style::Style;
use crate::number::grouped;
use crate::operate::account::Statement;

/// One line a number; signs before colours.
pub fn statement(statement: &Statement, style: Style) -> String {
    let Statement { sent, stored, rejected, duplicate, conflict, announced, .. } = statement;
    let Statement {
        taken_for_repeats,
        unaccounted,
        in_flight,
        failing,
        unconfirmed,
        dead_letter,
        rejected_by,
        latency_ms,
        ..
    } = statement;
    let mut text = String::new();
    let mut line = |sign: String, name: &str, count: u64, more: String| {
        text.push_str(&format!("{sign} {name:<12}{:>10}{more}\n", grouped(count)));
    };
    let mut announced = format!("  {} announced", grouped(*announced));
    if *taken_for_repeats > 0 {
        announced.push_str(&format!(", {} first taken for repeats of themselves", grouped(*taken_for_repeats)));
    }
    line(" ".into(), "sent", *sent, String::new());
    line(style.green("✓"), "stored", *stored, announced);
    line(style.green("✓"), "duplicate", *duplicate, String::new());
    line(style.green("✓"), "conflict", *conflict, "  in quarantine".into());
    let reasons: Vec<_> = rejected_by.iter().map(|(reason, count)| format!("{reason} {}", grouped(*count))).collect();
    let reasons = if reasons.is_empty() { String::new() } else { format!(": {}", reasons.join(", ")) };
    line(style.green("✓"), "rejected", *rejected, format!("  in quarantine{reasons}"));
    if *dead_letter > 0 {
        line(style.red("✗"), "dead letter", *dead_letter, "  tried as often as allowed, in vain".into());
    }
    let more = match (in_flight, unconfirmed) {
        (0, 0) => String::new(),
        (in_flight, unconfirmed) => {
            format!("  {} in flight, {} unconfirmed", grouped(*in_flight), grouped(*unconfirmed))
        }
    };
    let sign = if *unaccounted == 0 { style.green("✓") } else { style.red("✗") };
    line(sign, "unaccounted", *unaccounted, more);
    for (cause, count) in failing {
        text.push_str(&format!("              {:>10}  failed so far, to be tried again: {cause}\n", grouped(*count)));
    }
    if let Some(latency) = latency_ms {
        text.push_str(&format!(
            "  latency     p50 {}, p95 {}, p99 {}\n",
            milliseconds(latency.p50),
            milliseconds(latency.p95),
            milliseconds(latency.p99)
        ));
    }
    text
}

/// `850 ms`, `1.3 s`
fn milliseconds(count: u64) -> String {
    if count < 1_000 { format!("{count} ms") } else { format!("{:.1} s", count as f64 / 1_000.0) }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::operate::latency::Percentiles;

    #[test]
    fn an_account_is_one_line_a_number_and_signs_stand_without_colour() {
        let account = Statement {
            sent: 20_000,
            stored: 18_000,
            rejected: 999,
            duplicate: 600,
            conflict: 400,
            announced: 360,
            taken_for_repeats: 2,
            unaccounted: 1,
            in_flight: 1,
            failing: BTreeMap::from([("no time was left".to_owned(), 1)]),
            unconfirmed: 0,
            dead_letter: 0,
            rejected_by: BTreeMap::from([("empty".to_owned(), 500), ("not_json".to_owned(), 499)]),
            latency_ms: Some(Percentiles { p50: 850, p95: 1_300, p99: 12_000 }),
        };
        let expected = "  sent            20,000
✓ stored          18,000  360 announced, 2 first taken for repeats of themselves
✓ duplicate          600
✓ conflict           400  in quarantine
✓ rejected           999  in quarantine: empty 500, not_json 499
✗ unaccounted          1  1 in flight, 0 unconfirmed
                       1  failed so far, to be tried again: no time was left
  latency     p50 850 ms, p95 1.3 s, p99 12.0 s
";
        assert_eq!(statement(&account, Style::PLAIN), expected);
    }
}
