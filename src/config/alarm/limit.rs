//! An alarm's limit with its unit: `0`, `5m`, `80%`. Decimal as written, never through a float.

use std::borrow::Cow;
use std::fmt;

use rust_decimal::Decimal;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::super::units::{decimal, source_text};
use super::super::words::quoted;

/// A limit with its unit. The metric decides which units it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    Number(Decimal),
    /// Seconds; fractions allowed (`250ms`).
    Duration(Decimal),
    Percent(Decimal),
}

/// Units of durations in milliseconds, largest first.
const DURATIONS: [(&str, i64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

impl Limit {
    fn parse(text: &str) -> Result<Self, String> {
        let end = text.find(|letter: char| !letter.is_ascii_digit() && !"+-.".contains(letter)).unwrap_or(text.len());
        let (number, unit) = text.split_at(end);
        let wrong =
            || format!("{} is not a limit\nhint: a number (`0`), a duration (`5m`) or a share (`80%`)", quoted(text));
        let value = decimal(number).ok_or_else(wrong)?;
        match unit.strip_prefix(' ').unwrap_or(unit) {
            "" => Ok(Self::Number(value)),
            _ if value.is_sign_negative() => {
                Err(format!("{} is below zero\nhint: durations and shares are not", quoted(text)))
            }
            "%" => Ok(Self::Percent(value)),
            name => {
                let (_, factor) = DURATIONS.iter().find(|(unit, _)| *unit == name).ok_or_else(wrong)?;
                let milliseconds = value.checked_mul(Decimal::from(*factor)).ok_or_else(wrong)?;
                Ok(Self::Duration(milliseconds / Decimal::ONE_THOUSAND))
            }
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(out, "{}", number.normalize()),
            Self::Percent(number) => write!(out, "{}%", number.normalize()),
            Self::Duration(seconds) if seconds.is_zero() => out.write_str("0s"),
            Self::Duration(seconds) => {
                // What does not come out even in milliseconds stays in seconds.
                let even = DURATIONS.iter().find_map(|(unit, factor)| {
                    let count = seconds.checked_mul(Decimal::ONE_THOUSAND)?.checked_div(Decimal::from(*factor))?;
                    (count.is_integer() && count * Decimal::from(*factor) == seconds * Decimal::ONE_THOUSAND)
                        .then_some((count, *unit))
                });
                let (count, unit) = even.unwrap_or((*seconds, "s"));
                write!(out, "{}{unit}", count.normalize())
            }
        }
    }
}

impl Serialize for Limit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Limit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = source_text(deserializer, "a limit such as `0`, `5m` or `80%`")?;
        Self::parse(&text).map_err(D::Error::custom)
    }
}

impl JsonSchema for Limit {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Limit".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": ["number", "string"],
            "pattern": "^[+-]?[0-9]+(\\.[0-9]+)? ?(%|ms|s|m|h|d)?$",
            "x-unit": "as the metric takes it: a number, a duration or a percentage",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unit_says_what_is_limited() {
        assert_eq!(Limit::parse("0"), Ok(Limit::Number(Decimal::ZERO)));
        assert_eq!(Limit::parse("-1.5"), Ok(Limit::Number(Decimal::new(-15, 1))));
        assert_eq!(Limit::parse("5m"), Ok(Limit::Duration(Decimal::from(300))));
        assert_eq!(Limit::parse("250ms"), Ok(Limit::Duration(Decimal::new(250, 3))));
        assert_eq!(Limit::parse("80%"), Ok(Limit::Percent(Decimal::from(80))));
    }

    #[test]
    fn limits_are_written_back_exactly() {
        for text in ["0", "-1.5", "0.1", "5m", "250ms", "1500ms", "90s", "1d", "0s", "80%", "99.9%"] {
            assert_eq!(Limit::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(Limit::parse("0.0001s").unwrap().to_string(), "0.0001s");
        assert_eq!(Limit::parse("1.0").unwrap().to_string(), "1");
    }

    #[test]
    fn anything_else_is_refused() {
        for text in
            ["", "five", "5 min", "1e3", "--1", "1.", ".5", "5m3", "-5m", "-1%", "79228162514264337593543950335d"]
        {
            assert!(Limit::parse(text).is_err(), "{text}");
        }
    }
}
