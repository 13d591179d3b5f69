//! Follows messages through the pipeline to their end: reads the processor's log, the table and the quarantine queue
//! until the account is settled.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::log_lines::Wanted;
use super::rows::Keyed;
use super::sweep::Fate;
use super::{Aws, Called};
use crate::operate::account::Account;
use crate::operate::news::{MESSAGE, News};
use crate::reconcile::CloudError;

/// Where a pipeline leaves its traces.
#[derive(Debug, Clone, Copy)]
pub struct Places<'a> {
    pub log_group: &'a str,
    pub keyed: Keyed<'a>,
    pub quarantine: &'a str,
    pub dead_letter: &'a str,
}

/// What is followed, and for how long.
#[derive(Debug, Clone, Copy)]
pub struct Following<'a> {
    pub places: Places<'a>,
    pub account: &'a RefCell<Account>,
    /// Whether everything has been sent: until then nothing is given up.
    pub is_all_sent: &'a Cell<bool>,
    /// How long without any news until it is given up; may change meanwhile.
    pub patience: &'a Cell<Duration>,
    /// Whether it is given up at once.
    pub is_stopped: &'a Cell<bool>,
    /// When sending began.
    pub since: Timestamp,
    /// What is to happen with our own messages in the quarantine queue.
    pub quarantined: Fate,
}

/// How often the log is asked at most.
const POLL: Duration = Duration::from_millis(500);
/// Lines come into the log some time after they were written, and not in order: that far back is read again.
const OVERLAP_MS: i64 = 10_000;
/// How far our clock and those of AWS may be apart.
const CLOCKS_MS: i64 = 60_000;
/// After so long without news everything is read again, and the dead-letter queue is looked at.
const QUIET: Duration = Duration::from_secs(15);

/// What the follower remembers from one look to the next.
#[derive(Debug)]
struct Memory {
    /// The newest line: milliseconds since 1970.
    heard_until: i64,
    changes: u64,
    news_at: Instant,
    /// After how long without news everything is read again.
    quiet: Duration,
}

impl Aws {
    /// Whether everything can be read that following needs; asked before anything is sent.
    ///
    /// # Errors
    /// What cannot be read.
    pub async fn can_follow(&self, places: Places<'_>) -> Result<(), CloudError> {
        let now = Timestamp::now().as_millisecond();
        let wanted = Wanted { group: places.log_group, phrase: MESSAGE, from: now };
        let nobody = BTreeSet::from(["pipewright".to_owned()]);
        let mut ignore = |_| ();
        let (log, rows, queues) = tokio::join!(
            self.log_lines(wanted, &mut ignore),
            self.rows(places.keyed, &nobody),
            self.queue_exists(places.quarantine)
        );
        log.and(rows.map(|_| true)).and(queues)
    }

    async fn queue_exists(&self, queue: &str) -> Result<(), CloudError> {
        let call = self.sqs.get_queue_attributes().queue_url(self.queue_url(queue)).send().await;
        call.called("sqs:GetQueueAttributes", queue).map(|_| ())
    }

    /// Follows until every message is settled, or no news came for as long as patience lasts. Dropped before its end, it
    /// leaves messages hidden: have it stopped instead.
    ///
    /// # Errors
    /// Log, table or queues cannot be read.
    pub async fn follow(&self, following: Following<'_>) -> Result<(), CloudError> {
        let since = following.since.as_millisecond() - CLOCKS_MS;
        let mut memory = Memory { heard_until: since, changes: 0, news_at: Instant::now(), quiet: QUIET };
        loop {
            let begun = Instant::now();
            self.look_around(&following, &mut memory, since).await?;
            let all_sent = following.is_all_sent.get();
            if all_sent && following.account.borrow().waits_for_quarantine_only() {
                self.look_into_quarantine(&following).await?;
            }
            if all_sent && following.account.borrow().is_settled() {
                return Ok(());
            }
            let changes = following.account.borrow().changes();
            if changes != memory.changes {
                memory = Memory { changes, news_at: Instant::now(), quiet: QUIET, ..memory };
            }
            if all_sent && following.is_stopped.get() {
                return Ok(());
            }
            if all_sent && memory.news_at.elapsed() >= following.patience.get() {
                return self.look_last(&following).await;
            }
            // A log that is slow to read is not asked all the time.
            self.pause(POLL.max(begun.elapsed() * 2)).await;
        }
    }

    async fn look_around(&self, following: &Following<'_>, memory: &mut Memory, since: i64) -> Result<(), CloudError> {
        let is_quiet = memory.news_at.elapsed() >= memory.quiet;
        let from = if is_quiet { since } else { since.max(memory.heard_until - OVERLAP_MS) };
        if is_quiet {
            memory.quiet = memory.quiet * 3 / 2 + QUIET;
            self.look_into_dead_letters(following).await?;
        }
        let wanted = Wanted { group: following.places.log_group, phrase: MESSAGE, from };
        self.log_lines(wanted, &mut |line| {
            memory.heard_until = memory.heard_until.max(line.at);
            if let Some(news) = News::read(&line.text) {
                following.account.borrow_mut().hear(&news);
            }
        })
        .await?;
        let ids = following.account.borrow().to_look_up();
        if !ids.is_empty() {
            let rows = self.rows(following.places.keyed, &ids).await?;
            following.account.borrow_mut().look_up(&rows);
        }
        Ok(())
    }

    /// Before it is given up: what can still be confirmed.
    async fn look_last(&self, following: &Following<'_>) -> Result<(), CloudError> {
        self.look_into_dead_letters(following).await?;
        if following.account.borrow().to_find_in_quarantine() > 0 {
            self.look_into_quarantine(following).await?;
        }
        Ok(())
    }

    async fn look_into_quarantine(&self, following: &Following<'_>) -> Result<(), CloudError> {
        self.sweep(following.places.quarantine, &|| following.is_stopped.get(), &mut |seen| {
            let mut account = following.account.borrow_mut();
            let is_ours = account.find_in_quarantine(&seen.message_id, &seen.body, seen.sent_at);
            if is_ours { following.quarantined } else { Fate::Stays }
        })
        .await
        .map(|_| ())
    }

    async fn look_into_dead_letters(&self, following: &Following<'_>) -> Result<(), CloudError> {
        self.sweep(following.places.dead_letter, &|| following.is_stopped.get(), &mut |seen| {
            following.account.borrow_mut().find_in_dead_letters(&seen.message_id);
            Fate::Stays
        })
        .await
        .map(|_| ())
    }
}
