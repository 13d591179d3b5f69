//! Numbers and times for people.

use std::fmt::Display;
use std::time::Duration;

/// `0.2 s`, `12.0 s`, `3 min 05 s`.
pub fn elapsed(duration: Duration) -> String {
    let tenths = duration.as_millis().div_ceil(100);
    if tenths < 1_200 {
        return format!("{}.{} s", tenths / 10, tenths % 10);
    }
    let seconds = tenths / 10;
    format!("{} min {:02} s", seconds / 60, seconds % 60)
}

/// Seconds in one unit, rounded: `90 s`, `12 min`, `2.1 h`, `14.0 d`.
pub fn short_time(seconds: f64) -> String {
    match seconds {
        seconds if seconds >= 172_800.0 => format!("{:.1} d", seconds / 86_400.0),
        seconds if seconds >= 7_200.0 => format!("{:.1} h", seconds / 3_600.0),
        seconds if seconds >= 120.0 => format!("{:.0} min", seconds / 60.0),
        seconds => format!("{seconds:.0} s"),
    }
}

/// `1 resource`, `2 resources`.
pub fn counted(count: impl Display, noun: &str) -> String {
    let count = count.to_string();
    let plural = if count == "1" { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

/// `1,234,567`
pub fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_set_apart() {
        let cases = [(0, "0"), (999, "999"), (1_000, "1,000"), (20_000, "20,000"), (1_234_567, "1,234,567")];
        for (count, text) in cases {
            assert_eq!(grouped(count), text);
        }
    }

    #[test]
    fn one_is_not_many() {
        assert_eq!([counted(0, "message"), counted(1_u64, "message")], ["0 messages", "1 message"]);
    }

    #[test]
    fn a_time_has_one_unit() {
        let words = [90.0, 690.0, 7_560.0, 1_209_600.0].map(short_time);
        assert_eq!(words, ["90 s", "12 min", "2.1 h", "14.0 d"]);
    }

    #[test]
    fn times_are_short_and_never_zero_where_something_took_time() {
        assert_eq!(elapsed(Duration::from_millis(3)), "0.1 s");
        assert_eq!(elapsed(Duration::from_millis(3_200)), "3.2 s");
        assert_eq!(elapsed(Duration::from_secs(185)), "3 min 05 s");
    }
}
