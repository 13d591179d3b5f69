//! How the values of a period become one number.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::super::units::source_text;
use super::super::words::quoted;

/// A statistic, or a percentile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Statistic {
    Average,
    Sum,
    Minimum,
    Maximum,
    SampleCount,
    /// In tenths of a percent: `p99.9` is 999.
    Percentile(u16),
}

impl Statistic {
    pub const P99: Self = Self::Percentile(990);

    const NAMED: [(&'static str, Self); 5] = [
        ("average", Self::Average),
        ("sum", Self::Sum),
        ("minimum", Self::Minimum),
        ("maximum", Self::Maximum),
        ("sample_count", Self::SampleCount),
    ];

    fn parse(text: &str) -> Result<Self, String> {
        if let Some((_, statistic)) = Self::NAMED.iter().find(|(name, _)| *name == text) {
            return Ok(*statistic);
        }
        text.strip_prefix('p').and_then(tenths).map(Self::Percentile).ok_or_else(|| {
            let names: Vec<_> = Self::NAMED.iter().map(|(name, _)| format!("`{name}`")).collect();
            format!(
                "{} is not a statistic\nhint: one of {}, or `p0` to `p100` such as `p99.9`",
                quoted(text),
                names.join(", ")
            )
        })
    }
}

/// `99.9` as 999; at most one decimal, at most 100.
fn tenths(text: &str) -> Option<u16> {
    let (whole, tenth) = text.split_once('.').unwrap_or((text, "0"));
    let plain = |part: &str, longest| (1..=longest).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
    if !(plain(whole, 2) || whole == "100") || !plain(tenth, 1) {
        return None;
    }
    let tenths = whole.parse::<u16>().ok()? * 10 + tenth.parse::<u16>().ok()?;
    (tenths <= 1_000).then_some(tenths)
}

impl fmt::Display for Statistic {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Average => out.write_str("average"),
            Self::Sum => out.write_str("sum"),
            Self::Minimum => out.write_str("minimum"),
            Self::Maximum => out.write_str("maximum"),
            Self::SampleCount => out.write_str("sample_count"),
            Self::Percentile(tenths) if tenths % 10 == 0 => write!(out, "p{}", tenths / 10),
            Self::Percentile(tenths) => write!(out, "p{}.{}", tenths / 10, tenths % 10),
        }
    }
}

impl Serialize for Statistic {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Statistic {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = source_text(deserializer, "a statistic such as `sum` or `p99`")?;
        Self::parse(&text).map_err(D::Error::custom)
    }
}

impl JsonSchema for Statistic {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Statistic".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let names = Self::NAMED.map(|(name, _)| name).join("|");
        json_schema!({
            "type": "string",
            "pattern": format!("^({names}|p(100(\\.0)?|[0-9]{{1,2}}(\\.[0-9])?))$"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_percentiles_are_read_and_written() {
        for text in ["average", "sum", "minimum", "maximum", "sample_count", "p0", "p50", "p99.9", "p100"] {
            assert_eq!(Statistic::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(Statistic::parse("p99.0"), Ok(Statistic::P99));
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "p", "p-1", "p101", "p100.1", "p99.99", "p99.", "P99", "Sum", "p+5", "p099", "p65535"] {
            assert!(Statistic::parse(text).is_err(), "{text}");
        }
    }
}
