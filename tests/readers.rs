//! What prints again and again ends when its reader has gone, without an error: `status --watch | head -1`.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

use crate::backend::{Server, account, run};
use crate::cli::example;

/// Reads so many lines of its answer and goes away.
fn ends_after(lines: usize, command: &mut Command) {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let answer = BufReader::new(child.stdout.take().unwrap());
    assert_eq!(answer.lines().map_while(Result::ok).take(lines).count(), lines);
    let status = child.wait().unwrap();
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!((status.code(), said.as_str()), (Some(0), ""), "{command:?}");
}

#[test]
fn a_dry_run_ends_with_its_reader() {
    ends_after(1, &mut example().command(&["send", "--dry-run", "--generate", "1000000000"]));
}

#[test]
fn a_watch_and_a_followed_log_end_with_their_reader() {
    run(async {
        let (server, project) = (Server::shared().await, example());
        // Nobody writes to this log: its reader is missed all the same.
        for (lines, arguments) in [
            (1, &["status", "--watch", "--interval", "1"][..]),
            (1, &["status", "--watch", "--output", "json", "--interval", "3600"]),
            (0, &["logs", "--follow"]),
        ] {
            let mut command = project.command(&[arguments, &["--endpoint-url", server.endpoint()]].concat());
            command.env("AWS_ACCESS_KEY_ID", account()).env("AWS_SECRET_ACCESS_KEY", "y");
            ends_after(lines, &mut command);
        }
    });
}
