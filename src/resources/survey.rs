//! What carries our mark, asked once for all kinds: candidates only, each confirmed by its own service's read.
//!
//! The tagging API lags, does not know every kind, and lists what was tagged once; it never decides, it only points.

use std::collections::BTreeSet;

use aws_sdk_resourcegroupstagging::types::TagFilter;
use tokio::sync::OnceCell;

use super::tags;
use crate::aws::{Aws, Called};
use crate::reconcile::CloudError;

/// The ARNs that carry our mark, asked for when the first kind wants to know.
#[derive(Debug, Default)]
pub struct Survey {
    marked: OnceCell<BTreeSet<String>>,
}

impl Survey {
    /// What follows `prefix` in every marked ARN of this service: names, for most.
    ///
    /// # Errors
    /// When the tagging API cannot be read.
    pub async fn marked(&self, aws: &Aws, service: &str, prefix: &str) -> Result<BTreeSet<String>, CloudError> {
        let start = aws.scope.arn(service, prefix);
        let arns = self.marked.get_or_try_init(|| ask(aws)).await?;
        Ok(arns.iter().filter_map(|arn| arn.strip_prefix(&start)).map(str::to_owned).collect())
    }
}

async fn ask(aws: &Aws) -> Result<BTreeSet<String>, CloudError> {
    let filter = TagFilter::builder().key(tags::PIPELINE).values(&aws.pipeline).build();
    let mut arns = BTreeSet::new();
    let mut pages = aws.tagging.get_resources().tag_filters(filter).resources_per_page(100).into_paginator().send();
    while let Some(page) = pages.next().await {
        let page = page.called("tag:GetResources", &aws.pipeline)?;
        arns.extend(
            page.resource_tag_mapping_list().iter().filter_map(|found| found.resource_arn()).map(str::to_owned),
        );
    }
    Ok(arns)
}
