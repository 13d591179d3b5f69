//! The function's role with its one inline policy: what the processor and the queue's poller need, and nothing else.

use std::collections::BTreeSet;

use aws_sdk_iam::types::Tag;
use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::policy;
use super::tags::{self, Tags};
use super::{Blueprint, Found, Planned, Resource, Survey};
use crate::aws::error::malformed;
use crate::aws::{Aws, Called};
use crate::config::names::KmsKey;
use crate::config::pipeline::{QueueEncryption, TableEncryption};
use crate::reconcile::{Address, Changes, CloudError, Finding, Kind, Name, Owner, Property, Say, Severity, Trait};

/// The managed properties of a role.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Role {
    /// Marks the role as ours, and is part of its ARN.
    pub path: String,
    pub description: String,
    /// Who may assume it.
    pub trust: Value,
    /// The inline policy `pipewright`.
    pub policy: Option<Value>,
    /// The ARN of the managed policy that bounds it.
    pub permissions_boundary: Option<String>,
    pub tags: Tags,
}

/// The name of the one inline policy.
const INLINE: &str = "pipewright";
const REGION_TAG: &str = "region";
const DESCRIPTION: &str = "The processor of a pipewright pipeline";

impl Resource for Role {
    const KIND: Kind = Kind::Role;
    const UNUSUAL: &'static [Property] = &[
        Property { path: "path", is: Trait::Immutable, why: "a role's path is part of its ARN, fixed at its creation" },
        Property { path: "trust", is: Trait::Json, why: "" },
        Property { path: "policy", is: Trait::Json, why: "" },
        Property { path: "policy", is: Trait::Room(policy::widest), why: "" },
    ];

    fn desired(blueprint: &Blueprint<'_>) -> Vec<Planned<Self>> {
        let role = &blueprint.pipeline.role;
        let properties = Self {
            path: blueprint.pipeline.role_path(),
            description: DESCRIPTION.into(),
            trust: policy::policy(vec![json!({
                "Effect": "Allow", "Principal": { "Service": ["lambda.amazonaws.com"] }, "Action": "sts:AssumeRole",
            })]),
            policy: Some(policy::policy(statements(blueprint))),
            permissions_boundary: role.permissions_boundary.as_ref().map(ToString::to_string),
            tags: blueprint.tags(),
        };
        vec![Planned { name: blueprint.role().name.to_string(), properties, after: referred(blueprint) }]
    }

    /// By path: the tagging API does not know roles. Other regions' are among them; their tags tell.
    async fn candidates(aws: &Aws, _survey: &Survey, _wanted: &BTreeSet<Name>) -> Result<BTreeSet<Name>, CloudError> {
        let path = path_of(&aws.pipeline);
        let mut pages = aws.iam.list_roles().path_prefix(&path).into_paginator().send();
        let mut names = BTreeSet::new();
        while let Some(page) = pages.next().await {
            let page = page.called("iam:ListRoles", &path)?;
            names.extend(page.roles.into_iter().map(|role| Name::new(role.role_name)));
        }
        Ok(names)
    }

    async fn read(aws: &Aws, names: &[Name]) -> Result<Vec<Option<Found<Self>>>, CloudError> {
        try_join_all(names.iter().map(|name| read_one(aws, name))).await
    }

    async fn create(&self, aws: &Aws, name: &Name, _say: Say<'_>) -> Result<(), CloudError> {
        let call = aws
            .iam
            .create_role()
            .role_name(name.as_str())
            .path(&self.path)
            .description(&self.description)
            .assume_role_policy_document(self.trust.to_string())
            .set_permissions_boundary(self.permissions_boundary.clone())
            .set_tags(Some(tag_list(&self.written_tags(aws))?))
            .send()
            .await;
        call.called("iam:CreateRole", name.as_str())?;
        self.write_policy(aws, name).await
    }

    async fn update(
        &self,
        aws: &Aws,
        name: &Name,
        live: &Found<Self>,
        changes: &Changes,
        _say: Say<'_>,
    ) -> Result<(), CloudError> {
        let role = name.as_str();
        if changes.touch("description") {
            let call = aws.iam.update_role().role_name(role).description(&self.description).send().await;
            call.called("iam:UpdateRole", role)?;
        }
        if changes.touch("trust") {
            let document = self.trust.to_string();
            let call = aws.iam.update_assume_role_policy().role_name(role).policy_document(document).send().await;
            call.called("iam:UpdateAssumeRolePolicy", role)?;
        }
        if changes.touch("policy") {
            self.write_policy(aws, name).await?;
        }
        if changes.touch("permissions_boundary") {
            self.write_boundary(aws, role).await?;
        }
        if changes.touch("tags") || live.wants_mark() {
            let removed = tags::removed(&live.properties.tags, &self.tags);
            if !removed.is_empty() {
                let call = aws.iam.untag_role().role_name(role).set_tag_keys(Some(removed)).send().await;
                call.called("iam:UntagRole", role)?;
            }
            let written = tag_list(&self.written_tags(aws))?;
            let call = aws.iam.tag_role().role_name(role).set_tags(Some(written)).send().await;
            call.called("iam:TagRole", role)?;
        }
        Ok(())
    }

    /// Detaches what is attached and deletes what is inline first: IAM refuses otherwise.
    async fn delete(aws: &Aws, name: &Name, _live: &Found<Self>, _say: Say<'_>) -> Result<(), CloudError> {
        let role = name.as_str();
        for policy in attached(aws, role).await? {
            let call = aws.iam.detach_role_policy().role_name(role).policy_arn(policy).send().await;
            call.called_or_absent("iam:DetachRolePolicy", role)?;
        }
        for policy in inline(aws, role).await? {
            let call = aws.iam.delete_role_policy().role_name(role).policy_name(policy).send().await;
            call.called_or_absent("iam:DeleteRolePolicy", role)?;
        }
        aws.iam.delete_role().role_name(role).send().await.called_or_absent("iam:DeleteRole", role).map(|_| ())
    }
}

