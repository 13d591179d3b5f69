//! Stopping the processing for a while: the mapping off, with a tag that says who did it and since when.
//!
//! `pause` and `resume` do it for people. A change of the function's runtime does it for itself, for code and runtime are
//! written one after the other, and between them nothing would work; killed there, the next apply starts it again.

use std::time::{Duration, SystemTime};

use super::{Key, STABLE, arn, key, list, runs, stable, state};
use crate::aws::patience::Wait;
use crate::aws::{Aws, Called};
use crate::reconcile::{CloudError, ErrorKind, Name, Say};
use crate::resources::tags::{self, Tags};

/// The tag's name, without our prefix.
pub const PAUSED_TAG: &str = "paused";
/// Who paused, where it was an apply for the time of a change.
pub const BY_APPLY: &str = "apply";

/// A pause, as its tag tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pause {
    /// RFC 3339.
    pub since: String,
    /// The ARN of the identity, or [`BY_APPLY`].
    pub by: String,
}

impl Pause {
    /// One that begins now.
    pub fn now(by: &str) -> Self {
        let now = aws_smithy_types::DateTime::from(SystemTime::now());
        // RFC 3339 is what `Display` writes; seconds are enough.
        let since = aws_smithy_types::DateTime::from_secs(now.secs()).to_string();
        Self { since, by: by.to_owned() }
    }

    /// `None`: somebody wrote something else there.
    pub fn of(notes: &Tags) -> Option<Self> {
        let (since, by) = notes.get(PAUSED_TAG)?.split_once(' ')?;
        Some(Self { since: since.to_owned(), by: by.to_owned() })
    }

    /// A tag takes 256 characters of letters, digits, spaces and `_.:/=+-@`.
    fn tag(&self) -> String {
        let fits = |letter: char| if letter.is_alphanumeric() || " _.:/=+-@".contains(letter) { letter } else { '_' };
        format!("{} {}", self.since, self.by).chars().map(fits).take(256).collect()
    }
}

/// Switches the mapping off and waits until it is; the tag first, so that nobody wonders who did it.
///
/// # Errors
/// There is no such mapping; Lambda refuses; it does not stop in time.
pub async fn pause(aws: &Aws, name: &Name, pause: &Pause, say: Say<'_>) -> Result<(), CloudError> {
    let id = id(aws, name).await?;
    let call = aws.lambda.tag_resource().resource(arn(aws, &id)).tags(tag_key(), pause.tag()).send().await;
    call.called("lambda:TagResource", name.as_str())?;
    switch(aws, &id, name, false, say).await
}

/// Switches the mapping on, waits until it is, and takes the tag away.
///
/// # Errors
/// There is no such mapping; Lambda refuses; it does not start in time.
pub async fn resume(aws: &Aws, name: &Name, say: Say<'_>) -> Result<(), CloudError> {
    let id = id(aws, name).await?;
    switch(aws, &id, name, true, say).await?;
    forget(aws, &id, name).await
}

/// Takes the tag away.
pub async fn forget(aws: &Aws, id: &str, name: &Name) -> Result<(), CloudError> {
    let call = aws.lambda.untag_resource().resource(arn(aws, id)).tag_keys(tag_key()).send().await;
    call.called_or_absent("lambda:UntagResource", name.as_str()).map(|_| ())
}

/// Does `work` while none of the function's mappings that we may touch takes messages, and no invocation runs.
///
/// A failure leaves them off, for the function may be half changed: the next apply starts them when it has mended it.
///
/// # Errors
/// Whatever goes wrong with the mappings or the work.
pub async fn while_stopped<T>(
    aws: &Aws,
    function: &Function<'_>,
    say: Say<'_>,
    work: impl AsyncFnOnce() -> Result<T, CloudError>,
) -> Result<T, CloudError> {
    let stopped = stop_all(aws, function, say).await?;
    let done = work().await?;
    for name in &stopped {
        resume(aws, name, say).await?;
    }
    Ok(done)
}

/// The function whose mappings are to be stopped.
#[derive(Debug)]
pub struct Function<'a> {
    pub name: &'a Name,
    /// How long an invocation may run.
    pub timeout: Duration,
    /// It is being taken over, and with it what feeds it.
    pub adopted: bool,
}

