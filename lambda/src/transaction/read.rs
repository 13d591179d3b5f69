//! From a body to a draft, with every reason it is invalid.

use super::fields::{self, Field};
use super::{Draft, OrderItem};
use crate::currency;
use crate::json::{self, Member, Value};
use crate::reason::{Code, Place, Reason};

/// Reads a body. What cannot be read at all gives an empty draft and one reason.
pub fn read(body: &[u8]) -> (Draft<'_>, Vec<Reason>) {
    match members(body) {
        Ok((members, mut reasons)) => (draft(members, &mut reasons), reasons),
        Err(reason) => (Draft::default(), vec![reason]),
    }
}

/// The body's members, with a reason for each repeated key.
fn members(body: &[u8]) -> Result<(Vec<Member<'_>>, Vec<Reason>), Reason> {
    let text = std::str::from_utf8(body)
        .map_err(|error| Reason::new(Code::NotUtf8, "").with(format!("from byte {} on", error.valid_up_to())))?;
    match json::read(text)? {
        (Value::Object(members), reasons) => Ok((members, reasons)),
        (other, _) => Err(fields::wrong_type(&other, "an object", &Place::Root)),
    }
}

const REQUIRED: [&str; 5] = ["transaction_id", "customer_id", "amount", "currency", "timestamp"];

fn draft<'a>(members: Vec<Member<'a>>, reasons: &mut Vec<Reason>) -> Draft<'a> {
    let mut draft = Draft { items: Some(Vec::new()), ..Draft::default() };
    let mut missing = Missing::all(&REQUIRED);
    for (key, value) in members {
        missing.found(&key);
        let place = Place::Key(&Place::Root, &key);
        match key.as_ref() {
            "transaction_id" => draft.transaction_id = kept(fields::id(value, &place), reasons),
            "customer_id" => draft.customer_id = kept(fields::id(value, &place), reasons),
            "amount" => draft.amount = kept(fields::amount(value, &place), reasons),
            "currency" => draft.currency = kept(fields::currency(value, &place), reasons),
            "timestamp" => draft.timestamp = kept(fields::timestamp(value, &place), reasons),
            "items" => draft.items = items(value, &place, reasons),
            "metadata" => draft.metadata = fields::metadata(value, &place, reasons),
            _ => draft.extra.push((key, value)),
        }
    }
    missing.tell(&Place::Root, reasons);
    reasons.extend(too_many_decimals(&draft));
    draft
}

/// An amount has no more digits than its currency has.
fn too_many_decimals(draft: &Draft<'_>) -> Option<Reason> {
    let currency = currency::find(draft.currency?)?;
    let reason = || {
        Reason::new(Code::TooManyDecimals, "/amount")
            .with(format!("at most {} digits after the point", currency.digits))
    };
    // Parsed numbers have no trailing zeros: `1.50` has one digit.
    (draft.amount?.scale() > currency.digits).then(reason)
}

/// The items; `None`: something is wrong with them. `null` and absent are an empty list.
fn items<'a>(value: Value<'a>, place: &Place<'_>, reasons: &mut Vec<Reason>) -> Option<Vec<OrderItem<'a>>> {
    match value {
        Value::Null => Some(Vec::new()),
        Value::Array(values) => {
            let count = values.len();
            let each = values.into_iter().enumerate();
            let items: Vec<_> =
                each.filter_map(|(index, value)| item(value, &Place::Index(place, index), reasons)).collect();
            (items.len() == count).then_some(items)
        }
        other => {
            reasons.push(fields::wrong_type(&other, "an array", place));
            None
        }
    }
}

fn item<'a>(value: Value<'a>, at: &Place<'_>, reasons: &mut Vec<Reason>) -> Option<OrderItem<'a>> {
    let Value::Object(members) = value else {
        reasons.push(fields::wrong_type(&value, "an object", at));
        return None;
    };
    let (mut sku, mut quantity, mut unit_price, mut extra) = (None, None, None, Vec::new());
    let mut missing = Missing::all(&["sku", "quantity", "unit_price"]);
    for (key, value) in members {
        missing.found(&key);
        let place = Place::Key(at, &key);
        match key.as_ref() {
            "sku" => sku = kept(fields::text(value, &place), reasons),
            "quantity" => quantity = kept(fields::quantity(value, &place), reasons),
            "unit_price" => unit_price = kept(fields::unit_price(value, &place), reasons),
            _ => extra.push((key, value)),
        }
    }
    missing.tell(at, reasons);
    Some(OrderItem { sku: sku?, quantity: quantity?, unit_price: unit_price?, extra })
}

/// The value, or its reason among the others.
fn kept<T>(field: Field<T>, reasons: &mut Vec<Reason>) -> Option<T> {
    field.map_err(|reason| reasons.push(reason)).ok()
}

/// The required fields that have not been met.
struct Missing<'a> {
    required: &'a [&'static str],
    met: u32,
}

impl<'a> Missing<'a> {
    fn all(required: &'a [&'static str]) -> Self {
        Self { required, met: 0 }
    }

    fn found(&mut self, key: &str) {
        if let Some(index) = self.required.iter().position(|name| *name == key) {
            self.met |= 1 << index;
        }
    }

    fn tell(&self, place: &Place<'_>, reasons: &mut Vec<Reason>) {
        let absent = self.required.iter().enumerate().filter(|(index, _)| self.met & (1 << index) == 0);
        reasons.extend(absent.map(|(_, name)| Reason::new(Code::MissingField, Place::Key(place, name).pointer())));
    }
}
