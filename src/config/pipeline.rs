//! The pipeline as the YAML describes it: the types are the file's shape, its defaults, its ranges and its schema.
//!
//! One definition, three derivations: serde reads it, schemars writes `schema/pipeline.schema.json` from it (the doc
//! comments are the descriptions people see in their editor), and `resources` derives the desired state from it.
//! Values that AWS limits carry the limit in their type (`units`, `names`), so past the loader nothing is checked again.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::alarm::Alarm;
use super::names::{
    AccountId, AttributeName, Currency, DashboardName, Email, EnvironmentName, FunctionName, HttpsUrl, KmsKey,
    LogGroupName, Phone, PipelineName, Principal, QueueName, RegionName, ResourceArn, RoleName, TableName, TagKey,
    TagValue, TopicKey, TopicName, VariableName,
};
use super::units::{Count, Seconds, Size};

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
    /// Pins the AWS account: any other account is refused. 12 digits, in quotes.
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
    /// A CloudWatch dashboard of the pipeline. `false`: none.
    #[serde(default)]
    pub dashboard: Dashboard,
    /// Differences by environment, merged into this file by `--env`: mappings deeply, lists replace, `null` removes.
    #[serde(default, skip_serializing)]
    pub environments: BTreeMap<EnvironmentName, serde_json::Value>,
}

/// The format's version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "u8", into = "u8")]
#[schemars(transparent)]
pub struct Version(#[schemars(range(min = 1, max = 1))] u8);

impl TryFrom<u8> for Version {
    type Error = String;

    fn try_from(number: u8) -> Result<Self, String> {
        match number {
            1 => Ok(Self(1)),
            other => Err(format!("version {other} is not known; this pipewright reads version 1")),
        }
    }
}

impl From<Version> for u8 {
    fn from(version: Version) -> Self {
        version.0
    }
}

/// An SQS queue with its dead-letter and quarantine queues.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Queue {
    /// The queue's name; default `<pipeline>[-<environment>]-queue`.
    pub name: Option<QueueName>,
    /// How long a received message stays hidden while it is processed; at least the function's timeout.
    /// Default: 6 × the function's timeout plus the batch window.
    pub visibility_timeout: Option<Seconds<0, 43_200>>,
    /// How long a message waits before it expires.
    pub retention: Seconds<60, 1_209_600>,
    /// How long a new message is held back.
    pub delay: Seconds<0, 900>,
    /// How long a receive waits for a message (long polling).
    pub receive_wait: Seconds<0, 20>,
    /// The largest message the queue takes.
    pub maximum_message_size: Size<1_024, 1_048_576>,
    /// How messages are encrypted at rest: `sqs`, or a KMS key. Holds for all three queues.
    pub encryption: QueueEncryption,
    /// Who else may send: account ids, ARNs of principals, or service principals. The own account always may, by IAM.
    pub senders: BTreeSet<Principal>,
    /// Takes what failed too often.
    pub dead_letter: DeadLetter,
    /// Takes what is invalid, with the reasons.
    pub quarantine: Quarantine,
}

impl Default for Queue {
    fn default() -> Self {
        Self {
            name: None,
            visibility_timeout: None,
            retention: Seconds::of(4 * 86_400),
            delay: Seconds::of(0),
            receive_wait: Seconds::of(20),
            maximum_message_size: Size::of(1_048_576),
            encryption: QueueEncryption::Sqs,
            senders: BTreeSet::new(),
            dead_letter: DeadLetter::default(),
            quarantine: Quarantine::default(),
        }
    }
}

/// Encryption of queues at rest: `sqs` (SQS-managed keys) or `{ kms: <key id, ARN or alias>, reuse: 5m }`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum QueueEncryption {
    /// Keys that SQS manages; free.
    Sqs,
    /// A KMS key: its id, ARN or `alias/…`.
    Kms(KmsKey),
}

/// The dead-letter queue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DeadLetter {
    /// The queue's name; default `<pipeline>[-<environment>]-dead-letter`.
    pub name: Option<QueueName>,
    /// After how many receives a message moves here.
    pub after: Count<1, 1_000>,
    /// How long a message waits here; counts from its first send, so longer than the queue's.
    pub retention: Seconds<60, 1_209_600>,
}

impl Default for DeadLetter {
    fn default() -> Self {
        Self { name: None, after: Count::of(5), retention: Seconds::of(14 * 86_400) }
    }
}

/// The quarantine queue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Quarantine {
    /// The queue's name; default `<pipeline>[-<environment>]-quarantine`.
    pub name: Option<QueueName>,
    /// How long an invalid message is kept.
    pub retention: Seconds<60, 1_209_600>,
}

