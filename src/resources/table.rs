//! The DynamoDB table of stored transactions.

mod live;

use std::collections::BTreeSet;
use std::time::Duration;

use aws_sdk_dynamodb::operation::update_table::builders::UpdateTableFluentBuilder;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, PointInTimeRecoverySpecification,
    ProvisionedThroughput, ScalarAttributeType, SseSpecification, SseStatus, SseType, TableDescription, TableStatus,
    Tag, TimeToLiveSpecification,
};
use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use live::{live_key_arn, read_one};

use super::tags::{self, Tags};
use super::{Blueprint, Found, Planned, Resource, Survey};
use crate::aws::error::malformed;
use crate::aws::patience::Wait;
use crate::aws::{Aws, Called};
use crate::config::pipeline::{Billing, TableEncryption};
use crate::reconcile::diff::MANAGED_ELSEWHERE;
use crate::reconcile::{Changes, CloudError, ErrorKind, Kind, Name, Property, Say, Trait};

/// The managed properties of a table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// The key's attributes with role and type, `transaction_id HASH S`.
    pub key: Vec<String>,
    /// `on-demand`, `{read, write}` in capacity units, or managed elsewhere.
    pub billing: Value,
    /// The attribute that holds an item's expiry; absent: items stay.
    pub time_to_live_attribute: Option<String>,
    pub point_in_time_recovery: bool,
    pub deletion_protection: bool,
    /// `aws-owned`, `aws-managed`, or `kms:<ARN of the key>`.
    pub encryption: String,
    pub tags: Tags,
}

/// The tag, below `pipewright:`, that notes the ARN of the account's AWS-managed key.
const MANAGED_KEY: &str = "aws-managed-key";
const ON_DEMAND: &str = "on-demand";
/// Most changes take seconds; switching the billing mode of a large table takes minutes.
const ACTIVE: Wait<'_> = Wait { reason: "until the table is active", limit: Duration::from_secs(900) };
const ENCRYPTED: Wait<'_> = Wait { reason: "until the table's key has changed", limit: Duration::from_secs(300) };
const GONE: Wait<'_> = Wait { reason: "until the table is gone", limit: Duration::from_secs(300) };
const BUSY: Wait<'_> = Wait { reason: "until the table takes another change", limit: Duration::from_secs(120) };

