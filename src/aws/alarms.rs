//! Live alarms as drills see them: their state, and setting it.

use std::collections::BTreeSet;

use aws_sdk_cloudwatch::types::StateValue;

use super::{Aws, Called};
use crate::reconcile::CloudError;

/// An alarm as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveAlarm {
    /// `OK`, `ALARM` or `INSUFFICIENT_DATA`.
    pub state: String,
    pub reason: String,
    pub has_actions: bool,
    /// ARNs, by the state that the alarm enters: most are of topics, but it may also stop an instance, say.
    pub alarm_actions: BTreeSet<String>,
    pub ok_actions: BTreeSet<String>,
    pub insufficient_data_actions: BTreeSet<String>,
}

/// The state of an alarm that is off.
pub const ALARM: &str = "ALARM";

impl Aws {
    /// An alarm; `None`: there is none of this name.
    ///
    /// # Errors
    /// CloudWatch cannot be read.
    pub async fn alarm(&self, name: &str) -> Result<Option<LiveAlarm>, CloudError> {
        let call = self.cloudwatch.describe_alarms().alarm_names(name).send().await;
        let found = call.called("cloudwatch:DescribeAlarms", name)?.metric_alarms.unwrap_or_default();
        let set = |actions: Option<Vec<String>>| actions.unwrap_or_default().into_iter().collect();
        Ok(found.into_iter().next().map(|alarm| LiveAlarm {
            state: alarm.state_value.map(|state| state.as_str().to_owned()).unwrap_or_default(),
            reason: alarm.state_reason.unwrap_or_default(),
            has_actions: alarm.actions_enabled.unwrap_or_default(),
            alarm_actions: set(alarm.alarm_actions),
            ok_actions: set(alarm.ok_actions),
            insufficient_data_actions: set(alarm.insufficient_data_actions),
        }))
    }

    /// Sets an alarm's state, until CloudWatch evaluates it again.
    ///
    /// # Errors
    /// CloudWatch refuses.
    pub async fn set_alarm(&self, name: &str, state: &str, reason: &str) -> Result<(), CloudError> {
        let call = self.cloudwatch.set_alarm_state().alarm_name(name).state_value(StateValue::from(state));
        call.state_reason(reason).send().await.called("cloudwatch:SetAlarmState", name).map(|_| ())
    }
}
