//! moto, the second local AWS: it executes nothing, but keeps and finds much of what the first one does not.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use pipewright::local::{Installer, Pins};

use crate::golden::root;

const PINS: Pins = Pins { name: "moto", requirements: include_str!("moto/requirements.txt") };

/// A running moto. It ends when this is dropped, and also when the test process ends without: its input ends then.
pub struct Moto {
    child: Child,
    endpoint: String,
}

impl Moto {
    pub async fn start() -> Self {
        let installation = Installer::from_environment().unwrap().install_pins(&PINS, &|_| ()).await.unwrap();
        let mut child = Command::new(installation.join("bin/python"))
            .args(["-I", "-u", "-X", "utf8"])
            .arg(root().join("tests/moto/adapter.py"))
            .env_clear()
            .envs([("MOTO_IAM_LOAD_MANAGED_POLICIES", "true"), ("DOCKER_HOST", "unix:///nowhere")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        // It tells its port once it listens; the end of its output without one is its death.
        let mut port = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut port).unwrap();
        assert!(!port.is_empty(), "moto did not start: {}", child.wait().unwrap());
        Self { child, endpoint: format!("http://127.0.0.1:{}", port.trim()) }
    }

    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[cfg(test)]
mod tests {
    use pipewright::local::sdk_config;

    use super::*;
    use crate::backend::{REGION, account, run};

    #[test]
    fn ends_with_its_input_so_that_a_killed_test_process_leaves_no_server() {
        run(async {
            let mut moto = Moto::start().await;
            assert_eq!(moto.child.try_wait().unwrap(), None, "it runs");
            drop(moto.child.stdin.take());
            assert!(moto.child.wait().unwrap().success());
        });
    }

    #[test]
    fn an_access_key_is_an_account_of_its_own() {
        run(async {
            let moto = Moto::start().await;
            let (one, other) = (account(), account());
            let sqs = |account: &str| aws_sdk_sqs::Client::new(&sdk_config(moto.endpoint(), Some(account), REGION));
            sqs(&one).create_queue().queue_name("orders").send().await.unwrap();
            assert_eq!(sqs(&one).list_queues().send().await.unwrap().queue_urls().len(), 1);
            assert_eq!(sqs(&other).list_queues().send().await.unwrap().queue_urls().len(), 0);
        });
    }
}
