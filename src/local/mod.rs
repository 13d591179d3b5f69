//! The embedded local AWS of one project folder: installed, started, asked, stopped and cleared.
//!
//! It is MiniStack, a Python program, in a process of its own that outlives the command that started it. All that is
//! remembered lies in `.pipewright/` beside the YAML. Who it is, is found out by asking: it answers with a name that
//! only the server of this folder has. Whether it lives, is told by a lock that it holds, never by a process id alone.

mod clients;
mod error;
mod home;
mod http;
mod install;
mod process;
mod progress;
mod proof;
mod python;
mod record;
mod server;
mod status;
mod turn;

use std::path::Path;

pub use clients::{ACCOUNT, sdk_config};
pub use error::LocalError;
pub use install::{Installer, Pins};
pub use progress::Progress;
pub use status::Status;

use home::Home;
use record::Record;
use server::Seen;

/// A new port is taken by somebody else before the server has it: so often in a row it won't be.
const PORTS_TRIED: usize = 5;

/// The local AWS of a project folder, running and ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Local {
    endpoint: String,
    pid: Option<u32>,
}

impl Local {
    /// Where it answers, `http://127.0.0.1:<port>`: the same after every start.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Its process.
    pub fn pid(&self) -> Option<u32> {
        self.pid
    }
}

/// How the local AWS is to be.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where its program comes from.
    pub installer: Installer,
    /// Permissions are enforced, those of the function's role included. Off, anybody may do anything.
    pub enforce_iam: bool,
}

impl Options {
    pub fn from_environment() -> Result<Self, LocalError> {
        Ok(Self { installer: Installer::from_environment()?, enforce_iam: false })
    }

    /// What distinguishes servers: one that was started from something else is started again.
    fn setup(&self) -> String {
        format!("{}{}", Installer::pins(), if self.enforce_iam { " iam" } else { "" })
    }
}

/// What stopping came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped {
    /// It saved its state and ended.
    Stopped { pid: Option<u32> },
    /// There was nothing to stop.
    NotRunning,
}

/// Makes the local AWS of this folder ready: installs it if need be, starts it unless it runs, proves that it works.
pub async fn start(folder: &Path, on: &dyn Fn(Progress)) -> Result<Local, LocalError> {
    start_with(&Options::from_environment()?, folder, on).await
}

/// As [`start`], with options that are not taken from the environment.
pub async fn start_with(options: &Options, folder: &Path, on: &dyn Fn(Progress)) -> Result<Local, LocalError> {
    let home = Home::of(folder)?;
    home.create()?;
    let _turn = home.turn(on).await?;
    let setup = options.setup();
    let record = Record::read(&home)?;
    let seen = match &record {
        Some(record) => server::look(&home, record).await?,
        None => Seen::Nobody,
    };
    let record = match (seen, record) {
        (Seen::Ours { .. } | Seen::Silent { .. }, Some(record)) if record.setup == setup => {
            server::wait_until_ready(&home, &record, None).await?;
            record
        }
        (Seen::Foreign, Some(record)) => {
            return Err(LocalError::PortTaken { port: record.port, folder: home.folder().to_owned() });
        }
        (Seen::Ours { .. } | Seen::Silent { .. } | Seen::Nobody | Seen::Foreign, record) => {
            // Alive still is one of another setup, or one whose record somebody removed.
            server::stop(&home, record.as_ref(), on).await?;
            launch(options, &home, record, on).await?
        }
    };
    proved(options, &home, record, on).await
}

/// Starts the server at the port that it keeps, or at a new one, and waits until it is ready.
async fn launch(
    options: &Options,
    home: &Home,
    kept: Option<Record>,
    on: &dyn Fn(Progress),
) -> Result<Record, LocalError> {
    let installation = options.installer.install(on).await?;
    if kept.is_none() {
        // What is left of the state is of no use: its URLs have a port that nobody remembers.
        home.clear()?;
        home.create()?;
    }
    let setup = options.setup();
    let mut tries = if kept.is_some() { 1 } else { PORTS_TRIED };
    loop {
        let record = match &kept {
            Some(kept) => Record { setup: setup.clone(), proved: false, ..kept.clone() },
            None => Record::fresh(&setup).map_err(LocalError::folder(home.folder()))?,
        };
        // Before the start: whatever happens to us now, the server will be found again.
        record.write(home)?;
        on(Progress::Starting { endpoint: record.endpoint() });
        let mut child = process::launch(home, &record, &installation, options.enforce_iam).await?;
        tries -= 1;
        match server::wait_until_ready(home, &record, Some(&mut child)).await {
            Err(LocalError::Died { tail, .. }) if tail.contains("already in use") => {
                if tries == 0 {
                    return Err(LocalError::PortTaken { port: record.port, folder: home.folder().to_owned() });
                }
            }
            Ok(()) => return Ok(record),
            Err(error) => return Err(error),
        }
    }
}

/// Once a start: without `cbor2` it seems to work and stores nonsense.
async fn proved(
    options: &Options,
    home: &Home,
    mut record: Record,
    on: &dyn Fn(Progress),
) -> Result<Local, LocalError> {
    if !record.proved {
        on(Progress::Proving);
        let proof = proof::prove(&record.endpoint()).await;
        proof.map_err(|cause| LocalError::Proof { cause, installation: options.installer.cache.clone() })?;
        record.proved = true;
        record.write(home)?;
        on(Progress::Ready { endpoint: record.endpoint() });
    }
    Ok(Local { endpoint: record.endpoint(), pid: process::id(home) })
}

/// Stops the local AWS of this folder in order: it saves its state, and is gone when this returns.
pub async fn stop(folder: &Path, on: &dyn Fn(Progress)) -> Result<Stopped, LocalError> {
    let home = Home::of(folder)?;
    if !home.exists() {
        return Ok(Stopped::NotRunning);
    }
    let _turn = home.turn(on).await?;
    // A damaged record is no reason not to stop: the lock tells who it is.
    let record = Record::read(&home).ok().flatten();
    if !server::lives(&home, record.as_ref()).await? {
        return Ok(Stopped::NotRunning);
    }
    Ok(Stopped::Stopped { pid: server::stop(&home, record.as_ref(), on).await? })
}

/// How it stands with the local AWS of this folder. Changes nothing, waits for nobody.
pub async fn status(folder: &Path) -> Result<Status, LocalError> {
    let home = Home::of(folder)?;
    let Some(record) = Record::read(&home)? else {
        return Ok(Status::Stopped { endpoint: None });
    };
    let (endpoint, pid) = (record.endpoint(), process::id(&home));
    Ok(match server::look(&home, &record).await? {
        Seen::Ours { version } => Status::Running { endpoint, pid, version, folder: home.state(), log: home.log() },
        Seen::Silent { cause } => Status::Silent { endpoint, pid, cause, log: home.log() },
        Seen::Foreign => Status::Foreign { endpoint },
        Seen::Nobody => Status::Stopped { endpoint: Some(endpoint) },
    })
}

/// Clears all state of the local AWS of this folder, running or not. When it is not running it forgets its port, too.
pub async fn reset(folder: &Path, on: &dyn Fn(Progress)) -> Result<(), LocalError> {
    let home = Home::of(folder)?;
    if !home.exists() {
        return Ok(());
    }
    let _turn = home.turn(on).await?;
    // A damaged record is one of the things that a reset is for.
    let record = Record::read(&home).ok().flatten();
    match record {
        Some(record) if server::lives(&home, Some(&record)).await? => server::reset(&record).await,
        record => {
            server::stop(&home, record.as_ref(), on).await?;
            home.clear()
        }
    }
}
