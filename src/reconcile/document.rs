//! The properties of a resource as plain data: what the differ compares, a plan shows and a digest covers.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Managed properties by name. `null` means the same as absent.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Document(BTreeMap<String, Value>);

impl Document {
    /// The document of a struct of properties.
    ///
    /// # Errors
    /// When the struct does not serialise to a JSON object: a mistake in the program.
    pub fn of<T: Serialize>(properties: &T) -> Result<Self, serde_json::Error> {
        serde_json::from_value(serde_json::to_value(properties)?)
    }

    /// The struct of properties again.
    ///
    /// # Errors
    /// When the document was not made from such a struct.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        T::deserialize(serde_json::to_value(self)?)
    }

    pub fn get(&self, property: &str) -> &Value {
        self.0.get(property).unwrap_or(&Value::Null)
    }

    /// The same with other values for some properties.
    pub fn with<'a>(&self, others: impl IntoIterator<Item = (&'a str, Value)>) -> Self {
        let mut properties = self.0.clone();
        properties.extend(others.into_iter().map(|(name, value)| (name.to_owned(), value)));
        Self(properties)
    }

    pub fn properties(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value)).filter(|(_, value)| !value.is_null())
    }
}

impl<const N: usize> From<[(&str, Value); N]> for Document {
    fn from(properties: [(&str, Value); N]) -> Self {
        Self(properties.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }
}

impl FromIterator<(String, Value)> for Document {
    fn from_iter<I: IntoIterator<Item = (String, Value)>>(properties: I) -> Self {
        Self(properties.into_iter().collect())
    }
}

/// The value with the keys of every object sorted: one text for one meaning, whatever built the object.
pub fn canonical(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let sorted: BTreeMap<_, _> = members.iter().map(|(key, value)| (key, canonical(value))).collect();
            Value::Object(sorted.into_iter().map(|(key, value)| (key.clone(), value)).collect())
        }
        Value::Array(elements) => Value::Array(elements.iter().map(canonical).collect()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}