impl Resource for Table {
    const KIND: Kind = Kind::Table;
    const UNUSUAL: &'static [Property] = &[
        Property { path: "key", is: Trait::Immutable, why: "a table's key is fixed at its creation" },
        Property { path: "deletion_protection", is: Trait::Guard, why: "" },
    ];

    fn desired(blueprint: &Blueprint<'_>) -> Vec<Planned<Self>> {
        let table = &blueprint.pipeline.table;
        let properties = Self {
            key: vec![format!("{} HASH S", table.key)],
            billing: match &table.billing {
                Billing::OnDemand => json!(ON_DEMAND),
                Billing::ManagedElsewhere => json!(MANAGED_ELSEWHERE),
                Billing::Provisioned(capacity) => json!({ "read": capacity.read.get(), "write": capacity.write.get() }),
            },
            time_to_live_attribute: table.time_to_live.as_ref().map(|expiry| expiry.attribute.to_string()),
            point_in_time_recovery: table.point_in_time_recovery,
            deletion_protection: table.deletion_protection,
            encryption: match &table.encryption {
                TableEncryption::AwsOwned => "aws-owned".into(),
                TableEncryption::AwsManaged => "aws-managed".into(),
                TableEncryption::Kms(key) if key.as_str().starts_with("arn:") => format!("kms:{key}"),
                TableEncryption::Kms(key) => format!("kms:{}", blueprint.scope.arn("kms", &format!("key/{key}"))),
            },
            tags: blueprint.tags(),
        };
        vec![Planned { name: blueprint.pipeline.table_name(), properties, after: vec![] }]
    }

    async fn candidates(aws: &Aws, survey: &Survey, _wanted: &BTreeSet<Name>) -> Result<BTreeSet<Name>, CloudError> {
        let names = survey.marked(aws, "dynamodb", "table/").await?;
        // Indexes, streams and backups have further parts.
        Ok(names.into_iter().filter(|name| !name.contains('/')).map(Name::new).collect())
    }

    async fn read(aws: &Aws, names: &[Name]) -> Result<Vec<Option<Found<Self>>>, CloudError> {
        try_join_all(names.iter().map(|name| read_one(aws, name))).await
    }

    async fn create(&self, aws: &Aws, name: &Name, say: Say<'_>) -> Result<(), CloudError> {
        let (definitions, schema) = self.key_schema()?;
        let (mode, throughput) = self.billing()?;
        let call = aws
            .dynamodb
            .create_table()
            .table_name(name.as_str())
            .set_attribute_definitions(Some(definitions))
            .set_key_schema(Some(schema))
            .billing_mode(mode.unwrap_or(BillingMode::PayPerRequest))
            .set_provisioned_throughput(throughput)
            .deletion_protection_enabled(self.deletion_protection)
            .set_sse_specification(self.sse(false))
            .set_tags(Some(tag_list(&tags::written(aws, &self.tags))?));
        let freed = |error: &CloudError| error.kind == ErrorKind::Busy;
        aws.insist(GONE, say, freed, async || call.clone().send().await.called("dynamodb:CreateTable", name.as_str()))
            .await?;
        until_active(aws, name, say).await?;
        until_encrypted(aws, name, say).await?;
        self.note_managed_key(aws, name).await?;
        if self.time_to_live_attribute.is_some() {
            self.write_time_to_live(aws, name, None, say).await?;
        }
        if self.point_in_time_recovery {
            self.write_recovery(aws, name, say).await?;
        }
        Ok(())
    }

    /// One kind of change a call, each waited for: DynamoDB takes no two at once.
    async fn update(
        &self,
        aws: &Aws,
        name: &Name,
        live: &Found<Self>,
        changes: &Changes,
        say: Say<'_>,
    ) -> Result<(), CloudError> {
        let update = || aws.dynamodb.update_table().table_name(name.as_str());
        if changes.touch("deletion_protection") {
            change(aws, name, update().deletion_protection_enabled(self.deletion_protection), say).await?;
        }
        if changes.touch("billing") {
            let (mode, throughput) = self.billing()?;
            let call = update().set_billing_mode(mode).set_provisioned_throughput(throughput);
            change(aws, name, call, say).await?;
        }
        if changes.touch("encryption") {
            change(aws, name, update().set_sse_specification(self.sse(true)), say).await?;
            until_encrypted(aws, name, say).await?;
            self.note_managed_key(aws, name).await?;
        }
        if changes.touch("time_to_live_attribute") {
            self.write_time_to_live(aws, name, live.properties.time_to_live_attribute.as_deref(), say).await?;
        }
        if changes.touch("point_in_time_recovery") {
            self.write_recovery(aws, name, say).await?;
        }
        if changes.touch("tags") || live.wants_mark() {
            self.write_tags(aws, name, live).await?;
        }
        Ok(())
    }

    async fn delete(aws: &Aws, name: &Name, live: &Found<Self>, say: Say<'_>) -> Result<(), CloudError> {
        if live.properties.deletion_protection {
            let lift = aws.dynamodb.update_table().table_name(name.as_str()).deletion_protection_enabled(false);
            change(aws, name, lift, say).await?;
        }
        let call = aws.dynamodb.delete_table().table_name(name.as_str());
        let busy = |error: &CloudError| error.kind == ErrorKind::Busy;
        aws.insist(BUSY, say, busy, async || {
            call.clone().send().await.called_or_absent("dynamodb:DeleteTable", name.as_str())
        })
        .await?;
        aws.until(GONE, say, async || Ok(describe(aws, name).await?.is_none().then_some(()))).await
    }
}

impl Table {
    fn key_schema(&self) -> Result<(Vec<AttributeDefinition>, Vec<KeySchemaElement>), CloudError> {
        let mut definitions = Vec::new();
        let mut schema = Vec::new();
        for part in &self.key {
            // From the right: an attribute's name may have spaces.
            let mut words = part.rsplitn(3, ' ');
            let (kind, role, name) = (words.next(), words.next(), words.next().unwrap_or_default());
            let definition = AttributeDefinition::builder()
                .attribute_name(name)
                .attribute_type(ScalarAttributeType::from(kind.unwrap_or_default()))
                .build();
            let element = KeySchemaElement::builder()
                .attribute_name(name)
                .key_type(KeyType::from(role.unwrap_or_default()))
                .build();
            definitions.push(definition.map_err(|error| malformed("the table's key", error))?);
            schema.push(element.map_err(|error| malformed("the table's key", error))?);
        }
        Ok((definitions, schema))
    }

