//! A plot as SVG: one metric over time, with its scale and its hours.

use std::fmt::Write as _;

use jiff::Timestamp;

use super::sparkline::short;
use super::svg::escape;
use crate::operate::series::{Plot, Unit, Window};

const WIDTH: f64 = 360.0;
const HEIGHT: f64 = 132.0;
const LEFT: f64 = 46.0;
const RIGHT: f64 = 8.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = 22.0;

/// The picture alone; its heading is the page's.
pub fn chart(plot: &Plot, window: Window) -> String {
    let top = ceiling(plot.largest().unwrap_or_default(), plot.unit);
    let value = |value: Option<f64>| value.map_or_else(|| "nothing".to_owned(), |value| short(value, plot.unit));
    let words = escape(&format!("{}: now {}, most {}", plot.title, value(plot.current(window)), value(plot.largest())));
    let mut text = format!(
        "<svg class=\"chart\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{words}\"><title>{words}</title>"
    );
    for share in [0.0, 0.5, 1.0] {
        let y = height(share);
        let _ = write!(text, "<path class=\"grid\" d=\"M{LEFT},{y:.1} H{:.1}\"/>", WIDTH - RIGHT);
        let label = escape(&short(top * share, plot.unit));
        let _ = write!(text, "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{label}</text>", LEFT - 6.0, y + 4.0);
    }
    text.push_str(&hours(window));
    for stretch in stretches(plot) {
        text.push_str(&line(&stretch, plot.values.len(), top));
    }
    text.push_str("</svg>");
    text
}

fn width(place: f64, count: usize) -> f64 {
    LEFT + (WIDTH - LEFT - RIGHT) * place / (count.max(1) as f64)
}

fn height(share: f64) -> f64 {
    HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * share
}

/// Round times, in seconds.
const TIMES: [f64; 12] =
    [60.0, 120.0, 240.0, 600.0, 1_200.0, 2_400.0, 3_600.0, 7_200.0, 14_400.0, 28_800.0, 86_400.0, 172_800.0];

/// The next of 1, 2, 5 times a power of ten, or the next round time: so that the scale has round numbers.
fn ceiling(largest: f64, unit: Unit) -> f64 {
    if largest <= 0.0 {
        return 1.0;
    }
    if unit == Unit::Seconds && largest > 50.0 {
        return TIMES.into_iter().find(|time| *time >= largest).unwrap_or(largest);
    }
    let power = 10.0_f64.powf(largest.log10().floor());
    [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|step| step * power)
        .find(|step| *step >= largest * 0.999_999)
        .unwrap_or(largest)
}

/// Values that follow each other without a gap, with the place of the first.
fn stretches(plot: &Plot) -> Vec<(usize, Vec<f64>)> {
    let mut stretches: Vec<(usize, Vec<f64>)> = Vec::new();
    let mut is_gap = true;
    for (place, value) in plot.values.iter().enumerate() {
        match value {
            None => is_gap = true,
            Some(value) if is_gap => {
                stretches.push((place, vec![*value]));
                is_gap = false;
            }
            Some(value) => {
                if let Some((_, values)) = stretches.last_mut() {
                    values.push(*value);
                }
            }
        }
    }
    stretches
}

/// Steps, for a value holds for its whole period; filled down to nothing.
fn line((first, values): &(usize, Vec<f64>), count: usize, top: f64) -> String {
    let mut path = String::new();
    for (index, value) in values.iter().enumerate() {
        let y = height(value / top);
        let begin = if index == 0 { "M" } else { "L" };
        let (from, to) = (width((first + index) as f64, count), width((first + index + 1) as f64, count));
        let _ = write!(path, "{begin}{from:.1},{y:.1} H{to:.1} ");
    }
    let from = width(*first as f64, count);
    let floor = height(0.0);
    let path = path.trim_end();
    format!("<path class=\"area\" d=\"{path} V{floor:.1} H{from:.1} Z\"/><path class=\"line\" d=\"{path}\"/>")
}

/// The time of day at the beginning, in the middle and at the end; days where there are several.
fn hours(window: Window) -> String {
    let (from, to) = (window.from.as_second(), window.to.as_second());
    let mut text = String::new();
    for (share, anchor) in [(0.0, "start"), (0.5, "middle"), (1.0, "end")] {
        let second = from + ((to - from) as f64 * share) as i64;
        let words = Timestamp::from_second(second).map(|at| clock(at, to - from > 86_400)).unwrap_or_default();
        let x = LEFT + (WIDTH - LEFT - RIGHT) * share;
        let _ = write!(text, "<text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\">{words}</text>", HEIGHT - 6.0);
    }
    text
}

/// `14:05`, or `11-26 14:00`; UTC.
fn clock(at: Timestamp, is_long: bool) -> String {
    let text = format!("{at:.0}");
    let (day, time) = text.split_once('T').unwrap_or(("", ""));
    let time = time.get(..5).unwrap_or_default();
    if is_long { format!("{} {time}", day.get(5..).unwrap_or_default()) } else { time.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_are_round() {
        let cases = [(0.0, 1.0), (1.0, 1.0), (3.0, 5.0), (7.0, 10.0), (11.0, 20.0), (0.03, 0.05), (1_000.0, 1_000.0)];
        for (largest, top) in cases {
            let found = ceiling(largest, Unit::Count);
            assert!((found - top).abs() < top * 1e-6, "{largest} {found}");
        }
        assert_eq!(ceiling(1_800.0, Unit::Seconds), 2_400.0);
    }

    #[test]
    fn a_gap_stays_a_gap() {
        let plot = |values: &[Option<f64>]| Plot {
            metric: "queue.visible".into(),
            title: "x".into(),
            unit: Unit::Count,
            values: values.to_vec(),
            last_minute: None,
        };
        assert_eq!(
            stretches(&plot(&[None, Some(1.0), Some(2.0), None, Some(3.0)])),
            [(1, vec![1.0, 2.0]), (4, vec![3.0])]
        );
        assert_eq!(stretches(&plot(&[None])), []);
    }
}
