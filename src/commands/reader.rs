//! Whoever prints again and again ends when nobody reads it any more, even while there is nothing to print: `| head -1`
//! must not leave behind a program that goes on asking AWS.

use std::future::pending;
use std::io;
use std::os::fd::AsFd;

use anyhow::Result;
use tokio::io::Interest;
use tokio::net::unix::pipe::Sender;

use super::Exit;

/// Does the work until it is done, or until the other end of the pipe that the answers go to is closed, which is no
/// failure.
///
/// # Errors
/// Those of the work.
pub async fn while_read(work: impl Future<Output = Result<Exit>>) -> Result<Exit> {
    tokio::select! {
        done = work => done,
        () = gone() => Ok(Exit::Done),
    }
}

/// Resolves when nobody can read the answers any more. A file can always be read: it is not watched.
async fn gone() {
    // Unchecked: it need be no pipe, and must not be made one that does not block, for nothing is written through it.
    let watched = io::stdout().as_fd().try_clone_to_owned().and_then(Sender::from_owned_fd_unchecked);
    let Ok(answers) = watched else { return pending().await };
    loop {
        match answers.ready(Interest::WRITABLE).await {
            Ok(state) if state.is_write_closed() => return,
            Ok(_) => forget_room(&answers),
            Err(_) => return pending().await,
        }
    }
}

/// That there is room for more answers is no news: what comes next is awaited.
fn forget_room(answers: &Sender) {
    let _ = answers.try_io::<()>(|| Err(io::ErrorKind::WouldBlock.into()));
}