impl Default for Quarantine {
    fn default() -> Self {
        Self { name: None, retention: Seconds::of(14 * 86_400) }
    }
}

/// An SNS topic and who hears it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Topic {
    /// The topic's name; default `<pipeline>[-<environment>]-<key>`.
    pub name: Option<TopicName>,
    /// The sender that people see in e-mails and text messages; at most 100 characters.
    #[schemars(length(max = 100))]
    pub display_name: Option<String>,
    /// A customer-managed KMS key that encrypts the topic. (Alarms cannot publish under `alias/aws/sns`.)
    pub encryption_key: Option<KmsKey>,
    /// Who else may publish: account ids, ARNs of principals, or service principals.
    pub publishers: BTreeSet<Principal>,
    /// Who hears the topic.
    pub subscribers: Vec<Subscriber>,
}

/// One subscriber of a topic: exactly one of `email`, `sms`, `https`, `sqs`, `lambda`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "SubscriberFields", into = "SubscriberFields")]
#[schemars(with = "SubscriberFields")]
pub struct Subscriber {
    pub endpoint: Endpoint,
    pub filter: Option<serde_json::Map<String, serde_json::Value>>,
    pub raw: bool,
}

/// Where a subscription delivers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Endpoint {
    Email(Email),
    Sms(Phone),
    Https(HttpsUrl),
    Sqs(ResourceArn),
    Lambda(ResourceArn),
}

/// One subscriber of a topic: exactly one of `email`, `sms`, `https`, `sqs`, `lambda`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SubscriberFields {
    /// An e-mail address; its owner must confirm.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<Email>,
    /// A telephone number, E.164 (`+4930…`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sms: Option<Phone>,
    /// An HTTPS URL that is POSTed to; it must confirm.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub https: Option<HttpsUrl>,
    /// The ARN of an SQS queue; its policy must admit the topic.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sqs: Option<ResourceArn>,
    /// The ARN of a Lambda function; its policy must admit the topic.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lambda: Option<ResourceArn>,
    /// An SNS filter policy on message attributes: only what matches is delivered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filter: Option<serde_json::Map<String, serde_json::Value>>,
    /// Deliver the bare message instead of SNS's JSON envelope (`sqs` and `https` only).
    pub raw: bool,
}

impl TryFrom<SubscriberFields> for Subscriber {
    type Error = String;

    fn try_from(fields: SubscriberFields) -> Result<Self, String> {
        let SubscriberFields { email, sms, https, sqs, lambda, filter, raw } = fields;
        let mut endpoints = [
            email.map(Endpoint::Email),
            sms.map(Endpoint::Sms),
            https.map(Endpoint::Https),
            sqs.map(Endpoint::Sqs),
            lambda.map(Endpoint::Lambda),
        ]
        .into_iter()
        .flatten();
        let (Some(endpoint), None) = (endpoints.next(), endpoints.next()) else {
            return Err("a subscriber has exactly one of `email`, `sms`, `https`, `sqs`, `lambda`".into());
        };
        if raw && !matches!(endpoint, Endpoint::Sqs(_) | Endpoint::Https(_)) {
            return Err("`raw` delivery is for `sqs` and `https` subscribers only".into());
        }
        Ok(Self { endpoint, filter, raw })
    }
}

impl From<Subscriber> for SubscriberFields {
    fn from(subscriber: Subscriber) -> Self {
        let mut fields = Self { filter: subscriber.filter, raw: subscriber.raw, ..Self::default() };
        match subscriber.endpoint {
            Endpoint::Email(address) => fields.email = Some(address),
            Endpoint::Sms(number) => fields.sms = Some(number),
            Endpoint::Https(url) => fields.https = Some(url),
            Endpoint::Sqs(arn) => fields.sqs = Some(arn),
            Endpoint::Lambda(arn) => fields.lambda = Some(arn),
        }
        fields
    }
}

/// The DynamoDB table of stored transactions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Table {
    /// The table's name; default `<pipeline>[-<environment>]-transactions`.
    pub name: Option<TableName>,
    /// The partition key, a string: where the transaction's id is stored. A change replaces the table.
    pub key: AttributeName,
    /// What the other attributes of an item are called.
    pub attributes: Attributes,
    /// How capacity is paid for: `on_demand`, `managed_elsewhere` (autoscaled: shown, never changed), or
    /// `{ provisioned: { read: 5, write: 5 } }`.
    pub billing: Billing,
    /// Items expire by themselves (DynamoDB TTL). Without it they stay.
    pub time_to_live: Option<TimeToLive>,
    /// Continuous backups: restore to any second of the last 35 days.
    pub point_in_time_recovery: bool,
    /// Refuse to delete the table until this is lifted.
    pub deletion_protection: bool,
    /// How items are encrypted at rest: `aws_owned`, `aws_managed`, or a KMS key.
    pub encryption: TableEncryption,
}

