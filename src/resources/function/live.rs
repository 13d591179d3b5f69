//! The function as Lambda has it: one call tells configuration, tags and concurrency.

use aws_sdk_lambda::operation::get_function::GetFunctionOutput;
use aws_sdk_lambda::types::{Architecture, FunctionConfiguration, LogFormat, Runtime, State, TracingMode};
use serde_json::{Value, json};

use super::{Function, SHA_TAG, SOURCE_TAG};
use crate::aws::{Aws, Called};
use crate::reconcile::{CloudError, ErrorKind, Finding, Name, Severity};
use crate::resources::tags::{self, Tags};
use crate::resources::{Found, as_u64};

pub async fn read_one(aws: &Aws, name: &Name) -> Result<Option<Found<Function>>, CloudError> {
    let call = aws.lambda.get_function().function_name(name.as_str()).send().await;
    let answer = call.called_or_absent("lambda:GetFunction", name.as_str())?;
    // Without its tags our own function would look like somebody else's.
    if let Some(error) = answer.as_ref().and_then(|answer| answer.tags_error()) {
        let message = format!("not allowed: lambda:ListTags on `{name}`: {} ({})", error.message(), error.error_code());
        return Err(CloudError::new(ErrorKind::Denied, message)
            .hint("the identity that runs pipewright needs `lambda:ListTags`"));
    }
    Ok(answer.and_then(|answer| found(aws, &answer)))
}

fn found(aws: &Aws, answer: &GetFunctionOutput) -> Option<Found<Function>> {
    let live = answer.configuration()?;
    let all_tags: Tags = answer.tags().into_iter().flatten().map(|(key, value)| (key.clone(), value.clone())).collect();
    let parts = tags::read(aws, &all_tags);
    let (kept, finding) = tags::foreign(&parts);
    let reserved = answer.concurrency().and_then(|concurrency| concurrency.reserved_concurrent_executions());
    let mut found = Found::new(tags::owner(aws, &all_tags), properties(live, &parts, reserved));
    found.kept = json!({ "revision": live.revision_id(), "tags": kept });
    found.findings.extend(finding);
    found.observe("state", live.state().map_or(Value::Null, |state| json!(state.as_str())));
    found.observe("last_update", json!(live.last_update_status().map(|status| status.as_str())));
    found.observe("code_sha256", json!(live.code_sha256()));
    if let Some(reason) = live.state_reason().filter(|_| live.state() == Some(&State::Failed)) {
        let message = format!("the function is in state Failed: {reason}");
        found.findings.push(Finding::new(Severity::Warning, "function-failed", message));
    }
    Some(found)
}

fn properties(live: &FunctionConfiguration, parts: &tags::Read, reserved: Option<i32>) -> Function {
    let text = |value: Option<&str>| value.unwrap_or_default().to_owned();
    let logging = live.logging_config();
    let variables = live.environment().and_then(|environment| environment.variables());
    Function {
        code: live_code(live.code_sha256(), &parts.notes),
        description: text(live.description()),
        runtime: text(live.runtime().map(Runtime::as_str)),
        handler: text(live.handler()),
        architecture: live.architectures().first().map_or("x86_64", Architecture::as_str).to_owned(),
        role_arn: text(live.role()),
        memory_mib: as_u64(live.memory_size()),
        timeout_seconds: as_u64(live.timeout()),
        ephemeral_storage_mib: live.ephemeral_storage().map_or(512, |storage| as_u64(Some(storage.size()))),
        tracing: live.tracing_config().and_then(|tracing| tracing.mode()) == Some(&TracingMode::Active),
        log_group: logging
            .and_then(|logging| logging.log_group())
            .map_or_else(|| format!("/aws/lambda/{}", text(live.function_name())), str::to_owned),
        log_format: logging.and_then(|logging| logging.log_format()).map_or("Text", LogFormat::as_str).to_owned(),
        environment: variables.into_iter().flatten().map(|(name, value)| (name.clone(), value.clone())).collect(),
        reserved_concurrency: reserved.and_then(|count| u64::try_from(count).ok()),
        tags: parts.managed.clone(),
    }
}

/// The identity that the tags tell, if the live code is still the one they were written for.
pub fn live_code(sha256: Option<&str>, notes: &Tags) -> String {
    let sha256 = sha256.unwrap_or_default();
    match (notes.get(SOURCE_TAG), notes.get(SHA_TAG)) {
        (Some(identity), Some(written)) if written == sha256 => identity.clone(),
        (Some(_), _) => format!("unknown:{sha256}"),
        (None, _) => format!("zip:{sha256}"),
    }
}
