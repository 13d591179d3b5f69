//! What every command against AWS begins with: the file, the clients, the desired state, the code's identity.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail};
use aws_types::SdkConfig;

use crate::aws::{Aws, clients, folder_of, identity};
use crate::cli::{Allow, Global, MayBeLost};
use crate::config::{self, Pipeline};
use crate::local;
use crate::package::{Artifact, Source, Target};
use crate::reconcile::plan::DataLoss;
use crate::reconcile::{Cloud, CloudError, Graph, Options, Plan, Scope, Snapshot};
use crate::render::Terminal;
use crate::resources::outlook::outlook;
use crate::resources::{self, Blueprint};

/// One pipeline in one account and region.
pub struct Session {
    pub pipeline: Pipeline,
    pub aws: Aws,
    pub graph: Graph,
    /// The clients' settings, for what lies beside the pipeline.
    pub config: SdkConfig,
    /// Whether AWS has still to be asked if the credentials are those of the pinned account.
    unchecked: bool,
}

/// What a plan was made from.
pub struct Planned {
    pub plan: Plan,
    pub snapshot: Snapshot,
}

impl Session {
    /// Loads the file, connects, and derives the desired state.
    ///
    /// # Errors
    /// Whatever is wrong with the file, the credentials, the function's sources or the local AWS.
    pub async fn open(global: &Global, terminal: &Terminal) -> Result<Self> {
        let identify = |artifact: &Artifact| artifact.identity().context("the function's code cannot be identified");
        Self::open_with(global, terminal, identify).await
    }

    /// The same for what only runs the pipeline: the function's code need not be at hand, and is not compared.
    ///
    /// # Errors
    /// As for `open`, but for the sources.
    pub async fn open_without_code(global: &Global, terminal: &Terminal) -> Result<Self> {
        Self::open_with(global, terminal, |_| Ok(String::new())).await
    }

    async fn open_with(
        global: &Global,
        terminal: &Terminal,
        identify: impl Fn(&Artifact) -> Result<String>,
    ) -> Result<Self> {
        let pipeline = load(global, terminal)?;
        let (config, scope, unchecked) = connect(global, &pipeline, terminal).await?;
        let artifact = artifact(global, &pipeline);
        let code = identify(&artifact)?;
        let graph = resources::desired(&Blueprint { pipeline: &pipeline, scope: &scope, code: &code })?;
        let aws = Aws {
            ignored_tags: pipeline.ignore_tags.iter().map(ToString::to_string).collect(),
            function_log_group: Some(format!("/aws/lambda/{}", pipeline.function_name())),
            artifact: Some(artifact),
            ..Aws::new(&config, scope, pipeline.id())
        };
        Ok(Self { pipeline, aws, graph, config, unchecked })
    }

    /// Reads live AWS and compares. With a pinned account the question who we are goes beside the first reads.
    ///
    /// # Errors
    /// AWS cannot be read, or is another account than the pinned one.
    pub async fn plan(&self, desired: &Graph, options: &Options) -> Result<Planned, CloudError> {
        let wanted: BTreeSet<_> = self.graph.addresses();
        // Identity first: reads with the wrong account's credentials fail too, with words that lead astray.
        let (checked, snapshot) = tokio::join!(self.check_account(), self.aws.snapshot(&wanted));
        checked?;
        let mut snapshot = snapshot?;
        let plan = |snapshot: &Snapshot| Plan::new(&self.aws.pipeline, &self.aws.scope, desired, snapshot, options);
        let first = plan(&snapshot);
        let outlook = outlook(&self.aws, &first).await;
        if outlook.is_empty() {
            return Ok(Planned { plan: first, snapshot });
        }
        snapshot.findings.extend(outlook);
        Ok(Planned { plan: plan(&snapshot), snapshot })
    }

    /// Asks AWS whether the credentials are those of the pinned account, where that is not known yet.
    ///
    /// # Errors
    /// They are another account's, or none.
    pub async fn check_account(&self) -> Result<(), CloudError> {
        if !self.unchecked {
            return Ok(());
        }
        identity::check_account(&self.aws.scope.account, &identity::scope(&self.config).await?)
    }

