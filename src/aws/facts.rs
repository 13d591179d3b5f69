//! Small questions about a live pipeline.

use aws_sdk_sqs::types::QueueAttributeName;
use pipewright_processor::contract::Settings;

use super::{Aws, Called};
use crate::reconcile::CloudError;

impl Aws {
    /// About how many messages wait in a queue or are being processed.
    ///
    /// # Errors
    /// The queue cannot be read.
    pub async fn waiting(&self, queue: &str) -> Result<u64, CloudError> {
        let wanted = [
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
            QueueAttributeName::ApproximateNumberOfMessagesDelayed,
        ];
        let call = self.sqs.get_queue_attributes().queue_url(self.queue_url(queue));
        let call = call.set_attribute_names(Some(wanted.to_vec())).send().await;
        let attributes = call.called("sqs:GetQueueAttributes", queue)?.attributes.unwrap_or_default();
        let count = |name: &QueueAttributeName| attributes.get(name).and_then(|text| text.parse::<u64>().ok());
        Ok(wanted.iter().filter_map(count).sum())
    }

    /// The settings that the live function has. `None`: there is no function, or they are not ours.
    ///
    /// # Errors
    /// The function cannot be read.
    pub async fn live_settings(&self, function: &str) -> Result<Option<Settings>, CloudError> {
        let call = self.lambda.get_function_configuration().function_name(function).send().await;
        let Some(live) = call.called_or_absent("lambda:GetFunctionConfiguration", function)? else { return Ok(None) };
        let variables = live.environment.and_then(|environment| environment.variables).unwrap_or_default();
        Ok(Settings::from_environment(|name| variables.get(name).cloned()).ok())
    }
}
