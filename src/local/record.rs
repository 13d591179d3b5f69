//! What is remembered about a project's local AWS: `.pipewright/local.json`, written whole or not at all.

use std::fs;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{self, Write};
use std::net::{Ipv4Addr, TcpListener};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::error::LocalError;
use super::home::Home;

/// Chosen once; the state that the server keeps holds URLs with this port.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    pub port: u16,
    /// Random: part of the name that the server answers with, so that it can be told from any other.
    pub token: String,
    /// What the server was started from and with; it is started again when this changes.
    pub setup: String,
    /// It has shown that it understands us.
    pub proved: bool,
}

impl Record {
    /// A free port of this machine, and a new token.
    pub fn fresh(setup: &str) -> io::Result<Self> {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        // Need not be secret, only new: the standard library's hash keys come from the system's randomness.
        let token = format!("{:016x}{:016x}", random(), random());
        Ok(Self { port, token, setup: setup.to_owned(), proved: false })
    }

    pub fn read(home: &Home) -> Result<Option<Self>, LocalError> {
        let path = home.record();
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(LocalError::Record { path, cause: error.to_string() }),
        };
        match serde_json::from_slice(&text) {
            Ok(record) => Ok(Some(record)),
            Err(error) => Err(LocalError::Record { path, cause: error.to_string() }),
        }
    }

    pub fn write(&self, home: &Home) -> Result<(), LocalError> {
        self.replace(home).map_err(LocalError::folder(&home.record()))
    }

    fn replace(&self, home: &Home) -> io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(home.folder())?;
        file.write_all(&serde_json::to_vec_pretty(self)?)?;
        file.write_all(b"\n")?;
        file.persist(home.record())?;
        Ok(())
    }

    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The name that the server of this very folder answers with: a copy of the folder has another.
    pub fn identity(&self, home: &Home) -> String {
        let mut hasher = Sha256::new();
        hasher.update(self.token.as_bytes());
        hasher.update(home.folder().as_os_str().as_encoded_bytes());
        let digest: String = hasher.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        format!("pipewright-{digest}")
    }
}

fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn home(project: &tempfile::TempDir) -> Home {
        let home = Home::of(project.path()).unwrap();
        home.create().unwrap();
        home
    }

    #[test]
    fn what_is_written_is_read() {
        let project = tempfile::tempdir().unwrap();
        let home = home(&project);
        assert_eq!(Record::read(&home).unwrap(), None);
        let record = Record::fresh("setup").unwrap();
        record.write(&home).unwrap();
        assert_eq!(Record::read(&home).unwrap(), Some(record));
    }

    #[test]
    fn writing_leaves_no_other_file() {
        let project = tempfile::tempdir().unwrap();
        let home = home(&project);
        let record = Record::fresh("setup").unwrap();
        let before = fs::read_dir(home.folder()).unwrap().count();
        record.write(&home).unwrap();
        record.write(&home).unwrap();
        assert_eq!(fs::read_dir(home.folder()).unwrap().count(), before + 1);
    }

    #[test]
    fn a_damaged_one_is_an_error_that_says_how_to_go_on() {
        let project = tempfile::tempdir().unwrap();
        let home = home(&project);
        for text in ["", "{", "{\"port\": 70000}", "\u{0}"] {
            fs::write(home.record(), text).unwrap();
            let error = Record::read(&home).unwrap_err().to_string();
            assert!(error.contains("local.json"), "{error}");
            assert!(error.contains("hint: `pipewright local reset`"), "{error}");
        }
    }

    #[test]
    fn every_folder_and_every_server_has_its_own_identity() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let record = Record::fresh("setup").unwrap();
        assert_eq!(record.identity(&home(&one)), record.identity(&home(&one)));
        assert_ne!(record.identity(&home(&one)), record.identity(&home(&other)));
        assert_ne!(record.identity(&home(&one)), Record::fresh("setup").unwrap().identity(&home(&one)));
    }
}
