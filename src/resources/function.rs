//! The Lambda function: its code by identity, its configuration, its environment whole.
//!
//! Code is compared by what it was built from, not by bytes: two machines build two binaries from one source. Two tags
//! hold the identity of the code and the CodeSha256 it gave; a live CodeSha256 that differs from its tag means that
//! somebody uploaded other code.

mod live;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{
    Architecture, Environment, EphemeralStorage, FunctionCode, LastUpdateStatus, LogFormat, LoggingConfig, Runtime,
    State, TracingConfig, TracingMode,
};
use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize};

use live::read_one;

use super::event_source_mapping::pause;
use super::tags::{self, Tags};
use super::{Blueprint, Found, Planned, Resource, Survey, as_i32};
use crate::aws::patience::Wait;
use crate::aws::{Aws, Called};
use crate::config::pipeline as file;
use crate::package;
use crate::reconcile::{Changes, CloudError, ErrorKind, Kind, Name, Property, Say, Trait};

/// The managed properties of the function.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Function {
    /// `sources:<digest>`, `zip:<CodeSha256>`, or `unknown:<CodeSha256>` for code that somebody else uploaded.
    pub code: String,
    pub description: String,
    pub runtime: String,
    pub handler: String,
    pub architecture: String,
    pub role_arn: String,
    pub memory_mib: u64,
    pub timeout_seconds: u64,
    pub ephemeral_storage_mib: u64,
    pub tracing: bool,
    pub log_group: String,
    pub log_format: String,
    pub environment: BTreeMap<String, String>,
    /// Absent: the account's shared pool.
    pub reserved_concurrency: Option<u64>,
    pub tags: Tags,
}

/// The properties that UpdateFunctionConfiguration does not write.
const NOT_CONFIGURATION: [&str; 4] = ["code", "architecture", "reserved_concurrency", "tags"];
/// Code and configuration are written one after the other: a new handler finds old code, or the other way round.
const STOPS: &str =
    "no message is taken while its runtime changes: the mapping is paused, running invocations finish, then it goes on";
const RUNTIME: &str = "provided.al2023";
const SOURCE_TAG: &str = "code";
const SHA_TAG: &str = "code-sha256";
const MIB: u64 = 1_048_576;

const ASSUMABLE: Wait<'_> = Wait { reason: "until the role can be assumed", limit: Duration::from_secs(60) };
const READY: Wait<'_> = Wait { reason: "until the function is ready", limit: Duration::from_secs(300) };
const WRITABLE: Wait<'_> = Wait { reason: "until the function takes another change", limit: Duration::from_secs(120) };

