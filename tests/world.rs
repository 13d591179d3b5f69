//! Small worlds for tests: a pipeline's graph, and live AWS as if it had been applied.

use std::collections::BTreeMap;

use pipewright::config::{self, Pipeline};
use pipewright::reconcile::{Address, Graph, Live, Scope};
use pipewright::resources::{Blueprint, desired};

pub fn scope() -> Scope {
    Scope { partition: "aws".into(), account: "123456789012".into(), region: "eu-west-1".into() }
}

pub fn pipeline(yaml: &str) -> Pipeline {
    match config::load_text("pipeline.yaml", yaml, None) {
        Ok(loaded) => loaded.pipeline,
        Err(problems) => panic!("{}", problems.render(false)),
    }
}

pub fn graph(pipeline: &Pipeline, code: &str) -> Graph {
    desired(&Blueprint { pipeline, scope: &scope(), code }).unwrap()
}

/// Live AWS, as an apply of this graph leaves it.
pub fn applied(graph: &Graph) -> BTreeMap<Address, Live> {
    graph.nodes().map(|node| (node.address.clone(), Live::ours(node.document.clone()))).collect()
}
