//! Connections, opened before the first batch is asked for.
//!
//! Lambda gives the start of an environment more processor time than a small function ever sees again, and with
//! provisioned concurrency it happens before anybody waits: so names are resolved and keys agreed on here, not under
//! the first batch. What is sent is `GET /`, the question whether somebody is there: it needs no permission, changes
//! nothing and costs nothing. It goes through the very clients that work later, so that the connections are theirs.

use std::time::Duration;

use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use futures_util::future::{join_all, join3};

use super::Aws;

/// As many puts as a batch of the usual size makes at once.
const TO_THE_TABLE: usize = 10;
/// What is slower than this is not waited for: the first batch then finds what is there.
const PATIENCE: Duration = Duration::from_secs(1);

impl Aws {
    /// Opens connections to the table, the topic and the quarantine queue, side by side. A failure is none of this
    /// function's business: it will be met again, and told, by whoever needs the connection.
    pub async fn connect(&self) {
        let table = join_all((0..TO_THE_TABLE).map(|_| self.connect_to_table()));
        let topic = async {
            if self.settings.large_orders.is_some() {
                self.connect_to_topic().await;
            }
        };
        let _ = tokio::time::timeout(PATIENCE, join3(table, topic, self.connect_to_quarantine())).await;
    }

    async fn connect_to_table(&self) {
        let call = self.dynamodb.put_item().table_name(&self.settings.table.name).customize().mutate_request(is_there);
        let once = aws_sdk_dynamodb::Config::builder().retry_config(RetryConfig::disabled());
        let _ = call.config_override(once).send().await;
    }

    async fn connect_to_topic(&self) {
        let call = self.sns.publish_batch().customize().mutate_request(is_there);
        let once = aws_sdk_sns::Config::builder().retry_config(RetryConfig::disabled());
        let _ = call.config_override(once).send().await;
    }

    async fn connect_to_quarantine(&self) {
        let call = self.sqs.send_message_batch().customize().mutate_request(is_there);
        let once = aws_sdk_sqs::Config::builder().retry_config(RetryConfig::disabled());
        let _ = call.config_override(once).send().await;
    }
}

/// Turns any request into the question whether somebody is there.
fn is_there(request: &mut HttpRequest) {
    // `GET` is a method: this cannot fail.
    let _ = request.set_method("GET");
    *request.body_mut() = SdkBody::empty();
    for header in ["x-amz-target", "content-type", "content-length"] {
        request.headers_mut().remove(header);
    }
}