impl Default for Table {
    fn default() -> Self {
        Self {
            name: None,
            key: AttributeName::of("transaction_id"),
            attributes: Attributes::default(),
            billing: Billing::OnDemand,
            time_to_live: None,
            point_in_time_recovery: false,
            deletion_protection: true,
            encryption: TableEncryption::AwsOwned,
        }
    }
}

/// The names of an item's attributes, so that an existing table can be used as it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Attributes {
    /// The customer's id, a string.
    pub customer_id: AttributeName,
    /// The amount, a number.
    pub amount: AttributeName,
    /// The currency, ISO 4217.
    pub currency: AttributeName,
    /// When the transaction happened, RFC 3339.
    pub timestamp: AttributeName,
    /// The ordered items, a list.
    pub items: AttributeName,
    /// The sender's metadata, a map.
    pub metadata: AttributeName,
    /// Unknown fields, kept as one JSON string.
    pub extra: AttributeName,
    /// SHA-256 of the canonical content: tells a duplicate from a conflict.
    pub digest: AttributeName,
    /// The announcement's state of a large order, a map.
    pub announcement: AttributeName,
    /// Digest of the settings that judged the transaction.
    pub judged_by: AttributeName,
}

impl Default for Attributes {
    fn default() -> Self {
        Self {
            customer_id: AttributeName::of("customer_id"),
            amount: AttributeName::of("amount"),
            currency: AttributeName::of("currency"),
            timestamp: AttributeName::of("timestamp"),
            items: AttributeName::of("items"),
            metadata: AttributeName::of("metadata"),
            extra: AttributeName::of("extra"),
            digest: AttributeName::of("digest"),
            announcement: AttributeName::of("announcement"),
            judged_by: AttributeName::of("judged_by"),
        }
    }
}

/// How a table's capacity is paid for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Billing {
    /// By request.
    OnDemand,
    /// Somebody else (autoscaling) sets mode and capacity: never changed here.
    ManagedElsewhere,
    /// By the hour, at a fixed capacity.
    Provisioned(Capacity),
}

/// Provisioned capacity, in units per second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Capacity {
    /// Read capacity units: one strongly consistent read of 4 KB each second.
    pub read: Count<1, 40_000>,
    /// Write capacity units: one write of 1 KB each second.
    pub write: Count<1, 40_000>,
}

/// Expiry of items.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TimeToLive {
    /// The attribute that holds the expiry, a number (seconds since 1970).
    #[serde(default = "TimeToLive::default_attribute")]
    pub attribute: AttributeName,
    /// How long after it was stored an item expires.
    pub after: Seconds<3_600, 3_153_600_000>,
}

impl TimeToLive {
    fn default_attribute() -> AttributeName {
        AttributeName::of("expires_at")
    }
}

/// Encryption of a table at rest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TableEncryption {
    /// A key that AWS owns; free.
    AwsOwned,
    /// The account's `alias/aws/dynamodb` key.
    AwsManaged,
    /// A customer-managed KMS key: its id, ARN or `alias/…`.
    Kms(KmsKey),
}

/// The function's role.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Role {
    /// The role's name; default `<pipeline>[-<environment>]-processor-<region>`.
    pub name: Option<RoleName>,
    /// Statements added to the derived policy, as in IAM (`Sid` required).
    pub extra_statements: Vec<Statement>,
    /// The ARN of the managed policy that bounds the role's permissions.
    pub permissions_boundary: Option<ResourceArn>,
}

/// One statement of an IAM policy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    /// The statement's id: letters and digits.
    #[serde(rename = "Sid")]
    #[schemars(regex(pattern = "^[A-Za-z0-9]+$"))]
    pub sid: String,
    /// `Allow` (default) or `Deny`.
    #[serde(rename = "Effect", default)]
    pub effect: Effect,
    /// The actions, such as `s3:GetObject`.
    #[serde(rename = "Action")]
    pub action: Vec<String>,
    /// The ARNs they apply to.
    #[serde(rename = "Resource")]
    pub resource: Vec<String>,
    /// Conditions, as in IAM.
    #[serde(rename = "Condition", default, skip_serializing_if = "Option::is_none")]
    pub condition: Option<serde_json::Map<String, serde_json::Value>>,
}

/// What a statement does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Effect {
    #[default]
    Allow,
    Deny,
}

