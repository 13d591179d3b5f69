//! What `pipewright local status` answers.

use std::fmt;
use std::path::PathBuf;

use serde::Serialize;

/// The local AWS of one project folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Status {
    /// It answers, and with our name.
    Running { endpoint: String, pid: Option<u32>, version: String, folder: PathBuf, log: PathBuf },
    /// Its process lives but does not answer: it is starting, or it hangs.
    Silent { endpoint: String, pid: Option<u32>, cause: String, log: PathBuf },
    /// It is not running. The endpoint is the one that it keeps, if it was ever started.
    Stopped { endpoint: Option<String> },
    /// It is not running, and something else answers at the port that it keeps.
    Foreign { endpoint: String },
}

impl fmt::Display for Status {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Running { endpoint, pid, version, folder, log } => {
                write!(out, "running at {endpoint} (MiniStack {version}{})", process(*pid))?;
                write!(out, "\nstate: {}\nlog:   {}", folder.display(), log.display())
            }
            Self::Silent { endpoint, pid, cause, log } => {
                write!(out, "at {endpoint}, but not answering{}: {cause}\nlog: {}", process(*pid), log.display())
            }
            Self::Stopped { endpoint: Some(endpoint) } => write!(out, "stopped; it keeps {endpoint}"),
            Self::Stopped { endpoint: None } => write!(out, "never started here"),
            Self::Foreign { endpoint } => write!(out, "stopped; another program answers at {endpoint}, which it keeps"),
        }
    }
}

fn process(id: Option<u32>) -> String {
    id.map(|id| format!(", process {id}")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_state_reads_as_a_sentence() {
        let endpoint = || "http://127.0.0.1:4711".to_owned();
        let said = Status::Stopped { endpoint: Some(endpoint()) }.to_string();
        assert_eq!(said, "stopped; it keeps http://127.0.0.1:4711");
        let silent = Status::Silent { endpoint: endpoint(), pid: None, cause: "no answer".into(), log: "log".into() };
        assert_eq!(silent.to_string(), "at http://127.0.0.1:4711, but not answering: no answer\nlog: log");
    }

    #[test]
    fn the_state_is_a_word_in_json() {
        let json = serde_json::to_value(Status::Stopped { endpoint: None }).unwrap();
        assert_eq!(json, serde_json::json!({ "state": "stopped", "endpoint": null }));
    }
}
