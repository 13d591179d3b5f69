//! An amount of money: decimal, taken from the source text, never through a float.

use std::borrow::Cow;
use std::fmt;

use rust_decimal::Decimal;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::units::{decimal, source_text};
use super::words::quoted;

/// An amount of money greater than zero, in the currency's major unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Amount(pub Decimal);

impl Amount {
    fn parse(text: &str) -> Result<Self, String> {
        match decimal(text).filter(|_| !text.starts_with(['-', '+'])) {
            Some(number) if number > Decimal::ZERO => Ok(Self(number)),
            Some(_) => Err(format!("{} is not an amount above zero\nhint: such as `1000` or `99.90`", quoted(text))),
            None => Err(format!(
                "{} is not an amount\nhint: digits, with `.` before the cents: `1000` or `99.90`",
                quoted(text)
            )),
        }
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = source_text(deserializer, "an amount such as `1000` or `99.90`")?;
        Self::parse(&text).map_err(D::Error::custom)
    }
}

impl JsonSchema for Amount {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Amount".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "An amount of money in the currency's major unit, with at most its minor digits.",
            "type": ["number", "string"],
            "pattern": "^[0-9]+(\\.[0-9]+)?$",
            "exclusiveMinimum": 0,
            "x-unit": "the currency's major unit",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_keep_their_decimals() {
        for text in ["1000", "99.90", "0.01", "12345678901234567890.12"] {
            assert_eq!(Amount::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn anything_but_a_positive_decimal_is_refused() {
        for text in ["0", "0.00", "-5", "1e3", "1,000", "1_000", "a lot", "", ".", "1.2.3", ".5", "5.", &"9".repeat(40)]
        {
            assert!(Amount::parse(text).is_err(), "{text}");
        }
    }
}
