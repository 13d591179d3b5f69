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
/// A row is at most four times its body (`0,` in a list takes four bytes, `\b` in an unknown field six) and a few
/// kilobytes of names: so the row of a body of this size fits, and need not be made to be measured.
const SURELY_FITS_BYTES: usize = 64 * 1_024;

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
        let body = self.records[record].body.as_bytes();
        let judged = decision::judge(body, &self.processor.settings, self.started);
        let judged = judged.map_err(|rejected| {
            self.ledger.identify(record, rejected.transaction_id);
            rejected.reasons
        })?;
        self.ledger.identify(record, Some(judged.transaction.transaction_id.clone()));
        let digest = content_digest(&judged.transaction);
        let candidate = Candidate { judged, digest, records: vec![record] };
        if body.len() > SURELY_FITS_BYTES && row::bytes(&self.row(&candidate)) + ANNOUNCEMENT_BYTES > row::MOST_BYTES {
            let detail = format!("at most {} bytes as the table counts them", row::MOST_BYTES);
            return Err(vec![Reason::new(Code::TooLarge, "").with(detail)]);
        }
        Ok(candidate)
    }

    /// The row that a candidate is stored as. Made when it is needed: a thousand at once would be most of the memory.
    pub(super) fn row(&self, candidate: &Candidate<'a>) -> Row {
        let processor = self.processor;
        let transaction = &candidate.judged.transaction;
        row::of(transaction, &candidate.digest, &processor.settings, &processor.judged_by, self.started)
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

#[cfg(test)]
mod tests {
    use super::{ANNOUNCEMENT_BYTES, SURELY_FITS_BYTES};
    use crate::example::{NOW, settings, transaction};
    use crate::{decision, row};

    /// The most that a body can swell.
    #[test]
    fn what_surely_fits_does() {
        let frame = transaction("t-1").to_string();
        for (from, swelling) in [("\"metadata\":{}", "0,"), ("\"metadata\":{}", "\\b"), ("\"metadata\":{}", "[],")] {
            let count = (SURELY_FITS_BYTES - frame.len() - 40) / swelling.len();
            let to = match swelling {
                "\\b" => format!("\"unknown\":\"{}\"", swelling.repeat(count)),
                _ => format!("\"metadata\":{{\"a\":[{}0]}}", swelling.repeat(count)),
            };
            let body = frame.replace(from, &to);
            assert!(body.len() <= SURELY_FITS_BYTES && body.len() > SURELY_FITS_BYTES - 100, "{}", body.len());
            let judged = decision::judge(body.as_bytes(), &settings(), NOW.parse().unwrap()).unwrap();
            let row =
                row::of(&judged.transaction, &"x".repeat(66), &settings(), "0123456789abcdef", NOW.parse().unwrap());
            // Names come from the environment, which holds 4 KB.
            assert!(row::bytes(&row) + ANNOUNCEMENT_BYTES + 4_096 <= row::MOST_BYTES, "{swelling}");
        }
    }
}