impl Resource for Function {
    const KIND: Kind = Kind::Function;
    const UNUSUAL: &'static [Property] = &[
        Property { path: "environment", is: Trait::Sensitive, why: "" },
        Property { path: "runtime", is: Trait::Interrupts, why: STOPS },
        Property { path: "handler", is: Trait::Interrupts, why: STOPS },
    ];

    fn desired(blueprint: &Blueprint<'_>) -> Vec<Planned<Self>> {
        let function = &blueprint.pipeline.function;
        let properties = Self {
            code: blueprint.code.to_owned(),
            description: format!("Processes the transactions of `{}`", blueprint.pipeline.id()),
            runtime: RUNTIME.into(),
            handler: "bootstrap".into(),
            architecture: architecture_word(function.architecture).into(),
            role_arn: blueprint.role_arn(),
            memory_mib: function.memory.get() / MIB,
            timeout_seconds: function.timeout.get(),
            ephemeral_storage_mib: function.ephemeral_storage.get() / MIB,
            tracing: function.tracing,
            log_group: blueprint.log_group().name.to_string(),
            // Lambda's own level filter, which JSON switches on, can drop metrics: the processor filters by itself.
            log_format: LogFormat::Text.as_str().into(),
            environment: environment(blueprint),
            reserved_concurrency: function.reserved_concurrency.map(|count| count.get()),
            tags: blueprint.tags(),
        };
        let mut after = vec![blueprint.role(), blueprint.log_group(), blueprint.table(), blueprint.quarantine()];
        after.extend(blueprint.pipeline.processing.large_order.as_ref().map(|large| blueprint.topic(&large.notify)));
        // A message sent to a queue that hides messages shorter than the function runs is processed twice.
        after.push(blueprint.queue());
        vec![Planned { name: blueprint.function().name.to_string(), properties, after }]
    }

    async fn candidates(aws: &Aws, survey: &Survey, _wanted: &BTreeSet<Name>) -> Result<BTreeSet<Name>, CloudError> {
        let names = survey.marked(aws, "lambda", "function:").await?;
        Ok(names.into_iter().filter(|name| !name.contains(':')).map(Name::new).collect())
    }

    async fn read(aws: &Aws, names: &[Name]) -> Result<Vec<Option<Found<Self>>>, CloudError> {
        try_join_all(names.iter().map(|name| read_one(aws, name))).await
    }

    async fn create(&self, aws: &Aws, name: &Name, say: Say<'_>) -> Result<(), CloudError> {
        let zip = zip(aws, say).await?;
        let mut written = tags::written(aws, &self.tags);
        written.extend(self.code_tags(&package::code_sha256(&zip)));
        let call = aws
            .lambda
            .create_function()
            .function_name(name.as_str())
            .code(FunctionCode::builder().zip_file(Blob::new(zip)).build())
            .architectures(Architecture::from(self.architecture.as_str()))
            .runtime(Runtime::from(self.runtime.as_str()))
            .handler(&self.handler)
            .role(&self.role_arn)
            .description(&self.description)
            .memory_size(as_i32(self.memory_mib))
            .timeout(as_i32(self.timeout_seconds))
            .ephemeral_storage(self.storage()?)
            .tracing_config(self.tracing_config())
            .logging_config(self.logging_config())
            .environment(self.variables())
            .set_tags(Some(written.into_iter().collect()));
        let created = aws
            .insist(ASSUMABLE, say, is_not_assumable_yet, async || {
                call.clone().send().await.called("lambda:CreateFunction", name.as_str())
            })
            .await;
        if let Err(error) = created {
            return Err(if error.kind == ErrorKind::TimedOut {
                explain_trust(aws, &self.role_arn, error).await
            } else {
                error
            });
        }
        until_ready(aws, name, say).await?;
        self.write_concurrency(aws, name).await
    }

    async fn update(
        &self,
        aws: &Aws,
        name: &Name,
        live: &Found<Self>,
        changes: &Changes,
        say: Say<'_>,
    ) -> Result<(), CloudError> {
        if changes.touch("runtime") || changes.touch("handler") {
            let timeout = Duration::from_secs(live.properties.timeout_seconds);
            let function = pause::Function { name, timeout, adopted: live.wants_mark() };
            pause::while_stopped(aws, &function, say, async || self.write(aws, name, live, changes, say).await).await?;
        } else {
            self.write(aws, name, live, changes, say).await?;
        }
        if changes.touch("reserved_concurrency") {
            self.write_concurrency(aws, name).await?;
        }
        if changes.touch("tags") || live.wants_mark() {
            let removed = tags::removed(&live.properties.tags, &self.tags);
            if !removed.is_empty() {
                let call =
                    aws.lambda.untag_resource().resource(arn(aws, name)).set_tag_keys(Some(removed)).send().await;
                call.called("lambda:UntagResource", name.as_str())?;
            }
            write_tags(aws, name, tags::written(aws, &self.tags)).await?;
        }
        Ok(())
    }

    async fn delete(aws: &Aws, name: &Name, _live: &Found<Self>, say: Say<'_>) -> Result<(), CloudError> {
        let busy = |error: &CloudError| error.kind == ErrorKind::Busy;
        aws.insist(WRITABLE, say, busy, async || {
            let call = aws.lambda.delete_function().function_name(name.as_str()).send().await;
            call.called_or_absent("lambda:DeleteFunction", name.as_str())
        })
        .await
        .map(|_| ())
    }
}

impl Function {
    /// Code first, then configuration: one writer, and a wait between. Each write names the revision it builds on.
    async fn write(
        &self,
        aws: &Aws,
        name: &Name,
        live: &Found<Self>,
        changes: &Changes,
        say: Say<'_>,
    ) -> Result<(), CloudError> {
        let mut revision = live.kept["revision"].as_str().map(str::to_owned);
        if changes.touch("code") || changes.touch("architecture") {
            revision = self.write_code(aws, name, revision, say).await?;
        }
        if changes.touch_other_than(&NOT_CONFIGURATION) {
            self.write_configuration(aws, name, revision, say).await?;
            until_ready(aws, name, say).await?;
        }
        Ok(())
    }

    fn code_tags(&self, sha256: &str) -> Tags {
        let tag = |name: &str, value: &str| (format!("pipewright:{name}"), value.to_owned());
        Tags::from([tag(SOURCE_TAG, &self.code), tag(SHA_TAG, sha256)])
    }

