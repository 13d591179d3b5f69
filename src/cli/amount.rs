//! Amounts with their unit on the command line: `5%`, `90s`, `5m`.

use std::time::Duration;

use rust_decimal::Decimal;

use crate::operate::Share;

/// `5%`, `0.5%`; nothing is `0`, too.
pub fn share(text: &str) -> Result<Share, String> {
    if text == "0" {
        return Ok(Share::NONE);
    }
    let wrong = || "a share is a percentage, such as `5%`".to_owned();
    let percent: Decimal = text.strip_suffix('%').ok_or_else(wrong)?.parse().map_err(|_| wrong())?;
    Share::of_percent(percent).ok_or_else(|| "a share lies between `0%` and `100%`".to_owned())
}

/// `90s`, `5m`, `2h`, `1d`
pub fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || "a duration is a whole number with its unit, such as `90s`, `5m`, `2h` or `1d`".to_owned();
    let unit = text.chars().next_back().ok_or_else(wrong)?;
    let count: u64 = text.strip_suffix(unit).unwrap_or_default().parse().map_err(|_| wrong())?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return Err(wrong()),
    };
    count.checked_mul(seconds).map(Duration::from_secs).ok_or_else(wrong)
}

/// `30s`, `2m`; a number alone is seconds.
pub fn seconds(text: &str) -> Result<Duration, String> {
    text.parse().map(Duration::from_secs).or_else(|_| duration(text))
}

/// The same, but some time.
pub fn interval(text: &str) -> Result<Duration, String> {
    let interval = seconds(text)?;
    if interval.is_zero() { Err("an interval lasts `1s` at least".into()) } else { Ok(interval) }
}

/// `3h`, `7d`, in hours; a number alone is hours.
pub fn hours(text: &str) -> Result<u32, String> {
    let hours = match text.parse::<u64>() {
        Ok(hours) => hours,
        Err(_) => match duration(text)?.as_secs() {
            seconds if seconds % 3_600 == 0 => seconds / 3_600,
            _ => return Err("only whole hours can be plotted, such as `3h`, `24h` or `7d`".into()),
        },
    };
    let hours = u32::try_from(hours).ok().filter(|hours| (1..=336).contains(hours));
    hours.ok_or_else(|| "between `1h` and `14d` can be plotted".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_carry_their_unit() {
        assert_eq!(duration("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("2h"), Ok(Duration::from_secs(7_200)));
        for wrong in ["", "5", "m", "5 m", "-5m", "5é", "99999999999999999999d"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
        assert_eq!(interval("2m"), Ok(Duration::from_secs(120)));
        assert_eq!([hours("3h"), hours("7d"), hours("120m")], [Ok(3), Ok(168), Ok(2)]);
        for wrong in ["0h", "90m", "15d", "h", "4294967297h"] {
            assert!(hours(wrong).is_err(), "{wrong}");
        }
        assert!(interval("0s").is_err());
        assert_eq!(share("0.5%").unwrap().count(1_000), 5);
        assert_eq!(share("0"), Ok(Share::NONE));
        for wrong in ["5", "%", "101%", "-1%", "five%"] {
            assert!(share(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_number_alone_is_understood_where_it_always_was() {
        assert_eq!(
            [seconds("0"), seconds("20"), interval("1")],
            [0, 20, 1].map(|count| Ok(Duration::from_secs(count)))
        );
        assert_eq!(hours("24"), Ok(24));
    }
}
