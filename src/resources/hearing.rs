//! Whether anybody hears an alarm: its topics' subscribers, and whether one of them has confirmed.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::reconcile::plan::LOCKED;
use crate::reconcile::{Address, Finding, Kind, Live, Owner, Scope, Severity};

/// A finding for each alarm of ours that tells topics of ours whom nobody listens to. Where it tells anything else, such
/// as another account's topic, somebody may hear it.
pub fn unheard(resources: &BTreeMap<Address, Live>, scope: &Scope) -> Vec<Finding> {
    let prefix = scope.arn("sns", "");
    let ours = |(address, live): &(&Address, &Live)| address.kind == Kind::Alarm && live.owner == Owner::Ours;
    resources
        .iter()
        .filter(ours)
        .filter(|(_, live)| live.document.get("actions_enabled") == &Value::Bool(true))
        .filter_map(|(address, live)| {
            let actions = live.document.get("alarm_actions").as_array()?;
            let topics =
                actions.iter().map(|action| action.as_str()?.strip_prefix(&prefix)).collect::<Option<Vec<_>>>()?;
            let known = |topic: &&str| resources.contains_key(&Address::new(Kind::Topic, *topic));
            let is_unheard =
                !topics.is_empty() && topics.iter().all(known) && !topics.iter().any(|t| is_heard(resources, t));
            is_unheard.then(|| finding(&topics, resources).at(address))
        })
        .collect()
}

fn subscriptions<'a>(resources: &'a BTreeMap<Address, Live>, topic: &'a str) -> impl Iterator<Item = &'a Live> {
    let is_of = move |address: &Address| {
        address.kind == Kind::Subscription && address.name.as_str().split('/').next() == Some(topic)
    };
    resources.iter().filter(move |(address, _)| is_of(address)).map(|(_, live)| live)
}

fn is_pending(subscription: &Live) -> bool {
    subscription.observations.get(LOCKED) == Some(&Value::Bool(true))
}

fn is_heard(resources: &BTreeMap<Address, Live>, topic: &str) -> bool {
    subscriptions(resources, topic).any(|subscription| !is_pending(subscription))
}

fn finding(topics: &[&str], resources: &BTreeMap<Address, Live>) -> Finding {
    let topics: BTreeSet<&&str> = topics.iter().collect();
    let names: Vec<_> = topics.iter().map(|topic| format!("`{topic}`")).collect();
    let pending = topics.iter().any(|topic| subscriptions(resources, topic).next().is_some());
    let (why, hint) = if pending {
        ("has confirmed a subscription to", "let the subscribers follow the links that AWS sent them")
    } else {
        ("has subscribed to", "add `subscribers:` to the topic")
    };
    let message = format!("nobody hears this alarm: nobody {why} {}", names.join(", "));
    Finding::new(Severity::Warning, "alarm-unheard", message).hint(hint)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::reconcile::Document;
    use crate::resources::tests::aws;

    fn world(subscribers: &[(&str, bool)], actions: &[&str]) -> Vec<Finding> {
        let scope = aws().scope;
        let arns: Vec<_> = actions.iter().map(|topic| scope.arn("sns", topic)).collect();
        let alarm = Document::from([("actions_enabled", json!(true)), ("alarm_actions", json!(arns))]);
        let mut resources = BTreeMap::from([
            (Address::new(Kind::Alarm, "failed"), Live::ours(alarm)),
            (Address::new(Kind::Topic, "alerts"), Live::ours(Document::default())),
            (Address::new(Kind::Topic, "quiet"), Live::ours(Document::default())),
        ]);
        for (name, confirmed) in subscribers {
            let mut live = Live::ours(Document::default());
            if !confirmed {
                live.observations.insert(LOCKED.into(), json!(true));
            }
            resources.insert(Address::new(Kind::Subscription, *name), live);
        }
        unheard(&resources, &scope)
    }

    #[test]
    fn an_alarm_is_heard_where_one_subscriber_of_one_topic_has_confirmed() {
        let pending = ("alerts/email/a@example.com", false);
        assert_eq!(world(&[pending, ("alerts/email/b@example.com", true)], &["alerts", "quiet"]), []);
        let told = world(&[pending], &["alerts"]);
        assert_eq!(told[0].code, "alarm-unheard");
        assert!(told[0].message.contains("nobody has confirmed a subscription to `alerts`"), "{told:?}");
        let told = world(&[pending], &["quiet"]);
        assert!(told[0].message.contains("nobody has subscribed to `quiet`"), "{told:?}");
    }

    #[test]
    fn who_hears_a_topic_of_somebody_else_is_not_known() {
        assert_eq!(world(&[], &["theirs"]), []);
        assert_eq!(world(&[], &[]), [], "nobody was meant to hear it");
    }
}
