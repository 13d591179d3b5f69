//! Durations, sizes and counts that carry AWS's range in their type: `Seconds<1, 900>` cannot hold 901.
//!
//! Durations and sizes are written with their unit (`30s`, `256 MiB`): a bare number is refused, because nobody can see
//! in a review whether `5` is seconds or minutes. They are written back as the shortest exact text.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use rust_decimal::Decimal;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::{Serialize, Serializer};

use super::words::{listed, quoted};

/// A duration in whole seconds, from `MIN` to `MAX`.
pub type Seconds<const MIN: u64, const MAX: u64> = Quantity<Time, MIN, MAX>;

/// A size in bytes, from `MIN` to `MAX`.
pub type Size<const MIN: u64, const MAX: u64> = Quantity<Bytes, MIN, MAX>;

/// What a quantity measures: its units, largest first, and its words.
pub trait Scale {
    /// Unit and its factor; the last one is 1.
    const UNITS: &'static [(&'static str, u64)];
    /// With the article: `a duration`.
    const NOUN: &'static str;
    /// The base unit's name, for the schema.
    const BASE: &'static str;
}

/// Durations: seconds, minutes, hours, days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Time {}

impl Scale for Time {
    const UNITS: &'static [(&'static str, u64)] = &[("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)];
    const NOUN: &'static str = "a duration";
    const BASE: &'static str = "seconds";
}

/// Sizes: bytes and their binary multiples.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Bytes {}

impl Scale for Bytes {
    const UNITS: &'static [(&'static str, u64)] = &[("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];
    const NOUN: &'static str = "a size";
    const BASE: &'static str = "bytes";
}

/// A number of base units (seconds, bytes) from `MIN` to `MAX`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Quantity<S, const MIN: u64, const MAX: u64>(u64, PhantomData<S>);

impl<S: Scale, const MIN: u64, const MAX: u64> Quantity<S, MIN, MAX> {
    /// A quantity that the code states; its range is checked in debug builds.
    #[must_use]
    pub const fn of(number: u64) -> Self {
        debug_assert!(MIN <= number && number <= MAX);
        Self(number, PhantomData)
    }

    /// In base units.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    fn parse(text: &str) -> Result<Self, String> {
        let (number, unit) = split(text);
        let in_range = |factor: u64| number.and_then(|it| it.checked_mul(factor)).filter(|it| (MIN..=MAX).contains(it));
        let names = || S::UNITS.iter().rev().map(|(name, _)| *name);
        if unit.is_empty() && number.is_some() {
            let sensible = S::UNITS.iter().rev().filter(|(_, factor)| in_range(*factor).is_some());
            let sensible: Vec<_> = sensible.map(|(name, _)| quoted(&format!("{text}{name}"))).collect();
            let units = if sensible.is_empty() { listed(names()) } else { sensible.join(" or ") };
            return Err(format!("{} has no unit\nhint: {units}", quoted(text)));
        }
        let Some((name, factor)) = S::UNITS.iter().find(|(name, _)| *name == unit && number.is_some()) else {
            return Err(format!(
                "{} is not {}\nhint: a whole number and one of {}",
                quoted(text),
                S::NOUN,
                listed(names())
            ));
        };
        let range = || format!("from `{}` to `{}`", in_unit::<S>(MIN, name, *factor), in_unit::<S>(MAX, name, *factor));
        match in_range(*factor) {
            Some(total) => Ok(Self(total, PhantomData)),
            None => Err(format!("{} is out of range\nhint: {}", quoted(text), range())),
        }
    }
}

/// The number and the unit of a text like `30s` or `256 MiB`; no number where there is none, or one beyond any range.
fn split(text: &str) -> (Option<u64>, &str) {
    let digits = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    (number.parse().ok(), unit.strip_prefix(' ').unwrap_or(unit))
}

/// `number` in the unit that somebody wrote, where that is exact; else as the shortest exact text.
fn in_unit<S: Scale>(number: u64, name: &str, factor: u64) -> String {
    if number.is_multiple_of(factor) { format!("{}{name}", number / factor) } else { shortest::<S>(number) }
}

