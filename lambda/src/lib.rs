//! The processor of a pipewright pipeline.

pub mod contract;
pub mod currency;
