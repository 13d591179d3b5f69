//! What a drill leaves behind in the table and the queues of parked messages: noted before it begins, and removed by it or
//! by the next one.

use std::collections::{BTreeMap, BTreeSet};

use crate::aws::sweep::Fate;
use crate::commands::running::Running;
use crate::number::grouped;
use crate::operate::Parked;
use crate::operate::generate::id;
use crate::operate::recipe::Recipe;
use crate::reconcile::CloudError;
use crate::render::gauge::Gauge;

/// Tags: what the ids of items begin with, and how many there are; what transactions were made from.
const ITEMS: &str = "pipewright:drill-items";
const TRANSACTIONS: &str = "pipewright:drill-transactions";

/// So many items are removed between two words about it.
const TOGETHER: u64 = 1_000;
/// As many ids in a row as make so many items tell whether a drill that was killed came as far as that.
const PROBE: u64 = 100;
/// A look at a queue takes only so long: it may take several.
const MOST_SWEEPS: usize = 5;

/// What is to be removed whatever happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remains {
    /// Items whose ids begin so, and how many.
    Items(String, u64),
    /// Items, quarantined messages, dead letters.
    Transactions(Recipe),
}

impl Remains {
    pub fn tag(&self) -> (String, String) {
        match self {
            Self::Items(begins, count) => (ITEMS.into(), format!("{begins} {count}")),
            Self::Transactions(recipe) => (TRANSACTIONS.into(), recipe.to_string()),
        }
    }

    /// As the tags tell it; `None`: there is nothing to be removed.
    pub fn of(tags: &BTreeMap<String, String>) -> Option<Self> {
        let transactions = tags.get(TRANSACTIONS).and_then(|text| text.parse().ok()).map(Self::Transactions);
        let items = tags.get(ITEMS).and_then(|text| text.split_once(' '));
        transactions.or_else(|| items.and_then(|(begins, count)| Some(Self::Items(begins.into(), count.parse().ok()?))))
    }

    pub fn words(&self) -> &'static str {
        match self {
            Self::Items(..) => "its items",
            Self::Transactions(_) => "its items, its quarantined messages and its dead letters",
        }
    }

    fn begins(&self) -> String {
        match self {
            Self::Items(begins, _) => begins.clone(),
            Self::Transactions(recipe) => recipe.begins(),
        }
    }

    fn count(&self) -> u64 {
        match self {
            Self::Items(_, count) => *count,
            Self::Transactions(recipe) => recipe.mix.count(),
        }
    }

    /// How many of them become items.
    fn items(&self) -> u64 {
        match self {
            Self::Items(_, count) => *count,
            Self::Transactions(recipe) => recipe.mix.fresh,
        }
    }

    /// Removes all that a drill left that was killed. `false`: something may be left, for messages are still on their way
    /// or hidden.
    ///
    /// # Errors
    /// Table or queues cannot be read or written to.
    pub async fn remove_all(&self, running: &Running, gauge: &Gauge<'_>) -> Result<bool, CloudError> {
        // Asked first: what is on its way now is not found afterwards.
        let is_processed = match self {
            Self::Items(..) => true,
            Self::Transactions(_) => running.aws.waiting(&running.pipeline.queue_name()).await? == 0,
        };
        let reached = self.reached(running).await?;
        self.remove_items(running, reached, gauge).await?;
        Ok(self.remove_messages(running, gauge).await? && is_processed)
    }

    /// About how many it made, at least: they are made in the order of their ids.
    async fn reached(&self, running: &Running) -> Result<u64, CloudError> {
        let (begins, count) = (self.begins(), self.count());
        let probe = PROBE.saturating_mul(count) / self.items().max(1);
        let step = probe.max(TOGETHER);
        for first in (step..count).step_by(step as usize) {
            let ids: BTreeSet<_> = (first..count.min(first + probe)).map(|number| id(&begins, number)).collect();
            if running.aws.rows(running.keyed(), &ids).await?.is_empty() {
                return Ok(first);
            }
        }
        Ok(count)
    }

    /// Removes the items of the first so many ids, whichever of them there are.
    ///
    /// # Errors
    /// The table cannot be written to.
    pub async fn remove_items(&self, running: &Running, reached: u64, gauge: &Gauge<'_>) -> Result<(), CloudError> {
        let (begins, count) = (self.begins(), self.count().min(reached));
        for first in (0..count).step_by(TOGETHER as usize) {
            gauge.show(&format!("removing items: {} of {}", grouped(first), grouped(count)));
            let ids: Vec<_> = (first..count.min(first + TOGETHER)).map(|number| id(&begins, number)).collect();
            running.aws.remove_rows(running.keyed(), &ids).await?;
        }
        Ok(())
    }

    /// Removes the messages in the quarantine queue and in the dead-letter queue. `false`: some may be left, for some were
    /// hidden, by whomever, or there are too many others.
    ///
    /// # Errors
    /// A queue cannot be read or written to.
    pub async fn remove_messages(&self, running: &Running, gauge: &Gauge<'_>) -> Result<bool, CloudError> {
        let Self::Transactions(recipe) = self else { return Ok(true) };
        let names_it = format!("{}-", recipe.begins());
        let (mut removed, mut is_all) = (0_u64, true);
        for queue in [running.pipeline.quarantine_name(), running.pipeline.dead_letter_name()] {
            is_all &= running.aws.depth(&queue).await?.in_flight == 0;
            let mut is_done = false;
            for _ in 0..MOST_SWEEPS {
                let before = removed;
                let fate = &mut |seen: &Parked| {
                    if !seen.body.contains(&names_it) {
                        return Fate::Stays;
                    }
                    removed += 1;
                    gauge.show(&format!("removing parked messages: {}", grouped(removed)));
                    Fate::Deleted
                };
                let is_seen = running.aws.sweep(&queue, &|| false, fate).await?;
                is_done = is_seen && removed == before;
                if is_done {
                    break;
                }
            }
            is_all &= is_done;
        }
        Ok(is_all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operate::mix::{Mix, Shares};

    #[test]
    fn what_is_to_be_removed_reads_back_from_its_tag() {
        let recipe = Recipe { seed: 7, at: jiff::Timestamp::UNIX_EPOCH, mix: Mix::new(200, Shares::DRILL).unwrap() };
        for remains in [Remains::Items("drill-writes".into(), 100), Remains::Transactions(recipe)] {
            assert_eq!(Remains::of(&[remains.tag()].into()), Some(remains));
        }
        assert_eq!(Remains::of(&BTreeMap::new()), None);
    }
}
