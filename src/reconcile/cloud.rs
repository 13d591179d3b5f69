//! The seam: the outside world as the reconciler sees it, and what can go wrong there.

use std::collections::BTreeSet;
use std::time::Duration;

use thiserror::Error;

use super::address::Address;
use super::diff::Changes;
use super::document::Document;
use super::snapshot::{Live, Snapshot};

/// Tells what a write is waiting for, in words: "until the role can be assumed".
pub type Say<'a> = &'a dyn Fn(&str);

/// The outside world as the reconciler sees it. Real: `Aws`. In tests: `Memory`.
#[expect(async_fn_in_trait, reason = "all futures run on one task; nothing needs them to be Send")]
pub trait Cloud {
    /// Everything named here, and everything this pipeline owns, in bulk.
    async fn snapshot(&self, wanted: &BTreeSet<Address>) -> Result<Snapshot, CloudError>;
    /// One resource again, just before it is written.
    async fn read(&self, at: &Address) -> Result<Option<Live>, CloudError>;
    async fn create(&self, at: &Address, desired: &Document, say: Say<'_>) -> Result<(), CloudError>;
    async fn update(
        &self,
        at: &Address,
        live: &Live,
        desired: &Document,
        changes: &Changes,
        say: Say<'_>,
    ) -> Result<(), CloudError>;
    async fn delete(&self, at: &Address, live: &Live, say: Say<'_>) -> Result<(), CloudError>;
    /// Lets time pass.
    async fn pause(&self, duration: Duration);
}

/// What kind of thing went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// There is no such resource.
    NotFound,
    /// AWS is busy with the resource: the same call may succeed later.
    Busy,
    /// The identity may not do this.
    Denied,
    /// No credentials, wrong ones, or expired ones.
    Credentials,
    /// Too many requests, even after all retries.
    Throttled,
    /// No answer: no network, wrong endpoint, a timeout.
    Unreachable,
    /// AWS answered with a failure of its own (5xx).
    Server,
    /// AWS refuses the request as it is.
    Refused,
    /// The answer came, and the client could not read it.
    Unreadable,
    /// The resource is no longer what the plan saw.
    ChangedSincePlan,
    /// It was waited for, and did not come.
    TimedOut,
    /// Something on this machine: the build, a file.
    Local,
}

/// A failure of the outside world.
#[derive(Debug, Clone, PartialEq, Error)]
#[error("{message}{}", hint.as_ref().map(|hint| format!("\nhint: {hint}")).unwrap_or_default())]
pub struct CloudError {
    pub kind: ErrorKind,
    /// AWS's own word for it, such as `ResourceConflictException`.
    pub code: Option<String>,
    /// What happened, with operation and resource.
    pub message: String,
    pub hint: Option<String>,
}

impl CloudError {
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, code: None, message: message.into(), hint: None }
    }

    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Whether every other call would fail alike, so that there is nothing to gain by going on.
    pub fn concerns_everything(&self) -> bool {
        match self.kind {
            ErrorKind::Credentials | ErrorKind::Unreachable => true,
            ErrorKind::NotFound
            | ErrorKind::Busy
            | ErrorKind::Denied
            | ErrorKind::Throttled
            | ErrorKind::Server
            | ErrorKind::Refused
            | ErrorKind::Unreadable
            | ErrorKind::ChangedSincePlan
            | ErrorKind::TimedOut
            | ErrorKind::Local => false,
        }
    }
}
