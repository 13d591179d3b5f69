//! The table as DynamoDB has it: four calls side by side, what they leave out read as what it means.

use aws_sdk_dynamodb::types::{
    BillingMode, KeySchemaElement, SseStatus, SseType, TableDescription, TableStatus, TimeToLiveDescription,
    TimeToLiveStatus,
};
use serde_json::{Value, json};

use super::{MANAGED_KEY, ON_DEMAND, Table, arn, describe};
use crate::aws::{Aws, Called};
use crate::reconcile::{CloudError, Finding, Name, Severity};
use crate::resources::Found;
use crate::resources::tags::{self, Tags};

pub async fn read_one(aws: &Aws, name: &Name) -> Result<Option<Found<Table>>, CloudError> {
    let recovery = async {
        let call = aws.dynamodb.describe_continuous_backups().table_name(name.as_str()).send().await;
        call.called_or_absent("dynamodb:DescribeContinuousBackups", name.as_str())
    };
    let expiry = async {
        let call = aws.dynamodb.describe_time_to_live().table_name(name.as_str()).send().await;
        call.called_or_absent("dynamodb:DescribeTimeToLive", name.as_str())
    };
    let (table, recovery, expiry, tags) = tokio::join!(describe(aws, name), recovery, expiry, live_tags(aws, name));
    // First: of a table that is not there some of the others say that access is denied.
    let Some(table) = table?.filter(|table| table.table_status != Some(TableStatus::Deleting)) else { return Ok(None) };
    let recovers = recovery?
        .and_then(|answer| answer.continuous_backups_description)
        .and_then(|backups| backups.point_in_time_recovery_description)
        .and_then(|recovery| recovery.point_in_time_recovery_status)
        .is_some_and(|status| status.as_str() == "ENABLED");
    let all_tags = tags?;
    let expiry = expiry?.and_then(|answer| answer.time_to_live_description);
    Ok(Some(found(aws, &table, recovers, expiry.as_ref(), &all_tags)))
}

/// DynamoDB tells them in pages: our mark may stand on any.
async fn live_tags(aws: &Aws, name: &Name) -> Result<Tags, CloudError> {
    let mut tags = Tags::new();
    let mut from = None;
    loop {
        let call = aws.dynamodb.list_tags_of_resource().resource_arn(arn(aws, name)).set_next_token(from).send().await;
        let Some(page) = call.called_or_absent("dynamodb:ListTagsOfResource", name.as_str())? else { break };
        tags.extend(page.tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)));
        from = page.next_token;
        if from.is_none() {
            break;
        }
    }
    Ok(tags)
}

pub fn found(
    aws: &Aws,
    table: &TableDescription,
    point_in_time_recovery: bool,
    expiry: Option<&TimeToLiveDescription>,
    all_tags: &Tags,
) -> Found<Table> {
    let parts = tags::read(aws, all_tags);
    let (kept, finding) = tags::foreign(&parts);
    let properties = Table {
        key: live_key(table),
        billing: live_billing(table),
        time_to_live_attribute: expiry.and_then(live_expiry),
        point_in_time_recovery,
        deletion_protection: table.deletion_protection_enabled().unwrap_or_default(),
        encryption: live_encryption(table, parts.notes.get(MANAGED_KEY)),
        tags: parts.managed,
    };
    let mut found = Found::new(tags::owner(aws, all_tags), properties);
    found.kept = json!({ "tags": kept });
    found.findings.extend(finding);
    let items = table.item_count().unwrap_or_default();
    found.observe("items", items);
    found.observe("status", json!(table.table_status().map(TableStatus::as_str)));
    let noun = if items == 1 { "item" } else { "items" };
    found.holds = Some(format!("{items} {noun} (AWS counts every 6 hours)"));
    if let Some(status) = table.table_status().filter(|status| **status != TableStatus::Active) {
        let message = format!("the table is {}: DynamoDB takes no change until it is ACTIVE", status.as_str());
        found.findings.push(Finding::new(Severity::Note, "table-busy", message));
    }
    found
}

fn live_key(table: &TableDescription) -> Vec<String> {
    let kind_of = |name: &str| {
        let definition = table.attribute_definitions().iter().find(|definition| definition.attribute_name() == name);
        definition.map_or("?", |definition| definition.attribute_type().as_str())
    };
    let word = |part: &KeySchemaElement| {
        format!("{} {} {}", part.attribute_name(), part.key_type().as_str(), kind_of(part.attribute_name()))
    };
    table.key_schema().iter().map(word).collect()
}

/// Without a billing summary a table has always been provisioned.
pub fn live_billing(table: &TableDescription) -> Value {
    let mode = table.billing_mode_summary().and_then(|summary| summary.billing_mode());
    if mode == Some(&BillingMode::PayPerRequest) {
        return json!(ON_DEMAND);
    }
    let units = table.provisioned_throughput();
    json!({
        "read": units.and_then(|units| units.read_capacity_units()).unwrap_or_default(),
        "write": units.and_then(|units| units.write_capacity_units()).unwrap_or_default(),
    })
}

/// What is being switched on counts as on.
pub fn live_expiry(expiry: &TimeToLiveDescription) -> Option<String> {
    let status = expiry.time_to_live_status()?;
    let on = matches!(status, TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling);
    on.then(|| expiry.attribute_name().map(str::to_owned)).flatten()
}

/// A key that AWS owns shows nothing. The account's AWS-managed key looks like any other: we noted which one it is.
fn live_encryption(table: &TableDescription, managed_key: Option<&String>) -> String {
    match live_key_arn(table) {
        Some(key) if Some(&key) == managed_key => "aws-managed".into(),
        Some(key) => format!("kms:{key}"),
        None => "aws-owned".into(),
    }
}

pub fn live_key_arn(table: &TableDescription) -> Option<String> {
    let description = table.sse_description().filter(|sse| sse.sse_type() == Some(&SseType::Kms))?;
    // A key that is no longer used may still be described.
    if description.status() == Some(&SseStatus::Disabled) {
        return None;
    }
    Some(description.kms_master_key_arn().unwrap_or("alias/aws/dynamodb").to_owned())
}
