//! Why a value of the tree could not be read: serde's errors as data, with the way to the value.

use std::fmt;

use serde::de::{self, Expected, Unexpected};

use super::tree::{Path, Step};
use super::words::split_hint;

/// A value that could not be read.
#[derive(Debug)]
pub(super) struct Error {
    pub cause: Cause,
    /// Whether the key is wrong, not its value.
    pub at_key: bool,
    /// The steps to the value, the innermost first: each level adds its own as the error passes through it.
    steps: Vec<Step>,
}

#[derive(Debug)]
pub(super) enum Cause {
    /// The value is of another type.
    Unexpected { expected: String },
    /// The mapping takes no such key.
    UnknownKey { key: String, known: &'static [&'static str] },
    /// The text is none of the choices.
    UnknownChoice { choice: String, known: &'static [&'static str] },
    /// The mapping lacks a key; `of` names its type.
    Missing { key: String, of: &'static str },
    /// `null` where nothing can be removed.
    NothingToRemove,
    /// What a type says about its own values.
    Other { message: String, hint: Option<String> },
}

impl Error {
    pub(super) fn new(cause: Cause) -> Self {
        Self { cause, at_key: false, steps: vec![] }
    }

    pub(super) fn at_key(self) -> Self {
        Self { at_key: true, ..self }
    }

    pub(super) fn within(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    /// What lacks a key is of this type, if no inner one said so before.
    pub(super) fn of(mut self, name: &'static str) -> Self {
        if let Cause::Missing { of, .. } = &mut self.cause
            && self.steps.is_empty()
        {
            *of = name;
        }
        self
    }

    pub(super) fn path(&self) -> Path {
        Path(self.steps.iter().rev().cloned().collect())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:?} at {}", self.cause, self.path())
    }
}

impl std::error::Error for Error {}

impl de::Error for Error {
    /// A hint comes after a line break: serde passes on nothing but text.
    fn custom<T: fmt::Display>(message: T) -> Self {
        let (message, hint) = split_hint(&message.to_string());
        Self::new(Cause::Other { message, hint })
    }

    fn invalid_type(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new(Cause::Unexpected { expected: in_our_words(&expected.to_string()) })
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::invalid_type(found, expected)
    }

    fn unknown_variant(choice: &str, known: &'static [&'static str]) -> Self {
        Self::new(Cause::UnknownChoice { choice: choice.to_owned(), known })
    }

    fn unknown_field(key: &str, known: &'static [&'static str]) -> Self {
        Self::new(Cause::UnknownKey { key: key.to_owned(), known })
    }

    fn missing_field(key: &'static str) -> Self {
        Self::new(Cause::Missing { key: key.to_owned(), of: "" })
    }
}

/// What serde's derive calls a type, as the user would.
fn in_our_words(expected: &str) -> String {
    match expected {
        "a map" => "a mapping".to_owned(),
        "a sequence" => "a list".to_owned(),
        "a string" => "a text".to_owned(),
        "a boolean" => "`true` or `false`".to_owned(),
        "u64" => "a whole number".to_owned(),
        other if other.starts_with("struct ") => "a mapping".to_owned(),
        other => other.to_owned(),
    }
}
