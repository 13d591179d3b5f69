//! Items of the table by their keys, as the processor understands them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use aws_sdk_dynamodb::types::{AttributeValue, DeleteRequest, KeysAndAttributes, WriteRequest};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use pipewright_processor::row::Row;
use pipewright_processor::runtime::row;

use super::error::malformed;
use super::patience::Wait;
use super::{Aws, Called};
use crate::reconcile::{CloudError, ErrorKind};

/// DynamoDB gives this many items in one call.
const MOST_TOGETHER: usize = 100;
const MOST_CALLS: usize = 8;

/// A table, and what its key is called.
#[derive(Debug, Clone, Copy)]
pub struct Keyed<'a> {
    pub table: &'a str,
    pub key: &'a str,
}

impl Aws {
    /// The items of these ids, as they are now; what is not there is absent.
    ///
    /// # Errors
    /// The table cannot be read.
    pub async fn rows(&self, of: Keyed<'_>, ids: &BTreeSet<String>) -> Result<BTreeMap<String, Row>, CloudError> {
        let ids: Vec<_> = ids.iter().map(String::as_str).collect();
        let parts: Vec<_> = ids.chunks(MOST_TOGETHER).collect();
        let found: Vec<_> =
            stream::iter(parts).map(|part| self.some_rows(of, part)).buffer_unordered(MOST_CALLS).try_collect().await?;
        Ok(found.into_iter().flatten().collect())
    }

    async fn some_rows(&self, of: Keyed<'_>, ids: &[&str]) -> Result<Vec<(String, Row)>, CloudError> {
        let key = |id: &&str| HashMap::from([(of.key.to_owned(), AttributeValue::S((*id).to_owned()))]);
        let mut left: Vec<_> = ids.iter().map(key).collect();
        let mut found = Vec::new();
        // What does not fit one answer, or the table's capacity, comes back as not processed.
        let wait = Wait { reason: "for the table's capacity", limit: std::time::Duration::from_secs(60) };
        let busy = |error: &CloudError| error.kind == ErrorKind::Busy;
        self.insist(wait, &|_| (), busy, async || {
            let (items, rest) = self.get_items(of, std::mem::take(&mut left)).await?;
            found.extend(items);
            left = rest;
            if left.is_empty() { Ok(()) } else { Err(CloudError::new(ErrorKind::Busy, "items were not processed")) }
        })
        .await?;
        let id = |row: &Row| row.get(of.key).and_then(|id| id.as_text()).map(str::to_owned);
        Ok(found.into_iter().map(row).filter_map(|row| Some((id(&row)?, row))).collect())
    }

    /// Items, and the keys that were not processed.
    async fn get_items(&self, of: Keyed<'_>, keys: Vec<Item>) -> Result<(Vec<Item>, Vec<Item>), CloudError> {
        let wanted = KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(true).build();
        let wanted = wanted.map_err(|error| malformed("a request for items", error))?;
        let call = self.dynamodb.batch_get_item().request_items(of.table, wanted).send().await;
        let answer = call.called("dynamodb:BatchGetItem", of.table)?;
        let items = answer.responses.unwrap_or_default().remove(of.table).unwrap_or_default();
        let rest = answer.unprocessed_keys.unwrap_or_default().remove(of.table);
        Ok((items, rest.map(|rest| rest.keys).unwrap_or_default()))
    }
}

/// DynamoDB deletes this many items in one call.
const MOST_DELETED_TOGETHER: usize = 25;

impl Aws {
    /// Deletes the items of these ids; what is not there is no failure.
    ///
    /// # Errors
    /// The table cannot be written to.
    pub async fn remove_rows(&self, of: Keyed<'_>, ids: &[String]) -> Result<(), CloudError> {
        stream::iter(ids.chunks(MOST_DELETED_TOGETHER))
            .map(|part| self.remove_some_rows(of, part))
            .buffer_unordered(MOST_CALLS)
            .try_collect()
            .await
    }

    async fn remove_some_rows(&self, of: Keyed<'_>, ids: &[String]) -> Result<(), CloudError> {
        let request = |id: &String| {
            let delete = DeleteRequest::builder().key(of.key, AttributeValue::S(id.clone())).build();
            delete.map(|delete| WriteRequest::builder().delete_request(delete).build())
        };
        let requests: Result<Vec<_>, _> = ids.iter().map(request).collect();
        let mut left = requests.map_err(|error| malformed("a deletion", error))?;
        let wait = Wait { reason: "for the table's capacity", limit: std::time::Duration::from_secs(60) };
        let busy = |error: &CloudError| error.kind == ErrorKind::Busy;
        self.insist(wait, &|_| (), busy, async || {
            let call = self.dynamodb.batch_write_item().request_items(of.table, std::mem::take(&mut left)).send().await;
            let answer = call.called("dynamodb:BatchWriteItem", of.table)?;
            left = answer.unprocessed_items.unwrap_or_default().remove(of.table).unwrap_or_default();
            if left.is_empty() { Ok(()) } else { Err(CloudError::new(ErrorKind::Busy, "items were not processed")) }
        })
        .await
    }
}

type Item = HashMap<String, AttributeValue>;
