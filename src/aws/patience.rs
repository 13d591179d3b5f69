//! Waiting for AWS: polls from 0.25 s growing to 2 s, with a limit, telling what is waited for.
//!
//! The SDK's own waiters are slow (DynamoDB's polls every 20 s).

use std::time::Duration;

use super::Aws;
use crate::reconcile::{CloudError, ErrorKind, Say};

/// How fast time passes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Pace {
    #[default]
    Real,
    /// Waits take a fiftieth of their time: for tests against scripted answers. Limits count as if all had passed.
    Quick,
}

const FIRST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(2);

/// What is waited for, and how long at most.
#[derive(Debug, Clone, Copy)]
pub struct Wait<'a> {
    /// Completes "waiting …": "until the role can be assumed".
    pub reason: &'a str,
    pub limit: Duration,
}

impl Aws {
    /// Lets time pass.
    pub async fn pause(&self, duration: Duration) {
        match self.pace {
            Pace::Real => tokio::time::sleep(duration).await,
            Pace::Quick => tokio::time::sleep(duration / 50).await,
        }
    }

    /// Repeats a call for as long as it fails with what `not_yet` calls passing.
    ///
    /// # Errors
    /// The first failure that is not passing; `TimedOut` with the last one when the limit is reached.
    pub async fn insist<T>(
        &self,
        wait: Wait<'_>,
        say: Say<'_>,
        not_yet: impl Fn(&CloudError) -> bool,
        mut call: impl AsyncFnMut() -> Result<T, CloudError>,
    ) -> Result<T, CloudError> {
        let mut waited = Duration::ZERO;
        let mut pause = FIRST;
        loop {
            match call().await {
                Err(error) if not_yet(&error) => {
                    if waited >= wait.limit {
                        return Err(gave_up(wait, &error));
                    }
                }
                outcome => return outcome,
            }
            if waited.is_zero() {
                say(wait.reason);
            }
            self.pause(pause).await;
            waited += pause;
            pause = (pause * 3 / 2).min(LONGEST);
        }
    }

    /// Asks until the answer is there.
    ///
    /// # Errors
    /// The first failure; `TimedOut` when the limit is reached.
    pub async fn until<T>(
        &self,
        wait: Wait<'_>,
        say: Say<'_>,
        mut ask: impl AsyncFnMut() -> Result<Option<T>, CloudError>,
    ) -> Result<T, CloudError> {
        let not_yet = |error: &CloudError| error.kind == ErrorKind::Busy && error.code.is_none();
        let ask = async || match ask().await? {
            Some(answer) => Ok(answer),
            None => Err(CloudError::new(ErrorKind::Busy, "it is not so yet")),
        };
        self.insist(wait, say, not_yet, ask).await
    }
}

fn gave_up(wait: Wait<'_>, last: &CloudError) -> CloudError {
    let message = format!("waited {} s {}, in vain: {}", wait.limit.as_secs(), wait.reason, last.message);
    CloudError { kind: ErrorKind::TimedOut, code: last.code.clone(), message, hint: last.hint.clone() }
}
