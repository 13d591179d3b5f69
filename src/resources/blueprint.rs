//! What the desired state is derived from, and every name and ARN that follows from it.

use crate::aws::queue_url;
use crate::config::Pipeline;
use crate::config::names::TopicKey;
use crate::reconcile::{Address, Kind, Scope};

/// The file, where it lands, and which code the function runs.
#[derive(Debug, Clone, Copy)]
pub struct Blueprint<'a> {
    pub pipeline: &'a Pipeline,
    pub scope: &'a Scope,
    /// The identity of the function's code: `sources:<digest>` or `zip:<CodeSha256>`.
    pub code: &'a str,
}

impl Blueprint<'_> {
    pub fn queue(&self) -> Address {
        Address::new(Kind::Queue, self.pipeline.queue_name())
    }

    pub fn dead_letter(&self) -> Address {
        Address::new(Kind::Queue, self.pipeline.dead_letter_name())
    }

    pub fn quarantine(&self) -> Address {
        Address::new(Kind::Queue, self.pipeline.quarantine_name())
    }

    pub fn topic(&self, key: &TopicKey) -> Address {
        Address::new(Kind::Topic, self.pipeline.topic_name(key))
    }

    pub fn table(&self) -> Address {
        Address::new(Kind::Table, self.pipeline.table_name())
    }

    pub fn role(&self) -> Address {
        Address::new(Kind::Role, self.pipeline.role_name(&self.scope.region))
    }

    pub fn function(&self) -> Address {
        Address::new(Kind::Function, self.pipeline.function_name())
    }

    /// What leads messages from the queue to the function.
    pub fn mapping(&self) -> Address {
        let name = format!("{}/{}", self.queue().name, self.function().name);
        Address::new(Kind::EventSourceMapping, name)
    }

    pub fn alarm(&self, key: &TopicKey) -> Address {
        Address::new(Kind::Alarm, self.pipeline.alarm_name(key))
    }

    pub fn log_group(&self) -> Address {
        Address::new(Kind::LogGroup, self.pipeline.log_group_name())
    }

    pub fn queue_arn(&self, queue: &Address) -> String {
        self.scope.arn("sqs", queue.name.as_str())
    }

    pub fn queue_url(&self, queue: &Address) -> String {
        queue_url(self.scope, queue.name.as_str())
    }

    pub fn topic_arn(&self, key: &TopicKey) -> String {
        self.scope.arn("sns", &self.pipeline.topic_name(key))
    }

    pub fn table_arn(&self) -> String {
        self.scope.arn("dynamodb", &format!("table/{}", self.pipeline.table_name()))
    }

    pub fn role_arn(&self) -> String {
        let name = self.pipeline.role_name(&self.scope.region);
        self.scope.global_arn("iam", &format!("role{}{name}", self.pipeline.role_path()))
    }

    pub fn log_group_arn(&self) -> String {
        self.scope.arn("logs", &format!("log-group:{}", self.pipeline.log_group_name()))
    }

    /// The ARN of the topic that hears of large orders, where there is one.
    pub fn large_orders_arn(&self) -> Option<String> {
        self.pipeline.processing.large_order.as_ref().map(|large| self.topic_arn(&large.notify))
    }

    /// Tags from the file, as every taggable resource carries them.
    pub fn tags(&self) -> super::tags::Tags {
        self.pipeline.tags.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect()
    }
}
