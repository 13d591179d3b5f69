//! Whom an alarm tells: topics, by the name they have in the file.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{self, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::super::names::TopicKey;

/// Topics that hear of an alarm, by the state it enters. Written as one name, a list (both: on alarm), or
/// `{ alarm: [..], ok: [..] }`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Notify {
    pub alarm: BTreeSet<TopicKey>,
    pub ok: BTreeSet<TopicKey>,
}

/// Whom to tell, by the state that the alarm enters.
#[derive(Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[derive(Default, Serialize)]
struct ByState {
    /// Topics that hear when the alarm goes off; at most 5. Default: none.
    #[schemars(length(max = 5))]
    alarm: BTreeSet<TopicKey>,
    /// Topics that hear when it is over; at most 5. Default: none.
    #[schemars(length(max = 5))]
    ok: BTreeSet<TopicKey>,
}

/// A state takes five actions.
const MOST: usize = 5;

impl Notify {
    fn new(alarm: BTreeSet<TopicKey>, ok: BTreeSet<TopicKey>) -> Result<Self, String> {
        let longest = alarm.len().max(ok.len());
        if longest > MOST {
            return Err(format!(
                "an alarm tells at most {MOST} topics on one state, not {longest}\nhint: subscribe more people to one topic"
            ));
        }
        Ok(Self { alarm, ok })
    }
}

impl<'de> Deserialize<'de> for Notify {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Forms;

        impl<'de> Visitor<'de> for Forms {
            type Value = Notify;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a topic's name, a list of them, or `{ alarm: [..], ok: [..] }`")
            }

            fn visit_str<E: de::Error>(self, name: &str) -> Result<Notify, E> {
                let name = TopicKey::parse(name).map_err(E::custom)?;
                Ok(Notify { alarm: BTreeSet::from([name]), ok: BTreeSet::new() })
            }

            fn visit_seq<A: SeqAccess<'de>>(self, names: A) -> Result<Notify, A::Error> {
                let names = BTreeSet::deserialize(SeqAccessDeserializer::new(names))?;
                Notify::new(names, BTreeSet::new()).map_err(de::Error::custom)
            }

            fn visit_map<A: MapAccess<'de>>(self, states: A) -> Result<Notify, A::Error> {
                let ByState { alarm, ok } = ByState::deserialize(MapAccessDeserializer::new(states))?;
                Notify::new(alarm, ok).map_err(de::Error::custom)
            }
        }

        deserializer.deserialize_any(Forms)
    }
}

impl JsonSchema for Notify {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Notify".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let name = TopicKey::json_schema(generator);
        let by_state = generator.subschema_for::<ByState>();
        json_schema!({
            "anyOf": [name, { "type": "array", "items": name, "maxItems": MOST, "uniqueItems": true }, by_state],
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(value: serde_json::Value) -> Result<Notify, serde_json::Error> {
        serde_json::from_value(value)
    }

    #[test]
    fn one_name_a_list_and_states_are_read() {
        let alerts = BTreeSet::from([TopicKey::of("alerts")]);
        let on_alarm = Notify { alarm: alerts.clone(), ok: BTreeSet::new() };
        assert_eq!(read(json!("alerts")).unwrap(), on_alarm);
        assert_eq!(read(json!(["alerts"])).unwrap(), on_alarm);
        assert_eq!(read(json!({ "ok": ["alerts"] })).unwrap(), Notify { alarm: BTreeSet::new(), ok: alerts });
    }

    #[test]
    fn a_sixth_topic_and_an_unknown_state_are_refused() {
        let message = read(json!(["a", "b", "c", "d", "e", "f"])).unwrap_err().to_string();
        assert_eq!(
            message,
            "an alarm tells at most 5 topics on one state, not 6\nhint: subscribe more people to one topic"
        );
        assert!(read(json!({ "okay": ["alerts"] })).unwrap_err().to_string().contains("`okay`"));
    }
}