/// `number` base units as the shortest exact text: in the largest unit that divides it.
fn shortest<S: Scale>(number: u64) -> String {
    let unit = S::UNITS.iter().find(|(_, factor)| number != 0 && number.is_multiple_of(*factor)).or(S::UNITS.last());
    unit.map_or_else(|| number.to_string(), |(name, factor)| format!("{}{name}", number / factor))
}

impl<S: Scale, const MIN: u64, const MAX: u64> fmt::Display for Quantity<S, MIN, MAX> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&shortest::<S>(self.0))
    }
}

impl<S: Scale, const MIN: u64, const MAX: u64> Serialize for Quantity<S, MIN, MAX> {
    fn serialize<T: Serializer>(&self, serializer: T) -> Result<T::Ok, T::Error> {
        serializer.collect_str(self)
    }
}

impl<'de, S: Scale, const MIN: u64, const MAX: u64> Deserialize<'de> for Quantity<S, MIN, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let expecting = format!("{} from `{}` to `{}`", S::NOUN, shortest::<S>(MIN), shortest::<S>(MAX));
        let text = source_text(deserializer, &expecting)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

impl<S: Scale, const MIN: u64, const MAX: u64> JsonSchema for Quantity<S, MIN, MAX> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("{}_{MIN}_{MAX}", S::BASE).into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let units: Vec<_> = S::UNITS.iter().rev().map(|(name, _)| *name).collect();
        json_schema!({
            "type": "string",
            "pattern": format!("^[0-9]+ ?({})$", units.join("|")),
            "x-unit": S::BASE,
            "x-minimum": shortest::<S>(MIN),
            "x-maximum": shortest::<S>(MAX),
        })
    }
}

/// A whole number without a unit, from `MIN` to `MAX`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Count<const MIN: u64, const MAX: u64>(u64);

impl<const MIN: u64, const MAX: u64> Count<MIN, MAX> {
    /// A count that the code states; its range is checked in debug builds.
    #[must_use]
    pub const fn of(number: u64) -> Self {
        debug_assert!(MIN <= number && number <= MAX);
        Self(number)
    }

    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl<const MIN: u64, const MAX: u64> fmt::Display for Count<MIN, MAX> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

impl<'de, const MIN: u64, const MAX: u64> Deserialize<'de> for Count<MIN, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Whole<const MIN: u64, const MAX: u64>;

        impl<const MIN: u64, const MAX: u64> Visitor<'_> for Whole<MIN, MAX> {
            type Value = u64;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(out, "a whole number from `{MIN}` to `{MAX}`")
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<u64, E> {
                if (MIN..=MAX).contains(&number) {
                    return Ok(number);
                }
                Err(E::custom(format!("`{number}` is out of range\nhint: from `{MIN}` to `{MAX}`")))
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<u64, E> {
                match u64::try_from(number) {
                    Ok(number) => self.visit_u64(number),
                    Err(_) => Err(E::custom(format!("`{number}` is out of range\nhint: from `{MIN}` to `{MAX}`"))),
                }
            }
        }

        deserializer.deserialize_any(Whole::<MIN, MAX>).map(Self)
    }
}

impl<const MIN: u64, const MAX: u64> JsonSchema for Count<MIN, MAX> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Count_{MIN}_{MAX}").into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": MIN, "maximum": MAX })
    }
}

/// A decimal as people write one, exactly: `12`, `-0.5`; no exponent, no bare point.
pub(super) fn decimal(text: &str) -> Option<Decimal> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|letter| letter.is_ascii_digit());
    if digits(whole) && digits(fraction) { Decimal::from_str_exact(text).ok() } else { None }
}

/// The newtype name by which a type asks our deserializer for a scalar as it stands in the source: `1000.10` stays
/// that text and never becomes a float, and `30` stays visibly without a unit.
pub(super) const SOURCE_TEXT: &str = "$source_text";

