//! Whether a stored row holds the same transaction.

use super::{Attribute, Row};
use crate::contract::Settings;
use crate::decimal;
use crate::digest;
use crate::timestamp;

/// Whether `stored` holds the content of `ours`: by digest, or by fields where an older function wrote none that we know.
///
/// By fields nothing is overlooked: a field that only one of the two has makes them differ. The repeat then goes to the
/// quarantine queue, where it can be looked at; the other mistake would lose it.
pub fn same_content(stored: &Row, ours: &Row, settings: &Settings) -> bool {
    let names = &settings.table.attributes;
    let digest_of = |row: &Row| row.get(&names.digest).and_then(Attribute::as_text).map(str::to_owned);
    if let Some(theirs) = digest_of(stored).filter(|theirs| theirs.starts_with(digest::VERSION)) {
        return Some(theirs) == digest_of(ours);
    }
    let same = |name: &str| same_value(stored.get(name), ours.get(name));
    [&settings.table.key, &names.customer_id, &names.amount, &names.currency, &names.items, &names.metadata]
        .into_iter()
        .all(|name| same(name))
        && same_moment(stored.get(&names.timestamp), ours.get(&names.timestamp))
        && same_json(stored.get(&names.extra), ours.get(&names.extra))
}

/// Numbers by value, also where one side keeps them as text; an absent attribute is as good as a null one.
fn same_value(left: Option<&Attribute>, right: Option<&Attribute>) -> bool {
    match (left, right) {
        (None | Some(Attribute::Null), None | Some(Attribute::Null)) => true,
        (Some(Attribute::List(left)), Some(Attribute::List(right))) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| same_value(Some(left), Some(right)))
        }
        (Some(Attribute::Map(left)), Some(Attribute::Map(right))) => {
            left.keys().chain(right.keys()).all(|name| same_value(left.get(name), right.get(name)))
        }
        (Some(Attribute::Foreign), _) | (_, Some(Attribute::Foreign)) => false,
        (Some(left), Some(right)) => left == right || same_number(left, right),
        (None, Some(_)) | (Some(_), None) => false,
    }
}

fn same_number(left: &Attribute, right: &Attribute) -> bool {
    let number = |attribute: &Attribute| decimal::parse(attribute.as_number().or(attribute.as_text())?);
    let typed = left.as_number().is_some() || right.as_number().is_some();
    typed && number(left).is_some_and(|left| Some(left) == number(right))
}

fn same_moment(left: Option<&Attribute>, right: Option<&Attribute>) -> bool {
    let moment = |attribute: Option<&Attribute>| timestamp::parse(attribute?.as_text()?);
    same_value(left, right) || moment(left).is_some_and(|left| Some(left) == moment(right))
}

/// JSON texts by what they mean.
fn same_json(left: Option<&Attribute>, right: Option<&Attribute>) -> bool {
    let json = |attribute: Option<&Attribute>| serde_json::from_str::<serde_json::Value>(attribute?.as_text()?).ok();
    same_value(left, right) || json(left).is_some_and(|left| Some(left) == json(right))
}
