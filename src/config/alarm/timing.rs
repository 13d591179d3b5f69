//! When an alarm goes off: over which period values are gathered, and how many periods must agree.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::super::units::{Seconds, source_text};
use super::super::words::quoted;

/// 10, 20 or 30 seconds, or whole minutes up to 7 days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Period(Seconds<10, 604_800>);

impl Period {
    /// In seconds.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0.get()
    }

    /// Whether only metrics of high resolution have it.
    #[must_use]
    pub const fn is_below_a_minute(self) -> bool {
        self.get() < 60
    }
}

impl Default for Period {
    fn default() -> Self {
        Self(Seconds::of(60))
    }
}

impl fmt::Display for Period {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

impl<'de> Deserialize<'de> for Period {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let seconds = Seconds::deserialize(deserializer)?;
        if !matches!(seconds.get(), 10 | 20 | 30) && !seconds.get().is_multiple_of(60) {
            let hint = "whole minutes; `10s`, `20s` or `30s` for a raw metric of high resolution";
            return Err(D::Error::custom(format!("`{seconds}` is not a period of CloudWatch\nhint: {hint}")));
        }
        Ok(Self(seconds))
    }
}

impl JsonSchema for Period {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Period".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Seconds::<10, 604_800>::json_schema(generator)
    }
}

/// How many of the latest periods must be beyond the limit, written `3 of 5`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Evaluation {
    /// At least 1, at most `periods`.
    pub datapoints: u32,
    pub periods: u32,
}

impl Evaluation {
    fn parse(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        let (datapoints, of, periods, end) = (words.next()?, words.next()?, words.next()?, words.next());
        let number = |word: &str| if word.starts_with('+') { None } else { word.parse().ok() };
        let evaluation = Self { datapoints: number(datapoints)?, periods: number(periods)? };
        let in_range = (1..=evaluation.periods).contains(&evaluation.datapoints);
        (of == "of" && end.is_none() && in_range).then_some(evaluation)
    }
}

impl Default for Evaluation {
    fn default() -> Self {
        Self { datapoints: 1, periods: 1 }
    }
}

impl fmt::Display for Evaluation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} of {}", self.datapoints, self.periods)
    }
}

impl Serialize for Evaluation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Evaluation {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = source_text(deserializer, "how many of the latest periods, such as `3 of 5`")?;
        Self::parse(&text).ok_or_else(|| {
            let hint = "`3 of 5`: three of the latest five periods; the first number is not above the second";
            D::Error::custom(format!("{} does not say how many periods\nhint: {hint}", quoted(&text)))
        })
    }
}

impl JsonSchema for Evaluation {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Evaluation".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[0-9]+ of [0-9]+$", "x-unit": "periods" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evaluations_are_read_and_written() {
        assert_eq!(Evaluation::parse("3 of 5"), Some(Evaluation { datapoints: 3, periods: 5 }));
        assert_eq!(Evaluation::default().to_string(), "1 of 1");
        for text in [
            "",
            "3",
            "3/5",
            "0 of 5",
            "6 of 5",
            "3 of 5 of 7",
            "-1 of 2",
            "3 von 5",
            "3  of 5",
            "+3 of 5",
            "1 of 99999999999",
        ] {
            assert_eq!(Evaluation::parse(text), None, "{text}");
        }
    }

    #[test]
    fn periods_are_those_of_cloudwatch() {
        let read = |text: &str| serde_json::from_value::<Period>(text.into()).map(Period::get).ok();
        assert_eq!(["10s", "20s", "30s", "60s", "2m", "7d"].map(read), [10, 20, 30, 60, 120, 604_800].map(Some));
        assert_eq!(["5s", "40s", "90s", "8d", "1"].map(read), [None; 5]);
    }
}
