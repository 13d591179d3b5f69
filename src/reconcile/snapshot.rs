//! Live AWS at one moment: what there is, whose it is, and what was seen beside its properties.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::address::{Address, Kind};
use super::cloud::CloudError;
use super::document::Document;
use super::finding::Finding;

/// Whose a live resource is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    /// It carries this pipeline's mark.
    Ours,
    /// It carries another pipeline's mark, or none.
    Foreign { pipeline: Option<String> },
}

/// A live resource.
#[derive(Debug, Clone, PartialEq)]
pub struct Live {
    /// What AWS itself named it, where that is not the name (a mapping's UUID, a subscription's ARN).
    pub id: Option<String>,
    pub owner: Owner,
    /// The managed properties, canonical.
    pub document: Document,
    /// Others' parts inside it (policy statements, tags): read to be kept when it is written, never compared.
    pub kept: Value,
    /// What AWS reports but nobody configures, by name.
    pub observations: BTreeMap<String, Value>,
    /// What people should know of it.
    pub findings: Vec<Finding>,
    /// What would be lost with it, in words with live counts; `None`: nothing.
    pub holds: Option<String>,
}

impl Live {
    /// One of ours with these properties and nothing beside them.
    pub fn ours(document: Document) -> Self {
        Self {
            id: None,
            owner: Owner::Ours,
            document,
            kept: Value::Null,
            observations: BTreeMap::new(),
            findings: Vec::new(),
            holds: None,
        }
    }

    /// Whether a write that was planned against `self` may go ahead on `now`.
    pub fn same_for_writing(&self, now: &Live) -> bool {
        self.id == now.id && self.owner == now.owner && self.document == now.document && self.kept == now.kept
    }
}

/// Everything that was named in the question, and everything this pipeline owns.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    pub resources: BTreeMap<Address, Live>,
    /// What could not be read: nothing is said, and nothing done, about resources of these kinds.
    pub unread: BTreeMap<Kind, CloudError>,
    /// Findings about the whole.
    pub findings: Vec<Finding>,
}

impl Snapshot {
    pub fn addresses(&self) -> BTreeSet<Address> {
        self.resources.keys().cloned().collect()
    }
}
