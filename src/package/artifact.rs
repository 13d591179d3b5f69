//! The function's code: its identity at once, its zip when somebody needs it, built once.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::{OnceCell, watch};

use super::{PackageError, Target, build, code_sha256, identity, prebuilt, zip};
use crate::config::pipeline::Architecture;

/// Where the code comes from.
#[derive(Debug, Clone)]
pub enum Source {
    /// The folder of a cargo package that builds `bootstrap`.
    Package { folder: PathBuf, target: Target },
    /// A zip that somebody else built.
    Zip { file: PathBuf, architecture: Architecture },
}

/// The function's code.
#[derive(Debug)]
pub struct Artifact {
    source: Source,
    /// Failures too: two steps that wait for one build hear of one failure, and nothing is compiled twice.
    zip: OnceCell<Result<Vec<u8>, Arc<PackageError>>>,
    stopped: watch::Sender<bool>,
}

impl Artifact {
    pub fn new(source: Source) -> Self {
        Self { source, zip: OnceCell::new(), stopped: watch::Sender::new(false) }
    }

    /// What tells this code from other code: `sources:<digest>` or `zip:<CodeSha256>`. Compiles nothing.
    ///
    /// # Errors
    /// Sources or zip that are not there, or are not what they should be.
    pub fn identity(&self) -> Result<String, PackageError> {
        match &self.source {
            Source::Package { folder, target } => Ok(format!("sources:{}", identity(folder, target)?)),
            Source::Zip { file, architecture } => Ok(format!("zip:{}", code_sha256(&prebuilt(file, *architecture)?))),
        }
    }

    /// Ends a build that is under way, and lets none begin: whoever waits for it hears that it was interrupted.
    pub fn stop(&self) {
        self.stopped.send_replace(true);
    }

    pub fn is_ready(&self) -> bool {
        self.zip.initialized()
    }

    /// The zip; built when it is first asked for, whoever asks. `on` hears the compiler's progress.
    ///
    /// # Errors
    /// What the build says; a program that Lambda could not run.
    pub async fn zip_with(&self, on: &dyn Fn(String)) -> Result<Vec<u8>, Arc<PackageError>> {
        self.zip.get_or_init(async || self.make(on).await.map_err(Arc::new)).await.clone()
    }

    /// The same, in silence.
    ///
    /// # Errors
    /// As `zip_with`.
    pub async fn zip(&self) -> Result<Vec<u8>, Arc<PackageError>> {
        self.zip_with(&|_| ()).await
    }

    async fn make(&self, on: &dyn Fn(String)) -> Result<Vec<u8>, PackageError> {
        match &self.source {
            Source::Package { folder, target } => {
                let mut stopped = self.stopped.subscribe();
                tokio::select! {
                    biased;
                    _ = stopped.wait_for(|stopped| *stopped) => Err(PackageError::Interrupted),
                    built = build(folder, target, on) => zip(&built?),
                }
            }
            Source::Zip { file, architecture } => prebuilt(file, *architecture),
        }
    }
}
