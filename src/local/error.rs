//! What can go wrong with the local AWS, each with its remedy.

use std::io;
use std::path::PathBuf;

/// Why the local AWS could not be installed, started, asked or stopped.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    #[error("cannot use `{}`: {source}\nhint: the local AWS keeps its state there; it must be a folder that you may write", path.display())]
    Folder { path: PathBuf, source: io::Error },

    #[error(
        "no folder for the local AWS's installation: neither `XDG_CACHE_HOME` nor `HOME` is set\nhint: set `PIPEWRIGHT_CACHE_DIR`"
    )]
    NoCache,

    #[error(
        "the local AWS needs Python 3.10 or newer, and `{python}` does not run: {source}\n\
         hint: install Python (Debian, Ubuntu: `apt install python3-venv`), or name it: `PIPEWRIGHT_PYTHON=/path/to/python3`"
    )]
    PythonMissing { python: String, source: io::Error },

    #[error(
        "the local AWS needs Python 3.10 or newer; `{python}` is {version}\n\
         hint: install a newer Python and name it: `PIPEWRIGHT_PYTHON=/path/to/python3`"
    )]
    PythonOld { python: String, version: String },

    #[error(
        "`{python}` ({version}) cannot make virtual environments: its module `{module}` is missing\n\
         hint: Debian, Ubuntu: `apt install python3-venv`; elsewhere name a complete Python: `PIPEWRIGHT_PYTHON=/path/to/python3`"
    )]
    PythonIncomplete { python: String, version: String, module: String },

    #[error(
        "`{python}` does not answer as Python does:\n{output}\nhint: name a Python ≥ 3.10: `PIPEWRIGHT_PYTHON=/path/to/python3`"
    )]
    PythonUnknown { python: String, output: String },

    #[error(
        "the virtual environment for the local AWS could not be made:\n{output}\nhint: Debian, Ubuntu: `apt install python3-venv`"
    )]
    Environment { output: String },

    #[error(
        "the local AWS could not be installed; pip says:\n{output}\n\
         hint: this step needs the Python package index once; pip's own settings (`PIP_INDEX_URL`, `HTTPS_PROXY`, pip.conf) are honoured"
    )]
    Install { output: String },

    #[error("`{}` is not readable: {cause}\nhint: `pipewright local reset` makes it anew", path.display())]
    Record { path: PathBuf, cause: String },

    #[error(
        "port {port}, which the local AWS of `{}` keeps, is taken by another program\n\
         hint: end that program (`ss -ltnp 'sport = :{port}'` names it), or `pipewright local reset`: without state another port will do",
        folder.display()
    )]
    PortTaken { port: u16, folder: PathBuf },

    #[error("the local AWS's process cannot be started: {source}\nhint: is the system out of memory or processes?")]
    Launch { source: io::Error },

    #[error("the local AWS ended while it started; `{}` ends with:\n{tail}\nhint: `pipewright local reset` starts it from nothing", log.display())]
    Died { log: PathBuf, tail: String },

    #[error("the local AWS is not ready after {seconds} s; `{}` ends with:\n{tail}\nhint: `pipewright local stop`, then again", log.display())]
    NotReady { seconds: u64, log: PathBuf, tail: String },

    #[error(
        "the local AWS (process {}) is still running {seconds} s after it was asked to stop\n\
         hint: `kill -KILL {0}` ends it; what it has not saved is lost", pid.map_or_else(|| "unknown".to_owned(), |pid| pid.to_string())
    )]
    StillRunning { pid: Option<u32>, seconds: u64 },

    #[error("the local AWS runs but does not answer: {cause}\nhint: `pipewright local stop`, then again")]
    Silent { cause: String },

    #[error(
        "the local AWS does not understand CloudWatch's binary protocol: {cause}\n\
         hint: its Python lacks a working `cbor2`; remove `{}` and start again", installation.display()
    )]
    Proof { cause: String, installation: PathBuf },
}

impl LocalError {
    pub(super) fn folder(path: &std::path::Path) -> impl FnOnce(io::Error) -> Self + '_ {
        move |source| Self::Folder { path: path.to_owned(), source }
    }
}
