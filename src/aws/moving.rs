//! Moving all dead letters back by SQS itself: one call starts it, then it is watched.

use std::time::Duration;

use super::{Aws, Called};
use crate::reconcile::{CloudError, ErrorKind};

/// How a move ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Moved {
    pub moved: usize,
    /// SQS's word, where it is not `COMPLETED`.
    pub failure: Option<String>,
    pub interrupted: bool,
}

impl Aws {
    /// Moves every message of a dead-letter queue to another queue. `None`: this SQS cannot, or we may not; nothing was
    /// moved. The destination is stated, for messages that were sent to the dead-letter queue directly have no source.
    ///
    /// # Errors
    /// The move cannot be started or watched.
    pub async fn move_all(
        &self,
        from: &str,
        to: &str,
        is_stopped: &dyn Fn() -> bool,
        on: &dyn Fn(usize),
    ) -> Result<Option<Moved>, CloudError> {
        let source = self.scope.arn("sqs", from);
        let call = self.sqs.start_message_move_task().source_arn(&source).destination_arn(self.scope.arn("sqs", to));
        let started = match call.send().await.called("sqs:StartMessageMoveTask", from) {
            Ok(started) => started,
            Err(error) if matches!(error.kind, ErrorKind::Denied | ErrorKind::Refused) && !is_running(&error) => {
                return Ok(None);
            }
            Err(error) if is_running(&error) => {
                return Err(error.hint("somebody moves these messages already; SQS does one such move at a time"));
            }
            Err(error) => return Err(error),
        };
        let handle = started.task_handle().unwrap_or_default();
        self.watch_move(from, &source, handle, is_stopped, on).await.map(Some)
    }

    async fn watch_move(
        &self,
        from: &str,
        source: &str,
        handle: &str,
        is_stopped: &dyn Fn() -> bool,
        on: &dyn Fn(usize),
    ) -> Result<Moved, CloudError> {
        let mut moved = Moved::default();
        loop {
            if is_stopped() && !moved.interrupted {
                moved.interrupted = true;
                let call = self.sqs.cancel_message_move_task().task_handle(handle).send().await;
                // A task that is over cannot be cancelled: how it ended is read next.
                if let Ok(answer) = call.called("sqs:CancelMessageMoveTask", from) {
                    moved.moved = count(answer.approximate_number_of_messages_moved());
                }
            }
            let call = self.sqs.list_message_move_tasks().source_arn(source).max_results(1).send().await;
            let answer = call.called("sqs:ListMessageMoveTasks", from)?;
            let Some(task) = answer.results().first() else { return Ok(moved) };
            moved.moved = moved.moved.max(count(task.approximate_number_of_messages_moved()));
            on(moved.moved);
            match task.status() {
                Some("RUNNING" | "CANCELLING") => self.pause(Duration::from_millis(500)).await,
                Some("COMPLETED") => return Ok(moved),
                Some("CANCELLED") => return Ok(Moved { interrupted: true, ..moved }),
                other => {
                    let why = task.failure_reason().or(other).unwrap_or("no reason given");
                    return Ok(Moved { failure: Some(why.to_owned()), ..moved });
                }
            }
        }
    }
}

fn count(number: i64) -> usize {
    usize::try_from(number).unwrap_or_default()
}

/// There is one already: another task of the same source.
fn is_running(error: &CloudError) -> bool {
    error.message.contains("already") && error.message.contains("task")
}
