//! The proof that the local AWS understands the Rust clients.
//!
//! They speak to CloudWatch in CBOR alone; without the Python package `cbor2` MiniStack answers "done" to
//! PutMetricAlarm and stores an alarm without a name. So one alarm is put, read back and deleted, in an account that
//! no pipeline uses.

use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::error::DisplayErrorContext;
use aws_sdk_cloudwatch::types::{ComparisonOperator, MetricAlarm, Statistic};

use super::clients::sdk_config;

const ACCOUNT: &str = "999999999999";
const NAME: &str = "pipewright-proof";
const THRESHOLD: f64 = 41.5;

/// Puts, reads and deletes an alarm; the error says what went wrong.
pub async fn prove(endpoint: &str) -> Result<(), String> {
    let client = Client::new(&sdk_config(endpoint, Some(ACCOUNT), "us-east-1"));
    put(&client).await?;
    let alarms = describe(&client).await?;
    delete(&client).await?;
    match alarms.first() {
        Some(alarm) if alarm.alarm_name() == Some(NAME) && alarm.threshold() == Some(THRESHOLD) => Ok(()),
        Some(_) => Err("the alarm it gives back is not the one that was put".to_owned()),
        None => Err("the alarm that was put is not there".to_owned()),
    }
}

async fn put(client: &Client) -> Result<(), String> {
    client
        .put_metric_alarm()
        .alarm_name(NAME)
        .namespace("pipewright")
        .metric_name("Proof")
        .statistic(Statistic::Sum)
        .period(60)
        .evaluation_periods(1)
        .threshold(THRESHOLD)
        .comparison_operator(ComparisonOperator::GreaterThanThreshold)
        .send()
        .await
        .map_err(|error| format!("PutMetricAlarm: {}", DisplayErrorContext(error)))?;
    Ok(())
}

async fn describe(client: &Client) -> Result<Vec<MetricAlarm>, String> {
    let answer = client
        .describe_alarms()
        .alarm_names(NAME)
        .send()
        .await
        .map_err(|error| format!("DescribeAlarms: {}", DisplayErrorContext(error)))?;
    Ok(answer.metric_alarms.unwrap_or_default())
}

async fn delete(client: &Client) -> Result<(), String> {
    client
        .delete_alarms()
        .alarm_names(NAME)
        .send()
        .await
        .map_err(|error| format!("DeleteAlarms: {}", DisplayErrorContext(error)))?;
    Ok(())
}
