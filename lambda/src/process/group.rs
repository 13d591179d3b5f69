//! Sorting a batch: invalid messages aside, copies of one transaction together.
//!
//! Copies in one batch must not race each other for the row: the first of them acts for all.

use std::borrow::Cow;
use std::collections::HashMap;

use super::{Batch, Ports, Reject};
use crate::decision::{self, Judged};
use crate::digest::content_digest;
use crate::reason::{Code, Reason};
use crate::row::{self, Row};

/// Room that an announcement's state may take in a row.
const ANNOUNCEMENT_BYTES: usize = 1_024;

/// A batch, sorted.
pub(super) struct Sorted<'a> {
    pub(super) groups: Vec<Group<'a>>,
    pub(super) rejects: Vec<Reject>,
}

/// All messages of a batch that bear one transaction id.
pub(super) struct Group<'a> {
    pub(super) id: Cow<'a, str>,
    /// The different contents, in the order they came. More than one: all but one are conflicts.
    pub(super) candidates: Vec<Candidate<'a>>,
}

/// One content, and the messages that have it.
pub(super) struct Candidate<'a> {
    pub(super) judged: Judged<'a>,
    pub(super) row: Row,
    digest: String,
    pub(super) records: Vec<usize>,
}

impl<'a, P: Ports> Batch<'a, P> {
    /// Judges every message.
    pub(super) fn sort(&self) -> Sorted<'a> {
        let mut sorted = Sorted { groups: Vec::new(), rejects: Vec::new() };
        let mut places = HashMap::new();
        for record in 0..self.records.len() {
            match self.candidate(record) {
                Ok(candidate) => sorted.add(candidate, &mut places),
                Err(reasons) => sorted.rejects.push(Reject { record, reasons }),
            }
        }
        sorted
    }

    fn candidate(&self, record: usize) -> Result<Candidate<'a>, Vec<Reason>> {
        let settings = &self.processor.settings;
        let judged = decision::judge(self.records[record].body.as_bytes(), settings, self.started);
        let judged = judged.map_err(|rejected| {
            self.ledger.identify(record, rejected.transaction_id);
            rejected.reasons
        })?;
        self.ledger.identify(record, Some(judged.transaction.transaction_id.clone()));
        let digest = content_digest(&judged.transaction);
        let row = row::of(&judged.transaction, &digest, settings, &self.processor.judged_by, self.started);
        if row::bytes(&row) + ANNOUNCEMENT_BYTES > row::MOST_BYTES {
            let detail = format!("at most {} bytes as the table counts them", row::MOST_BYTES);
            return Err(vec![Reason::new(Code::TooLarge, "").with(detail)]);
        }
        Ok(Candidate { judged, row, digest, records: vec![record] })
    }
}

impl<'a> Sorted<'a> {
    fn add(&mut self, candidate: Candidate<'a>, places: &mut HashMap<Cow<'a, str>, usize>) {
        let id = &candidate.judged.transaction.transaction_id;
        let place = *places.entry(id.clone()).or_insert_with(|| {
            self.groups.push(Group { id: id.clone(), candidates: Vec::new() });
            self.groups.len() - 1
        });
        let candidates = &mut self.groups[place].candidates;
        match candidates.iter_mut().find(|known| known.digest == candidate.digest) {
            Some(known) => known.records.extend(candidate.records),
            None => candidates.push(candidate),
        }
    }
}
