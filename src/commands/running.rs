//! What every command on an applied pipeline begins with: the file and the clients. The function's sources are not
//! needed: whoever sends or watches may have the file alone.

use anyhow::Result;

use super::session::{connect, load};
use crate::aws::rows::Keyed;
use crate::aws::{Aws, identity};
use crate::cli::Global;
use crate::config::Pipeline;
use crate::reconcile::Scope;
use crate::render::Terminal;

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

    /// The table of transactions.
    pub fn keyed(&self) -> Keyed<'_> {
        Keyed { table: &self.table, key: self.pipeline.table.key.as_str() }
    }
}