    /// An environment without variables would keep the old ones, so the map is always sent.
    fn variables(&self) -> Environment {
        let variables: HashMap<_, _> = self.environment.clone().into_iter().collect();
        Environment::builder().set_variables(Some(variables)).build()
    }

    fn storage(&self) -> Result<EphemeralStorage, CloudError> {
        let built = EphemeralStorage::builder().size(as_i32(self.ephemeral_storage_mib)).build();
        built.map_err(|error| crate::aws::error::malformed("the ephemeral storage", error))
    }

    fn tracing_config(&self) -> TracingConfig {
        let mode = if self.tracing { TracingMode::Active } else { TracingMode::PassThrough };
        TracingConfig::builder().mode(mode).build()
    }

    fn logging_config(&self) -> LoggingConfig {
        let format = LogFormat::from(self.log_format.as_str());
        LoggingConfig::builder().log_format(format).log_group(&self.log_group).build()
    }

    /// The new revision.
    async fn write_code(
        &self,
        aws: &Aws,
        name: &Name,
        revision: Option<String>,
        say: Say<'_>,
    ) -> Result<Option<String>, CloudError> {
        let zip = zip(aws, say).await?;
        let sha256 = package::code_sha256(&zip);
        let call = aws
            .lambda
            .update_function_code()
            .function_name(name.as_str())
            .architectures(Architecture::from(self.architecture.as_str()))
            .zip_file(Blob::new(zip))
            .set_revision_id(revision);
        let busy = |error: &CloudError| error.kind == ErrorKind::Busy;
        aws.insist(WRITABLE, say, busy, async || {
            call.clone().send().await.called("lambda:UpdateFunctionCode", name.as_str()).map_err(changed)
        })
        .await?;
        until_ready(aws, name, say).await?;
        write_tags(aws, name, self.code_tags(&sha256)).await?;
        // Asked last: whatever changes the revision has done so.
        until_ready(aws, name, say).await
    }

    async fn write_configuration(
        &self,
        aws: &Aws,
        name: &Name,
        revision: Option<String>,
        say: Say<'_>,
    ) -> Result<(), CloudError> {
        let call = aws
            .lambda
            .update_function_configuration()
            .function_name(name.as_str())
            .set_revision_id(revision)
            .runtime(Runtime::from(self.runtime.as_str()))
            .handler(&self.handler)
            .role(&self.role_arn)
            .description(&self.description)
            .memory_size(as_i32(self.memory_mib))
            .timeout(as_i32(self.timeout_seconds))
            .ephemeral_storage(self.storage()?)
            .tracing_config(self.tracing_config())
            .logging_config(self.logging_config())
            .environment(self.variables());
        let passing = |error: &CloudError| error.kind == ErrorKind::Busy || is_not_assumable_yet(error);
        aws.insist(WRITABLE, say, passing, async || {
            call.clone().send().await.called("lambda:UpdateFunctionConfiguration", name.as_str()).map_err(changed)
        })
        .await
        .map(|_| ())
    }

    async fn write_concurrency(&self, aws: &Aws, name: &Name) -> Result<(), CloudError> {
        match self.reserved_concurrency {
            Some(count) => {
                let call = aws.lambda.put_function_concurrency().function_name(name.as_str());
                let call = call.reserved_concurrent_executions(as_i32(count)).send().await;
                call.called("lambda:PutFunctionConcurrency", name.as_str()).map(|_| ())
            }
            None => {
                let call = aws.lambda.delete_function_concurrency().function_name(name.as_str()).send().await;
                call.called_or_absent("lambda:DeleteFunctionConcurrency", name.as_str()).map(|_| ())
            }
        }
    }
}

/// What the processor is told, and what the file adds.
fn environment(blueprint: &Blueprint<'_>) -> BTreeMap<String, String> {
    let topic = blueprint.large_orders_arn().unwrap_or_default();
    let settings = blueprint.pipeline.settings(&topic, &blueprint.queue_url(&blueprint.quarantine()));
    let mut variables = settings.to_environment();
    let added = &blueprint.pipeline.function.environment;
    variables.extend(added.iter().map(|(name, value)| (name.to_string(), value.clone())));
    variables
}

fn architecture_word(architecture: file::Architecture) -> &'static str {
    match architecture {
        file::Architecture::X86_64 => "x86_64",
        file::Architecture::Arm64 => "arm64",
    }
}

