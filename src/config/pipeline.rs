//! The pipeline as the YAML describes it: the types are the file's shape, its defaults, its ranges and its schema.
//!
//! One definition, three derivations: serde reads it, schemars writes `schema/pipeline.schema.json` from it (the doc
//! comments are the descriptions people see in their editor), and `resources` derives the desired state from it.
//! Values that AWS limits carry the limit in their type (`units`, `names`), so past the loader nothing is checked again.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::alarm::Alarm;
use super::names::{AccountId, DashboardName, EnvironmentName, PipelineName, RegionName, TagKey, TagValue, TopicKey};
use super::units::Count;

pub use super::amount::Amount;
pub use super::function::{Architecture, Batch, Function, LogLevel};
pub use super::log_retention::LogRetention;
pub use super::processing::{LargeOrder, Limits, Processing};
pub use super::queue::{DeadLetter, Quarantine, Queue, QueueEncryption};
pub use super::role::{Effect, Role, Statement};
pub use super::table::{Attributes, Billing, Capacity, Table, TableEncryption, TimeToLive};
pub use super::topic::{Endpoint, Subscriber, SubscriberFields, Topic};

/// An event pipeline on AWS: queue → function → table, topics that tell people, alarms that watch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pipeline {
    /// The version of this file's format: always 1.
    pub version: Version,
    /// The pipeline's name: first part of every resource's name, and the value of the ownership tag.
    pub pipeline: PipelineName,
    /// The environment that was merged in (`--env`), if any. Never written in the file.
    #[serde(skip)]
    #[schemars(skip)]
    pub environment: Option<EnvironmentName>,
    /// Pins the AWS account: any other account is refused. 12 digits, in quotes. Without it the
    /// usual AWS settings decide.
    #[serde(default)]
    pub account: Option<AccountId>,
    /// Pins the AWS region. Without it the usual AWS settings decide.
    #[serde(default)]
    pub region: Option<RegionName>,
    /// Tags on every resource that takes tags, beside the ownership tag.
    #[serde(default)]
    pub tags: BTreeMap<TagKey, TagValue>,
    /// Tag keys that others manage on our resources: never shown, never touched.
    #[serde(default)]
    pub ignore_tags: BTreeSet<TagKey>,
    /// The queue that takes the transactions, with its dead-letter and quarantine queues.
    #[serde(default)]
    pub queue: Queue,
    /// The SNS topics, by the name they have in this file.
    #[serde(default)]
    pub topics: BTreeMap<TopicKey, Topic>,
    /// The DynamoDB table that stores the valid transactions.
    #[serde(default)]
    pub table: Table,
    /// The function's role: least privilege, derived from the rest.
    #[serde(default)]
    pub role: Role,
    /// The Lambda function that processes the transactions.
    pub function: Function,
    /// What the processor does with a transaction.
    #[serde(default)]
    pub processing: Processing,
    /// The CloudWatch alarms, by the name they have in this file.
    #[serde(default)]
    pub alarms: BTreeMap<TopicKey, Alarm>,
    /// The CloudWatch dashboard of the pipeline.
    #[serde(default)]
    pub dashboard: Dashboard,
    /// Whether `pipewright drill` may rehearse here: drills write to the live pipeline and notify people.
    #[serde(default = "Pipeline::default_drills")]
    pub drills: bool,
    /// Differences by environment, merged into this file by `--env`: mappings deeply, lists replace, `null` removes.
    /// Default: none.
    #[serde(default, skip_serializing)]
    pub environments: BTreeMap<EnvironmentName, serde_json::Value>,
}

impl Pipeline {
    fn default_drills() -> bool {
        true
    }
}

/// The format's version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "u64", into = "u64")]
#[schemars(with = "Count<1, 1>")]
pub struct Version(u64);

impl TryFrom<u64> for Version {
    type Error = String;

    fn try_from(number: u64) -> Result<Self, String> {
        match number {
            1 => Ok(Self(1)),
            other => Err(format!("version {other} is not known; this pipewright reads version 1\nhint: `version: 1`")),
        }
    }
}

impl From<Version> for u64 {
    fn from(version: Version) -> Self {
        version.0
    }
}

/// The dashboard.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Dashboard {
    /// The dashboard's name; default `<pipeline>[-<environment>]-<region>`.
    pub name: Option<DashboardName>,
    /// Whether there is a dashboard at all.
    pub enabled: bool,
}

impl Default for Dashboard {
    fn default() -> Self {
        Self { name: None, enabled: true }
    }
}
