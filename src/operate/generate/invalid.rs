//! Orders spoilt on purpose, each in one way: what the processor must put into quarantine. Somewhere each still names the
//! id that it had, so that whoever finds it knows whose it is.

use fastrand::Rng;
use serde_json::{Value, json};

/// Spoils an order; whether it keeps its id.
pub(super) fn spoil(mut order: Value, rng: &mut Rng) -> (String, bool) {
    let mut set = |key: &str, value: Value| order[key] = value;
    match rng.u8(0..9) {
        0 => set("amount", json!("-5.00")),
        1 => set("amount", json!(true)),
        2 => set("amount", json!("1.23456")),
        3 => set("currency", json!("DOLLARS")),
        4 => set("timestamp", json!("yesterday")),
        5 => set("items", json!([{ "sku": "sku-001", "quantity": 0, "unit_price": "1" }])),
        6 => {
            if let Value::Object(fields) = &mut order {
                fields.remove("customer_id");
            }
        }
        7 => {
            order["metadata"]["transaction_id"] = order["transaction_id"].take();
            order["transaction_id"] = json!("");
            return (order.to_string(), false);
        }
        _ => {
            // Broken off, as by a sender that died.
            let text = order.to_string();
            return (text[..text.len() - 2].to_owned(), false);
        }
    }
    (order.to_string(), true)
}
