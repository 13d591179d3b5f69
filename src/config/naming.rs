//! What every resource is called: one table of the derived names and their limits.
//!
//! A name is `<pipeline>[-<environment>]-<part>`; the role's and the dashboard's add the region, for they are global to
//! the account. `name:` replaces a derived name, so that an existing resource can be adopted.

use super::names::{
    AlarmName, DashboardName, FunctionName, LogGroupName, QueueName, RoleName, Rule, TableName, TopicKey, TopicName,
};
use super::pipeline::Pipeline;

/// Stands for the region where it is not known yet: no region's name is longer.
const LONGEST_REGION: &str = "ap-southeast-1";

/// A resource's name, whether derived or set, and what limits it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Named {
    /// `a queue name`
    pub noun: &'static str,
    pub name: String,
    pub longest: usize,
    /// Where the name is set, or could be: `queue.name`.
    pub key: String,
    /// Whether the name is one for the account, not for the region.
    pub is_global: bool,
}

impl Named {
    /// The resource that has the name: `queue.dead_letter`.
    pub(super) fn owner(&self) -> &str {
        self.key.rsplit_once('.').map_or(&self.key, |(owner, _)| owner)
    }
}

impl Pipeline {
    /// `<pipeline>[-<environment>]`: first part of every derived name, and the ownership tag's value.
    #[must_use]
    pub fn id(&self) -> String {
        match &self.environment {
            Some(environment) => format!("{}-{environment}", self.pipeline),
            None => self.pipeline.to_string(),
        }
    }

    #[must_use]
    pub fn queue_name(&self) -> String {
        self.name(self.queue.name.as_ref().map(QueueName::as_str), "queue")
    }

    #[must_use]
    pub fn dead_letter_name(&self) -> String {
        self.name(self.queue.dead_letter.name.as_ref().map(QueueName::as_str), "dead-letter")
    }

    #[must_use]
    pub fn quarantine_name(&self) -> String {
        self.name(self.queue.quarantine.name.as_ref().map(QueueName::as_str), "quarantine")
    }

    /// Of a topic of this file; a key that is not in it gets its derived name.
    #[must_use]
    pub fn topic_name(&self, key: &TopicKey) -> String {
        let set = self.topics.get(key).and_then(|topic| topic.name.as_ref());
        self.name(set.map(TopicName::as_str), key.as_str())
    }

    #[must_use]
    pub fn table_name(&self) -> String {
        self.name(self.table.name.as_ref().map(TableName::as_str), "transactions")
    }

    #[must_use]
    pub fn function_name(&self) -> String {
        self.name(self.function.name.as_ref().map(FunctionName::as_str), "processor")
    }

    #[must_use]
    pub fn role_name(&self, region: &str) -> String {
        self.name(self.role.name.as_ref().map(RoleName::as_str), &format!("processor-{region}"))
    }

    /// The path under which the role lives; it marks the role as ours.
    #[must_use]
    pub fn role_path(&self) -> String {
        format!("/pipewright/{}/", self.id())
    }

    #[must_use]
    pub fn log_group_name(&self) -> String {
        let set = self.function.log_group.as_ref().map(LogGroupName::to_string);
        set.unwrap_or_else(|| format!("/aws/lambda/{}", self.function_name()))
    }

    /// Of an alarm of this file; a key that is not in it gets its derived name.
    #[must_use]
    pub fn alarm_name(&self, key: &TopicKey) -> String {
        let set = self.alarms.get(key).and_then(|alarm| alarm.name.as_ref());
        self.name(set.map(AlarmName::as_str), key.as_str())
    }

    #[must_use]
    pub fn dashboard_name(&self, region: &str) -> String {
        self.name(self.dashboard.name.as_ref().map(DashboardName::as_str), region)
    }

    /// How long the queue hides a received message, in seconds: what is set, else 6 × the function's timeout plus the
    /// batch window, as AWS recommends.
    #[must_use]
    pub fn visibility_timeout(&self) -> u64 {
        let recommended = 6 * self.function.timeout.get() + self.function.batch.window.get();
        self.queue.visibility_timeout.map_or(recommended, |set| set.get())
    }