    /// `None` for a mode that somebody else manages.
    fn billing(&self) -> Result<(Option<BillingMode>, Option<ProvisionedThroughput>), CloudError> {
        let units = |name: &str| self.billing[name].as_i64();
        match (units("read"), units("write")) {
            (Some(read), Some(write)) => {
                let throughput =
                    ProvisionedThroughput::builder().read_capacity_units(read).write_capacity_units(write).build();
                let throughput = throughput.map_err(|error| malformed("the table's capacity", error))?;
                Ok((Some(BillingMode::Provisioned), Some(throughput)))
            }
            _ if self.billing == ON_DEMAND => Ok((Some(BillingMode::PayPerRequest), None)),
            _ => Ok((None, None)),
        }
    }

    /// A new table is encrypted by a key of AWS unless it is told otherwise; `reset` says even that.
    fn sse(&self, reset: bool) -> Option<SseSpecification> {
        let enabled = SseSpecification::builder().enabled(true).sse_type(SseType::Kms);
        match self.encryption.strip_prefix("kms:") {
            Some(key) => Some(enabled.kms_master_key_id(key).build()),
            None if self.encryption == "aws-managed" => Some(enabled.build()),
            None => reset.then(|| SseSpecification::builder().enabled(false).build()),
        }
    }

    async fn note_managed_key(&self, aws: &Aws, name: &Name) -> Result<(), CloudError> {
        if self.encryption != "aws-managed" {
            return Ok(());
        }
        let Some(key) = describe(aws, name).await?.as_ref().and_then(live_key_arn) else { return Ok(()) };
        let note = tag_list(&Tags::from([(format!("pipewright:{MANAGED_KEY}"), key)]))?;
        let call = aws.dynamodb.tag_resource().resource_arn(arn(aws, name)).set_tags(Some(note)).send().await;
        call.called("dynamodb:TagResource", name.as_str()).map(|_| ())
    }

    /// The old attribute is switched off before the new one is switched on.
    async fn write_time_to_live(
        &self,
        aws: &Aws,
        name: &Name,
        live: Option<&str>,
        say: Say<'_>,
    ) -> Result<(), CloudError> {
        for (attribute, enabled) in [(live, false), (self.time_to_live_attribute.as_deref(), true)] {
            let Some(attribute) = attribute else { continue };
            let specification = TimeToLiveSpecification::builder().attribute_name(attribute).enabled(enabled).build();
            let specification = specification.map_err(|error| malformed("the time to live", error))?;
            let call =
                aws.dynamodb.update_time_to_live().table_name(name.as_str()).time_to_live_specification(specification);
            let outcome = aws
                .insist(
                    BUSY,
                    say,
                    |error| error.kind == ErrorKind::Busy,
                    async || call.clone().send().await.called("dynamodb:UpdateTimeToLive", name.as_str()),
                )
                .await;
            outcome.map_err(once_an_hour)?;
        }
        Ok(())
    }

    async fn write_recovery(&self, aws: &Aws, name: &Name, say: Say<'_>) -> Result<(), CloudError> {
        let specification = PointInTimeRecoverySpecification::builder()
            .point_in_time_recovery_enabled(self.point_in_time_recovery)
            .build()
            .map_err(|error| malformed("point-in-time recovery", error))?;
        let call = aws
            .dynamodb
            .update_continuous_backups()
            .table_name(name.as_str())
            .point_in_time_recovery_specification(specification);
        // Right after its creation a table's backups are still being set up.
        let not_yet = |error: &CloudError| {
            error.kind == ErrorKind::Busy || error.code.as_deref() == Some("ContinuousBackupsUnavailableException")
        };
        aws.insist(BUSY, say, not_yet, async || {
            call.clone().send().await.called("dynamodb:UpdateContinuousBackups", name.as_str())
        })
        .await
        .map(|_| ())
    }

    async fn write_tags(&self, aws: &Aws, name: &Name, live: &Found<Self>) -> Result<(), CloudError> {
        let removed = tags::removed(&live.properties.tags, &self.tags);
        if !removed.is_empty() {
            let call =
                aws.dynamodb.untag_resource().resource_arn(arn(aws, name)).set_tag_keys(Some(removed)).send().await;
            call.called("dynamodb:UntagResource", name.as_str())?;
        }
        let written = tag_list(&tags::written(aws, &self.tags))?;
        let call = aws.dynamodb.tag_resource().resource_arn(arn(aws, name)).set_tags(Some(written)).send().await;
        call.called("dynamodb:TagResource", name.as_str()).map(|_| ())
    }
}

