//! The announcement's state in the row of a large order: who may publish it, and whether it has been published.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rust_decimal::Decimal;

use super::Attribute;
use crate::decimal;

/// Names of the state's members, as they stand in the table: conditions are written with them.
pub mod members {
    /// `pending` or `sent`.
    pub const STATE: &str = "state";
    /// Who claims the announcement: the id of an invocation.
    pub const OWNER: &str = "owner";
    /// Until when nobody else may publish it: milliseconds since 1970.
    pub const EXPIRES_AT: &str = "expires_at";
    /// The threshold that made the order large.
    pub const THRESHOLD: &str = "threshold";
    /// When it was published: RFC 3339.
    pub const SENT_AT: &str = "sent_at";
    /// Value of `STATE`: claimed, not published yet as far as anybody knows.
    pub const PENDING: &str = "pending";
    /// Value of `STATE`: published.
    pub const SENT: &str = "sent";
}

/// The right to publish an announcement, for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    pub owner: String,
    /// Milliseconds since 1970.
    pub expires_at: i64,
    /// Decided when the order was stored: whoever takes the claim over announces the same.
    pub threshold: Decimal,
}

impl Claim {
    /// Whether others may take it over.
    pub fn has_expired(&self, now: Timestamp) -> bool {
        self.expires_at <= now.as_millisecond()
    }

    /// As the row keeps it.
    pub fn pending(&self) -> Attribute {
        self.state(members::PENDING, None)
    }

    /// As the row keeps it once the announcement is out.
    pub fn sent(&self, at: Timestamp) -> Attribute {
        self.state(members::SENT, Some(at))
    }

    fn state(&self, state: &str, sent_at: Option<Timestamp>) -> Attribute {
        let mut map = BTreeMap::from([
            (members::STATE.to_owned(), Attribute::Text(state.to_owned())),
            (members::OWNER.to_owned(), Attribute::Text(self.owner.clone())),
            (members::EXPIRES_AT.to_owned(), Attribute::Number(self.expires_at.to_string())),
            (members::THRESHOLD.to_owned(), Attribute::Number(self.threshold.normalize().to_string())),
        ]);
        if let Some(at) = sent_at {
            map.insert(members::SENT_AT.to_owned(), Attribute::Text(at.to_string()));
        }
        Attribute::Map(map)
    }
}

/// What a row says about its announcement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Announced {
    /// There is nothing to announce.
    Never,
    Pending(Claim),
    Sent,
    /// The attribute holds something else: nothing may be concluded from it.
    Unreadable,
}

impl Announced {
    /// Reads the attribute of a row.
    pub fn read(attribute: Option<&Attribute>) -> Self {
        match attribute {
            None | Some(Attribute::Null) => Self::Never,
            Some(Attribute::Map(map)) => match map.get(members::STATE).and_then(Attribute::as_text) {
                Some(members::SENT) => Self::Sent,
                Some(members::PENDING) => claim(map).map_or(Self::Unreadable, Self::Pending),
                _ => Self::Unreadable,
            },
            Some(_) => Self::Unreadable,
        }
    }
}

fn claim(map: &BTreeMap<String, Attribute>) -> Option<Claim> {
    Some(Claim {
        owner: map.get(members::OWNER)?.as_text()?.to_owned(),
        expires_at: map.get(members::EXPIRES_AT)?.as_number()?.parse().ok()?,
        threshold: decimal::parse(map.get(members::THRESHOLD)?.as_number()?)?,
    })
}
