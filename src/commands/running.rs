//! What every command on an applied pipeline begins with: the file and the clients. The function's sources are not
//! needed: whoever sends or watches may have the file alone.

use anyhow::{Result, bail};
use futures_util::future::try_join_all;

use super::session::{connect, load};
use crate::aws::rows::Keyed;
use crate::aws::{Aws, identity};
use crate::cli::Global;
use crate::config::Pipeline;
use crate::reconcile::{Address, Cloud, CloudError, Live, Owner, Scope};
use crate::render::Terminal;
use crate::resources::Blueprint;
use crate::resources::event_source_mapping::idle;

/// An applied pipeline in one account and region.
pub struct Running {
    pub pipeline: Pipeline,
    pub aws: Aws,
    table: String,
}

impl Running {
    /// Loads the file and connects; a pinned account is checked.
    ///
    /// # Errors
    /// Whatever is wrong with the file, the credentials or the local AWS.
    pub async fn open(global: &Global, terminal: &Terminal) -> Result<Self> {
        Self::of(load(global, terminal)?, global, terminal).await
    }

    /// Connects for a file that was loaded already.
    ///
    /// # Errors
    /// Whatever is wrong with the credentials or the local AWS.
    pub async fn of(pipeline: Pipeline, global: &Global, terminal: &Terminal) -> Result<Self> {
        let (config, scope, unchecked) = connect(global, &pipeline, terminal).await?;
        if unchecked {
            identity::check_account(&scope.account, &identity::scope(&config).await?)?;
        }
        let aws = Aws::new(&config, scope, pipeline.id());
        Ok(Self { table: pipeline.table_name(), pipeline, aws })
    }

    /// `` `shop-prod` in account 123456789012, region eu-west-1 ``
    pub fn place(&self) -> String {
        let Scope { account, region, .. } = &self.aws.scope;
        format!("`{}` in account {account}, region {region}", self.aws.pipeline)
    }

    /// Every name and ARN of it.
    pub fn blueprint(&self) -> Blueprint<'_> {
        Blueprint { pipeline: &self.pipeline, scope: &self.aws.scope, code: "" }
    }

    /// Checks that what a command is about to touch is there and ours.
    ///
    /// # Errors
    /// One of them is not; it cannot be read.
    pub async fn check_ours(&self, touched: impl IntoIterator<Item = Address>) -> Result<()> {
        let check = |address: Address| async move { ours(&self.aws, &address).await.map(|_| ()) };
        try_join_all(touched.into_iter().map(check)).await.map(|_| ())
    }

    /// Why what is sent stays in the queue, in words; `None`: it is processed.
    ///
    /// # Errors
    /// The mapping cannot be read.
    pub async fn idle(&self) -> Result<Option<String>, CloudError> {
        let live = self.aws.read(&self.blueprint().mapping()).await?;
        Ok(live.map_or(Some("there is no mapping from the queue to the function".into()), |live| idle(&live)))
    }

    /// The table of transactions.
    pub fn keyed(&self) -> Keyed<'_> {
        Keyed { table: &self.table, key: self.pipeline.table.key.as_str() }
    }
}

/// A part of the pipeline as it is now.
///
/// # Errors
/// It is not there, or not ours; it cannot be read.
pub async fn ours(aws: &Aws, address: &Address) -> Result<Live> {
    let Some(live) = aws.read(address).await? else {
        bail!("`{address}` does not exist\nhint: make it with `pipewright apply`");
    };
    if live.owner != Owner::Ours {
        bail!("`{address}` does not belong to this pipeline\nhint: take it over with `pipewright apply --adopt`");
    }
    Ok(live)
}
