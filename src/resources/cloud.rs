//! AWS as the reconciler's [`Cloud`]: leads every call to its kind.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::future::join_all;

use super::hearing::unheard;
use super::{Found, Resource, Survey, dispatch, parse};
use crate::aws::Aws;
use crate::reconcile::{Address, Changes, Cloud, CloudError, Document, Finding, Kind, Live, Name, Say, Snapshot};

impl Cloud for Aws {
    /// Two waves: everything by name beside the search for what else is ours; then what that search found.
    async fn snapshot(&self, wanted: &BTreeSet<Address>) -> Result<Snapshot, CloudError> {
        let survey = Survey::default();
        let kinds = Kind::ALL.map(|kind| {
            let names: BTreeSet<Name> = wanted.iter().filter(|at| at.kind == kind).map(|at| at.name.clone()).collect();
            let survey = &survey;
            async move { (kind, dispatch!(kind, R => read_all::<R>(self, survey, names).await)) }
        });
        let mut snapshot = Snapshot::default();
        for (kind, outcome) in join_all(kinds).await {
            match outcome {
                Ok((found, findings)) => {
                    snapshot.resources.extend(found);
                    snapshot.findings.extend(findings);
                }
                Err(error) if error.concerns_everything() => return Err(error),
                Err(error) => {
                    snapshot.unread.insert(kind, error);
                }
            }
        }
        snapshot.findings.extend(unheard(&snapshot.resources, &self.scope));
        Ok(snapshot)
    }

    async fn read(&self, at: &Address) -> Result<Option<Live>, CloudError> {
        let names = [at.name.clone()];
        dispatch!(at.kind, R => {
            let found = R::read(self, &names).await?.into_iter().next().flatten();
            found.map(Found::<R>::into_live).transpose()
        })
    }

    async fn create(&self, at: &Address, desired: &Document, say: Say<'_>) -> Result<(), CloudError> {
        dispatch!(at.kind, R => parse::<R>(desired)?.create(self, &at.name, say).await)
    }

    async fn update(
        &self,
        at: &Address,
        live: &Live,
        desired: &Document,
        changes: &Changes,
        say: Say<'_>,
    ) -> Result<(), CloudError> {
        dispatch!(at.kind, R => {
            parse::<R>(desired)?.update(self, &at.name, &Found::<R>::of(live)?, changes, say).await
        })
    }

    async fn delete(&self, at: &Address, live: &Live, say: Say<'_>) -> Result<(), CloudError> {
        dispatch!(at.kind, R => R::delete(self, &at.name, &Found::<R>::of(live)?, say).await)
    }

    async fn pause(&self, duration: Duration) {
        Aws::pause(self, duration).await;
    }
}

async fn read_all<R: Resource>(
    aws: &Aws,
    survey: &Survey,
    wanted: BTreeSet<Name>,
) -> Result<(BTreeMap<Address, Live>, Vec<Finding>), CloudError> {
    let names: Vec<Name> = wanted.iter().cloned().collect();
    let (named, candidates) = tokio::join!(R::read(aws, &names), R::candidates(aws, survey, &wanted));
    let candidates = candidates?;
    let others: Vec<Name> = candidates.difference(&wanted).cloned().collect();
    let beside = if others.is_empty() { Vec::new() } else { R::read(aws, &others).await? };
    let (mut resources, mut findings) = (BTreeMap::new(), Vec::new());
    for (name, found) in names.iter().zip(named?).chain(others.iter().zip(beside)) {
        let address = Address { kind: R::KIND, name: name.clone() };
        match found {
            Some(found) => drop(resources.insert(address, found.into_live()?)),
            None if wanted.contains(name) && candidates.contains(name) => {
                findings.extend(R::just_deleted(name).map(|finding| finding.at(&address)));
            }
            None => {}
        }
    }
    Ok((resources, findings))
}
