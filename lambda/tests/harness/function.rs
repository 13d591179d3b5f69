//! The function's process: the program `bootstrap`, with the environment that Lambda would give it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use pipewright_processor::contract::Settings;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdout, Command};
use tokio::sync::mpsc;

/// A running `bootstrap`; ends with its owner.
pub struct Function {
    child: Child,
    output: mpsc::UnboundedReceiver<String>,
}

/// The variables that the function is started with.
pub fn environment(settings: &Settings, runtime_api: &str, aws: &str) -> BTreeMap<String, String> {
    let lambda = [
        ("AWS_LAMBDA_RUNTIME_API", runtime_api),
        ("AWS_LAMBDA_FUNCTION_NAME", "shop-processor"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_ENDPOINT_URL", aws),
    ];
    let mut variables = settings.to_environment();
    variables.extend(lambda.map(|(name, value)| (name.to_owned(), value.to_owned())));
    variables
}

impl Function {
    pub fn start(program: &Path, environment: &BTreeMap<String, String>) -> Self {
        let mut command = Command::new(program);
        command.env_clear().envs(environment).stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().unwrap();
        let output = listen(child.stdout.take().unwrap());
        Self { child, output }
    }

    pub fn id(&self) -> u32 {
        self.child.id().unwrap()
    }

    /// The next line of its log; `None`: it has ended.
    pub async fn line(&mut self) -> Option<Value> {
        let line = self.output.recv().await?;
        Some(serde_json::from_str(&line).unwrap_or_else(|_| panic!("no JSON: {line}")))
    }

    /// The lines of the next batch up to its counters. What follows these (metrics by reason and currency) is passed over
    /// when the next batch's are asked for.
    pub async fn lines_of_batch(&mut self) -> Vec<Value> {
        let mut lines = Vec::new();
        while let Some(line) = self.line().await {
            let (is_metric, is_counters) = (line.get("_aws").is_some(), line.get("Stored").is_some());
            if !is_metric || is_counters {
                lines.push(line);
            }
            if is_counters {
                break;
            }
        }
        lines
    }

    /// All lines to the end.
    pub async fn rest(&mut self) -> Vec<Value> {
        let mut lines = Vec::new();
        while let Some(line) = self.line().await {
            lines.push(line);
        }
        lines
    }

    /// Asks it to end, as Lambda does.
    pub async fn terminate(&self) {
        let kill = ["-c", r#"kill -TERM "$1""#, "sh", &self.id().to_string()];
        assert!(Command::new("/bin/sh").args(kill).status().await.unwrap().success());
    }

    pub async fn ended(&mut self) -> ExitStatus {
        self.child.wait().await.unwrap()
    }

    /// Processor time so far, in hundredths of a second as the system counts.
    pub fn processor_time(&self) -> Duration {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.id())).unwrap();
        // The name in parentheses may hold anything; fields are counted after it.
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
        let ticks: u64 = fields[11..13].iter().map(|ticks| ticks.parse::<u64>().unwrap()).sum();
        Duration::from_millis(ticks * 10)
    }

    /// The most memory it ever had, in KiB.
    pub fn peak_kib(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }
}

/// Takes every line as it comes: a full pipe would hold the function up.
fn listen(output: ChildStdout) -> mpsc::UnboundedReceiver<String> {
    let (sender, lines) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        let mut output = BufReader::new(output).lines();
        while let Ok(Some(line)) = output.next_line().await {
            // Who no longer listens may still not hold it up.
            let _ = sender.send(line);
        }
    });
    lines
}
