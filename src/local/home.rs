//! The local AWS's place in a project: the folder `.pipewright` beside the YAML, and what lies where in it.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::error::LocalError;
use super::progress::Progress;
use super::turn;

/// `<project>/.pipewright`. It keeps itself out of version control.
#[derive(Debug, Clone)]
pub struct Home {
    folder: PathBuf,
}

impl Home {
    /// The project's folder must exist; nothing is made yet.
    pub fn of(project: &Path) -> Result<Self, LocalError> {
        // `pipewright.yaml` has the parent "": the folder we stand in.
        let project = if project.as_os_str().is_empty() { Path::new(".") } else { project };
        let project = fs::canonicalize(project).map_err(LocalError::folder(project))?;
        Ok(Self { folder: project.join(".pipewright") })
    }

    pub fn create(&self) -> Result<(), LocalError> {
        for folder in [self.state(), self.temporary()] {
            fs::create_dir_all(&folder).map_err(LocalError::folder(&folder))?;
        }
        let ignore = self.folder.join(".gitignore");
        if !ignore.exists() {
            fs::write(&ignore, "*\n").map_err(LocalError::folder(&ignore))?;
        }
        Ok(())
    }

    /// An empty temporary folder: what a server that was killed has left there is of no use to the next.
    pub fn sweep(&self) -> Result<(), LocalError> {
        let folder = self.temporary();
        absent(fs::remove_dir_all(&folder)).map_err(LocalError::folder(&folder))?;
        fs::create_dir_all(&folder).map_err(LocalError::folder(&folder))
    }

    pub fn exists(&self) -> bool {
        self.folder.is_dir()
    }

    /// One command at a time.
    pub async fn turn(&self, on: &dyn Fn(Progress)) -> Result<File, LocalError> {
        let lock = self.folder.join("local.lock");
        turn::take(&lock, || on(Progress::Waiting)).await.map_err(LocalError::folder(&lock))
    }

    /// Removes the saved state. The folder itself, the lock in it and the log stay.
    pub fn clear(&self) -> Result<(), LocalError> {
        for path in [self.record(), self.running()] {
            absent(fs::remove_file(&path)).map_err(LocalError::folder(&path))?;
        }
        let own = self.own();
        absent(fs::remove_dir_all(&own)).map_err(LocalError::folder(&own))
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub fn record(&self) -> PathBuf {
        self.folder.join("local.json")
    }

    pub fn log(&self) -> PathBuf {
        self.folder.join("local.log")
    }

    /// Locked by the server for as long as it lives.
    pub fn running(&self) -> PathBuf {
        self.folder.join("local.pid")
    }

    /// The server's home folder: it has no business in the user's.
    pub fn own(&self) -> PathBuf {
        self.folder.join("local")
    }

    pub fn state(&self) -> PathBuf {
        self.own().join("state")
    }

    pub fn temporary(&self) -> PathBuf {
        self.own().join("tmp")
    }
}

/// What is not there need not be removed.
fn absent(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_itself_out_of_version_control() {
        let project = tempfile::tempdir().unwrap();
        let home = Home::of(project.path()).unwrap();
        assert!(!home.exists());
        home.create().unwrap();
        home.create().unwrap();
        assert_eq!(fs::read_to_string(home.folder().join(".gitignore")).unwrap(), "*\n");
    }

    #[test]
    fn sweeping_keeps_the_state() {
        let project = tempfile::tempdir().unwrap();
        let home = Home::of(project.path()).unwrap();
        home.create().unwrap();
        fs::write(home.state().join("sqs.json"), "{}").unwrap();
        fs::write(home.temporary().join("left"), "").unwrap();
        home.sweep().unwrap();
        assert!(home.state().join("sqs.json").exists());
        assert_eq!(fs::read_dir(home.temporary()).unwrap().count(), 0);
    }

    #[test]
    fn clearing_twice_is_no_error() {
        let project = tempfile::tempdir().unwrap();
        let home = Home::of(project.path()).unwrap();
        home.create().unwrap();
        fs::write(home.state().join("sqs.json"), "{}").unwrap();
        home.clear().unwrap();
        home.clear().unwrap();
        assert!(!home.own().exists());
    }

    #[test]
    fn a_project_that_is_not_there_is_an_error() {
        let error = Home::of(Path::new("/nowhere/at/all")).unwrap_err();
        assert!(error.to_string().starts_with("cannot use `/nowhere/at/all`"), "{error}");
    }
}
