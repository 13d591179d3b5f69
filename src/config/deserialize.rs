//! Reads types out of the tree: a serde deserializer whose errors know the way to the value they are about.

use serde::de::value::BorrowedStrDeserializer;
use serde::de::{self, DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor};
use serde::forward_to_deserialize_any;

use super::cause::{Cause, Error};
use super::tree::{Entry, Meaning, Node, Scalar, Step, Value};
use super::units::SOURCE_TEXT;
use super::words::quoted;

impl<'de> Deserializer<'de> for &'de Node {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match &self.value {
            Value::Scalar(scalar) => visit_scalar(scalar, visitor),
            Value::Sequence(items) => visitor.visit_seq(Items { rest: items.iter().enumerate() }),
            Value::Mapping(entries) => visitor.visit_map(Entries { rest: entries.iter(), value: None }),
            Value::Removed => Err(Error::new(Cause::NothingToRemove)),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.is_nothing() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, Error> {
        match &self.value {
            Value::Scalar(scalar) if name == SOURCE_TEXT && !self.is_nothing() => {
                visitor.visit_borrowed_str(&scalar.text)
            }
            _ if name == SOURCE_TEXT => self.deserialize_any(visitor),
            _ => visitor.visit_newtype_struct(self),
        }
    }

    /// An environment may remove what a struct knows, stated or not: that resets it. Anything else it "removes" is
    /// a misspelt key.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let Value::Mapping(entries) = &self.value else {
            // Else a list would be read as the fields in their order.
            return Err(de::Error::invalid_type(de::Unexpected::Other("no mapping"), &visitor));
        };
        let is_removed = |entry: &&Entry| !entry.value.pruned && matches!(entry.value.value, Value::Removed);
        for entry in entries.iter().filter(is_removed) {
            if !fields.contains(&entry.key.as_str()) {
                let error: Error = de::Error::unknown_field(&entry.key, fields);
                return Err(error.at_key().within(Step::Key(entry.key.clone())));
            }
        }
        let stated: Vec<&Entry> = entries.iter().filter(|entry| !is_removed(entry)).collect();
        visitor.visit_map(Entries { rest: stated.into_iter(), value: None }).map_err(|error| error.of(name))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        choices: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let standing = || self.entries().iter().filter(|entry| !entry.value.pruned);
        match (&self.value, standing().next(), standing().nth(1)) {
            (Value::Scalar(scalar), _, _) if scalar.meaning() == Meaning::Text => {
                visitor.visit_enum(Choice { name: &scalar.text, entry: None })
            }
            (Value::Mapping(_), Some(entry), None) => {
                visitor.visit_enum(Choice { name: &entry.key, entry: Some(entry) })
            }
            _ => {
                let choices: Vec<_> = choices.iter().map(|choice| format!("`{choice}`")).collect();
                Err(Error::new(Cause::Unexpected { expected: format!("one of {}", choices.join(", ")) }))
            }
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map identifier ignored_any
    }
}

fn visit_scalar<'de, V: Visitor<'de>>(scalar: &'de Scalar, visitor: V) -> Result<V::Value, Error> {
    let text = scalar.text.as_str();
    match scalar.meaning() {
        Meaning::Nothing => visitor.visit_unit(),
        Meaning::Truth(truth) => visitor.visit_bool(truth),
        Meaning::Text => visitor.visit_borrowed_str(text),
        Meaning::Number => visit_number(text, visitor),
    }
}

/// Whole numbers as such; all else is a float, and no type that matters reads one. `012` is no whole number: some
/// read it as ten, some as twelve.
fn visit_number<'de, V: Visitor<'de>>(text: &str, visitor: V) -> Result<V::Value, Error> {
    let digits = text.trim_start_matches(['-', '+']);
    let is_ambiguous = digits.len() > 1 && digits.starts_with('0');
    match (text.parse::<u64>(), text.parse::<i64>()) {
        (Ok(number), _) if !is_ambiguous => visitor.visit_u64(number),
        (_, Ok(number)) if !is_ambiguous => visitor.visit_i64(number),
        _ => match text.parse::<f64>() {
            Ok(number) if number.is_finite() => visitor.visit_f64(number),
            Ok(_) | Err(_) => {
                let message =
                    format!("{} is beyond any number\nhint: put it in quotes if it is meant as text", quoted(text));
                Err(de::Error::custom(message))
            }
        },
    }
}

struct Items<I> {
    rest: I,
}

impl<'de, I: Iterator<Item = (usize, &'de Node)>> SeqAccess<'de> for Items<I> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        let Some((index, item)) = self.rest.find(|(_, item)| !item.pruned) else { return Ok(None) };
        seed.deserialize(item).map(Some).map_err(|error| error.within(Step::Index(index)))
    }
}

struct Entries<'de, I> {
    rest: I,
    /// The entry whose key was read last.
    value: Option<&'de Entry>,
}

impl<'de, I: Iterator<Item = &'de Entry>> MapAccess<'de> for Entries<'de, I> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        self.value = self.rest.find(|entry| !entry.value.pruned);
        let Some(entry) = self.value else { return Ok(None) };
        let key = BorrowedStrDeserializer::new(&entry.key);
        seed.deserialize(key).map(Some).map_err(|error: Error| error.at_key().within(Step::Key(entry.key.clone())))
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Error> {
        let Some(entry) = self.value.take() else { return Err(de::Error::custom("a value without a key")) };
        seed.deserialize(&entry.value).map_err(|error| error.within(Step::Key(entry.key.clone())))
    }
}

/// A choice by its name alone (`sqs`), or with what belongs to it (`kms: …`).
struct Choice<'de> {
    name: &'de str,
    entry: Option<&'de Entry>,
}

impl<'de> EnumAccess<'de> for Choice<'de> {
    type Error = Error;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Error> {
        let name = BorrowedStrDeserializer::new(self.name);
        let choice = seed.deserialize(name).map_err(|error: Error| match self.entry {
            Some(entry) => error.at_key().within(Step::Key(entry.key.clone())),
            None => error,
        })?;
        Ok((choice, self))
    }
}

impl<'de> VariantAccess<'de> for Choice<'de> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        match self.entry {
            None => Ok(()),
            Some(entry) => {
                let message = format!("`{}` takes nothing\nhint: write the name alone: `{}`", self.name, self.name);
                Err(Error::at_key(de::Error::custom(message)).within(Step::Key(entry.key.clone())))
            }
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Error> {
        match self.entry {
            Some(entry) => seed.deserialize(&entry.value).map_err(|error| error.within(Step::Key(entry.key.clone()))),
            None => {
                let message = format!("`{}` alone says too little\nhint: write `{}: …`", self.name, self.name);
                Err(de::Error::custom(message))
            }
        }
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        self.newtype_variant_seed(std::marker::PhantomData::<de::IgnoredAny>)?;
        Err(de::Error::invalid_type(de::Unexpected::TupleVariant, &visitor))
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], visitor: V) -> Result<V::Value, Error> {
        self.newtype_variant_seed(std::marker::PhantomData::<de::IgnoredAny>)?;
        Err(de::Error::invalid_type(de::Unexpected::StructVariant, &visitor))
    }
}