fn once_an_hour(error: CloudError) -> CloudError {
    if error.message.contains("multiple times") {
        return error.hint("DynamoDB takes one change of the time to live an hour; apply again later");
    }
    error
}

async fn change(aws: &Aws, name: &Name, call: UpdateTableFluentBuilder, say: Say<'_>) -> Result<(), CloudError> {
    aws.insist(
        BUSY,
        say,
        |error| error.kind == ErrorKind::Busy,
        async || call.clone().send().await.called("dynamodb:UpdateTable", name.as_str()),
    )
    .await?;
    until_active(aws, name, say).await
}

async fn until_active(aws: &Aws, name: &Name, say: Say<'_>) -> Result<(), CloudError> {
    aws.until(ACTIVE, say, async || {
        let status = describe(aws, name).await?.and_then(|table| table.table_status);
        Ok((status == Some(TableStatus::Active)).then_some(()))
    })
    .await
}

/// While its key changes a table stays ACTIVE; only the key's own status tells.
async fn until_encrypted(aws: &Aws, name: &Name, say: Say<'_>) -> Result<(), CloudError> {
    aws.until(ENCRYPTED, say, async || {
        let table = describe(aws, name).await?;
        let status = table.as_ref().and_then(|table| table.sse_description()).and_then(|sse| sse.status());
        Ok((!matches!(status, Some(SseStatus::Enabling | SseStatus::Disabling | SseStatus::Updating))).then_some(()))
    })
    .await
}

fn arn(aws: &Aws, name: &Name) -> String {
    aws.scope.arn("dynamodb", &format!("table/{name}"))
}

fn tag_list(tags: &Tags) -> Result<Vec<Tag>, CloudError> {
    let build = |(key, value): (&String, &String)| Tag::builder().key(key).value(value).build();
    tags.iter().map(build).collect::<Result<_, _>>().map_err(|error| malformed("a tag", error))
}

async fn describe(aws: &Aws, name: &Name) -> Result<Option<TableDescription>, CloudError> {
    let call = aws.dynamodb.describe_table().table_name(name.as_str()).send().await;
    Ok(call.called_or_absent("dynamodb:DescribeTable", name.as_str())?.and_then(|answer| answer.table))
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::types::{BillingModeSummary, SseDescription, TimeToLiveDescription, TimeToLiveStatus};

    use super::live::{found, live_billing, live_expiry};
    use super::*;
    use crate::resources::tests::aws;

    #[test]
    fn a_table_without_billing_summary_is_provisioned() {
        let units = aws_sdk_dynamodb::types::ProvisionedThroughputDescription::builder()
            .read_capacity_units(5)
            .write_capacity_units(6)
            .build();
        let table = TableDescription::builder().provisioned_throughput(units).build();
        assert_eq!(live_billing(&table), json!({ "read": 5, "write": 6 }));
        let summary = BillingModeSummary::builder().billing_mode(BillingMode::PayPerRequest).build();
        let table = TableDescription::builder().billing_mode_summary(summary).build();
        assert_eq!(live_billing(&table), json!("on-demand"));
    }

    #[test]
    fn expiry_that_is_being_switched_on_counts_as_on() {
        let with = |status| {
            live_expiry(
                &TimeToLiveDescription::builder().attribute_name("expires_at").time_to_live_status(status).build(),
            )
        };
        assert_eq!(with(TimeToLiveStatus::Enabling).as_deref(), Some("expires_at"));
        assert_eq!(with(TimeToLiveStatus::Disabling), None);
    }

    #[test]
    fn a_key_that_is_no_longer_used_is_none() {
        let with = |status| {
            let sse = SseDescription::builder().sse_type(SseType::Kms).kms_master_key_arn("arn").status(status).build();
            live_key_arn(&TableDescription::builder().sse_description(sse).build())
        };
        assert_eq!(with(SseStatus::Enabled).as_deref(), Some("arn"));
        assert_eq!(with(SseStatus::Disabled), None);
    }

    #[test]
    fn a_key_s_schema_is_made_from_its_words() {
        let mut table = found(&aws(), &TableDescription::builder().build(), false, None, &Tags::new()).properties;
        table.key = vec!["transaction id HASH S".into()];
        let (definitions, schema) = table.key_schema().unwrap();
        assert_eq!(definitions[0].attribute_name(), "transaction id");
        assert_eq!(schema[0].key_type(), &KeyType::Hash);
    }
}