fn arn(aws: &Aws, name: &Name) -> String {
    aws.scope.arn("lambda", &format!("function:{name}"))
}

async fn zip(aws: &Aws, say: Say<'_>) -> Result<Vec<u8>, CloudError> {
    let artifact = aws.artifact.as_ref().ok_or_else(|| {
        CloudError::new(ErrorKind::Local, "the function's code is needed, but nothing says where it comes from")
    })?;
    if !artifact.is_ready() {
        say("until the processor is built");
    }
    artifact.zip().await.map_err(|error| CloudError::new(ErrorKind::Local, error.to_string()))
}

async fn write_tags(aws: &Aws, name: &Name, written: Tags) -> Result<(), CloudError> {
    let written = written.into_iter().collect();
    let call = aws.lambda.tag_resource().resource(arn(aws, name)).set_tags(Some(written)).send().await;
    call.called("lambda:TagResource", name.as_str()).map(|_| ())
}

/// A role that was just made takes some seconds to reach Lambda.
pub fn is_not_assumable_yet(error: &CloudError) -> bool {
    let refused = error.code.as_deref() == Some("InvalidParameterValueException");
    refused && (error.message.contains("assume") || error.message.contains("does not have permissions"))
}

/// A write that named an outdated revision: somebody else was here.
fn changed(error: CloudError) -> CloudError {
    if error.code.as_deref() == Some("PreconditionFailedException") {
        return CloudError { kind: ErrorKind::ChangedSincePlan, ..error }
            .hint("somebody else changed the function meanwhile: plan again, and look at what changed");
    }
    error
}

/// After a minute it is not the delay: show the trust policy that IAM has.
async fn explain_trust(aws: &Aws, role_arn: &str, error: CloudError) -> CloudError {
    let role = role_arn.rsplit('/').next().unwrap_or(role_arn);
    let answer = aws.iam.get_role().role_name(role).send().await.called("iam:GetRole", role);
    let trust = match &answer {
        Ok(answer) => answer.role().and_then(|role| role.assume_role_policy_document()).unwrap_or("(none)").to_owned(),
        Err(error) => format!("(not readable: {})", error.message),
    };
    let hint = format!(
        "the role `{role}` must be assumable by lambda.amazonaws.com; its trust policy now (URL-encoded): {trust}"
    );
    error.hint(hint)
}

/// Waits until the last write has taken effect; the function's revision then.
async fn until_ready(aws: &Aws, name: &Name, say: Say<'_>) -> Result<Option<String>, CloudError> {
    aws.until(READY, say, async || {
        let call = aws.lambda.get_function_configuration().function_name(name.as_str()).send().await;
        let Some(now) = call.called_or_absent("lambda:GetFunctionConfiguration", name.as_str())? else {
            return Ok(None);
        };
        if now.state() == Some(&State::Failed) || now.last_update_status() == Some(&LastUpdateStatus::Failed) {
            let reason = now.last_update_status_reason().or(now.state_reason()).unwrap_or("no reason given");
            return Err(CloudError::new(
                ErrorKind::Refused,
                format!("the function `{name}` failed to update: {reason}"),
            ));
        }
        let busy =
            now.state() == Some(&State::Pending) || now.last_update_status() == Some(&LastUpdateStatus::InProgress);
        Ok((!busy).then(|| now.revision_id.clone()))
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::live::live_code;
    use super::*;

    #[test]
    fn live_code_is_known_by_its_tags_only_while_they_fit_it() {
        let notes = Tags::from([(SOURCE_TAG.into(), "sources:abc".into()), (SHA_TAG.into(), "sha".into())]);
        assert_eq!(live_code(Some("sha"), &notes), "sources:abc");
        assert_eq!(live_code(Some("other"), &notes), "unknown:other");
        assert_eq!(live_code(Some("sha"), &Tags::new()), "zip:sha");
    }

    #[test]
    fn only_the_refusals_of_a_fresh_role_are_waited_out() {
        let refused = |code: &str, message: &str| CloudError {
            code: Some(code.into()),
            ..CloudError::new(ErrorKind::Refused, message)
        };
        let code = "InvalidParameterValueException";
        assert!(is_not_assumable_yet(&refused(code, "The role defined for the function cannot be assumed by Lambda.")));
        assert!(!is_not_assumable_yet(&refused(code, "Unzipped size must be smaller than 262144000 bytes")));
        assert!(!is_not_assumable_yet(&refused("AccessDenied", "cannot be assumed")));
    }
}
