//! The table as the YAML describes it: its key and attributes, its capacity, how long items live.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::names::{AttributeName, KmsKey, TableName};
use super::units::{Count, Seconds};

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
    /// How items are encrypted at rest: `aws_owned`, `aws_managed`, or `{ kms: <key> }`.
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
