//! An outside world in memory: the same seam as AWS, with its habits (failures, reads that lag) on request.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::address::Address;
use super::cloud::{Cloud, CloudError, ErrorKind, Say};
use super::diff::Changes;
use super::document::Document;
use super::schedule::Verb;
use super::snapshot::{Live, Owner, Snapshot};

/// A world in memory. Its clock moves only by `pause`.
#[derive(Debug, Default)]
pub struct Memory {
    live: RefCell<BTreeMap<Address, Live>>,
    /// What reads show while they lag.
    stale: RefCell<Option<BTreeMap<Address, Live>>>,
    lag: Cell<usize>,
    failures: RefCell<BTreeMap<Address, CloudError>>,
    writes: RefCell<Vec<(Verb, Address)>>,
    elapsed: Cell<Duration>,
}

impl Memory {
    pub fn new(live: impl IntoIterator<Item = (Address, Live)>) -> Self {
        Self { live: RefCell::new(live.into_iter().collect()), ..Self::default() }
    }

    /// The next write of this resource fails.
    pub fn fail(&self, address: &Address, message: &str) {
        self.failures.borrow_mut().insert(address.clone(), CloudError::new(ErrorKind::Refused, message));
    }

    /// After the next write, this many snapshots still show the world as it is now.
    pub fn lag(&self, snapshots: usize) {
        *self.stale.borrow_mut() = Some(self.live.borrow().clone());
        self.lag.set(snapshots);
    }

    /// Somebody else writes.
    pub fn set(&self, address: Address, live: Live) {
        self.live.borrow_mut().insert(address, live);
    }

    pub fn live(&self) -> BTreeMap<Address, Live> {
        self.live.borrow().clone()
    }

    /// Every write that succeeded, in order.
    pub fn writes(&self) -> Vec<(Verb, Address)> {
        self.writes.borrow().clone()
    }

    /// How long has been paused in all.
    pub fn elapsed(&self) -> Duration {
        self.elapsed.get()
    }

    fn write(&self, verb: Verb, at: &Address, live: Option<Live>) -> Result<(), CloudError> {
        if let Some(error) = self.failures.borrow_mut().remove(at) {
            return Err(error);
        }
        self.writes.borrow_mut().push((verb, at.clone()));
        match live {
            Some(live) => self.live.borrow_mut().insert(at.clone(), live),
            None => self.live.borrow_mut().remove(at),
        };
        Ok(())
    }
}

impl Cloud for Memory {
    async fn snapshot(&self, wanted: &BTreeSet<Address>) -> Result<Snapshot, CloudError> {
        let lagging = self.lag.get() > 0 && !self.writes.borrow().is_empty();
        let shown = match self.stale.borrow().as_ref() {
            Some(stale) if lagging => {
                self.lag.set(self.lag.get() - 1);
                stale.clone()
            }
            Some(_) | None => self.live.borrow().clone(),
        };
        let resources =
            shown.into_iter().filter(|(address, live)| wanted.contains(address) || live.owner == Owner::Ours).collect();
        Ok(Snapshot { resources, ..Snapshot::default() })
    }

    async fn read(&self, at: &Address) -> Result<Option<Live>, CloudError> {
        Ok(self.live.borrow().get(at).cloned())
    }

    async fn create(&self, at: &Address, desired: &Document, _say: Say<'_>) -> Result<(), CloudError> {
        self.write(Verb::Create, at, Some(Live::ours(desired.clone())))
    }

    async fn update(
        &self,
        at: &Address,
        live: &Live,
        desired: &Document,
        _changes: &Changes,
        _say: Say<'_>,
    ) -> Result<(), CloudError> {
        let after = Live {
            owner: Owner::Ours,
            document: desired.clone(),
            kept: live.kept.clone(),
            ..Live::ours(Document::default())
        };
        self.write(Verb::Update, at, Some(after))
    }

    async fn delete(&self, at: &Address, _live: &Live, _say: Say<'_>) -> Result<(), CloudError> {
        self.write(Verb::Delete, at, None)
    }

    async fn pause(&self, duration: Duration) {
        self.elapsed.set(self.elapsed.get() + duration);
    }
}
