//! How long log lines are kept: CloudWatch Logs knows certain periods only.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::units::source_text;
use super::words::quoted;

/// How long log lines are kept: days as CloudWatch Logs knows them, or `forever`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogRetention {
    Days(u32),
    Forever,
}

/// The periods of PutRetentionPolicy, in days.
const DAYS: [u32; 22] =
    [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653];

impl LogRetention {
    fn parse(text: &str) -> Result<Self, String> {
        if text == "forever" {
            return Ok(Self::Forever);
        }
        let digits = text.strip_suffix('d').filter(|digits| !digits.starts_with(['0', '+']));
        let number = digits.and_then(|digits| digits.parse::<u32>().ok());
        let Some(days) = number else {
            return Err(format!(
                "{} is not a retention of logs\nhint: days, such as `14d`, or `forever`",
                quoted(text)
            ));
        };
        if DAYS.contains(&days) {
            return Ok(Self::Days(days));
        }
        let longer = DAYS.iter().find(|known| **known > days).map_or("forever".to_owned(), |known| format!("{known}d"));
        Err(format!(
            "CloudWatch Logs does not know {}\nhint: the next longer retention it knows is `{longer}`",
            quoted(text)
        ))
    }
}

impl Default for LogRetention {
    fn default() -> Self {
        Self::Days(30)
    }
}

impl fmt::Display for LogRetention {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Days(days) => write!(out, "{days}d"),
            Self::Forever => out.write_str("forever"),
        }
    }
}

impl Serialize for LogRetention {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for LogRetention {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = source_text(deserializer, "a retention such as `14d` or `forever`")?;
        Self::parse(&text).map_err(D::Error::custom)
    }
}

impl JsonSchema for LogRetention {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "LogRetention".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let mut choices: Vec<_> = DAYS.iter().map(|days| Self::Days(*days).to_string()).collect();
        choices.push(Self::Forever.to_string());
        json_schema!({ "type": "string", "enum": choices, "x-unit": "days" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_periods_of_cloudwatch_logs_are_read() {
        assert_eq!(LogRetention::parse("14d"), Ok(LogRetention::Days(14)));
        assert_eq!(LogRetention::parse("forever"), Ok(LogRetention::Forever));
        let message = LogRetention::parse("10d").unwrap_err();
        assert_eq!(message, "CloudWatch Logs does not know `10d`\nhint: the next longer retention it knows is `14d`");
        assert!(LogRetention::parse("9999d").unwrap_err().ends_with("`forever`"));
        for text in ["", "14", "2w", "d", "-1d", "14 d", "014d"] {
            assert!(LogRetention::parse(text).unwrap_err().contains("is not a retention"), "{text}");
        }
    }
}
