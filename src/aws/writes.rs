//! Writes of a drill: marked items that take a known number of capacity units, and no retry that would hide a refusal.

use std::collections::HashMap;

use aws_sdk_cloudwatch::types::{Dimension, Statistic};
use aws_sdk_dynamodb::types::AttributeValue;
use aws_smithy_types::DateTime;
use aws_smithy_types::retry::RetryConfig;
use jiff::Timestamp;

use super::rows::Keyed;
use super::{Aws, Called};
use crate::reconcile::CloudError;

/// One write capacity unit is a write of up to so many bytes.
const UNIT_BYTES: usize = 1_024;
/// Room for names and the key, so that an item stays within its units.
const NAMES_BYTES: usize = 200;

/// A marked item.
#[derive(Debug, Clone)]
pub struct Marked<'a> {
    pub id: &'a str,
    pub units: u32,
    /// The attribute that lets it expire, should nobody come to remove it, and when: seconds since 1970.
    pub expiry: Option<(&'a str, i64)>,
}

impl Aws {
    /// Writes one marked item.
    ///
    /// # Errors
    /// DynamoDB refuses; for lack of capacity, too, at once.
    pub async fn write_marked(&self, of: Keyed<'_>, item: &Marked<'_>) -> Result<(), CloudError> {
        let filler = usize::try_from(item.units).unwrap_or(1) * UNIT_BYTES - NAMES_BYTES;
        let mut attributes = HashMap::from([
            (of.key.to_owned(), AttributeValue::S(item.id.to_owned())),
            ("drill".to_owned(), AttributeValue::Bool(true)),
            ("filler".to_owned(), AttributeValue::S("x".repeat(filler))),
        ]);
        if let Some((attribute, at)) = item.expiry {
            attributes.insert(attribute.to_owned(), AttributeValue::N(at.to_string()));
        }
        let call = self.dynamodb.put_item().table_name(of.table).set_item(Some(attributes)).customize();
        let no_retries = aws_sdk_dynamodb::config::Builder::new().retry_config(RetryConfig::disabled());
        call.config_override(no_retries).send().await.called("dynamodb:PutItem", of.table).map(|_| ())
    }

    /// How many writes to a table were refused for lack of capacity since then, as far as CloudWatch knows.
    ///
    /// # Errors
    /// CloudWatch cannot be read.
    pub async fn refused_writes(&self, table: &str, since: Timestamp) -> Result<f64, CloudError> {
        let dimension = Dimension::builder().name("TableName").value(table).build();
        let call = self
            .cloudwatch
            .get_metric_statistics()
            .namespace("AWS/DynamoDB")
            .metric_name("WriteThrottleEvents")
            .dimensions(dimension)
            .statistics(Statistic::Sum)
            .period(60)
            .start_time(DateTime::from_secs(since.as_second()))
            .end_time(DateTime::from_secs(Timestamp::now().as_second() + 1))
            .send()
            .await;
        let points = call.called("cloudwatch:GetMetricStatistics", table)?.datapoints.unwrap_or_default();
        Ok(points.iter().filter_map(|point| point.sum).sum())
    }
}
