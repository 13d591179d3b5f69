//! A turn: while one command holds it, another that wants the same thing waits.
//!
//! A file lock, because the system gives it back when its holder dies, however it dies. It is asked for again and
//! again and not awaited in a thread: so Ctrl-C ends the waiting at once.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;
use std::time::Duration;

use tokio::time::sleep;

/// Waits for the lock on the file, which is made if need be. It is given back when the file is closed.
pub async fn take(file: &Path, on_wait: impl FnOnce()) -> io::Result<File> {
    let lock = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(file)?;
    if try_take(&lock)? {
        return Ok(lock);
    }
    on_wait();
    let mut pause = Pause::new();
    while !try_take(&lock)? {
        pause.sleep().await;
    }
    Ok(lock)
}

fn try_take(lock: &File) -> io::Result<bool> {
    match lock.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// The pause between two questions: short at first, never long.
pub struct Pause(Duration);

impl Pause {
    const LONGEST: Duration = Duration::from_millis(200);

    pub fn new() -> Self {
        Self(Duration::from_millis(50))
    }

    pub async fn sleep(&mut self) {
        sleep(self.0).await;
        self.0 = (self.0 * 3 / 2).min(Self::LONGEST);
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use futures_util::FutureExt;

    use super::*;

    #[tokio::test(flavor = "current_thread")]
    async fn the_second_waits_until_the_first_is_done() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("turn");
        let first = take(&file, || panic!("nobody to wait for")).await.unwrap();
        let waited = Cell::new(false);
        let mut second = Box::pin(take(&file, || waited.set(true)));
        assert!(second.as_mut().now_or_never().is_none());
        assert!(waited.get());
        drop(first);
        second.await.unwrap();
    }
}
