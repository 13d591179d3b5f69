//! What a resource is called: its kind and its name, unique within one account and region.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A kind of AWS resource that a pipeline is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    LogGroup,
    Table,
    Queue,
    Topic,
    Subscription,
    Role,
    Function,
    EventSourceMapping,
    Alarm,
    Dashboard,
}

impl Kind {
    /// Every kind, in the order in which a plan lists them.
    pub const ALL: [Kind; 10] = [
        Kind::Queue,
        Kind::Topic,
        Kind::Subscription,
        Kind::Table,
        Kind::LogGroup,
        Kind::Role,
        Kind::Function,
        Kind::EventSourceMapping,
        Kind::Alarm,
        Kind::Dashboard,
    ];

    /// The word for it in plans, on the command line and in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Kind::LogGroup => "log-group",
            Kind::Table => "table",
            Kind::Queue => "queue",
            Kind::Topic => "topic",
            Kind::Subscription => "subscription",
            Kind::Role => "role",
            Kind::Function => "function",
            Kind::EventSourceMapping => "event-source-mapping",
            Kind::Alarm => "alarm",
            Kind::Dashboard => "dashboard",
        }
    }

    /// Whether it holds what cannot be made again: deleting it needs the user's word.
    pub fn holds_data(self) -> bool {
        match self {
            Kind::Table | Kind::Queue | Kind::LogGroup => true,
            Kind::Topic
            | Kind::Subscription
            | Kind::Role
            | Kind::Function
            | Kind::EventSourceMapping
            | Kind::Alarm
            | Kind::Dashboard => false,
        }
    }

    /// Whether somebody else's, beside our resources, is worth a finding: who hears our topics, who takes our messages.
    pub fn concerns_us_when_foreign(self) -> bool {
        match self {
            Kind::Subscription | Kind::EventSourceMapping => true,
            Kind::LogGroup
            | Kind::Table
            | Kind::Queue
            | Kind::Topic
            | Kind::Role
            | Kind::Function
            | Kind::Alarm
            | Kind::Dashboard => false,
        }
    }

    /// The kinds that may refer to this one. They are changed or gone before one of this kind is deleted.
    pub fn referrers(self) -> &'static [Kind] {
        match self {
            Kind::EventSourceMapping | Kind::Alarm | Kind::Dashboard => &[],
            Kind::Function => &[Kind::EventSourceMapping],
            Kind::Subscription => &[Kind::Alarm],
            Kind::Topic => &[Kind::Alarm, Kind::Function, Kind::Subscription],
            Kind::Queue => &[Kind::EventSourceMapping, Kind::Function],
            Kind::Role => &[Kind::EventSourceMapping, Kind::Function],
            Kind::LogGroup => &[Kind::EventSourceMapping, Kind::Function],
            Kind::Table => &[Kind::EventSourceMapping, Kind::Function],
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        Kind::ALL.into_iter().find(|kind| kind.word() == word).ok_or_else(|| {
            let known: Vec<_> = Kind::ALL.iter().map(|kind| format!("`{kind}`")).collect();
            format!("`{word}` is not a kind of resource; the kinds are {}", known.join(", "))
        })
    }
}

/// A resource's name within its kind, as AWS knows it where AWS has a name for it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Name(String);

impl Name {
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// A resource: `<kind>/<name>`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Address {
    pub kind: Kind,
    pub name: Name,
}

impl Address {
    /// ```
    /// use pipewright::reconcile::{Address, Kind};
    /// assert_eq!("table/orders".parse(), Ok(Address::new(Kind::Table, "orders")));
    /// ```
    pub fn new(kind: Kind, name: impl Into<String>) -> Self {
        Self { kind, name: Name::new(name) }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}/{}", self.kind, self.name))
    }
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (kind, name) = text.split_once('/').ok_or_else(|| format!("`{text}` is not `<kind>/<name>`"))?;
        if name.is_empty() {
            return Err(format!("`{text}` has no name after the `/`"));
        }
        Ok(Self::new(kind.parse()?, name))
    }
}

impl TryFrom<String> for Address {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Address> for String {
    fn from(address: Address) -> Self {
        address.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_reads_back_from_its_text() {
        for kind in Kind::ALL {
            let address = Address::new(kind, "a/b:c@d");
            assert_eq!(address.to_string().parse::<Address>(), Ok(address));
        }
    }

    #[test]
    fn what_is_no_address_is_refused_with_the_reason() {
        assert!("table".parse::<Address>().unwrap_err().contains("<kind>/<name>"));
        assert!("table/".parse::<Address>().unwrap_err().contains("no name"));
        assert!("bucket/x".parse::<Address>().unwrap_err().contains("`bucket` is not a kind"));
    }

    #[test]
    fn deletes_have_an_order_because_no_kind_refers_to_itself_in_a_circle() {
        fn reaches(from: Kind, to: Kind) -> bool {
            from.referrers().iter().any(|next| *next == to || reaches(*next, to))
        }
        for kind in Kind::ALL {
            assert!(!reaches(kind, kind), "{kind}");
        }
    }
}
