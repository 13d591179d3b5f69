//! JSON as it was written: numbers keep their source text, objects keep their order and their repeated keys.
//!
//! serde_json reads numbers through a float and lets the last of two equal keys win; neither will do where the bytes
//! are money. So a small reader of our own: strings borrow from the body unless they hold escapes, every repeated key
//! and the place of what is too deep are told, and no input makes it recurse without bound.

pub mod print;
mod read;

use std::borrow::Cow;

pub use read::read;

/// How deep arrays and objects may nest: DynamoDB keeps 32 levels of a document.
pub const MOST_DEPTH: usize = 32;

/// A JSON value that borrows from the text it was read from.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<'a> {
    Null,
    Bool(bool),
    /// The number's source text.
    Number(&'a str),
    String(Cow<'a, str>),
    Array(Vec<Value<'a>>),
    /// In the order of the text; a repeated key is there once, with its first value.
    Object(Vec<Member<'a>>),
}

/// A key and its value.
pub type Member<'a> = (Cow<'a, str>, Value<'a>);

impl Value<'_> {
    /// The type's name in JSON.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "boolean",
            Self::Number(_) => "number",
            Self::String(_) => "string",
            Self::Array(_) => "array",
            Self::Object(_) => "object",
        }
    }
}

#[cfg(test)]
mod tests;
