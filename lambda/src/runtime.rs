//! The ports bound to AWS, and the loop that serves Lambda.

mod clients;
mod connect;
mod environment;
mod error;
mod quarantine;
mod serve;
mod table;
mod topic;

use aws_sdk_dynamodb::Client as Dynamodb;
use aws_sdk_sns::Client as Sns;
use aws_sdk_sqs::Client as Sqs;
use jiff::Timestamp;

use crate::contract::Settings;
use crate::ports::Clock;

pub use clients::ClientsError;
pub use environment::Environment;
pub use serve::serve;
pub use table::row;

/// AWS as the processor sees it.
#[derive(Debug, Clone)]
pub struct Aws {
    settings: Settings,
    dynamodb: Dynamodb,
    sns: Sns,
    sqs: Sqs,
}

impl Clock for Aws {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}
