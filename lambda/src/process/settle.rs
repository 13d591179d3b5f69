//! Storing one transaction: who of its copies is stored, what the others are, and whether there is something to announce.

use super::group::{Candidate, Group};
use super::{Batch, Failure, Outcome, Ports, Reject};
use crate::budget;
use crate::ports::{PortError, PortErrorKind, Put, Update};
use crate::reason::{Code, Reason};
use crate::row::{self, Announced, Claim, Row};

/// What is left to do for a group once the table has spoken.
#[derive(Default)]
pub(super) struct Settled<'a> {
    /// A large order whose claim is ours.
    pub(super) order: Option<Order<'a>>,
    pub(super) rejects: Vec<Reject>,
}

/// A large order that we have the right to announce.
pub(super) struct Order<'a> {
    pub(super) candidate: Candidate<'a>,
    pub(super) claim: Claim,
    /// Whether its row is new.
    pub(super) is_new: bool,
}

/// Which candidate the row holds.
enum Winner<'a> {
    /// The row is new.
    Stored(Candidate<'a>),
    /// The row was there, with this content.
    Found(Candidate<'a>, Row),
    /// The row was there, with a content that nobody here has.
    Nobody,
}

impl<'a, P: Ports> Batch<'a, P> {
    /// Brings a group as far as the table allows. Too late to begin: nothing is done, and its messages fail.
    pub(super) async fn settle(&self, group: Group<'a>) -> Settled<'a> {
        let mut settled = Settled::default();
        if self.is_late() {
            return settled;
        }
        let mut candidates = group.candidates.into_iter();
        while let Some(candidate) = candidates.next() {
            match self.store(&candidate).await {
                Ok(Put::Stored) => {
                    settled.rejects.extend(candidates.flat_map(conflict));
                    settled.order = self.resolve(&group.id, Winner::Stored(candidate)).await;
                    return settled;
                }
                Ok(Put::Taken(row)) => {
                    let rest = std::iter::once(candidate).chain(candidates);
                    let (winner, conflicts) = self.find(row, rest);
                    settled.rejects.extend(conflicts);
                    settled.order = self.resolve(&group.id, winner).await;
                    return settled;
                }
                Err(error) if error.kind == PortErrorKind::Refused => {
                    settled.rejects.extend(refused(candidate, &error))
                }
                Err(error) => {
                    let rest = std::iter::once(candidate).chain(candidates);
                    for candidate in rest {
                        self.fail(&candidate, &Failure::Port(error.clone()));
                    }
                    return settled;
                }
            }
        }
        settled
    }

    /// Puts the row, with a claim if the order is large.
    async fn store(&self, candidate: &Candidate<'a>) -> Result<Put, PortError> {
        let ports = &self.processor.ports;
        let mut row = self.row(candidate);
        if let Some(claim) = self.claim(candidate) {
            row.insert(self.processor.settings.table.attributes.announcement.clone(), claim.pending());
        }
        ports.put_new(&row).await
    }

    /// Our claim on a large order. Always the same within a batch, so that we know it again when an answer was lost.
    fn claim(&self, candidate: &Candidate<'a>) -> Option<Claim> {
        Some(self.claim_with(candidate.judged.large?))
    }

    fn claim_with(&self, threshold: rust_decimal::Decimal) -> Claim {
        let expires_at = budget::claim_expiry(self.started, self.processor.settings.function_timeout_seconds);
        Claim { owner: self.invocation.request_id.to_owned(), expires_at, threshold }
    }

    /// Who of the candidates is in the row; the others are conflicts.
    fn find(&self, row: Row, candidates: impl Iterator<Item = Candidate<'a>>) -> (Winner<'a>, Vec<Reject>) {
        let settings = &self.processor.settings;
        let (mut winner, mut conflicts) = (None, Vec::new());
        for candidate in candidates {
            if winner.is_none() && row::same_content(&row, &self.row(&candidate), settings) {
                winner = Some(candidate);
            } else {
                conflicts.extend(conflict(candidate));
            }
        }
        (winner.map_or(Winner::Nobody, |candidate| Winner::Found(candidate, row)), conflicts)
    }

    /// Tells what the winner's messages are; gives the order if it is ours to announce.
    async fn resolve(&self, id: &str, winner: Winner<'a>) -> Option<Order<'a>> {
        match winner {
            Winner::Nobody => None,
            Winner::Stored(candidate) => self.stored(candidate),
            Winner::Found(candidate, row) => match self.announced(&row) {
                Announced::Never | Announced::Sent => self.duplicate(&candidate),
                Announced::Unreadable => self.fail(&candidate, &Failure::ClaimUnreadable),
                // Put by ourselves: only the answer was lost.
                Announced::Pending(claim) if Some(&claim) == self.claim(&candidate).as_ref() => self.stored(candidate),
                Announced::Pending(_) if self.processor.settings.large_orders.is_none() => self.duplicate(&candidate),
                Announced::Pending(claim) if !claim.has_expired(self.processor.ports.now()) => {
                    self.fail(&candidate, &Failure::ClaimedByOther)
                }
                Announced::Pending(claim) => self.take_over(id, candidate, &claim).await,
            },
        }
    }

    fn announced(&self, row: &Row) -> Announced {
        Announced::read(row.get(&self.processor.settings.table.attributes.announcement))
    }

    /// The first message stored it, the others repeat it. A large order's are done only once it is announced.
    fn stored(&self, candidate: Candidate<'a>) -> Option<Order<'a>> {
        let transaction = &candidate.judged.transaction;
        self.ledger.metrics(|metrics| {
            metrics.stored += 1;
            metrics.amounts.entry(transaction.currency).or_default().push(transaction.amount);
        });
        if let Some(claim) = self.claim(&candidate) {
            return Some(Order { candidate, claim, is_new: true });
        }
        self.ledger.set_all(&candidate.records, Outcome::Stored { announced: false });
        None
    }

    fn duplicate(&self, candidate: &Candidate<'a>) -> Option<Order<'a>> {
        candidate.records.iter().for_each(|record| self.ledger.set(*record, Outcome::Duplicate));
        None
    }

    fn fail(&self, candidate: &Candidate<'a>, failure: &Failure) -> Option<Order<'a>> {
        candidate.records.iter().for_each(|record| self.ledger.set(*record, Outcome::Failed(failure.clone())));
        None
    }

    /// Takes an expired claim over, unless somebody else was faster.
    async fn take_over(&self, id: &str, candidate: Candidate<'a>, expired: &Claim) -> Option<Order<'a>> {
        let ours = self.claim_with(expired.threshold);
        let order = |candidate, claim| Some(Order { candidate, claim, is_new: false });
        match self.processor.ports.take_over(id, expired, &ours).await {
            Ok(Update::Done) => order(candidate, ours),
            Ok(Update::Refused(row)) => match row.as_ref().map(|row| self.announced(row)) {
                Some(Announced::Pending(claim)) if claim == ours => order(candidate, ours),
                Some(Announced::Sent) => self.duplicate(&candidate),
                Some(Announced::Pending(_)) => self.fail(&candidate, &Failure::ClaimedByOther),
                Some(Announced::Never | Announced::Unreadable) | None => {
                    self.fail(&candidate, &Failure::ClaimUnreadable)
                }
            },
            Err(error) => self.fail(&candidate, &Failure::Port(error)),
        }
    }
}

fn conflict(candidate: Candidate<'_>) -> Vec<Reject> {
    reject(&candidate, Reason::new(Code::Conflict, "/transaction_id").with("stored already, with other content"))
}

fn refused(candidate: Candidate<'_>, error: &PortError) -> Vec<Reject> {
    reject(&candidate, Reason::new(Code::RefusedByTable, "").with(format!("{error}: {}", error.message)))
}

fn reject(candidate: &Candidate<'_>, reason: Reason) -> Vec<Reject> {
    candidate.records.iter().map(|record| Reject { record: *record, reasons: vec![reason.clone()] }).collect()
}
