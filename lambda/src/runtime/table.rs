//! The table port on DynamoDB: conditional writes, never a read. What stands in the way comes back with the refusal.
//!
//! One `PutItem` a row, and not `BatchExecuteStatement` with 25 inserts a request, which was looked into:
//! - An insert whose key is taken answers `DuplicateItem` without the item that is there. Duplicate, conflict and our own
//!   lost answer can then be told apart only by a second request: the put, which has to stay as it is beside it.
//! - A throttled statement is an entry in a successful answer, which the client does not retry.
//! - It takes another permission (`dynamodb:PartiQLInsert`), which the local AWS does not know: that the role suffices could
//!   not be shown.
//!
//! So it saves processor time (`docs/benchmarks.md` says how much a put takes) and no waiting, for a batch's puts are
//! under way together anyway; and it makes two ways of storing out of one. Not taken.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use jiff::Timestamp;

use super::Aws;
use super::error::{entry_error, port_error};
use crate::ports::{PortError, Put, Table, Update};
use crate::row::{Attribute, Claim, Row, members};

const PUT: &str = "dynamodb:PutItem";
const UPDATE: &str = "dynamodb:UpdateItem";

impl Table for Aws {
    async fn put_new(&self, row: &Row) -> Result<Put, PortError> {
        let table = &self.settings.table;
        let result = self
            .dynamodb
            .put_item()
            .table_name(&table.name)
            .set_item(Some(item(row)))
            .condition_expression("attribute_not_exists(#key)")
            .expression_attribute_names("#key", &table.key)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match result {
            Ok(_) => Ok(Put::Stored),
            Err(error) => taken(error),
        }
    }

    async fn take_over(&self, id: &str, from: &Claim, to: &Claim) -> Result<Update, PortError> {
        self.replace(id, from, &to.pending()).await
    }

    async fn mark_sent(&self, id: &str, claim: &Claim, at: Timestamp) -> Result<Update, PortError> {
        self.replace(id, claim, &claim.sent(at)).await
    }
}

impl Aws {
    /// Replaces the announcement's state while exactly this claim is pending.
    async fn replace(&self, id: &str, from: &Claim, to: &Attribute) -> Result<Update, PortError> {
        let table = &self.settings.table;
        let condition = "#announcement.#state = :pending AND #announcement.#owner = :owner AND \
            #announcement.#expires_at = :expires_at";
        let result = self
            .dynamodb
            .update_item()
            .table_name(&table.name)
            .key(&table.key, AttributeValue::S(id.to_owned()))
            .update_expression("SET #announcement = :to")
            .condition_expression(condition)
            .expression_attribute_names("#announcement", &table.attributes.announcement)
            .expression_attribute_names("#state", members::STATE)
            .expression_attribute_names("#owner", members::OWNER)
            .expression_attribute_names("#expires_at", members::EXPIRES_AT)
            .expression_attribute_values(":to", value(to))
            .expression_attribute_values(":pending", AttributeValue::S(members::PENDING.to_owned()))
            .expression_attribute_values(":owner", AttributeValue::S(from.owner.clone()))
            .expression_attribute_values(":expires_at", AttributeValue::N(from.expires_at.to_string()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match result {
            Ok(_) => Ok(Update::Done),
            Err(error) => refused(error),
        }
    }
}

/// A failed condition shows the row that is there; any other error is one.
fn taken<R>(error: SdkError<PutItemError, R>) -> Result<Put, PortError> {
    let failed = port_error(PUT, &error);
    match error.into_service_error_or_none() {
        Some(PutItemError::ConditionalCheckFailedException(failure)) => match failure.item {
            Some(item) => Ok(Put::Taken(row(item))),
            None => Err(entry_error(PUT, "RowNotShown", failure.message.as_deref())),
        },
        _ => Err(failed),
    }
}

fn refused<R>(error: SdkError<UpdateItemError, R>) -> Result<Update, PortError> {
    let failed = port_error(UPDATE, &error);
    match error.into_service_error_or_none() {
        Some(UpdateItemError::ConditionalCheckFailedException(failure)) => Ok(Update::Refused(failure.item.map(row))),
        _ => Err(failed),
    }
}

/// The service's own error, if it is one: `into_service_error` would make one up for a timeout.
trait ServiceErrorOrNone<E> {
    fn into_service_error_or_none(self) -> Option<E>;
}

impl<E: ProvideErrorMetadata, R> ServiceErrorOrNone<E> for SdkError<E, R> {
    fn into_service_error_or_none(self) -> Option<E> {
        if let SdkError::ServiceError(service) = self { Some(service.into_err()) } else { None }
    }
}

fn item(row: &Row) -> HashMap<String, AttributeValue> {
    row.iter().map(|(name, attribute)| (name.clone(), value(attribute))).collect()
}

fn value(attribute: &Attribute) -> AttributeValue {
    match attribute {
        Attribute::Null | Attribute::Foreign => AttributeValue::Null(true),
        Attribute::Bool(value) => AttributeValue::Bool(*value),
        Attribute::Number(text) => AttributeValue::N(text.clone()),
        Attribute::Text(text) => AttributeValue::S(text.clone()),
        Attribute::List(values) => AttributeValue::L(values.iter().map(value).collect()),
        Attribute::Map(members) => {
            AttributeValue::M(members.iter().map(|(name, member)| (name.clone(), value(member))).collect())
        }
    }
}

/// An item as a row.
pub fn row(item: HashMap<String, AttributeValue>) -> Row {
    item.into_iter().map(|(name, value)| (name, attribute(value))).collect()
}

fn attribute(value: AttributeValue) -> Attribute {
    match value {
        AttributeValue::Null(_) => Attribute::Null,
        AttributeValue::Bool(value) => Attribute::Bool(value),
        AttributeValue::N(text) => Attribute::Number(text),
        AttributeValue::S(text) => Attribute::Text(text),
        AttributeValue::L(values) => Attribute::List(values.into_iter().map(attribute).collect()),
        AttributeValue::M(members) => {
            let members: BTreeMap<_, _> = members.into_iter().map(|(name, value)| (name, attribute(value))).collect();
            Attribute::Map(members)
        }
        _ => Attribute::Foreign,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use aws_sdk_dynamodb::primitives::Blob;
    use aws_sdk_dynamodb::types::AttributeValue;

    use super::{attribute, item, row};
    use crate::row::{Attribute, Row};

    #[test]
    fn a_row_is_read_as_it_was_written() {
        let map = BTreeMap::from([
            ("list".to_owned(), Attribute::List(vec![Attribute::Null, Attribute::Bool(true)])),
            ("number".to_owned(), Attribute::Number("10.5".into())),
        ]);
        let written =
            Row::from([("id".to_owned(), Attribute::Text("t-1".into())), ("map".to_owned(), Attribute::Map(map))]);
        assert_eq!(row(item(&written)), written);
    }

    #[test]
    fn types_that_are_never_written_are_foreign() {
        assert_eq!(attribute(AttributeValue::B(Blob::new([1]))), Attribute::Foreign);
        assert_eq!(attribute(AttributeValue::Ss(vec!["a".into()])), Attribute::Foreign);
    }
}
