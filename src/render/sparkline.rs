//! A plot in one line of text.

use super::text::cut;
use crate::number::short_time;
use crate::operate::series::Unit;

const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// Where there is no value.
const NOTHING: char = '·';

/// The values in so many columns at most, each the largest of its stretch, against the largest of all.
pub fn sparkline(values: &[Option<f64>], columns: usize) -> String {
    let largest = values.iter().copied().flatten().fold(0.0_f64, f64::max);
    let stretch = values.len().div_ceil(columns.max(1)).max(1);
    // From the end, so that the last column is a whole stretch.
    let first = values.len() % stretch;
    let head = (first > 0).then(|| &values[..first]);
    let line = head.into_iter().chain(values[first..].chunks(stretch)).map(|stretch| level(stretch, largest)).collect();
    cut(&String::from_iter::<Vec<char>>(line), columns.max(1))
}

fn level(stretch: &[Option<f64>], largest: f64) -> char {
    match stretch.iter().copied().flatten().reduce(f64::max) {
        None => NOTHING,
        Some(value) if value <= 0.0 || largest <= 0.0 => LEVELS[0],
        // Anything above nothing shows.
        Some(value) => LEVELS[((value / largest * 7.0).ceil() as usize).min(7)],
    }
}

/// A value with its unit, short: `12`, `1.2k`, `3.4 s`, `12 min`.
pub fn short(value: f64, unit: Unit) -> String {
    match unit {
        Unit::Count | Unit::Units => count(value),
        Unit::Milliseconds if value >= 1_000.0 => format!("{:.1} s", value / 1_000.0),
        Unit::Milliseconds => format!("{value:.0} ms"),
        Unit::Seconds => short_time(value),
    }
}

fn count(value: f64) -> String {
    match value {
        value if value >= 1e6 => format!("{:.1}M", value / 1e6),
        value if value >= 1e4 => format!("{:.1}k", value / 1e3),
        value if value.fract() == 0.0 => format!("{value:.0}"),
        value => format!("{value:.1}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_rise_gaps_show_and_little_is_not_nothing() {
        let values = [None, Some(0.0), Some(0.001), Some(50.0), Some(100.0)];
        assert_eq!(sparkline(&values, 5), "·▁▂▅█");
        assert_eq!(sparkline(&[Some(0.0), Some(0.0)], 10), "▁▁");
        assert_eq!(sparkline(&[], 10), "");
    }

    #[test]
    fn too_many_values_share_columns_and_peaks_stay() {
        let mut values = vec![Some(1.0); 60];
        values[30] = Some(10.0);
        let line = sparkline(&values, 20);
        assert_eq!(line.chars().count(), 20);
        assert_eq!(line.chars().filter(|column| *column == '█').count(), 1);
        assert_eq!(sparkline(&[Some(1.0); 61], 20).chars().count(), 16);
    }

    #[test]
    fn values_are_short() {
        let words = [
            short(3.0, Unit::Count),
            short(12_345.0, Unit::Count),
            short(0.5, Unit::Units),
            short(1_500.0, Unit::Milliseconds),
            short(90.0, Unit::Seconds),
            short(600.0, Unit::Seconds),
        ];
        assert_eq!(words, ["3", "12.3k", "0.5", "1.5 s", "90 s", "10 min"]);
    }
}
