//! The desired state: every resource with all its managed properties, and what must exist before it.

use std::collections::{BTreeMap, BTreeSet};

use thiserror::Error;

use super::address::{Address, Kind};
use super::diff::Property;
use super::document::Document;

/// A desired resource.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    pub address: Address,
    pub document: Document,
    /// What must exist, as desired, before this is written.
    pub after: BTreeSet<Address>,
}

/// The desired resources and their order. Acyclic, every edge leads to a node.
#[derive(Debug, Clone)]
pub struct Graph {
    nodes: BTreeMap<Address, Node>,
    properties: fn(Kind) -> &'static [Property],
}

/// Why a set of nodes is no graph: a mistake in a kind's derivation, or two parts of the file under one name.
#[derive(Debug, Error, PartialEq)]
pub enum GraphError {
    #[error("two parts of the pipeline resolve to `{0}`\nhint: give one of them another `name:`")]
    Twice(Address),
    #[error("`{from}` needs `{to}`, which is not part of the pipeline")]
    Dangling { from: Address, to: Address },
    #[error("`{0}` needs itself, by way of what it needs")]
    Circle(Address),
}

impl Graph {
    /// # Errors
    /// Two nodes at one address, an edge to nothing, a circle.
    pub fn new(
        nodes: impl IntoIterator<Item = Node>,
        properties: fn(Kind) -> &'static [Property],
    ) -> Result<Self, GraphError> {
        let mut by_address = BTreeMap::new();
        for node in nodes {
            let address = node.address.clone();
            if by_address.insert(address.clone(), node).is_some() {
                return Err(GraphError::Twice(address));
            }
        }
        let graph = Self { nodes: by_address, properties };
        graph.check_edges()?;
        Ok(graph)
    }

    /// The desired state of `destroy`: nothing.
    pub fn empty(properties: fn(Kind) -> &'static [Property]) -> Self {
        Self { nodes: BTreeMap::new(), properties }
    }

    pub fn get(&self, address: &Address) -> Option<&Node> {
        self.nodes.get(address)
    }

    pub fn nodes(&self) -> impl Iterator<Item = &Node> {
        self.nodes.values()
    }

    pub fn addresses(&self) -> BTreeSet<Address> {
        self.nodes.keys().cloned().collect()
    }

    /// What is unusual about the properties of a kind.
    pub fn unusual(&self, kind: Kind) -> &'static [Property] {
        (self.properties)(kind)
    }

    fn check_edges(&self) -> Result<(), GraphError> {
        for node in self.nodes.values() {
            if let Some(to) = node.after.iter().find(|to| !self.nodes.contains_key(to)) {
                return Err(GraphError::Dangling { from: node.address.clone(), to: to.clone() });
            }
        }
        let mut placed: BTreeSet<&Address> = BTreeSet::new();
        while placed.len() < self.nodes.len() {
            let free: Vec<_> = self
                .nodes
                .values()
                .filter(|node| !placed.contains(&node.address) && node.after.iter().all(|to| placed.contains(to)))
                .map(|node| &node.address)
                .collect();
            if free.is_empty() {
                let stuck = self.nodes.keys().find(|address| !placed.contains(address));
                return stuck.map_or(Ok(()), |address| Err(GraphError::Circle(address.clone())));
            }
            placed.extend(free);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(name: &str, after: &[&str]) -> Node {
        let address = |name: &str| Address::new(Kind::Topic, name);
        Node {
            address: address(name),
            document: Document::default(),
            after: after.iter().map(|name| address(name)).collect(),
        }
    }

    fn graph(nodes: Vec<Node>) -> Result<Graph, GraphError> {
        Graph::new(nodes, |_| &[])
    }

    #[test]
    fn two_nodes_at_one_address_are_refused() {
        let address = Address::new(Kind::Topic, "a");
        assert_eq!(graph(vec![node("a", &[]), node("a", &[])]).unwrap_err(), GraphError::Twice(address));
    }

    #[test]
    fn an_edge_to_nothing_is_refused() {
        assert!(matches!(graph(vec![node("a", &["b"])]).unwrap_err(), GraphError::Dangling { .. }));
    }

    #[test]
    fn a_circle_is_refused() {
        let nodes = vec![node("a", &["b"]), node("b", &["c"]), node("c", &["a"])];
        assert!(matches!(graph(nodes).unwrap_err(), GraphError::Circle(_)));
    }
}