async fn stop_all(aws: &Aws, function: &Function<'_>, say: Say<'_>) -> Result<Vec<Name>, CloudError> {
    let mut stopped = Vec::new();
    for listed in list(aws, None, Some(function.name.as_str())).await? {
        let (Some(key), Some(id)) = (Key::of(&listed), listed.uuid()) else { continue };
        let name = Name::new(key.to_string());
        let call = aws.lambda.list_tags().resource(arn(aws, id)).send().await;
        let all = call.called_or_absent("lambda:ListTags", name.as_str())?.and_then(|answer| answer.tags);
        let all: Tags = all.unwrap_or_default().into_iter().collect();
        let ours = all.get(tags::PIPELINE).is_some_and(|pipeline| *pipeline == aws.pipeline);
        let untagged = !all.contains_key(tags::PIPELINE);
        if listed.state().is_some_and(runs) && (ours || (untagged && function.adopted)) {
            pause(aws, &name, &Pause::now(BY_APPLY), say).await?;
            drained(aws, &key, function.timeout, say).await?;
            stopped.push(name);
        }
    }
    Ok(stopped)
}

/// Waits until no message is in flight, but no longer than an invocation may run: others may hold some.
async fn drained(aws: &Aws, key: &Key, limit: Duration, say: Say<'_>) -> Result<(), CloudError> {
    let in_flight = aws_sdk_sqs::types::QueueAttributeName::ApproximateNumberOfMessagesNotVisible;
    let wait = Wait { reason: "until running invocations have finished", limit };
    let drained = aws
        .until(wait, say, async || {
            let call = aws.sqs.get_queue_attributes().queue_url(aws.queue_url(&key.queue));
            let call = call.attribute_names(in_flight.clone()).send().await;
            let answer = call.called_or_absent("sqs:GetQueueAttributes", &key.queue)?;
            let attributes = answer.and_then(|answer| answer.attributes).unwrap_or_default();
            Ok(attributes.get(&in_flight).is_none_or(|count| count == "0").then_some(()))
        })
        .await;
    match drained {
        Err(error) if error.kind == ErrorKind::TimedOut => Ok(()),
        outcome => outcome,
    }
}

async fn switch(aws: &Aws, id: &str, name: &Name, on: bool, say: Say<'_>) -> Result<(), CloudError> {
    stable(aws, id, name, say).await?;
    let call = aws.lambda.update_event_source_mapping().uuid(id).enabled(on);
    aws.insist(
        STABLE,
        say,
        |error| error.kind == ErrorKind::Busy,
        async || call.clone().send().await.called("lambda:UpdateEventSourceMapping", name.as_str()),
    )
    .await?;
    let (wanted, reason) =
        if on { ("Enabled", "until the mapping is on") } else { ("Disabled", "until the mapping is off") };
    let wait = Wait { reason, ..STABLE };
    aws.until(wait, say, async || Ok((state(aws, id, name).await?.as_deref() == Some(wanted)).then_some(()))).await
}

async fn id(aws: &Aws, name: &Name) -> Result<String, CloudError> {
    let wanted = key(name)?;
    let listed = list(aws, Some(&wanted.queue), None).await?;
    let found = listed.iter().find(|listed| Key::of(listed).as_ref() == Some(&wanted)).and_then(|listed| listed.uuid());
    found.map(str::to_owned).ok_or_else(|| {
        CloudError::new(ErrorKind::NotFound, format!("there is no event source mapping `{name}`"))
            .hint("make it with `pipewright apply`")
    })
}

fn tag_key() -> String {
    format!("pipewright:{PAUSED_TAG}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_reads_back_from_its_tag_which_holds_only_what_tags_may_hold() {
        let pause = Pause::now("arn:aws:sts::1:assumed-role/Admin/jo@example.com (on call)");
        let read = Pause::of(&Tags::from([(PAUSED_TAG.into(), pause.tag())])).unwrap();
        assert_eq!(read.since, pause.since);
        assert_eq!(read.by, "arn:aws:sts::1:assumed-role/Admin/jo@example.com _on call_");
        assert!(read.since.ends_with('Z'), "{}", read.since);
        assert_eq!(Pause::of(&Tags::new()), None);
    }
}