/// A scalar's source text. From other deserializers (JSON): strings and whole numbers.
pub(super) fn source_text<'de, D: Deserializer<'de>>(deserializer: D, expecting: &str) -> Result<String, D::Error> {
    struct Text<'a>(&'a str);

    impl<'de> Visitor<'de> for Text<'_> {
        type Value = String;

        fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
            out.write_str(self.0)
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<String, E> {
            Ok(text.to_owned())
        }

        fn visit_u64<E: de::Error>(self, number: u64) -> Result<String, E> {
            Ok(number.to_string())
        }

        fn visit_i64<E: de::Error>(self, number: i64) -> Result<String, E> {
            Ok(number.to_string())
        }

        fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
            deserializer.deserialize_any(self)
        }
    }

    deserializer.deserialize_newtype_struct(SOURCE_TEXT, Text(expecting))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    type Visibility = Seconds<0, 43_200>;
    type Memory = Size<134_217_728, 10_737_418_240>;

    fn read<T: for<'de> Deserialize<'de>>(value: serde_json::Value) -> Result<T, String> {
        serde_json::from_value(value).map_err(|error| error.to_string())
    }

    #[test]
    fn quantities_are_read_with_their_unit() {
        assert_eq!(read(json!("3m")), Ok(Visibility::of(180)));
        assert_eq!(read(json!("12 h")), Ok(Visibility::of(43_200)));
        assert_eq!(read(json!("256 MiB")), Ok(Memory::of(256 << 20)));
        assert_eq!(read(json!("1GiB")), Ok(Memory::of(1 << 30)));
    }

    #[test]
    fn a_bare_number_is_refused_with_examples() {
        let message = read::<Visibility>(json!(30)).unwrap_err();
        assert_eq!(message, "`30` has no unit\nhint: `30s` or `30m`");
    }

    #[test]
    fn out_of_range_names_the_range_in_the_unit_that_was_written() {
        let message = read::<Visibility>(json!("800m")).unwrap_err();
        assert_eq!(message, "`800m` is out of range\nhint: from `0m` to `720m`");
        let message = read::<Visibility>(json!("1d")).unwrap_err();
        assert_eq!(message, "`1d` is out of range\nhint: from `0d` to `12h`");
        let message = read::<Visibility>(json!("18446744073709551615d")).unwrap_err();
        assert_eq!(message, "`18446744073709551615d` is out of range\nhint: from `0d` to `12h`");
    }

    #[test]
    fn other_units_and_other_numbers_are_refused() {
        let message = read::<Memory>(json!("256MB")).unwrap_err();
        assert_eq!(message, "`256MB` is not a size\nhint: a whole number and one of `B`, `KiB`, `MiB`, `GiB`");
        for text in ["", "soon", "-3m", "1.5h", "30 seconds", "3  m", "99999999999999999999s", "m", "٣m"] {
            let message = read::<Visibility>(json!(text)).unwrap_err();
            assert_eq!(
                message,
                format!("`{text}` is not a duration\nhint: a whole number and one of `s`, `m`, `h`, `d`")
            );
        }
    }

    #[test]
    fn quantities_are_written_as_the_shortest_exact_text() {
        let written = |seconds| Visibility::of(seconds).to_string();
        assert_eq!([0, 90, 180, 3_600, 3_660].map(written), ["0s", "90s", "3m", "1h", "61m"]);
        assert_eq!(Memory::of(1 << 30).to_string(), "1GiB");
    }

    #[test]
    fn counts_are_bare_whole_numbers() {
        type Batch = Count<1, 10_000>;
        assert_eq!(read(json!(10)), Ok(Batch::of(10)));
        assert_eq!(read::<Batch>(json!(0)).unwrap_err(), "`0` is out of range\nhint: from `1` to `10000`");
        assert_eq!(read::<Batch>(json!(-1)).unwrap_err(), "`-1` is out of range\nhint: from `1` to `10000`");
        assert!(read::<Batch>(json!("10")).is_err());
        assert!(read::<Batch>(json!(1.5)).is_err());
    }
}
