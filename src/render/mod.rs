//! From data to text: nothing in here computes what is to be done or asks anybody.

pub mod account;
pub mod chart;
pub mod dot;
pub mod flags;
pub mod gauge;
pub mod logs;
pub mod markdown;
pub mod mermaid;
pub mod page;
pub mod parked;
pub mod plan;
pub mod progress;
pub mod report;
pub mod screen;
pub mod sparkline;
pub mod status;
pub mod style;
pub mod svg;
pub mod terminal;
pub mod text;
pub mod tree;
pub mod why;

pub use style::Style;
pub use terminal::Terminal;
