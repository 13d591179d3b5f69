//! Looks at every message of a queue, and takes out of it only what is decided about.
//!
//! SQS shows a message by hiding it from others for a while. So all are received, hidden for as long as the look may
//! take at most, and shown again as soon as it is over: whoever is killed meanwhile hides them no longer than that.

use std::cell::RefCell;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::Instant;

use super::Aws;
use super::peeking::BATCH;
use crate::operate::Parked;
use crate::reconcile::CloudError;

/// The longest look.
const LOOK: Duration = Duration::from_secs(20);
/// How long a message stays hidden if nobody shows it again: longer than the look, so that no message is seen as two.
const HIDDEN: Duration = Duration::from_secs(30);
/// How many receives are under way at a time.
const MOST_CALLS: usize = 4;

/// What is to happen with a message that was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It stays where it is.
    Stays,
    /// It is taken out for good.
    Deleted,
}

/// Receipts, by what is to happen with their messages.
#[derive(Debug, Default)]
struct Receipts {
    stay: Vec<String>,
    deleted: Vec<String>,
}

impl Aws {
    /// Looks at every message, and decides about each, until there are no more or `is_stopped`. `false`: not all were
    /// seen, for time was up or it was stopped. What comes meanwhile may be seen or not. Dropped before its end, it
    /// leaves what it saw hidden: have it stopped instead.
    ///
    /// # Errors
    /// The queue cannot be read.
    pub async fn sweep(
        &self,
        queue: &str,
        is_stopped: &dyn Fn() -> bool,
        on: &mut dyn FnMut(&Parked) -> Fate,
    ) -> Result<bool, CloudError> {
        let until = Instant::now() + LOOK;
        let (receipts, on) = (RefCell::<Receipts>::default(), RefCell::new(on));
        let look = |_| async {
            while Instant::now() < until && !is_stopped() {
                let messages = self.take(queue, BATCH, HIDDEN).await?;
                if messages.is_empty() {
                    return Ok(true);
                }
                for message in messages {
                    let fate = (*on.borrow_mut())(&message);
                    let mut receipts = receipts.borrow_mut();
                    match fate {
                        Fate::Stays => receipts.stay.push(message.receipt),
                        Fate::Deleted => receipts.deleted.push(message.receipt),
                    }
                }
            }
            Ok(false)
        };
        let looked = join_all((0..MOST_CALLS).map(look)).await;
        // Also what was seen before a failure is shown again.
        let Receipts { stay, deleted } = receipts.into_inner();
        let deleted: Vec<&str> = deleted.iter().map(String::as_str).collect();
        let ((), removed) =
            tokio::join!(self.show_again(queue, stay.iter().map(String::as_str)), self.remove(queue, &deleted));
        let ended = looked.into_iter().collect::<Result<Vec<_>, _>>()?;
        removed?;
        Ok(ended.into_iter().all(|is_end| is_end))
    }
}