    fn name(&self, set: Option<&str>, part: &str) -> String {
        set.map_or_else(|| format!("{}-{part}", self.id()), str::to_owned)
    }

    /// The region that names use: the pin, else the longest there is.
    pub(super) fn assumed_region(&self) -> &str {
        self.region.as_ref().map_or(LONGEST_REGION, |region| region.as_str())
    }

    /// Every resource's name with its limit, and the key that sets it.
    pub(super) fn named(&self) -> Vec<Named> {
        let row = |rule: &Rule, key: &str, name| Named {
            noun: rule.noun,
            name,
            longest: rule.length.1,
            key: key.to_owned(),
            is_global: matches!(key, "role.name" | "dashboard.name"),
        };
        let mut rows = vec![
            row(&QueueName::RULE, "queue.name", self.queue_name()),
            row(&QueueName::RULE, "queue.dead_letter.name", self.dead_letter_name()),
            row(&QueueName::RULE, "queue.quarantine.name", self.quarantine_name()),
            row(&TableName::RULE, "table.name", self.table_name()),
            row(&FunctionName::RULE, "function.name", self.function_name()),
            row(&RoleName::RULE, "role.name", self.role_name(self.assumed_region())),
            row(&LogGroupName::RULE, "function.log_group", self.log_group_name()),
        ];
        for key in self.topics.keys() {
            rows.push(row(&TopicName::RULE, &format!("topics.{key}.name"), self.topic_name(key)));
        }
        for key in self.alarms.keys() {
            rows.push(row(&AlarmName::RULE, &format!("alarms.{key}.name"), self.alarm_name(key)));
        }
        if self.dashboard.enabled {
            rows.push(row(&DashboardName::RULE, "dashboard.name", self.dashboard_name(self.assumed_region())));
        }
        rows
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pipeline(yaml: serde_json::Value) -> Pipeline {
        serde_json::from_value(yaml).unwrap()
    }

    #[test]
    fn derived_names_begin_with_the_pipeline_and_the_environment() {
        let mut shop =
            pipeline(json!({ "version": 1, "pipeline": "shop", "function": {}, "topics": { "alerts": {} } }));
        assert_eq!(shop.queue_name(), "shop-queue");
        shop.environment = Some(super::super::names::EnvironmentName::of("prod"));
        assert_eq!(shop.id(), "shop-prod");
        assert_eq!(shop.dead_letter_name(), "shop-prod-dead-letter");
        assert_eq!(shop.quarantine_name(), "shop-prod-quarantine");
        assert_eq!(shop.topic_name(&TopicKey::of("alerts")), "shop-prod-alerts");
        assert_eq!(shop.table_name(), "shop-prod-transactions");
        assert_eq!(shop.function_name(), "shop-prod-processor");
        assert_eq!(shop.log_group_name(), "/aws/lambda/shop-prod-processor");
        assert_eq!(shop.role_name("eu-west-1"), "shop-prod-processor-eu-west-1");
        assert_eq!(shop.role_path(), "/pipewright/shop-prod/");
        assert_eq!(shop.dashboard_name("eu-west-1"), "shop-prod-eu-west-1");
    }

    #[test]
    fn a_name_that_is_set_replaces_the_derived_one_and_what_follows_from_it() {
        let shop = pipeline(json!({
            "version": 1, "pipeline": "shop",
            "queue": { "name": "orders", "dead_letter": { "name": "orders-failed" } },
            "function": { "name": "old-processor" },
        }));
        assert_eq!(shop.queue_name(), "orders");
        assert_eq!(shop.dead_letter_name(), "orders-failed");
        assert_eq!(shop.log_group_name(), "/aws/lambda/old-processor");
    }

    #[test]
    fn the_visibility_timeout_follows_the_function_unless_it_is_set() {
        let function = json!({ "timeout": "30s", "batch": { "window": "5s" } });
        let derived = pipeline(json!({ "version": 1, "pipeline": "shop", "function": function }));
        assert_eq!(derived.visibility_timeout(), 185);
        let queue = json!({ "visibility_timeout": "10m" });
        let set = pipeline(json!({ "version": 1, "pipeline": "shop", "function": function, "queue": queue }));
        assert_eq!(set.visibility_timeout(), 600);
    }
}