impl Role {
    /// Roles are global: the tag says for which region this one is.
    fn written_tags(&self, aws: &Aws) -> Tags {
        let mut all = tags::written(aws, &self.tags);
        all.insert(format!("pipewright:{REGION_TAG}"), aws.scope.region.clone());
        all
    }

    async fn write_policy(&self, aws: &Aws, name: &Name) -> Result<(), CloudError> {
        let Some(policy) = &self.policy else { return Ok(()) };
        let call = aws.iam.put_role_policy().role_name(name.as_str()).policy_name(INLINE);
        let call = call.policy_document(policy.to_string()).send().await;
        call.called("iam:PutRolePolicy", name.as_str()).map(|_| ())
    }

    async fn write_boundary(&self, aws: &Aws, role: &str) -> Result<(), CloudError> {
        match &self.permissions_boundary {
            Some(boundary) => {
                let call = aws.iam.put_role_permissions_boundary().role_name(role).permissions_boundary(boundary);
                call.send().await.called("iam:PutRolePermissionsBoundary", role).map(|_| ())
            }
            None => {
                let call = aws.iam.delete_role_permissions_boundary().role_name(role).send().await;
                call.called_or_absent("iam:DeleteRolePermissionsBoundary", role).map(|_| ())
            }
        }
    }
}

fn path_of(pipeline: &str) -> String {
    format!("/pipewright/{pipeline}/")
}

/// What the policy names: IAM takes ARNs of what does not exist, but a role is complete only with what it opens.
fn referred(blueprint: &Blueprint<'_>) -> Vec<Address> {
    let mut addresses = vec![blueprint.queue(), blueprint.quarantine(), blueprint.table(), blueprint.log_group()];
    addresses.extend(blueprint.pipeline.processing.large_order.as_ref().map(|large| blueprint.topic(&large.notify)));
    addresses
}

