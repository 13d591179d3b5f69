//! From `Value` to text, and from Rust strings to JSON strings: for log lines, metrics and what is stored as text.

use std::fmt::{self, Display, Formatter, Write};

use super::Value;

/// A text as a JSON string, quotes included.
pub struct Quoted<'a>(pub &'a str);

impl Display for Quoted<'_> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_char('"')?;
        let mut rest = self.0;
        while let Some(at) = rest.bytes().position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f)) {
            formatter.write_str(&rest[..at])?;
            match rest.as_bytes()[at] {
                b'\n' => formatter.write_str("\\n")?,
                byte @ (b'"' | b'\\') => write!(formatter, "\\{}", char::from(byte))?,
                byte => write!(formatter, "\\u{byte:04x}")?,
            }
            rest = &rest[at + 1..];
        }
        formatter.write_str(rest)?;
        formatter.write_char('"')
    }
}

impl Display for Value<'_> {
    /// Compact; numbers as they were written.
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => formatter.write_str("null"),
            Self::Bool(value) => write!(formatter, "{value}"),
            Self::Number(text) => formatter.write_str(text),
            Self::String(text) => Quoted(text).fmt(formatter),
            Self::Array(values) => {
                formatter.write_char('[')?;
                for (index, value) in values.iter().enumerate() {
                    separate(formatter, index)?;
                    value.fmt(formatter)?;
                }
                formatter.write_char(']')
            }
            Self::Object(members) => {
                formatter.write_char('{')?;
                for (index, (key, value)) in members.iter().enumerate() {
                    separate(formatter, index)?;
                    write!(formatter, "{}:{value}", Quoted(key))?;
                }
                formatter.write_char('}')
            }
        }
    }
}

fn separate(formatter: &mut Formatter<'_>, index: usize) -> fmt::Result {
    if index == 0 { Ok(()) } else { formatter.write_char(',') }
}
