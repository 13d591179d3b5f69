//! The server's process: how it is started, known to be alive, and asked to end.
//!
//! A process id alone proves nothing: the system gives it to another process once the first has gone. So the server
//! holds a lock on the file that its id is written in: it inherits that file, locked, as its standard input, and the
//! system lets go of the lock when the process ends, however it ends. While the file is locked, the id in it is right.

use std::collections::BTreeMap;
use std::env;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::error::LocalError;
use super::home::Home;
use super::install::interpreter;
use super::record::Record;
use super::turn;

/// Writes the shell's process id to the file, then becomes the program, which keeps the id.
const BECOME: &str = r#"echo "$$" >&0 && exec "$@""#;

/// Whether a server of this folder is alive.
pub fn alive(home: &Home) -> Result<bool, LocalError> {
    let path = home.running();
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(LocalError::Folder { path, source: error }),
    };
    match file.try_lock_shared() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(source)) => Err(LocalError::Folder { path, source }),
    }
}

/// The process id of the server; right only while it is alive.
pub fn id(home: &Home) -> Option<u32> {
    fs::read_to_string(home.running()).ok()?.trim().parse().ok()
}

/// Starts the server in a process group of its own, so that Ctrl-C in our terminal does not reach it.
pub async fn launch(home: &Home, record: &Record, installation: &Path, iam: bool) -> Result<Child, LocalError> {
    let running = home.running();
    let lock = turn::take(&running, || ()).await.map_err(LocalError::folder(&running))?;
    lock.set_len(0).map_err(LocalError::folder(&running))?;
    home.sweep()?;
    let path = home.log();
    let log = File::create(&path).map_err(LocalError::folder(&path))?;
    let errors = log.try_clone().map_err(LocalError::folder(&path))?;
    Command::new("/bin/sh")
        .args(["-c", BECOME, "sh"])
        .arg(interpreter(installation))
        // Isolated from the user's Python settings, unbuffered into the log.
        .args(["-I", "-u", "-X", "utf8", "-m", "ministack"])
        .current_dir(home.own())
        .env_clear()
        .envs(environment(home, record, iam))
        .stdin(lock)
        .stdout(log)
        .stderr(errors)
        .process_group(0)
        .spawn()
        .map_err(|source| LocalError::Launch { source })
}

/// All that the server, and through it the function, gets to see. Nothing of the user's but the search path.
fn environment(home: &Home, record: &Record, iam: bool) -> BTreeMap<&'static str, OsString> {
    let no_docker = format!("unix://{}", home.own().join("no-docker").display());
    BTreeMap::from([
        ("PATH", env::var_os("PATH").unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".into())),
        ("HOME", home.own().into()),
        ("TMPDIR", home.temporary().into()),
        ("BIND_HOST", "127.0.0.1".into()),
        ("GATEWAY_PORT", record.port.to_string().into()),
        // What the function's clients are sent to; without it they would call the real AWS.
        ("AWS_ENDPOINT_URL", record.endpoint().into()),
        ("PERSIST_STATE", "1".into()),
        ("STATE_DIR", home.state().into()),
        // Shown as `edition` where it is asked for its health.
        ("MINISTACK_EDITION", record.identity(home).into()),
        ("AUTH", if iam { "true" } else { "false" }.into()),
        ("LAMBDA_EXECUTOR", "local".into()),
        // Else it would look for containers to remove, and listen for file transfer and devices.
        ("DOCKER_HOST", no_docker.into()),
        ("SFTP_ENABLED", "0".into()),
        ("IOT_MTLS_ENABLED", "0".into()),
    ])
}

/// Asks a process to end. That it has gone already is no error.
pub async fn ask_to_end(id: u32) {
    // The shell's own `kill`: safe Rust has none, and not every system has the program.
    let _ = tokio::process::Command::new("/bin/sh")
        .args([OsStr::new("-c"), OsStr::new(r#"kill -TERM "$1""#), OsStr::new("sh"), OsStr::new(&id.to_string())])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .await;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn home() -> (tempfile::TempDir, Home) {
        let project = tempfile::tempdir().unwrap();
        let home = Home::of(project.path()).unwrap();
        home.create().unwrap();
        (project, home)
    }

    #[test]
    fn the_environment_is_all_ours() {
        let (_project, home) = home();
        let record = Record::fresh("setup").unwrap();
        let environment = environment(&home, &record, false);
        let aws: Vec<_> = environment.keys().filter(|name| name.starts_with("AWS_")).collect();
        assert_eq!(aws, [&"AWS_ENDPOINT_URL"]);
        assert_eq!(environment["BIND_HOST"], "127.0.0.1");
        assert_ne!(Some(environment["HOME"].clone()), env::var_os("HOME"));
    }

    #[test]
    fn nobody_is_alive_at_first() {
        let (_project, home) = home();
        assert!(!alive(&home).unwrap());
        fs::write(home.running(), std::process::id().to_string()).unwrap();
        assert!(!alive(&home).unwrap(), "an id of a living process, but no lock");
    }

    #[tokio::test(flavor = "current_thread")]
    async fn the_file_names_the_process_that_was_started_and_its_end_gives_back_the_lock() {
        let (_project, home) = home();
        let record = Record::fresh("setup").unwrap();
        // No program is there: the shell says so in the log and ends.
        let mut child = launch(&home, &record, Path::new("/nowhere"), false).await.unwrap();
        assert!(!child.wait().unwrap().success());
        assert_eq!(id(&home), Some(child.id()));
        assert!(!alive(&home).unwrap());
        assert!(fs::read_to_string(home.log()).unwrap().contains("/nowhere/bin/python"));
    }

    #[tokio::test(flavor = "current_thread")]
    async fn asked_to_end_a_process_ends() {
        let mut child = Command::new("/bin/cat").stdin(Stdio::piped()).spawn().unwrap();
        ask_to_end(child.id()).await;
        assert!(!child.wait().unwrap().success());
    }
}
