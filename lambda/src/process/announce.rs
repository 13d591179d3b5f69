//! Announcing large orders: publish, then mark as sent.

use futures_util::StreamExt;
use futures_util::stream;

use super::settle::Order;
use super::{Batch, Failure, MOST_CALLS, Outcome, Ports};
use crate::announcement::Announcement;
use crate::ports::Update;
use crate::row::Announced;

impl<P: Ports> Batch<'_, P> {
    /// Announces the orders whose claim is ours.
    ///
    /// A message is done once its announcement is out, whatever becomes of the mark: a retry could not know that it was
    /// published, and would say it twice.
    pub(super) async fn announce(&self, orders: Vec<Order<'_>>) {
        if orders.is_empty() {
            return;
        }
        let announcements: Vec<_> = orders.iter().map(announcement).collect();
        let results = self.processor.ports.publish(&announcements).await;
        let latency = self.processor.ports.now().duration_since(self.started).as_millis();
        let mut published = Vec::new();
        for (order, result) in orders.into_iter().zip(results) {
            match result {
                Ok(()) => {
                    self.ledger.metrics(|metrics| {
                        metrics.large_orders += 1;
                        metrics.announce_latency.push(i64::try_from(latency).unwrap_or(i64::MAX));
                    });
                    self.ledger.set_all(&order.candidate.records, done(&order));
                    published.push(order);
                }
                Err(error) => {
                    self.ledger.metrics(|metrics| metrics.announce_failed += 1);
                    let failed =
                        |record: &usize| self.ledger.set(*record, Outcome::Failed(Failure::Port(error.clone())));
                    order.candidate.records.iter().for_each(failed);
                }
            }
        }
        stream::iter(&published).for_each_concurrent(MOST_CALLS, |order| self.mark(order)).await;
    }

    async fn mark(&self, order: &Order<'_>) {
        let ports = &self.processor.ports;
        let id = &order.candidate.judged.transaction.transaction_id;
        let attribute = &self.processor.settings.table.attributes.announcement;
        match ports.mark_sent(id, &order.claim, ports.now()).await {
            Ok(Update::Done) => {}
            // Marked already: only the answer was lost.
            Ok(Update::Refused(Some(row))) if Announced::read(row.get(attribute)) == Announced::Sent => {}
            Ok(Update::Refused(_)) => self.ledger.unmarked(id, "the claim is no longer ours"),
            Err(error) => self.ledger.unmarked(id, &error.to_string()),
        }
    }
}

fn done(order: &Order<'_>) -> Outcome {
    if order.is_new { Outcome::Stored { announced: true } } else { Outcome::Resumed }
}

fn announcement(order: &Order<'_>) -> Announcement {
    let transaction = &order.candidate.judged.transaction;
    Announcement {
        transaction_id: transaction.transaction_id.clone().into_owned(),
        customer_id: transaction.customer_id.clone().into_owned(),
        amount: transaction.amount.normalize().to_string(),
        currency: transaction.currency.to_owned(),
        threshold: order.claim.threshold.normalize().to_string(),
        timestamp: transaction.timestamp.text.clone().into_owned(),
    }
}
