//! Amounts with their unit on the command line: `5%`, `90s`, `5m`.

use std::time::Duration;

use rust_decimal::Decimal;

use crate::operate::Share;

/// `5%`, `0.5%`
pub fn share(text: &str) -> Result<Share, String> {
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
        assert_eq!(share("0.5%").unwrap().count(1_000), 5);
        for wrong in ["5", "%", "101%", "-1%", "five%"] {
            assert!(share(wrong).is_err(), "{wrong}");
        }
    }
}
