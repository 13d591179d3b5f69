//! Times as RFC 3339 writes them, and nothing looser.
//!
//! jiff reads more than RFC 3339 (other separators, zone names, no seconds); what is stored must be readable by all.

use jiff::Timestamp;

/// The moment; `None`: not RFC 3339, or there is no such moment.
pub fn parse(text: &str) -> Option<Timestamp> {
    if has_shape(text.as_bytes()) { text.parse().ok() } else { None }
}

/// `2026-01-31T23:59:59[.123456789](Z|±01:00)`.
fn has_shape(text: &[u8]) -> bool {
    let digits = |text: &[u8], pattern: &[u8]| {
        text.len() == pattern.len()
            && text.iter().zip(pattern).all(|(byte, wanted)| match wanted {
                b'0' => byte.is_ascii_digit(),
                wanted => byte.eq_ignore_ascii_case(wanted),
            })
    };
    let Some((moment, rest)) = text.split_at_checked(19) else { return false };
    let fraction = match rest.first() {
        Some(b'.') => 1 + rest[1..].iter().take_while(|byte| byte.is_ascii_digit()).count(),
        _ => 0,
    };
    let zone = &rest[fraction..];
    let signed = zone.first().is_some_and(|sign| matches!(sign, b'+' | b'-'))
        && digits(&zone[1..], b"00:00")
        // jiff knows zones beyond a day.
        && &zone[1..3] < b"24".as_slice();
    digits(moment, b"0000-00-00T00:00:00") && fraction != 1 && fraction <= 10 && (signed || digits(zone, b"Z"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::parse;

    #[test]
    fn rfc_3339_is_read() {
        let same = [
            "2026-01-31T23:59:59Z",
            "2026-01-31t23:59:59z",
            "2026-02-01T01:29:59+01:30",
            "2026-01-31T18:59:59.000-05:00",
        ];
        for text in same {
            assert_eq!(parse(text).map(|time| time.as_second()), Some(1_769_903_999), "{text}");
        }
        assert_eq!(parse("2026-01-01T00:00:00.123456789Z").map(|time| time.subsec_nanosecond()), Some(123_456_789));
        assert!(parse("2016-12-31T23:59:60Z").is_some(), "a leap second");
    }

    #[test]
    fn anything_else_is_refused() {
        let shapes =
            ["", "2026-01-31", "2026-01-31T23:59Z", "2026-01-31T23:59:59", "2026-01-31 23:59:59Z", "20260131T235959Z"];
        let ends = ["2026-01-31T23:59:59+01", "2026-01-31T23:59:59+0100", "2026-01-31T23:59:59Z[Europe/Berlin]"];
        let fractions = ["2026-01-31T23:59:59.Z", "2026-01-31T23:59:59.1234567890Z", "2026-01-31T23:59:59,5Z"];
        let moments =
            ["2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-01-31T24:00:00Z", "2026-01-31T23:59:59+25:00"];
        for text in shapes.into_iter().chain(ends).chain(fractions).chain(moments) {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[-+0-9:.TZ]{0,30}|\\PC{0,30}") {
            let _ = parse(&text);
        }
    }
}