/// The poller's actions are those of AWS's managed policy AWSLambdaSQSQueueExecutionRole; the rest is what the processor
/// calls.
fn statements(blueprint: &Blueprint<'_>) -> Vec<Value> {
    let allow = |sid: &str, actions: &[&str], resource: Value| json!({ "Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resource });
    let mut statements = vec![
        allow(
            "Logs",
            &["logs:CreateLogStream", "logs:PutLogEvents"],
            json!(format!("{}:*", blueprint.log_group_arn())),
        ),
        allow(
            "Poll",
            &["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"],
            json!(blueprint.queue_arn(&blueprint.queue())),
        ),
        allow("Store", &["dynamodb:PutItem", "dynamodb:UpdateItem"], json!(blueprint.table_arn())),
        allow("Quarantine", &["sqs:SendMessage"], json!(blueprint.queue_arn(&blueprint.quarantine()))),
    ];
    if let Some(topic) = blueprint.large_orders_arn() {
        statements.push(allow("Announce", &["sns:Publish"], json!(topic)));
    }
    if blueprint.pipeline.function.tracing {
        statements.push(allow("Trace", &["xray:PutTelemetryRecords", "xray:PutTraceSegments"], json!("*")));
    }
    statements.extend(keys(blueprint).iter().enumerate().map(|(index, key)| use_key(blueprint, index, key)));
    statements.extend(blueprint.pipeline.role.extra_statements.iter().map(policy::from_file));
    statements
}

/// The customer's keys that encrypt what the processor reads and writes.
fn keys(blueprint: &Blueprint<'_>) -> BTreeSet<String> {
    let pipeline = blueprint.pipeline;
    let queue = match &pipeline.queue.encryption {
        QueueEncryption::Kms(key) => Some(key),
        QueueEncryption::Sqs => None,
    };
    let table = match &pipeline.table.encryption {
        TableEncryption::Kms(key) => Some(key),
        TableEncryption::AwsOwned | TableEncryption::AwsManaged => None,
    };
    let topic = pipeline.processing.large_order.as_ref().and_then(|large| pipeline.topics.get(&large.notify));
    let topic = topic.and_then(|topic| topic.encryption_key.as_ref());
    [queue, table, topic].into_iter().flatten().map(KmsKey::to_string).collect()
}

fn use_key(blueprint: &Blueprint<'_>, index: usize, key: &str) -> Value {
    let mut statement = json!({
        "Sid": format!("Key{}", index + 1), "Effect": "Allow", "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
    });
    // IAM knows keys by id only; an alias is a condition on every key of its account. What is asked for is compared, not
    // how it was asked: SQS decrypts on the role's behalf without naming the alias.
    let (resource, condition) = match key.split_once("alias/") {
        Some((arn, name)) => {
            let keys = if arn.is_empty() { blueprint.scope.arn("kms", "key/*") } else { format!("{arn}key/*") };
            let alias = format!("alias/{name}");
            (keys, Some(json!({ "ForAnyValue:StringEquals": { "kms:ResourceAliases": alias } })))
        }
        None if key.starts_with("arn:") => (key.to_owned(), None),
        None => (blueprint.scope.arn("kms", &format!("key/{key}")), None),
    };
    statement["Resource"] = json!(resource);
    if let Some(condition) = condition {
        statement["Condition"] = condition;
    }
    statement
}

fn tag_list(tags: &Tags) -> Result<Vec<Tag>, CloudError> {
    let build = |(key, value): (&String, &String)| Tag::builder().key(key).value(value).build();
    tags.iter().map(build).collect::<Result<_, _>>().map_err(|error| malformed("a tag", error))
}

async fn attached(aws: &Aws, role: &str) -> Result<Vec<String>, CloudError> {
    let call = aws.iam.list_attached_role_policies().role_name(role).send().await;
    let answer = call.called_or_absent("iam:ListAttachedRolePolicies", role)?;
    let policies = answer.and_then(|answer| answer.attached_policies).unwrap_or_default();
    Ok(policies.into_iter().filter_map(|policy| policy.policy_arn).collect())
}

async fn inline(aws: &Aws, role: &str) -> Result<Vec<String>, CloudError> {
    let call = aws.iam.list_role_policies().role_name(role).send().await;
    Ok(call.called_or_absent("iam:ListRolePolicies", role)?.map(|answer| answer.policy_names).unwrap_or_default())
}

async fn read_one(aws: &Aws, name: &Name) -> Result<Option<Found<Role>>, CloudError> {
    let role = name.as_str();
    let get = async { aws.iam.get_role().role_name(role).send().await.called_or_absent("iam:GetRole", role) };
    let policy = async {
        let call = aws.iam.get_role_policy().role_name(role).policy_name(INLINE).send().await;
        call.called_or_absent("iam:GetRolePolicy", role)
    };
    let (get, policy, attached, inline) = tokio::try_join!(get, policy, attached(aws, role), inline(aws, role))?;
    let Some(live) = get.and_then(|answer| answer.role) else { return Ok(None) };
    let all_tags: Tags = live.tags().iter().map(|tag| (tag.key.clone(), tag.value.clone())).collect();
    let parts = tags::read(aws, &all_tags);
    let (kept, finding) = tags::foreign(&parts);
    let elsewhere = parts.notes.get(REGION_TAG).is_some_and(|region| *region != aws.scope.region);
    let owner = match tags::owner(aws, &all_tags) {
        // Made, and killed before it was tagged: the path says enough.
        Owner::Foreign { pipeline: None } if live.path() == path_of(&aws.pipeline) => Owner::Ours,
        Owner::Ours if elsewhere => Owner::Foreign { pipeline: Some(aws.pipeline.clone()) },
        owner => owner,
    };
    let boundary = live.permissions_boundary().and_then(|boundary| boundary.permissions_boundary_arn());
    let mut found = Found::new(
        owner,
        Role {
            path: live.path.clone(),
            description: live.description.clone().unwrap_or_default(),
            trust: parse(live.assume_role_policy_document()).unwrap_or(Value::Null),
            policy: policy.and_then(|answer| parse(Some(answer.policy_document()))),
            permissions_boundary: boundary.map(str::to_owned),
            tags: parts.managed,
        },
    );
    found.kept = json!({ "tags": kept });
    found.findings.extend(finding);
    let others: Vec<String> = attached.into_iter().chain(inline.into_iter().filter(|name| name != INLINE)).collect();
    if !others.is_empty() {
        let message = format!("the role has policies that are not in the file: `{}`", others.join("`, `"));
        let hint = "detach them, or say what they allow under `role.extra_statements`";
        found.findings.push(Finding::new(Severity::Warning, "foreign-policies", message).hint(hint));
    }
    Ok(Some(found))
}

/// IAM gives its documents URL-encoded.
fn parse(document: Option<&str>) -> Option<Value> {
    let decoded = decode(document?);
    serde_json::from_str(&decoded).ok().map(|policy| policy::canonical(&policy))
}

fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escaped = text.get(at + 1..at + 3).filter(|_| bytes[at] == b'%');
        match escaped.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                decoded.push(byte);
                at += 3;
            }
            None => {
                decoded.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_read_with_and_without_url_encoding() {
        let plain = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole"}]}"#;
        let encoded: String = plain
            .bytes()
            .map(|byte| if byte.is_ascii_alphanumeric() { (byte as char).to_string() } else { format!("%{byte:02X}") })
            .collect();
        assert_eq!(parse(Some(&encoded)), parse(Some(plain)));
        assert!(parse(Some(plain)).is_some());
    }

    #[test]
    fn a_stray_percent_sign_stays() {
        assert_eq!(decode("100%"), "100%");
        assert_eq!(decode("%zz%41"), "%zzA");
        assert_eq!(decode("%é"), "%é");
    }
}
