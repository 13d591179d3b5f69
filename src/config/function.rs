//! The function as the YAML describes it: where its code comes from and how it runs.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::log_retention::LogRetention;
use super::names::{FunctionName, LogGroupName, VariableName};
use super::units::{Count, Seconds, Size};

/// The Lambda function: either `source` or `zip` says where its code comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Function {
    /// The function's name; default `<pipeline>[-<environment>]-processor`.
    #[serde(default)]
    pub name: Option<FunctionName>,
    /// The folder of a cargo package that builds a binary `bootstrap`, relative to this file. Without it: `zip`.
    #[serde(default)]
    pub source: Option<String>,
    /// A prebuilt zip with `bootstrap` at its top, relative to this file. Without it: `source`.
    #[serde(default)]
    pub zip: Option<String>,
    /// The processor architecture.
    #[serde(default)]
    pub architecture: Architecture,
    /// Memory; CPU grows with it. Whole MiB.
    #[serde(default = "Function::default_memory")]
    pub memory: Size<134_217_728, 10_737_418_240>,
    /// The longest one batch may take.
    #[serde(default = "Function::default_timeout")]
    pub timeout: Seconds<1, 900>,
    /// Space under the function's temporary folder. Whole MiB.
    #[serde(default = "Function::default_storage")]
    pub ephemeral_storage: Size<536_870_912, 10_737_418_240>,
    /// AWS X-Ray tracing.
    #[serde(default)]
    pub tracing: bool,
    /// The log group's name; default `/aws/lambda/<function name>`.
    #[serde(default)]
    pub log_group: Option<LogGroupName>,
    /// How long log lines are kept; one of the periods that CloudWatch Logs knows (1d, 3d, 5d, 7d, 14d, 30d, …), or `forever`.
    #[serde(default)]
    pub log_retention: LogRetention,
    /// The least severe log line that the processor writes.
    #[serde(default)]
    pub log_level: LogLevel,
    /// Concurrency set aside for this function, and its upper bound. Without it: the account's shared pool.
    #[serde(default)]
    pub reserved_concurrency: Option<Count<0, 1_000_000>>,
    /// How many messages one invocation gets.
    #[serde(default)]
    pub batch: Batch,
    /// How many invocations the queue may run at once. Without it: Lambda scales freely.
    #[serde(default)]
    pub max_concurrency: Option<Count<2, 1_000>>,
    /// `false` stops the processing: messages wait in the queue.
    #[serde(default = "Function::default_enabled")]
    pub enabled: bool,
    /// Environment variables for the function beside those pipewright sets. No secrets: name where they are kept instead.
    #[serde(default)]
    pub environment: BTreeMap<VariableName, String>,
}

impl Function {
    fn default_memory() -> Size<134_217_728, 10_737_418_240> {
        Size::of(256 * 1_048_576)
    }

    fn default_timeout() -> Seconds<1, 900> {
        Seconds::of(30)
    }

    fn default_storage() -> Size<536_870_912, 10_737_418_240> {
        Size::of(512 * 1_048_576)
    }

    fn default_enabled() -> bool {
        true
    }
}

/// Processor architectures of Lambda.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Architecture {
    /// 64-bit Intel and AMD.
    #[default]
    X86_64,
    /// 64-bit Arm (Graviton).
    Arm64,
}

/// Severity of a log line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    Debug,
    #[default]
    Info,
    Warn,
    Error,
}

/// How many messages one invocation gets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Batch {
    /// The most messages of a batch; above 10 a window is needed.
    pub size: Count<1, 10_000>,
    /// How long Lambda gathers messages for a batch.
    pub window: Seconds<0, 300>,
}

impl Default for Batch {
    fn default() -> Self {
        Self { size: Count::of(10), window: Seconds::of(0) }
    }
}