    /// `shop-prod in 123456789012 / eu-west-1`
    pub fn place(&self) -> String {
        let Scope { account, region, .. } = &self.aws.scope;
        format!("`{}` in account {account}, region {region}", self.aws.pipeline)
    }
}

/// The file, with its warnings said.
///
/// # Errors
/// Everything that is wrong with it, rendered.
pub fn load(global: &Global, terminal: &Terminal) -> Result<Pipeline> {
    match config::load(&global.file, global.env.as_deref()) {
        Ok(loaded) => {
            if !loaded.warnings.is_empty() {
                terminal.talk(loaded.warnings.render(terminal.style().has_colour()).trim_end());
            }
            Ok(loaded.pipeline)
        }
        Err(problems) => Err(super::Rendered(problems.render(terminal.style().has_colour())).into()),
    }
}

/// What the command line allows, for the planner.
pub fn options(global: &Global, allow: &Allow) -> Options {
    Options {
        adopt: allow.adopt,
        resume: allow.resume,
        allow_data_loss: data_loss(&allow.allow_data_loss),
        gap: if global.local { Some(resources::gaps::local) } else { None },
    }
}

fn data_loss(allowed: &[MayBeLost]) -> DataLoss {
    if allowed.contains(&MayBeLost::All) {
        return DataLoss::All;
    }
    let addresses: BTreeSet<_> = allowed
        .iter()
        .filter_map(|one| match one {
            MayBeLost::One(address) => Some(address.clone()),
            MayBeLost::All => None,
        })
        .collect();
    if addresses.is_empty() { DataLoss::None } else { DataLoss::Of(addresses) }
}

/// Where the function's code comes from.
pub fn artifact(global: &Global, pipeline: &Pipeline) -> Artifact {
    let folder = folder_of(&global.file);
    let function = &pipeline.function;
    Artifact::new(match (&function.zip, &function.source) {
        (Some(zip), _) => Source::Zip { file: folder.join(zip), architecture: function.architecture },
        (None, source) => {
            let target = if global.local { Target::Host } else { Target::Lambda(function.architecture) };
            Source::Package { folder: folder.join(source.as_deref().unwrap_or(".")), target }
        }
    })
}

/// Clients and scope; whether the account is only pinned so far, not asked for.
pub async fn connect(global: &Global, pipeline: &Pipeline, terminal: &Terminal) -> Result<(SdkConfig, Scope, bool)> {
    let region = region(global, pipeline)?;
    let account = pipeline.account.as_ref().map(|account| account.as_str());
    if global.local {
        let folder = folder_of(&global.file);
        let local = local::start(&folder, &|progress| terminal.talk(&progress.to_string())).await?;
        let region = region.unwrap_or_else(|| "us-east-1".into());
        let config = local::sdk_config(local.endpoint(), account, &region);
        let scope = identity::pinned(account.unwrap_or(local::ACCOUNT), &region);
        return Ok((config, scope, false));
    }
    let settings =
        clients::Settings { profile: global.profile.clone(), region, endpoint_url: global.endpoint_url.clone() };
    let config = clients::sdk_config(&settings).await?;
    match account {
        Some(account) => {
            let region = config.region().map(ToString::to_string).unwrap_or_default();
            Ok((config, identity::pinned(account, &region), true))
        }
        None => {
            let scope = identity::scope(&config).await?;
            Ok((config, scope, false))
        }
    }
}

/// The file's pin, else what the command line says; the two must not contradict each other.
fn region(global: &Global, pipeline: &Pipeline) -> Result<Option<String>> {
    match (&pipeline.region, &global.region) {
        (Some(pinned), Some(asked)) if pinned.as_str() != asked => bail!(
            "the file pins region `{pinned}`, but `--region {asked}` was given\nhint: leave one of them out; a second region is a second environment"
        ),
        (Some(pinned), _) => Ok(Some(pinned.to_string())),
        (None, asked) => Ok(asked.clone()),
    }
}