/// The Lambda function: either `source` or `zip` says where its code comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Function {
    /// The function's name; default `<pipeline>[-<environment>]-processor`.
    #[serde(default)]
    pub name: Option<FunctionName>,
    /// The folder of a cargo package that builds a binary `bootstrap`, relative to this file.
    #[serde(default)]
    pub source: Option<String>,
    /// A prebuilt zip with `bootstrap` at its top, relative to this file.
    #[serde(default)]
    pub zip: Option<String>,
    /// The processor architecture.
    #[serde(default)]
    pub architecture: Architecture,
    /// Memory; CPU grows with it. Whole MiB.
    #[serde(default = "Function::default_memory")]
    pub memory: Size<134_217_728, 10_737_418_240>,
    /// The longest one batch may take.
    #[serde(default = "Function::default_timeout")]
    pub timeout: Seconds<1, 900>,
    /// Space under the function's temporary folder. Whole MiB.
    #[serde(default = "Function::default_storage")]
    pub ephemeral_storage: Size<536_870_912, 10_737_418_240>,
    /// AWS X-Ray tracing.
    #[serde(default)]
    pub tracing: bool,
    /// The log group's name; default `/aws/lambda/<function name>`.
    #[serde(default)]
    pub log_group: Option<LogGroupName>,
    /// How long log lines are kept; one of the periods that CloudWatch Logs knows (1d, 3d, 5d, 7d, 14d, 30d, …), or `forever`.
    #[serde(default)]
    pub log_retention: LogRetention,
    /// The least severe log line that the processor writes.
    #[serde(default)]
    pub log_level: LogLevel,
    /// Concurrency set aside for this function, and its upper bound. Without it: the account's shared pool.
    #[serde(default)]
    pub reserved_concurrency: Option<Count<0, 1_000_000>>,
    /// How many messages one invocation gets.
    #[serde(default)]
    pub batch: Batch,
    /// How many invocations the queue may run at once. Without it: Lambda scales freely.
    #[serde(default)]
    pub max_concurrency: Option<Count<2, 1_000>>,
    /// `false` stops the processing: messages wait in the queue.
    #[serde(default = "Function::default_enabled")]
    pub enabled: bool,
    /// Environment variables for the function beside those pipewright sets. No secrets: name where they are kept instead.
    #[serde(default)]
    pub environment: BTreeMap<VariableName, String>,
}

impl Function {
    fn default_memory() -> Size<134_217_728, 10_737_418_240> {
        Size::of(256 * 1_048_576)
    }

    fn default_timeout() -> Seconds<1, 900> {
        Seconds::of(30)
    }

    fn default_storage() -> Size<536_870_912, 10_737_418_240> {
        Size::of(512 * 1_048_576)
    }

    fn default_enabled() -> bool {
        true
    }
}

/// Processor architectures of Lambda.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Architecture {
    /// 64-bit Intel and AMD.
    #[default]
    X86_64,
    /// 64-bit Arm (Graviton).
    Arm64,
}

/// How long log lines are kept: days as CloudWatch Logs knows them, or `forever`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogRetention {
    Days(u32),
    Forever,
}

impl Default for LogRetention {
    fn default() -> Self {
        Self::Days(30)
    }
}

/// Severity of a log line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    Debug,
    #[default]
    Info,
    Warn,
    Error,
}

/// How many messages one invocation gets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Batch {
    /// The most messages of a batch; above 10 a window is needed.
    pub size: Count<1, 10_000>,
    /// How long Lambda gathers messages for a batch.
    pub window: Seconds<0, 300>,
}

impl Default for Batch {
    fn default() -> Self {
        Self { size: Count::of(10), window: Seconds::of(0) }
    }
}

/// What the processor does with a transaction.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Processing {
    /// Which orders are large, and which topic hears of them.
    pub large_order: Option<LargeOrder>,
    /// What makes a transaction invalid beyond its shape.
    pub limits: Limits,
}

/// A large order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LargeOrder {
    /// The amount, by currency, from which on an order is large. A currency not listed has no large orders.
    pub threshold: BTreeMap<Currency, Amount>,
    /// The topic (its name in this file) that hears of large orders.
    pub notify: TopicKey,
}

/// Limits of a valid transaction.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// The currencies that are accepted; empty: every currency of ISO 4217.
    pub currencies: BTreeSet<Currency>,
    /// The largest amount that is accepted, by currency.
    pub largest_amount: BTreeMap<Currency, Amount>,
    /// The oldest transaction that is accepted, by its timestamp. Without it: any age.
    pub oldest: Option<Seconds<60, 3_153_600_000>>,
    /// A transaction must list its items.
    pub items_required: bool,
    /// Quantity × unit price over all items must equal the amount.
    pub items_must_add_up: bool,
}

/// An amount of money: decimal, greater than zero, in the currency's major unit. Taken from the source text, never through a float.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Amount(pub Decimal);

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
