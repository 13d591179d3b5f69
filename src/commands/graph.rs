//! `graph`: the pipeline drawn, as the file says or as it is.

use anyhow::{Result, bail};
use jiff::Timestamp;

use super::Exit;
use super::session::{Session, load, options};
use crate::aws::identity;
use crate::cli::{Allow, Global, Graph as Arguments, GraphFormat};
use crate::operate::drawing::Drawing;
use crate::operate::health::{Read, Status};
use crate::operate::series::{Metrics, Window};
use crate::render::parked::Sheet;
use crate::render::{Terminal, dot, mermaid, svg, tree};
use crate::resources::{Blueprint, desired};

pub async fn run(global: &Global, arguments: &Arguments, terminal: &Terminal) -> Result<Exit> {
    let drawing = if arguments.live { live(global, terminal).await? } else { configured(global, terminal)? };
    terminal.answer(&match arguments.format {
        GraphFormat::Svg => svg::file(&drawing),
        GraphFormat::Mermaid => mermaid::drawing(&drawing),
        GraphFormat::Dot => dot::drawing(&drawing),
        GraphFormat::Text => {
            let sheet = Sheet { style: terminal.answer_style(), width: terminal.answer_width() };
            tree::drawing(&drawing, sheet)
        }
    });
    Ok(Exit::Done)
}

/// Asks nobody: what the file leaves open (the account, the region) shows in no drawing.
fn configured(global: &Global, terminal: &Terminal) -> Result<Drawing> {
    let pipeline = load(global, terminal)?;
    let region = pipeline.region.as_ref().map_or("us-east-1", |region| region.as_str());
    let account = pipeline.account.as_ref().map_or("000000000000", |account| account.as_str());
    let scope = identity::pinned(account, region);
    let graph = desired(&Blueprint { pipeline: &pipeline, scope: &scope, code: "" })?;
    Ok(Drawing::of(&pipeline.id(), graph.nodes().map(|node| (&node.address, &node.document))))
}

async fn live(global: &Global, terminal: &Terminal) -> Result<Drawing> {
    let session = Session::open(global, terminal).await?;
    let planned = session.plan(&session.graph, &options(global, &Allow::default())).await?;
    let now = Timestamp::now();
    let status = Status::of(Read {
        pipeline: &session.pipeline,
        plan: &planned.plan,
        snapshot: &planned.snapshot,
        metrics: Ok(&Metrics::new()),
        recent: &Metrics::new(),
        gap: None,
        window: Window::last(1, now),
        at: now,
    });
    if !status.applied {
        bail!(
            "nothing of {} is there\nhint: `pipewright apply` makes it; without `--live` it is drawn as the file says",
            session.place()
        );
    }
    Ok(Drawing::live(&session.aws.pipeline, &session.graph, &planned.snapshot).with(&status))
}
