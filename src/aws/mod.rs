//! AWS as pipewright uses it: clients that share one HTTP client, identity, errors in words, rates and patience.
//!
//! Only this folder, `resources`, `local` and the processor's runtime know the AWS SDK; a test keeps it so.

pub mod alarms;
pub mod clients;
pub mod error;
pub mod facts;
pub mod following;
pub mod identity;
pub mod listening;
pub mod log_lines;
pub mod metrics;
pub mod moving;
pub mod patience;
pub mod peeking;
pub mod purging;
pub mod rates;
pub mod redriving;
pub mod rows;
pub mod sending;
pub mod sweep;
pub mod trial;
pub mod writes;

use std::collections::BTreeSet;
use std::path::PathBuf;

use aws_types::SdkConfig;

pub use error::Called;
pub use patience::Pace;

use crate::package::Artifact;
use crate::reconcile::Scope;

/// One account and region, seen as one pipeline sees it.
#[derive(Debug)]
pub struct Aws {
    pub scope: Scope,
    /// The value of the ownership tag: `<pipeline>[-<environment>]`.
    pub pipeline: String,
    /// Tag keys that others manage: never shown, never touched.
    pub ignored_tags: BTreeSet<String>,
    /// The log group that Lambda makes for this pipeline's function by itself.
    pub function_log_group: Option<String>,
    /// The function's code, built when it is first needed.
    pub artifact: Option<Artifact>,
    pub pace: Pace,
    pub sqs: aws_sdk_sqs::Client,
    pub sns: aws_sdk_sns::Client,
    pub dynamodb: aws_sdk_dynamodb::Client,
    pub iam: aws_sdk_iam::Client,
    pub lambda: aws_sdk_lambda::Client,
    pub cloudwatch: aws_sdk_cloudwatch::Client,
    pub logs: aws_sdk_cloudwatchlogs::Client,
    pub tagging: aws_sdk_resourcegroupstagging::Client,
}

impl Aws {
    pub fn new(config: &SdkConfig, scope: Scope, pipeline: impl Into<String>) -> Self {
        Self {
            scope,
            pipeline: pipeline.into(),
            ignored_tags: BTreeSet::new(),
            function_log_group: None,
            artifact: None,
            pace: Pace::Real,
            sqs: aws_sdk_sqs::Client::new(config),
            sns: aws_sdk_sns::Client::new(config),
            dynamodb: aws_sdk_dynamodb::Client::new(config),
            iam: aws_sdk_iam::Client::new(config),
            lambda: aws_sdk_lambda::Client::new(config),
            cloudwatch: aws_sdk_cloudwatch::Client::new(config),
            logs: aws_sdk_cloudwatchlogs::Client::new(config),
            tagging: aws_sdk_resourcegroupstagging::Client::new(config),
        }
    }

    /// The URL that AWS gives a queue of this account and region. It names the queue on every endpoint.
    pub fn queue_url(&self, name: &str) -> String {
        queue_url(&self.scope, name)
    }
}

/// The URL of a queue, computed: it is known before the queue exists.
pub fn queue_url(scope: &Scope, name: &str) -> String {
    let domain = if scope.partition == "aws-cn" { "amazonaws.com.cn" } else { "amazonaws.com" };
    format!("https://sqs.{}.{domain}/{}/{name}", scope.region, scope.account)
}

/// The folder that paths in a pipeline's file are relative to.
pub fn folder_of(file: &std::path::Path) -> PathBuf {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_path_buf(),
        Some(_) | None => PathBuf::from("."),
    }
}
