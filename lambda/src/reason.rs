//! Why a message is invalid: a stable code and the place in it.
//!
//! Codes are part of the interface: people filter the quarantine queue and metrics by them. A code is never renamed.

use std::fmt::Write;

/// One reason, with the place it is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reason {
    pub code: Code,
    /// JSON pointer (RFC 6901) into the body; empty: the whole of it.
    pub pointer: String,
    /// What would have been right, in words without a value of the message: `at most 2 digits after the point`.
    pub detail: String,
}

impl Reason {
    /// A reason at a place.
    pub fn new(code: Code, pointer: impl Into<String>) -> Self {
        Self { code, pointer: pointer.into(), detail: String::new() }
    }

    /// The same, saying what would have been right.
    pub fn with(self, detail: impl Into<String>) -> Self {
        Self { detail: detail.into(), ..self }
    }
}

/// Declares the codes with their text, so that the list and the names cannot drift apart.
macro_rules! codes {
    ($($(#[doc = $meaning:literal])+ $name:ident = $text:literal,)+) => {
        /// What is wrong, as one stable word.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $($(#[doc = $meaning])+ $name,)+
        }

        impl Code {
            /// Every code there is.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The stable word.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)+
                }
            }
        }
    };
}

codes! {
    /// The body is not UTF-8.
    NotUtf8 = "not_utf8",
    /// The body is not one JSON text (RFC 8259).
    NotJson = "not_json",
    /// Arrays and objects are nested deeper than the table can hold.
    TooDeep = "too_deep",
    /// An object has a key twice: which one is meant is anybody's guess.
    DuplicateKey = "duplicate_key",
    /// The item would be larger than the 400 KB that the table takes.
    TooLarge = "too_large",
    /// A required field is absent.
    MissingField = "missing_field",
    /// A field has another JSON type than it must have.
    WrongType = "wrong_type",
    /// A text is empty.
    Empty = "empty",
    /// A text is longer than it may be.
    TooLong = "too_long",
    /// A text is no decimal number.
    NotANumber = "not_a_number",
    /// A number has more digits than can be kept exactly, or is too large or too small.
    NumberOutOfRange = "number_out_of_range",
    /// A number that must be greater than zero is not.
    NotPositive = "not_positive",
    /// A number that must not be below zero is.
    Negative = "negative",
    /// A quantity is no whole number.
    NotWhole = "not_whole",
    /// An amount has more digits after the point than its currency.
    TooManyDecimals = "too_many_decimals",
    /// A code is no currency of ISO 4217.
    UnknownCurrency = "unknown_currency",
    /// A time is not as RFC 3339 writes it, or there is no such time.
    NotATimestamp = "not_a_timestamp",
    /// The pipeline does not accept this currency.
    CurrencyNotAccepted = "currency_not_accepted",
    /// The amount is larger than the pipeline accepts in this currency.
    AmountTooLarge = "amount_too_large",
    /// The transaction is older than the pipeline accepts.
    TooOld = "too_old",
    /// The pipeline wants the items to be listed, and there are none.
    ItemsRequired = "items_required",
    /// Quantity × unit price over all items is not the amount.
    ItemsDoNotAddUp = "items_do_not_add_up",
    /// The table refuses the item for good.
    RefusedByTable = "refused_by_table",
    /// The id is stored already, with other content.
    Conflict = "conflict",
}

/// A place in a body while it is walked: written out as a pointer only when there is something to say about it.
#[derive(Debug, Clone, Copy)]
pub enum Place<'a> {
    Root,
    Key(&'a Place<'a>, &'a str),
    Index(&'a Place<'a>, usize),
}

impl Place<'_> {
    /// The JSON pointer (RFC 6901).
    pub fn pointer(&self) -> String {
        match self {
            Self::Root => String::new(),
            Self::Key(parent, key) => format!("{}/{}", parent.pointer(), key.replace('~', "~0").replace('/', "~1")),
            Self::Index(parent, index) => {
                let mut pointer = parent.pointer();
                let _ = write!(pointer, "/{index}");
                pointer
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{Code, Place};

    #[test]
    fn codes_are_distinct_words() {
        let words: BTreeSet<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(words.len(), Code::ALL.len());
        assert!(words.iter().all(|word| word.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'))));
    }

    #[test]
    fn pointers_escape_as_rfc_6901_says() {
        let items = Place::Key(&Place::Root, "items");
        let second = Place::Index(&items, 1);
        assert_eq!(Place::Key(&second, "a/b~c").pointer(), "/items/1/a~1b~0c");
        assert_eq!(Place::Root.pointer(), "");
    }
}
