//! Removing parked messages for good: all at once, or exactly those that were read and saved.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use super::peeking::BATCH;
use super::{Aws, Called};
use crate::operate::Parked;
use crate::operate::redrive::Selection;
use crate::reconcile::{CloudError, ErrorKind};

/// How long messages are hidden that are to be removed.
const HIDDEN: Duration = Duration::from_secs(300);
/// How long they are gathered: what is removed must be ours still.
const GATHERING: Duration = Duration::from_secs(120);

/// Messages that were taken to be removed: the receipts by message.
#[derive(Debug, Default)]
pub struct Gathered {
    pub chosen: BTreeMap<String, String>,
    /// Not chosen.
    left: BTreeMap<String, String>,
    /// Whether nothing more was found: else time was up, or the user asked to stop.
    pub is_all: bool,
    /// Messages that could not be seen, for others had them in hand: approximately.
    pub hidden: usize,
}

impl Aws {
    /// Removes everything from a queue, what arrives in the next minute perhaps too.
    ///
    /// # Errors
    /// SQS refuses: it does this once a minute.
    pub async fn purge(&self, queue: &str) -> Result<(), CloudError> {
        let call = self.sqs.purge_queue().queue_url(self.queue_url(queue)).send().await;
        match call.called("sqs:PurgeQueue", queue) {
            Err(error) if error.code.as_deref().is_some_and(|code| code.contains("PurgeQueueInProgress")) => {
                Err(error.hint("SQS purges a queue once a minute; `--save FILE` removes message by message instead"))
            }
            outcome => outcome.map(|_| ()),
        }
    }

    /// Takes the chosen messages, each told to `on` once, and keeps them hidden. Those that are not chosen are shown
    /// again at the end.
    ///
    /// # Errors
    /// The queue cannot be read; `on` fails. Nothing is removed then, and all are shown again.
    pub async fn gather(
        &self,
        queue: &str,
        selection: &Selection,
        is_stopped: &dyn Fn() -> bool,
        on: &mut dyn FnMut(&Parked) -> std::io::Result<()>,
    ) -> Result<Gathered, CloudError> {
        let mut gathered = Gathered { hidden: self.depth(queue).await?.in_flight, ..Gathered::default() };
        let outcome = self.gather_into(&mut gathered, queue, selection, is_stopped, on).await;
        let left = std::mem::take(&mut gathered.left);
        self.show_again(queue, left.values().map(String::as_str)).await;
        if outcome.is_err() {
            self.show_again(queue, gathered.chosen.values().map(String::as_str)).await;
        }
        outcome.map(|()| gathered)
    }

    async fn gather_into(
        &self,
        gathered: &mut Gathered,
        queue: &str,
        selection: &Selection,
        is_stopped: &dyn Fn() -> bool,
        on: &mut dyn FnMut(&Parked) -> std::io::Result<()>,
    ) -> Result<(), CloudError> {
        let begun = Instant::now();
        while !is_stopped() && begun.elapsed() < GATHERING {
            let batch = self.take(queue, BATCH, HIDDEN).await?;
            if batch.is_empty() {
                gathered.is_all = true;
                return Ok(());
            }
            for message in batch {
                if !selection.covers(&message) {
                    gathered.left.insert(message.message_id, message.receipt);
                } else if gathered.chosen.insert(message.message_id.clone(), message.receipt.clone()).is_none() {
                    on(&message).map_err(|error| CloudError::new(ErrorKind::Local, error.to_string()))?;
                }
            }
        }
        Ok(())
    }

    /// Removes what was gathered; how many were removed. Once `is_stopped`, the rest is shown again.
    ///
    /// # Errors
    /// A call failed as a whole: what is left is shown again, if that is possible. `on` heard how many were removed.
    pub async fn remove_gathered(
        &self,
        queue: &str,
        gathered: &Gathered,
        is_stopped: &dyn Fn() -> bool,
        on: &dyn Fn(usize),
    ) -> Result<usize, CloudError> {
        let receipts: Vec<_> = gathered.chosen.values().map(String::as_str).collect();
        let mut removed = 0;
        // A hundred at a time: ten calls side by side.
        for (place, some) in receipts.chunks(100).enumerate() {
            if is_stopped() {
                self.show_again(queue, receipts[place * 100..].iter().copied()).await;
                return Ok(removed);
            }
            let left = match self.remove_twice(queue, some).await {
                Ok(left) => left,
                Err(error) => {
                    self.show_again(queue, receipts[place * 100..].iter().copied()).await;
                    return Err(error);
                }
            };
            removed += some.len() - left.len();
            on(removed);
        }
        Ok(removed)
    }
}
